"""The same direction as the mean of the likes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Reason
from songrec.recommend.explain import contributions
from songrec.recommend.explain.attribute_ranks import AttributeTable
from songrec.recommend.query import Query, Rows, Scores, distances, product, top_rows


class Cosine:
    """Score: the cosine between a track and the mean of the likes, moved away from the dislikes.

    The query is mean(likes) − ``dislike_weight`` · mean(dislikes): Rocchio's relevance feedback
    (Rocchio 1971) with the weight that Manning, Raghavan and Schütze (Introduction to Information
    Retrieval, 2008, section 9.1.1) call reasonable for negative feedback. With unit vectors x̂ and
    q̂ the score is the sum over the features of x̂_f · q̂_f; the part of the dislikes is told apart,
    per disliked track.
    """

    def __init__(self, dislike_weight: float = 0.15) -> None:
        self.dislike_weight = dislike_weight

    def search(self, query: Query, count: int) -> tuple[Rows, Scores]:
        """The best ``count`` rows (fewer if there are no more) and their scores, best first."""
        towards, away = self._query(query)
        direction = (towards - away.sum(axis=0)).astype(np.float32)
        rough = product(query.space.matrix, direction) / query.statistics.norms
        look = 2 * count + len(query.likes) + len(query.dislikes)
        while True:
            near = top_rows(rough, look)
            vectors = self._unit(query, near)
            rows, scores = query.rank_distinct(near, vectors @ (towards - away.sum(axis=0)))
            if len(rows) >= count or look >= len(rough):
                return rows[:count], scores[:count]
            look *= 4

    def reasons(self, query: Query, rows: Rows) -> list[tuple[Reason, ...]]:
        """Per row: a reason per feature for the likes, and one per disliked track."""
        towards, away = self._query(query)
        unit = self._unit(query, rows)
        sheet = AttributeTable.from_rows(query.space, query.likes).median(query.space)
        alone = f"“{query.title(int(query.likes[0]))}”" if len(query.likes) == 1 else "your likes"
        good = contributions.reasons_per_feature(
            query.space,
            rows,
            unit * towards,
            sheet,
            np.zeros(len(rows), dtype=np.int64),
            [alone] * len(rows),
        )
        vectors = query.space.matrix[rows].astype(np.float64)
        apart = np.array([distances(vectors, point) for point in query.disliked_vectors])
        bad = contributions.reasons_per_dislike(query, rows, -(unit @ away.T), apart.T)
        return [one + other for one, other in zip(good, bad, strict=True)]

    def per_like(self, query: Query, rows: Rows) -> NDArray[np.float64]:
        """The likes' part of the score, ``(rows, likes)``: their mean is a sum over them."""
        away = self.dislike_weight * query.disliked_vectors.sum(axis=0)
        away /= max(len(query.dislikes), 1)
        length = float(np.linalg.norm(query.liked_vectors.mean(axis=0) - away)) or 1.0
        return self._unit(query, rows) @ query.liked_vectors.T / (len(query.likes) * length)

    def _query(self, query: Query) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """The likes' part of the unit query ``(d,)`` and each dislike's ``(dislikes, d)``."""
        towards = query.liked_vectors.mean(axis=0)
        away = query.disliked_vectors * (self.dislike_weight / max(len(query.dislikes), 1))
        length = float(np.linalg.norm(towards - away.sum(axis=0))) or 1.0
        return towards / length, away / length

    def _unit(self, query: Query, rows: Rows) -> NDArray[np.float64]:
        vectors = query.space.matrix[rows].astype(np.float64)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.where(lengths == 0, 1.0, lengths)
