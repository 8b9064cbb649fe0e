"""Songs to like first: popular and typical ones, with clusters taking turns."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Space
from songrec.recommend.space_statistics import statistics_of
from songrec.recommend.top_k import Rows, count_earlier

PER_GROUP = 30
"""Maximum number of songs per cluster."""
POPULAR_SHARE = 0.1
"""Share of a cluster's songs, the most popular ones, to choose from."""
MIN_POPULAR = 100
"""Minimum number of a cluster's songs to choose from."""


def starter_order(space: Space, rows: Rows, per_group: int = PER_GROUP) -> Rows:
    """Return the rows among ``rows`` to offer a listener of unknown taste, the best first.

    The clusters take turns, the largest first, so that the first few songs differ. Within a
    cluster's most popular songs (all songs without popularity) the order is by the sum of two
    ranks: nearness to the cluster's centre and popularity. Each song comes once, and a second song
    by an artist comes after all other artists. Noise comes last.
    """
    if not len(rows):
        return rows
    rows = rows[np.sort(np.unique(space.song_keys[rows], return_index=True)[1])]
    labels = space.labels[rows]
    numbers, sizes = np.unique(labels, return_counts=True)
    order = np.lexsort((numbers, -sizes, numbers < 0))
    ranked = [
        _rank_group(space, rows[labels == number])[:per_group] for number in numbers[order].tolist()
    ]
    # Noise waits until all groups had their turns.
    begin = np.where(numbers[order] < 0, per_group, 0).tolist()
    turn = np.concatenate(
        [first + np.arange(len(group)) for first, group in zip(begin, ranked, strict=True)]
    )
    merged = np.concatenate(ranked)[np.argsort(turn, kind="stable")]
    artists = statistics_of(space).artists[merged].astype(np.int64)
    again = np.where(artists != 0, count_earlier(artists), 0)
    return merged[np.argsort(again, kind="stable")]


def central_order(space: Space, rows: Rows) -> Rows:
    """Sort ``rows`` by their distance to their mean in the space."""
    return rows[np.argsort(_distances_to_mean(space, rows), kind="stable")]


def _rank_group(space: Space, rows: Rows) -> Rows:
    """Rank the songs of one cluster by nearness to its centre and popularity."""
    distance = _distances_to_mean(space, rows)
    popularity = _popularity(space, rows)
    if np.isnan(popularity).mean() > 0.5:
        return rows[np.argsort(distance, kind="stable")]
    popularity = np.nan_to_num(popularity, nan=-1.0)
    count = max(MIN_POPULAR, round(POPULAR_SHARE * len(rows)))
    chosen = np.sort(np.argsort(-popularity, kind="stable")[:count])
    places = _places(distance[chosen]) + _places(-popularity[chosen])
    return rows[chosen[np.argsort(places, kind="stable")]]


def _distances_to_mean(space: Space, rows: Rows) -> NDArray[np.float64]:
    vectors = np.asarray(space.matrix[rows], dtype=np.float64)
    return np.linalg.norm(vectors - vectors.mean(axis=0, keepdims=True), axis=1)


def _popularity(space: Space, rows: Rows) -> NDArray[np.float64]:
    if "popularity" not in space.value_names:
        return np.full(len(rows), np.nan)
    column = space.value_names.index("popularity")
    return np.asarray(space.values[rows, column], dtype=np.float64)


def _places(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the rank of each value in ascending order, from 0; ties share a rank."""
    return np.searchsorted(np.sort(values), values)
