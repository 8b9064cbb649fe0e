"""Nearest songs in the clusters of the likes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Reason
from songrec.recommend.explain import contributions, segment_tags
from songrec.recommend.explain.attribute_ranks import AttributeTable
from songrec.recommend.query import Query
from songrec.recommend.top_k import Rows, Scores


class SameCluster:
    """Score: typical − distance to the nearest like of the same cluster − penalty of dislikes.

    Only tracks in a cluster of a like are candidates (a like that is noise, label -1, brings none).
    ``typical`` is the distance of two random tracks. The nearest dislike takes away
    ``dislike_weight`` · (typical − distance) from tracks nearer to it than that: one like counts,
    so one dislike does. A value that one of two tracks lacks counts as far apart as two random ones
    (``SpaceStatistics.differences``). The distance is split over the features by
    ``explain.contributions.split_distance``.

    Parameters
    ----------
    dislike_weight
        Weight of the nearest dislike; the nearest like's is 1.
    """

    def __init__(self, dislike_weight: float = 0.15) -> None:
        self.dislike_weight = dislike_weight

    def search(self, query: Query, count: int) -> tuple[Rows, Scores]:
        """Return the best ``count`` rows (fewer if there are no more) and scores, best first."""
        members, scores = query.cached(
            f"scores in clusters, dislikes {self.dislike_weight}", lambda: self._score(query)
        )
        return query.top(scores, count, members=members)

    def _score(self, query: Query) -> tuple[Rows, Scores]:
        """Return the candidates and their scores."""
        labels = query.space.labels
        of_likes = labels[query.likes]
        members = np.flatnonzero(np.isin(labels, of_likes[of_likes >= 0])).astype(np.int64)
        apart, _ = self._nearest(query, members)
        scores = query.statistics.typical - apart
        # In turn: a column for each dislike of all members would not fit into memory.
        nearest = np.full(len(members), np.inf)
        for to_dislike in query.statistics.distances_in_turn(members, query.dislikes):
            np.minimum(nearest, to_dislike, out=nearest)
        scores -= self._penalty(query, nearest)
        return members, scores

    def reasons(self, query: Query, rows: Rows) -> list[tuple[Reason, ...]]:
        """Return, per row, a reason per feature against its nearest like, and one per dislike."""
        _, nearest = self._nearest(query, rows)
        likes = query.likes[nearest]
        titles = [query.title(int(like)) for like in likes]
        ids = query.space.track_ids[likes].tolist()
        shared = [
            segment_tags.shared_tags(query.space.segments, track_id, like)
            for track_id, like in zip(query.space.track_ids[rows].tolist(), ids, strict=True)
        ]
        good = contributions.reasons_per_feature(
            query.space,
            rows,
            contributions.split_distance(
                query.statistics.differences(rows, likes),
                query.statistics.typical,
                query.statistics.lacking(rows, likes),
            ),
            AttributeTable.from_rows(query.space, query.likes),
            nearest,
            [f"“{title}”" for title in titles],
            [
                {"title": title, "likes": [track_id], "same_cluster": True, "tags": tags}
                for title, track_id, tags in zip(titles, ids, shared, strict=True)
            ],
        )
        apart = query.statistics.distances_to_each(rows, query.dislikes)
        penalties = self._penalty(query, apart)
        if penalties.size:
            # Only the nearest dislike counts.
            penalties[np.arange(penalties.shape[1]) != penalties.argmax(axis=1)[:, None]] = 0.0
        bad = contributions.reasons_per_dislike(query, rows, -penalties, apart)
        return [one + other for one, other in zip(good, bad, strict=True)]

    def _nearest(self, query: Query, rows: Rows) -> tuple[NDArray, NDArray[np.int64]]:
        """Return the distance to the nearest like of the row's own cluster, and its position."""
        best = np.full(len(rows), np.inf)
        which = np.zeros(len(rows), dtype=np.int64)
        labels = query.space.labels[rows]
        for label in np.unique(query.space.labels[query.likes]):
            members = np.flatnonzero(labels == label)
            likes = np.flatnonzero(query.space.labels[query.likes] == label)
            each = query.statistics.distances_in_turn(rows[members], query.likes[likes])
            for like, apart in zip(likes, each, strict=True):
                nearer = apart < best[members]
                best[members[nearer]] = apart[nearer]
                which[members[nearer]] = like
        return best, which

    def _penalty(self, query: Query, apart: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the penalties of dislikes at these distances, of the same shape."""
        return self.dislike_weight * np.maximum(query.statistics.typical - apart, 0.0)
