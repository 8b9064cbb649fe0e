"""Exact branch-and-bound search for segments with the smallest sum of distances to given points.

With n points p and a segment x, d(x) = Σ ‖x − p‖. By Jensen's inequality n · ‖x − mean(p)‖ ≤ d(x),
and the same holds for each group of points. Vectors are stored rotated, so that the first columns
(the *head*) have most variance; for the remaining ones (the *tail*) the norm suffices for a bound:
‖x − p‖² ≥ ‖head(x) − head(p)‖² + (‖tail(x)‖ − ‖tail(p)‖)².

1. Every segment gets a bound from its head and the means of a few groups of the points.
2. The most promising segments are measured; the worst of the best ``count`` is the *horizon*.
3. Segments with a bound within the horizon get tighter bounds from single points, first by the
   head, then by all columns in float32 (minus the largest rounding error); the remaining ones are
   measured. No other segment can be among the best.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from songrec.core.blas import single_threaded_blas
from songrec.core.types import Floats, Ints, SegmentIndex, positions
from songrec.recommend.top_k import group_points, rank_distinct, widen

GROUPS = 8
FIRST_LOOK = 1024
SLICE = 1024
"""Maximum number of rows per slice, so that distances stay in a processor's cache."""
CACHED_PRODUCTS = 2**18
"""Multiplications per slice of rows."""
THREADS = min(4, os.cpu_count() or 1)
ROUNDING = 8e-6
"""Largest float32 error relative to the squared norms; bounds are lowered by it."""

Scores = NDArray[np.float64]


@dataclass(frozen=True)
class SegmentHits:
    """Segments of distinct songs, best first: rows of ``SegmentIndex`` and scores."""

    rows: Ints
    scores: Scores


def distance_sums(segments: SegmentIndex, rows: Ints, points: NDArray[np.float64]) -> Scores:
    """Sum the distances of each segment to all ``points`` ``(n, d)``, in float64."""
    return distances(segments, rows, points).sum(axis=1)


