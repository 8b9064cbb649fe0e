"""Tracks that sound like one track, by distance in the audible subspace."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from songrec.core.errors import NotReady
from songrec.core.types import Match, Space
from songrec.recommend.explain import contributions as explain
from songrec.recommend.explain.attribute_ranks import AttributeTable
from songrec.recommend.explain.contributions import build_matches, split_distance
from songrec.recommend.query import NOT_IN_RUN, Query, check_comparable
from songrec.recommend.space_statistics import statistics_of
from songrec.recommend.top_k import Rows, nearest_rows, widen

INAUDIBLE = frozenset({"duration", "year"})
"""Columns for predicting tastes that are not audible."""


def audible_subspace(space: Space) -> Space:
    """Return ``space`` without its inaudible columns, computed once while the space is open."""
    return space.cached("audible_subspace", lambda: _select_audible(space))


def _select_audible(space: Space) -> Space:
    at = [i for i, name in enumerate(space.columns) if name not in INAUDIBLE]
    if not at or len(at) == len(space.columns):
        return space
    # A slice of a memory map stays on disk, whereas selecting columns copies it.
    contiguous = at[-1] - at[0] + 1 == len(at)
    chosen = slice(at[0], at[-1] + 1) if contiguous else at
    columns = tuple(space.columns[i] for i in at)
    return replace(space, matrix=space.matrix[:, chosen], columns=columns)


def closeness(space: Space, track_id: int, others: Rows) -> NDArray[np.float64] | None:
    """Return the scores of rows by ``similar_tracks``, at least 0.

    None for a track outside the space.
    """
    space = audible_subspace(space)
    own = space.rows_of([track_id])
    if not len(own):
        return None
    statistics = statistics_of(space)
    return np.clip(1 - statistics.distances(others, own[0]) / statistics.typical, 0.0, 1.0)


def similar_tracks(
    space: Space, track_id: int, n: int, *, withdrawn: Iterable[int] = ()
) -> list[Match]:
    """Return the ``n`` nearest tracks by audible columns, each song once, never the track itself.

    ``withdrawn`` are ids of the space that are no longer in the catalogue.

    The score is 1 − distance / typical: 1 at the same point, 0 as far as two random tracks; a value
    that one of the two lacks counts as far apart as two random ones. The reasons are one per
    feature (see ``split_distance``); the given track's value comes second.

    Raises
    ------
    NotReady
        If the track is not part of the space.
    """
    space = audible_subspace(space)
    check_comparable(space)
    query = Query.of(space, [track_id], withdrawn=withdrawn)
    if not len(query.likes):
        raise NotReady(NOT_IN_RUN)
    statistics, row = query.statistics, int(query.likes[0])

    def attempt(look: int) -> Rows | None:
        near = nearest_rows(space, row, look)
        rows, _ = query.rank_distinct(near, -statistics.distances(near, row))
        return rows[:n] if len(rows) >= n or look >= len(space.track_ids) else None

    rows = widen(attempt, 2 * n + 16)
    typical = statistics.typical
    differences, lacking = statistics.differences(rows, row), statistics.lacking(rows, row)
    contributions = split_distance(differences, typical, lacking) / typical
    reasons = explain.reasons_per_feature(
        space,
        rows,
        contributions,
        AttributeTable.from_rows(space, query.likes),
        np.zeros(len(rows), dtype=np.int64),
        [explain.THIS_SONG] * len(rows),
    )
    return build_matches(space, rows, reasons)
