"""A listener's taste as figures and words: what stands out, which tastes, what dislikes teach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from songrec.core.types import Space
from songrec.recommend.explain import phrases
from songrec.recommend.explain.attribute_ranks import AttributeTable
from songrec.recommend.query import Query
from songrec.recommend.taste.density import split_into_tastes
from songrec.recommend.taste.scorer import model_for
from songrec.recommend.top_k import Rows, distances

N_TYPICAL = 4
MAX_TRAITS = 3
MIN_RANK_GAP = 0.15
"""Medians this far (as a share of the catalogue) from its middle are worth a word."""
MIN_VALUE_GAP: dict[str, float] = {
    "duration": 30_000.0,
    **{name: gap / 2 for name, gap in phrases.SIMILAR_WITHIN.items()},
}
"""Smaller differences, in the attribute's own unit, are no lesson however the ranks differ."""
NOT_DESCRIBED = frozenset({"explicit", "popularity", "variance"})


@dataclass(frozen=True)
class TasteSummary:
    """One of a listener's tastes: description, number of likes, most typical likes (ids)."""

    description: str
    size: int
    typical: tuple[int, ...]


@dataclass(frozen=True)
class DislikeContrast:
    """One thing that dislikes teach: a clause with its figures."""

    text: str
    gap: float


@dataclass(frozen=True)
class TasteProfile:
    """``median`` of the likes by attribute, its ``description``, ``tastes``, ``contrasts``."""

    median: dict[str, float]
    description: str
    tastes: tuple[TasteSummary, ...]
    contrasts: tuple[DislikeContrast, ...]
    n_likes: int


def build_taste_profile(
    space: Space, likes: Sequence[int], dislikes: Sequence[int] = ()
) -> TasteProfile | None:
    """The portrait of likes and dislikes (track ids); None where no like is in the space.

    Tastes are those of the method ``taste`` (``taste.density.split_into_tastes``), each with the
    likes nearest to its own middle.
    """
    query = Query.of(space, list(likes), list(dislikes))
    if not len(query.likes) or not space.columns:
        return None
    rule = model_for(space)
    groups = split_into_tastes(rule.columns, rule.points(query.likes))
    return TasteProfile(
        median=_medians(space, query.likes),
        description=describe_songs(space, query.likes),
        tastes=tuple(_one(space, query.likes[group]) for group in groups),
        contrasts=_contrasts(space, query.likes, query.dislikes),
        n_likes=len(query.likes),
    )


def describe_songs(space: Space, rows: Rows) -> str:
    """Name the traits that set these songs apart from the catalogue: ``calm, acoustic and slow``.

    At most ``MAX_TRAITS`` adjectives, those whose median lies farthest from the catalogue's median
    first; empty where none stands out.
    """
    sheet = AttributeTable.from_rows(space, rows).median(space)
    told = []
    for column, name in enumerate(sheet.names):
        rank, value = float(sheet.ranks[0, column]), float(sheet.values[0, column])
        if name in NOT_DESCRIBED or name not in phrases.ADJECTIVES or not np.isfinite(rank):
            continue
        if name in sheet.stored and name in phrases.ADJECTIVE_BOUNDS:
            most, least = phrases.ADJECTIVE_BOUNDS[name]
            if not (value >= least if rank >= 0.5 else value <= most):
                continue
        gap = abs(rank - 0.5) * phrases.INTEREST.get(name, 1.0)
        if gap >= MIN_RANK_GAP:
            told.append((gap, phrases.ADJECTIVES[name][rank >= 0.5]))
    told.sort(key=lambda pair: -pair[0])
    return phrases.join_clauses([word for _, word in told[:MAX_TRAITS]])


def _medians(space: Space, rows: Rows) -> dict[str, float]:
    values = space.values[rows].astype(np.float64)
    return {
        name: float(np.nanmedian(values[:, column]))
        for column, name in enumerate(space.value_names)
        if np.isfinite(values[:, column]).any()
    }


def _one(space: Space, rows: Rows) -> TasteSummary:
    vectors = space.matrix[rows].astype(np.float64)
    order = np.argsort(distances(vectors, vectors.mean(axis=0)), kind="stable")
    typical = tuple(space.track_ids[rows[order[:N_TYPICAL]]].tolist())
    return TasteSummary(describe_songs(space, rows), len(rows), typical)


def _contrasts(space: Space, likes: Rows, dislikes: Rows) -> tuple[DislikeContrast, ...]:
    """Where the median dislike differs most from the median like, the largest gap first."""
    if not len(dislikes):
        return ()
    good, bad = (AttributeTable.from_rows(space, rows).median(space) for rows in (likes, dislikes))
    found = []
    for column, name in enumerate(good.names):
        trait = bad.compare(0, good, 0, column)
        if name in NOT_DESCRIBED or not trait.is_known:
            continue
        gap = abs(trait.rank - trait.other_rank)
        apart = abs(trait.value - trait.other)
        if gap >= MIN_RANK_GAP and (not trait.is_stored or apart >= MIN_VALUE_GAP.get(name, 0.0)):
            found.append(DislikeContrast(phrases.describe_difference(trait), gap))
    found.sort(key=lambda lesson: -lesson.gap)
    return tuple(found[:MAX_TRAITS])