def distances(
    segments: SegmentIndex, rows: Ints, points: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Compute L2 distances ``(rows, points)`` in float64; 0 for equal vectors."""
    apart = np.empty((len(rows), len(points)))
    for start in range(0, len(rows), SLICE):
        vectors = segments.vectors[rows[start : start + SLICE]].astype(np.float64)
        for at, point in enumerate(points):
            gap = vectors - point
            apart[start : start + len(vectors), at] = np.sqrt(np.einsum("ij,ij->i", gap, gap))
    return apart


def nearest_pair(segments: SegmentIndex, track_id: int, other_id: int) -> tuple[int, int] | None:
    """Return the rows of the two nearest segments of two tracks; None without segments."""
    at_index = [positions(segments.track_ids, [one]) for one in (track_id, other_id)]
    if not all(map(len, at_index)):
        return None
    rows = [np.arange(segments.first[at[0]], segments.first[at[0] + 1]) for at in at_index]
    if not all(map(len, rows)):
        return None
    own, others = (np.asarray(segments.vectors[some], dtype=np.float32) for some in rows)
    with single_threaded_blas():  # a page asks for twenty small products
        squares = (own**2).sum(axis=1)[:, None] + (others**2).sum(axis=1) - 2 * (own @ others.T)
    one, other = divmod(int(squares.argmin()), len(others))
    return int(rows[0][one]), int(rows[1][other])


def search_segments(
    segments: SegmentIndex,
    points: NDArray[np.float64],
    count: int,
    *,
    songs: NDArray[np.int64],
    measure: Callable[[Ints], Scores] | None = None,
) -> SegmentHits:
    """Find the ``count`` songs whose nearest segments have the smallest sums of distances.

    Each song is represented by its best segment; equal sums keep the order of the index.

    Parameters
    ----------
    points
        Float64 ``(n, d)``.
    songs
        The song of each segment, int64 ``(m,)``; −1 leaves it out.
    measure
        Function for the objective of rows, never below the plain sum, which is the default.
    """
    measure = measure or (lambda rows: distance_sums(segments, rows, points))
    least = _grouped(segments, points, songs)
    candidates = int(np.isfinite(least).sum())

    def attempt(look: int) -> tuple[Ints, Scores] | None:
        rows = _smallest(least, min(look, candidates))
        sums = measure(rows)
        ranked, _ = rank_distinct(rows, -sums, songs)
        return (rows, sums) if len(ranked) >= count or look >= candidates else None

    rows, sums = widen(attempt, max(FIRST_LOOK, 4 * count))
    ranked, scores = rank_distinct(rows, -sums, songs)
    if len(rows) < candidates:
        horizon = -float(scores[:count][-1])
        left = np.flatnonzero(least <= horizon)
        left = np.setdiff1d(left, rows, assume_unique=True)
        for width in (segments.head.shape[1], points.shape[1]):
            each = _Bounds(segments, points, np.ones(len(points)), width)
            left = left[each.of_all(left) <= horizon]
        rows = np.concatenate([rows, left])
        sums = np.concatenate([sums, measure(left)])
        ranked, scores = rank_distinct(rows, -sums, songs)
    return SegmentHits(ranked[:count], -scores[:count])


def _smallest(values: Floats, count: int) -> Ints:
    if count >= len(values):
        return np.flatnonzero(np.isfinite(values))
    return np.argpartition(values, max(count - 1, 0))[:count]


def _grouped(segments: SegmentIndex, points: NDArray[np.float64], songs: Ints) -> Floats:
    """Compute a lower bound of every segment's sum, float32 ``(m,)``; infinite if excluded."""
    centres, sizes = group_points(points, GROUPS)
    bound = _Bounds(segments, centres, sizes, segments.head.shape[1]).of_all(None)
    bound[songs < 0] = np.inf
    return bound


class _Bounds:
    """Bound Σ size · distance to a centre, by the first ``width`` columns and the tail's norm."""

    def __init__(
        self, segments: SegmentIndex, centres: NDArray[np.float64], sizes: NDArray, width: int
    ) -> None:
        self.segments = segments
        self.has_tail = width < centres.shape[1]
        # The full width has no tail; its rounding error must not count twice.
        self.vectors = segments.head if self.has_tail else segments.vectors
        heads = centres[:, :width]
        # float32 copies of float64 means: the error is within ROUNDING.
        self.turned = np.ascontiguousarray(-2 * heads.T, dtype=np.float32)
        self.squares = ((heads**2).sum(axis=1) * (1 - ROUNDING)).astype(np.float32)
        self.tails = np.linalg.norm(centres[:, width:], axis=1).astype(np.float32)
        self.weights = np.asarray(sizes, dtype=np.float32) * np.float32(1 - ROUNDING)
        self.step = max(32, min(SLICE, CACHED_PRODUCTS // max(self.turned.size, 1)))

    def of_all(self, rows: Ints | None) -> Floats:
        """Return the float32 bounds of ``rows``, None for all."""
        bound = np.empty(len(self.segments.tail) if rows is None else len(rows), np.float32)
        share = -(-len(bound) // THREADS // self.step) * self.step + self.step

        def part(begin: int) -> None:
            end = min(begin + share, len(bound))
            for start in range(begin, end, self.step):
                stop = min(start + self.step, end)
                at = slice(start, stop) if rows is None else rows[start:stop]
                bound[start:stop] = self._of(at)

        # numpy releases the GIL during these operations.
        with single_threaded_blas(), ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(part, range(0, len(bound), share)))
        return bound

    def _of(self, rows: slice | Ints) -> Floats:
        head = self.vectors[rows]
        square = head @ self.turned
        square += self.squares
        norms = np.einsum("ij,ij->i", head, head)
        square += (norms * np.float32(1 - ROUNDING))[:, None]
        if self.has_tail:
            tail = self.segments.tail[rows][:, None]
            lengths = np.abs(tail - self.tails)
            # Nearly equal norms may differ by rounding alone.
            lengths -= np.float32(ROUNDING) * (tail + self.tails)
            np.maximum(lengths, 0, out=lengths)
            lengths *= lengths
            square += lengths
        np.maximum(square, 0, out=square)
        np.sqrt(square, out=square)
        return square @ self.weights
