"""What each liked song has to do with a score under a taste: shares that add up to it.

A density does not come apart into likes by itself; this is the rule by which it is told. Each
feature's term is shared out over the likes of the song's taste: a term that adds, in proportion to
the density beside each like at the song's value (responsibilities, as of the components of a
mixture), so that it goes to the likes that are like it there; one that takes away, in inverse
proportion, to those that are unlike it. Artist and album go to the likes of that artist or album,
in equal parts, or to all likes where it is none's; popularity and the share of a taste to all of
its likes; nearness learnt from playlists is a sum over the likes as it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from songrec.recommend.query import Query, Rows
from songrec.recommend.taste import two_tower_scores
from songrec.recommend.taste.density import NormalInverseGamma

Array = NDArray[np.float64]
Groups = Sequence[NDArray[np.int64]]


def features_per_like(
    belief: NormalInverseGamma,
    liked: Array,
    groups: Groups,
    points: Array,
    features: Array,
    group: NDArray[np.int64],
) -> Array:
    """``features`` ``(rows, d)`` shared out over the likes ``(rows, likes)``.

    ``liked`` ``(likes, d)`` and ``points`` ``(rows, d)`` are in standard deviations; ``group`` is
    the number of each row's taste among ``groups``.
    """
    split = np.zeros((len(points), len(liked)))
    signs = np.where(features < 0, -1.0, 1.0)
    beside = np.array([belief.beside(point).log(points) for point in liked])
    for at in range(len(points)):
        members = groups[int(group[at])]
        weighed = signs[at] * beside[members, at]
        parts = np.exp(weighed - weighed.max(axis=0))
        split[at, members] = (features[at] * parts / parts.sum(axis=0)).sum(axis=1)
    return split


def priors_per_like(
    query: Query,
    rows: Rows,
    priors: Mapping[str, Array],
    groups: Groups,
    group: NDArray[np.int64],
) -> Array:
    """Contributions of priors ``(rows,)`` by name shared out over the likes ``(rows, likes)``."""
    split = np.zeros((len(rows), len(query.likes)))
    names = {"artist": query.statistics.artists, "album": query.statistics.albums}
    for name, values in priors.items():
        if name == "playlists":
            split += two_tower_scores.per_like(query, rows)
            continue
        part = np.ones_like(split)
        if name in names:
            of = names[name]
            same = (of[rows][:, None] == of[query.likes]) & (of[rows] > 0)[:, None]
            part[same.any(axis=1)] = same[same.any(axis=1)]
        elif name == "taste":
            part[:] = 0.0
            for at in range(len(rows)):
                part[at, groups[int(group[at])]] = 1.0
        split += values[:, None] * part / part.sum(axis=1, keepdims=True)
    return split
