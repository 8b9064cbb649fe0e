"""Exact top-k search: the best rows by a score, each song once, without excluded songs.

Every search works the same way. A cheap bound says how good each row can be at most; the most
promising rows are scored exactly; and when the last row of the answer is no worse than the bound
of every row that was not looked at, the answer is proven. Otherwise four times as many rows are
looked at.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar, overload

import numpy as np
from numpy.typing import NDArray

from songrec.core.blas import single_threaded_blas
from songrec.core.types import Space
from songrec.recommend.space_statistics import statistics_of

Rows = NDArray[np.int64]
Scores = NDArray[np.float64]
Ranking = tuple[Rows, Scores]
T = TypeVar("T")

ROUNDING = 1e-6
"""The error of a squared distance s to p in float32 is at most this · columns · (‖p‖² + s)."""
SLICE = 2**16
"""Rows of a mask that are converted to numbers at once, which bounds the memory."""
WIDENING = 4
"""Factor by which a search that is not proven looks further."""
NO_KEYS = np.empty(0, dtype=np.uint64)


def distances(vectors: NDArray, point: NDArray) -> NDArray:
    """Compute L2 distances of ``(n, d)`` vectors to one point, ``(n,)``, in the vectors' dtype."""
    differences = vectors - point.astype(vectors.dtype)
    return np.sqrt(np.einsum("ij,ij->i", differences, differences))


