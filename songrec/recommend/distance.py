"""Small sum of distances to the likes: exact, without looking at every track."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Reason
from songrec.recommend import explain
from songrec.recommend.taste import Rows, Scores, Taste, distances

# How many candidates, nearest to the mean of the likes, are looked at first.
FIRST_LOOK = 512
# Distances to the mean are float32; their rounding must not cut off a track that belongs.
ROUNDING = 1e-4


class Distance:
    """Score: the sum over the likes of (typical − distance), less what the dislikes take away.

    ``typical`` is the distance of two random tracks: a like that is no nearer than chance adds
    nothing, one beyond takes away. A dislike takes away ``dislike_weight`` · (typical − distance)
    from tracks nearer to it than chance and leaves all others alone: it pushes in its own
    neighbourhood only. This is the idea of Rocchio's negative feedback (Rocchio 1971; Manning,
    Raghavan and Schütze 2008, section 9.1, where a weight well below that of the likes is
    advised), for distances.

    Exact. With L likes of mean m, the sum of ‖x − l‖ is at least L·‖x − m‖ (the norm is convex:
    Jensen's inequality), and dislikes only lower the score. So tracks are looked at in order of
    their distance to m, and when L·(typical − ‖x − m‖) is no better than the worst one kept, no
    later track can be.
    """

    def __init__(self, dislike_weight: float = 0.5) -> None:
        self.dislike_weight = dislike_weight

    def search(self, taste: Taste, count: int) -> tuple[Rows, Scores]:
        """The best ``count`` rows (fewer if there are no more) and their scores, best first."""
        likes, typical = len(taste.likes), taste.figures.typical
        to_mean = distances(taste.space.matrix, taste.liked_vectors.mean(axis=0))
        total = len(to_mean)
        look = max(FIRST_LOOK, 4 * count)
        while True:
            if look >= total:
                near, horizon = np.arange(total), np.inf
            else:
                near = np.argpartition(to_mean, look)[:look]
                horizon = float(to_mean[near].max())
            rows, scores = taste.in_order(near, self.scores(taste, near))
            bound = likes * (typical - horizon * (1 - ROUNDING))
            if look >= total or (len(rows) >= count and scores[count - 1] > bound):
                return rows[:count], scores[:count]
            look *= 4

    def scores(self, taste: Taste, rows: Rows) -> Scores:
        """The score of each row, in float64."""
        typical = taste.figures.typical
        vectors = taste.space.matrix[rows].astype(np.float64)
        scores = np.zeros(len(rows))
        for liked in taste.liked_vectors:
            scores += typical - distances(vectors, liked)
        for disliked in taste.disliked_vectors:
            scores -= self._penalty(typical, distances(vectors, disliked))
        return scores

    def reasons(self, taste: Taste, rows: Rows) -> list[tuple[Reason, ...]]:
        """Per row: a reason per liked track and per disliked one that takes something away."""
        typical = taste.figures.typical
        vectors = taste.space.matrix[rows].astype(np.float64)
        to_likes = _all_distances(vectors, taste.liked_vectors)
        to_dislikes = _all_distances(vectors, taste.disliked_vectors)
        good = explain.beside_likes(taste, rows, typical - to_likes, to_likes)
        bad = explain.beside_dislikes(
            taste, rows, -self._penalty(typical, to_dislikes), to_dislikes
        )
        return [one + other for one, other in zip(good, bad, strict=True)]

    def _penalty(self, typical: float, apart: NDArray[np.float64]) -> NDArray[np.float64]:
        return self.dislike_weight * np.maximum(typical - apart, 0.0)


def _all_distances(vectors: NDArray[np.float64], points: NDArray[np.float64]) -> NDArray:
    """L2 distances ``(vectors, points)``."""
    apart = vectors[:, None, :] - points[None, :, :]
    return np.sqrt(np.einsum("ijk,ijk->ij", apart, apart))
