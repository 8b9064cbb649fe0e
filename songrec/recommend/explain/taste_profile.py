"""Profile of a listener's taste: traits, separate tastes, differences of the dislikes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from songrec.core.types import Space
from songrec.recommend.explain import phrases
from songrec.recommend.explain.attribute_ranks import AttributeTable
from songrec.recommend.query import Query
from songrec.recommend.top_k import Rows, distances

N_TYPICAL = 4
MAX_TRAITS = 3
MIN_RANK_GAP = 0.15
"""Smallest gap of ranks, from 0 to 1, that is described."""
MIN_VALUE_GAP: dict[str, float] = {
    "duration": 30_000.0,
    **{name: gap / 2 for name, gap in phrases.SIMILAR_WITHIN.items()},
}
"""Smallest difference between likes and dislikes, in the attribute's unit, that is described."""
NOT_DESCRIBED = phrases.UNMENTIONED


@dataclass(frozen=True)
class TasteSummary:
    """One of a listener's tastes: description, number of likes, most typical likes (ids)."""

    description: str
    size: int
    typical: tuple[int, ...]


@dataclass(frozen=True)
class DislikeContrast:
    """Difference of dislikes to likes in one attribute: a clause with figures, and the rank gap."""

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


def build_taste_profile(query: Query, tastes: Sequence[Query]) -> TasteProfile | None:
    """Build the profile of a query's likes and dislikes; None if no like is in the space.

    ``tastes`` are the queries of its tastes (``lists.tastes.split_tastes``), each described with
    the likes nearest to its mean.
    """
    space = query.space
    if not len(query.likes) or not space.columns:
        return None
    return TasteProfile(
        median=_medians(space, query.likes),
        description=describe_songs(space, query.likes),
        tastes=tuple(_one(space, taste.likes) for taste in tastes),
        contrasts=_contrasts(space, query.likes, query.dislikes),
        n_likes=len(query.likes),
    )


def describe_songs(space: Space, rows: Rows) -> str:
    """Name the traits of songs that differ from the catalogue: ``70s, calm, acoustic``.

    At most ``MAX_TRAITS``, sorted by the distance of their median from the catalogue's. Years are
    named by decade. Without any other trait an average tempo is ``mid-tempo``, else empty.
    """
    sheet = AttributeTable.from_rows(space, rows).median(space)
    traits = []
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
            word = phrases.ADJECTIVES[name][rank >= 0.5]
            if name == "year" and name in sheet.stored:
                word = phrases.decade(round(value))
            traits.append((gap, word))
    if not traits and "tempo" in sheet.names:
        rank = float(sheet.ranks[0, sheet.names.index("tempo")])
        if abs(rank - 0.5) < MIN_RANK_GAP:
            return "mid-tempo"
    traits.sort(key=lambda trait: -trait[0])
    return ", ".join(word for _, word in traits[:MAX_TRAITS])


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
    """Describe the largest differences between the median dislike and the median like."""
    if not len(dislikes):
        return ()
    liked, disliked = (
        AttributeTable.from_rows(space, rows).median(space) for rows in (likes, dislikes)
    )
    contrasts = []
    for column, name in enumerate(liked.names):
        trait = disliked.compare(0, liked, 0, column)
        if name in NOT_DESCRIBED or not trait.has_values:
            continue
        gap = abs(trait.rank - trait.other_rank)
        apart = abs(trait.value - trait.other)
        if gap >= MIN_RANK_GAP and (not trait.is_stored or apart >= MIN_VALUE_GAP.get(name, 0.0)):
            contrasts.append(DislikeContrast(phrases.describe_difference(trait), gap))
    contrasts.sort(key=lambda contrast: -contrast.gap)
    return tuple(contrasts[:MAX_TRAITS])
