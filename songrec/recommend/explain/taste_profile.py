"""A listener's taste as figures and words: what stands out, which tastes, what dislikes teach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from songrec.core.types import Space
from songrec.recommend.explain import phrases as words
from songrec.recommend.explain.attribute_ranks import Sheet
from songrec.recommend.query import Rows, Taste, distances
from songrec.recommend.taste.density import tastes
from songrec.recommend.taste.scorer import known

TYPICAL = 4
TELLING = 3
STANDS_OUT = 0.15
"""Medians this far (as a share of the catalogue) from its middle are worth a word."""
HEARD: dict[str, float] = {
    "duration": 30_000.0,
    **{name: gap / 2 for name, gap in words.MUCH_THE_SAME.items()},
}
"""Smaller differences, in the attribute's own unit, are no lesson however the ranks differ."""
UNTELLING = frozenset({"explicit", "popularity", "variance"})


@dataclass(frozen=True)
class OneTaste:
    """One of a listener's tastes: in words, how many likes, the most typical of them (ids)."""

    words: str
    size: int
    typical: tuple[int, ...]


@dataclass(frozen=True)
class Lesson:
    """One thing that dislikes teach: a clause with its figures."""

    text: str
    gap: float


@dataclass(frozen=True)
class Portrait:
    """``median`` of the likes by attribute, the taste in ``words``, ``tastes``, ``lessons``."""

    median: dict[str, float]
    words: str
    tastes: tuple[OneTaste, ...]
    lessons: tuple[Lesson, ...]
    counted: int


def portrait(space: Space, likes: Sequence[int], dislikes: Sequence[int] = ()) -> Portrait | None:
    """The portrait of likes and dislikes (track ids); None where no like is in the space.

    Tastes are those that the method ``taste`` keeps apart (``taste_density.tastes``), each with
    the likes nearest to its own middle.
    """
    taste = Taste.of(space, list(likes), list(dislikes))
    if not len(taste.likes) or not space.columns:
        return None
    rule = known(space)
    groups = tastes(rule.belief, rule.points(taste.likes))
    return Portrait(
        median=_medians(space, taste.likes),
        words=in_words(space, taste.likes),
        tastes=tuple(_one(space, taste.likes[group]) for group in groups),
        lessons=_lessons(space, taste.likes, taste.dislikes),
        counted=len(taste.likes),
    )


def in_words(space: Space, rows: Rows) -> str:
    """What these songs have in common and the catalogue has not: ``calm, acoustic and slow``.

    At most ``TELLING`` adjectives, by how far the median stands from the catalogue's middle; empty
    where nothing stands out.
    """
    sheet = Sheet.of(space, rows).middle(space)
    told = []
    for column, name in enumerate(sheet.names):
        rank, value = float(sheet.ranks[0, column]), float(sheet.values[0, column])
        if name in UNTELLING or name not in words.ADJECTIVES or not np.isfinite(rank):
            continue
        if name in sheet.stored and name in words.BORNE_OUT:
            most, least = words.BORNE_OUT[name]
            if not (value >= least if rank >= 0.5 else value <= most):
                continue
        gap = abs(rank - 0.5) * words.INTEREST.get(name, 1.0)
        if gap >= STANDS_OUT:
            told.append((gap, words.ADJECTIVES[name][rank >= 0.5]))
    told.sort(key=lambda pair: -pair[0])
    return words.joined([word for _, word in told[:TELLING]])


def _medians(space: Space, rows: Rows) -> dict[str, float]:
    values = space.values[rows].astype(np.float64)
    return {
        name: float(np.nanmedian(values[:, column]))
        for column, name in enumerate(space.value_names)
        if np.isfinite(values[:, column]).any()
    }


def _one(space: Space, rows: Rows) -> OneTaste:
    vectors = space.matrix[rows].astype(np.float64)
    order = np.argsort(distances(vectors, vectors.mean(axis=0)), kind="stable")
    typical = tuple(space.track_ids[rows[order[:TYPICAL]]].tolist())
    return OneTaste(in_words(space, rows), len(rows), typical)


def _lessons(space: Space, likes: Rows, dislikes: Rows) -> tuple[Lesson, ...]:
    """Where the median dislike differs most from the median like, the largest gap first."""
    if not len(dislikes):
        return ()
    good, bad = (Sheet.of(space, rows).middle(space) for rows in (likes, dislikes))
    found = []
    for column, name in enumerate(good.names):
        trait = bad.trait(0, good, 0, column)
        if name in UNTELLING or not trait.is_known:
            continue
        gap = abs(trait.rank - trait.other_rank)
        apart = abs(trait.value - trait.other)
        if gap >= STANDS_OUT and (not trait.is_stored or apart >= HEARD.get(name, 0.0)):
            found.append(Lesson(words.differing(trait), gap))
    found.sort(key=lambda lesson: -lesson.gap)
    return tuple(found[:TELLING])