def product(matrix: NDArray[np.float32], vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ``matrix @ vector`` for a long, narrow ``(n, d)`` matrix, in this thread alone."""
    with single_threaded_blas():
        return matrix @ vector


def top_rows(scores: NDArray, count: int) -> Rows:
    """Return the rows of the ``count`` highest scores and all ties of the last, unordered."""
    if count >= len(scores):
        return np.arange(len(scores), dtype=np.int64)
    worst = np.partition(scores, -count)[-count]
    return np.flatnonzero(scores >= worst).astype(np.int64)


def nearest_rows(space: Space, row: int, count: int) -> Rows:
    """Return rows that contain the ``count`` nearest tracks to a row, unordered.

    Distances are those of ``SpaceStatistics.distances``. All ties of the last one are included, and
    every row that only a rounding error of float32 keeps from being among them.
    """
    if count >= len(space.track_ids):
        return np.arange(len(space.track_ids), dtype=np.int64)
    point, statistics = space.matrix[row].astype(np.float32), statistics_of(space)
    unknown = statistics.unknown
    # The index knows nothing of unknown values.
    indexed = space.neighbours is not None and space.neighbours.columns == space.columns
    if space.neighbours is not None and indexed and unknown is None:
        return space.neighbours.nearest(point, count, ROUNDING * len(point))
    squares = product(space.matrix, -2 * point)
    squares += statistics.square_norms
    length = float(point @ point)
    scale = length
    if unknown is not None:
        chance = statistics.chance_squares.astype(np.float32)
        for start in range(0, len(unknown), SLICE):
            part = unknown[start : start + SLICE].astype(np.float32)
            squares[start : start + SLICE] += product(part, chance - point**2)
        for column in np.flatnonzero(unknown[row]).tolist():
            known = ~unknown[:, column]
            squares[known] += chance[column] - space.matrix[known, column] ** 2
            scale += float(np.abs(space.matrix[:, column]).max()) ** 2
        scale += float(chance.sum())
    last = np.partition(squares, count - 1)[count - 1]
    slack = ROUNDING * len(point) * (scale + max(float(last) + length, 0.0))
    return np.flatnonzero(squares <= last + np.float32(slack)).astype(np.int64)


def rank(rows: Rows, scores: Scores) -> Ranking:
    """Sort rows by descending score; equal scores keep the order of the catalogue."""
    order = np.lexsort((rows, -scores))
    return rows[order], scores[order]


def rank_distinct(
    rows: Rows,
    scores: Scores,
    song_keys: NDArray[np.uint64],
    excluded: NDArray[np.uint64] = NO_KEYS,
) -> Ranking:
    """Sort rows by descending score, keeping the best row of each song and no excluded song.

    ``song_keys`` ``(n,)`` are those of all tracks, ``excluded`` the keys to leave out. Equal
    scores keep the order of the catalogue.
    """
    if len(excluded):
        allowed = ~np.isin(song_keys[rows], excluded)
        rows, scores = rows[allowed], scores[allowed]
    rows, scores = rank(rows, scores)
    first = np.sort(np.unique(song_keys[rows], return_index=True)[1])
    return rows[first], scores[first]


def count_earlier(numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return for each position how many earlier ones have the same number, ``(n,)``."""
    order = np.argsort(numbers, kind="stable")
    _, first, sizes = np.unique(numbers[order], return_index=True, return_counts=True)
    earlier = np.empty(len(numbers), dtype=np.int64)
    earlier[order] = np.arange(len(numbers)) - np.repeat(first, sizes)
    return earlier


@overload
def widen(attempt: Callable[[int], T | None], first: int) -> T: ...
@overload
def widen(attempt: Callable[[int], T | None], first: int, limit: int | None) -> T | None: ...
def widen(attempt: Callable[[int], T | None], first: int, limit: int | None = None) -> T | None:
    """Call ``attempt(look)`` with a growing ``look`` until it returns a result.

    Without a ``limit`` it must return one at the latest when ``look`` covers everything; beyond
    the ``limit`` the search is given up and None returned.
    """
    look = first
    while limit is None or look < limit:
        result = attempt(look)
        if result is not None:
            return result
        look *= WIDENING
    return None


def attempt_top(
    bounds: NDArray,
    look: int,
    count: int,
    score: Callable[[Rows], Scores] | None = None,
    order: Callable[[Rows, Scores], Ranking] = rank,
    *,
    members: Rows | None = None,
    slack: float = 0.0,
) -> Ranking | None:
    """Rank the ``look`` most promising rows; return the best ``count`` if they are proven.

    Parameters
    ----------
    bounds
        No row's score exceeds its bound by more than ``slack``. Rows at -inf are never returned.
    score
        Computes the float64 scores of rows; without it the bounds are the scores.
    order
        Sorts and filters rows and scores (``rank``, or ``rank_distinct`` of a query).
    members
        The rows that ``bounds`` are of; without them they are of all rows.

    Returns
    -------
    Rows and scores, best first, fewer than ``count`` only where there are no more; None where a
    row that was not looked at might be better.
    """
    near = top_rows(bounds, look)
    finite = near[np.isfinite(bounds[near])]
    rows = finite if members is None else members[finite]
    scores = bounds[finite].astype(np.float64) if score is None else score(rows)
    rows, scores = order(rows, scores)
    if look < len(bounds) and len(finite) == len(near):
        # Ties of the last bound are all among ``near``, so others lie strictly below it.
        horizon = float(bounds[near].min()) + slack
        if len(rows) < count or (count and scores[count - 1] < horizon):
            return None
    return rows[:count], scores[:count]


def top_distinct(
    bounds: NDArray,
    count: int,
    song_keys: NDArray[np.uint64],
    excluded: NDArray[np.uint64] = NO_KEYS,
    score: Callable[[Rows], Scores] | None = None,
    *,
    members: Rows | None = None,
    slack: float = 0.0,
) -> Ranking:
    """Return the best ``count`` rows, each song once, without excluded songs.

    Parameters are those of ``attempt_top`` and ``rank_distinct``.
    """

    def order(rows: Rows, scores: Scores) -> Ranking:
        return rank_distinct(rows, scores, song_keys, excluded)

    def attempt(look: int) -> Ranking | None:
        return attempt_top(bounds, look, count, score, order, members=members, slack=slack)

    return widen(attempt, 2 * count + len(excluded) + 16)


def group_points(
    points: NDArray[np.float64], count: int
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """Group near points: means ``(groups, d)`` and sizes of at most ``count`` groups.

    Any grouping gives a bound; near points give a tight one. Seeds far from each other
    (Gonzalez 1985), then a few of Lloyd's steps. Deterministic.
    """
    if len(points) <= count:
        return points, np.ones(len(points), dtype=np.int64)

    def apart(centres: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.linalg.norm(points[:, None, :] - centres[None, :, :], axis=2)

    seeds = [int(apart(points.mean(axis=0)[None])[:, 0].argmax())]
    nearest = apart(points[seeds])[:, 0]
    while len(seeds) < count:
        seeds.append(int(nearest.argmax()))
        nearest = np.minimum(nearest, apart(points[seeds[-1:]])[:, 0])
    centres = points[seeds]
    for _ in range(4):
        group = apart(centres).argmin(axis=1)
        used, group, sizes = np.unique(group, return_inverse=True, return_counts=True)
        centres = np.zeros((len(used), points.shape[1]))
        np.add.at(centres, group, points)
        centres /= sizes[:, None]
    return centres, sizes
