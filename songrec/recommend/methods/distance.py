"""Small sum of distances to the likes: exact, without looking at every track."""

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

# How many candidates, the most promising ones, are looked at first.
FIRST_LOOK = 512
# Likes are bounded in this many groups; in more, and at last each alone, when that says too little.
GROUPS = (8, 32)
# The bound is computed in float32; it is lowered by this part of the squared norms, many times
# their rounding, so that it stays a bound.
ROUNDING = 8e-6
SLICE = 2**18


class Distance:
    """Score: the sum over the likes of (typical − distance), less what the dislikes take away.

    ``typical`` is the distance of two random tracks: a like that is no nearer than chance adds
    nothing, one beyond takes away. A dislike takes away ``dislike_weight`` · (typical − distance)
    from tracks nearer to it than chance and leaves all others alone: it pushes in its own
    neighbourhood only. This is the idea of Rocchio's negative feedback (Rocchio 1971) for
    distances. On playlists, where ten songs are known and the wrong ones among the first answers
    disliked, weights of 0.25 to 0.5 find most of the rest; 1 finds less than no dislikes at all.

    A value that one of the two tracks lacks counts as far apart as two random ones
    (``SpaceStatistics.differences``): it speaks neither for nor against.

    Exact, without computing every distance. The sum of the distances from x to a group of g likes
    with mean m is at least g · ‖x − m‖ (a norm is convex: Jensen's inequality), and dislikes only
    lower the score. So tracks are looked at in order of that bound, summed over a few groups of
    likes; when the bound of the next one is no better than the worst one kept, no later track can
    be better.
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
        are_known = unknown is None or not unknown[query.likes].any()
        for groups in GROUPS:
            if are_known and groups < likes and (ranking := attempt(groups)(first)) is not None:
                return ranking
        # Each like alone bounds tightly; only dislikes and copies of songs can ask for more.
        return widen(attempt(likes), first)

    def scores(self, query: Query, rows: Rows) -> Scores:
        """The score of each row, in float64."""
        typical = query.statistics.typical
        scores = np.zeros(len(rows))
        for like in query.likes.tolist():
            scores += typical - query.statistics.distances(rows, like)
        for dislike in query.dislikes.tolist():
            scores -= self._penalty(typical, query.statistics.distances(rows, dislike))
        return scores

    def reasons(self, query: Query, rows: Rows) -> list[tuple[Reason, ...]]:
        """Per row: a reason per liked track and per disliked one that takes something away."""
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
    """A lower bound of every track's sum of distances to the likes, ``(n,)``.

    Likes that lack a value must be groups of their own.
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
            # ‖x − m‖² = ‖x‖² − 2 x·m + ‖m‖², less what float32 may have got wrong.
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
