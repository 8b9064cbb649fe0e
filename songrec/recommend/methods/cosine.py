"""Cosine to the mean of the likes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Reason
from songrec.recommend.explain import contributions
from songrec.recommend.explain.attribute_ranks import AttributeTable
from songrec.recommend.query import Query
from songrec.recommend.top_k import ROUNDING, Rows, Scores, product


class Cosine:
    """Score: cosine between a track and the mean of the likes, shifted away from the dislikes.

    The direction is mean(likes) − ``dislike_weight`` · mean(dislikes); the means of each feature
    ignore unknown values. With unit vectors x̂ and q̂ the score is the sum over the features f of
    x̂_f · q̂_f, to which an unknown value adds nothing. The dislikes' part is a separate reason per
    disliked track.

    Parameters
    ----------
    dislike_weight
        Weight of the mean of the dislikes; a like's is 1.

    References
    ----------
    Rocchio (1971), Relevance feedback in information retrieval. Manning, Raghavan and Schütze
    (2008), Introduction to Information Retrieval, section 9.1.1, for the weight.
    """

    def __init__(self, dislike_weight: float = 0.15) -> None:
        self.dislike_weight = dislike_weight

    def search(self, query: Query, count: int) -> tuple[Rows, Scores]:
        """Return the best ``count`` rows (fewer if there are no more) and scores, best first."""
        towards, away = self._direction(query)
        direction = towards - away.sum(axis=0)
        bounds = product(query.space.matrix, direction.astype(np.float32)) / query.statistics.norms
        return query.top(
            bounds,
            count,
            lambda rows: self.scores(query, rows),
            slack=ROUNDING * len(direction),
        )

    def scores(self, query: Query, rows: Rows) -> Scores:
        """Compute the scores of ``rows`` in float64."""
        towards, away = self._direction(query)
        return self._unit(query, rows) @ (towards - away.sum(axis=0))

    def reasons(self, query: Query, rows: Rows) -> list[tuple[Reason, ...]]:
        """Return per row a reason per feature for the likes, and one per disliked track."""
        towards, away = self._direction(query)
        unit = self._unit(query, rows)
        sheet = AttributeTable.from_rows(query.space, query.likes).median(query.space)
        good = contributions.reasons_per_feature(
            query.space,
            rows,
            unit * towards,
            sheet,
            np.zeros(len(rows), dtype=np.int64),
            [query.likes_phrase] * len(rows),
        )
        contributions.name_likes(query, rows, good, [query.likes] * len(rows))
        apart = query.statistics.distances_to_each(rows, query.dislikes)
        bad = contributions.reasons_per_dislike(query, rows, -(unit @ away.T), apart)
        return [one + other for one, other in zip(good, bad, strict=True)]

    def per_like(self, query: Query, rows: Rows) -> NDArray[np.float64]:
        """Split the likes' part of the score over the likes, ``(rows, likes)``."""
        towards, away = _means(query, query.likes), _means(query, query.dislikes)
        direction = towards.sum(axis=0) - self.dislike_weight * away.sum(axis=0)
        length = float(np.linalg.norm(direction)) or 1.0
        return self._unit(query, rows) @ towards.T / length

    def _direction(self, query: Query) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the unit direction split into likes ``(d,)`` and dislikes ``(dislikes, d)``."""
        towards = _means(query, query.likes).sum(axis=0)
        away = self.dislike_weight * _means(query, query.dislikes)
        length = float(np.linalg.norm(towards - away.sum(axis=0))) or 1.0
        return towards / length, away / length

    def _unit(self, query: Query, rows: Rows) -> NDArray[np.float64]:
        vectors = query.space.matrix[rows].astype(np.float64)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        return vectors / np.where(lengths == 0, 1.0, lengths)


def _means(query: Query, rows: Rows) -> NDArray[np.float64]:
    """Return each row's contribution to the mean over known values, ``(rows, d)``."""
    vectors, unknown = query.space.matrix[rows].astype(np.float64), query.statistics.unknown
    counts = len(rows) if unknown is None else (~unknown[rows]).sum(axis=0)
    return vectors / np.maximum(counts, 1)
