"""Smallest sum of distances to the likes, by exact search without scoring every track."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from songrec.core.blas import single_threaded_blas
from songrec.core.types import Reason
from songrec.recommend.explain import contributions
from songrec.recommend.query import Query
from songrec.recommend.top_k import (
    Ranking,
    Rows,
    Scores,
    attempt_top,
    group_points,
    widen,
)

# Number of most promising candidates that are scored first.
FIRST_LOOK = 512
# Number of groups of likes for the bound; more, and finally one per like, if the bound is too weak.
GROUPS = (8, 32)
# The float32 bound is lowered by this share of the squared norms, many times the rounding error,
# so that it remains a bound.
ROUNDING = 8e-6
SLICE = 2**18


class Distance:
    """Score: sum over the likes of (typical − distance), minus the penalty of the dislikes.

    ``typical`` is the distance of two random tracks: a like at that distance adds nothing, one
    beyond it lowers the score. The penalty of a dislike is ``dislike_weight`` · (typical −
    distance) for tracks nearer to it than ``typical``, so it only affects its neighbourhood. This
    is Rocchio's negative feedback (Rocchio 1971) for distances. On playlists with ten known songs,
    where wrong songs among the first results are disliked, weights of 0.25 to 0.5 find most of the
    remaining songs; 1 finds fewer than no dislikes at all.

    A value that one of the two tracks lacks counts as far apart as two random ones
    (``SpaceStatistics.differences``): it speaks neither for nor against.

    The search is exact without computing every distance. The sum of the distances from x to a
    group of g likes with mean m is at least g · ‖x − m‖ (Jensen's inequality), and dislikes only
    lower the score. Tracks are scored in the order of that bound, summed over a few groups of
    likes; once the bound of the next track is no better than the worst result so far, no later
    track can be better.
    """

    def __init__(self, dislike_weight: float = 0.25) -> None:
        self.dislike_weight = dislike_weight

    def search(self, query: Query, count: int) -> tuple[Rows, Scores]:
        """Return the best ``count`` rows (fewer if there are no more) and scores, best first."""
        likes = len(query.likes)
        most = likes * query.statistics.typical
        first = max(FIRST_LOOK, 4 * count)

        def attempt(groups: int) -> Callable[[int], Ranking | None]:
            bounds = most - _least_sums(query, groups)
            return lambda look: attempt_top(
                bounds,
                look,
                count,
                lambda rows: self.scores(query, rows),
                query.rank_distinct,
                slack=ROUNDING * most,
            )

        unknown = query.statistics.unknown
        has_all_values = unknown is None or not unknown[query.likes].any()
        for groups in GROUPS:
            if (
                has_all_values
                and groups < likes
                and (ranking := attempt(groups)(first)) is not None
            ):
                return ranking
        # Each like alone bounds tightly; only dislikes and copies of songs can ask for more.
        return widen(attempt(likes), first)

    def scores(self, query: Query, rows: Rows) -> Scores:
        """Compute the scores of ``rows`` in float64."""
        typical = query.statistics.typical
        scores = np.zeros(len(rows))
        for apart in query.statistics.distances_in_turn(rows, query.likes):
            scores += typical - apart
        for apart in query.statistics.distances_in_turn(rows, query.dislikes):
            scores -= self._penalty(typical, apart)
        return scores

    def reasons(self, query: Query, rows: Rows) -> list[tuple[Reason, ...]]:
        """Return, per row, a reason per liked track and per dislike with a penalty."""
        typical = query.statistics.typical
        to_likes, to_dislikes = (
            query.statistics.distances_to_each(rows, others)
            for others in (query.likes, query.dislikes)
        )
        good = contributions.reasons_per_like(query, rows, typical - to_likes, to_likes)
        bad = contributions.reasons_per_dislike(
            query, rows, -self._penalty(typical, to_dislikes), to_dislikes
        )
        return [one + other for one, other in zip(good, bad, strict=True)]

    def _penalty(self, typical: float, apart: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.dislike_weight * np.maximum(typical - apart, 0.0)


def _least_sums(query: Query, groups: int) -> NDArray[np.float32]:
    """Compute a lower bound of every track's sum of distances to the likes, ``(n,)``.

    Likes with unknown values must be groups of their own.
    """
    centres, sizes = group_points(query.liked_vectors, groups)
    matrix, square_norms = query.space.matrix, query.statistics.square_norms
    turned = np.ascontiguousarray(-2 * centres.T, dtype=np.float32)
    constant = ((centres**2).sum(axis=1) * (1 - ROUNDING)).astype(np.float32)
    weights = sizes.astype(np.float32)
    unknown = query.statistics.unknown
    if unknown is not None:
        chance = query.statistics.chance_squares[:, None] * (1 - ROUNDING)
        by_chance = (chance - (1 + ROUNDING) * centres.T**2).astype(np.float32)
        lacking = unknown[query.likes]
        lacking = lacking if lacking.any() else lacking[:0]
    bound = np.empty(len(matrix), dtype=np.float32)
    # In slices that stay in the processor's cache.
    step = max(1, SLICE // centres.size)
    with single_threaded_blas():
        for start in range(0, len(matrix), step):
            rows = slice(start, start + step)
            # ‖x − m‖² = ‖x‖² − 2 x·m + ‖m‖², minus the rounding error of float32.
            square = matrix[rows] @ turned
            square += constant
            square += (square_norms[rows] * np.float32(1 - ROUNDING))[:, None]
            if unknown is not None:
                square += unknown[rows].astype(np.float32) @ by_chance
                for group, column in np.argwhere(lacking).tolist():
                    apart = matrix[rows, column] - np.float32(centres[group, column])
                    apart[unknown[rows, column]] = 0
                    square[:, group] -= np.float32(1 + ROUNDING) * apart**2
            np.maximum(square, 0, out=square)
            np.sqrt(square, out=square)
            bound[rows] = square @ weights
    return bound
