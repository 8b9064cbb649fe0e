"""Cluster profiles for pages: medians, percentiles, tags and typical tracks of each cluster."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.clustering.naming import (
    NOISE_NAME,
    ClusterName,
    ClusterTraits,
    WordShare,
    mean_word_share,
    name_clusters,
)
from songrec.core.attribute_words import words_true_of
from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.core.types import Clustering, Floats
from songrec.recommend.explain.phrases import decade
from songrec.store.catalogue.training_data import TrackTags, TrainingData
from songrec.store.runs.runs import ClusterProfile

TYPICAL_TRACKS = 10
MIN_POOL = 50
"""Smallest number of members nearest to the centre from which typical tracks are chosen."""
TOP_TAGS = 8


@dataclass(frozen=True)
class ProfileInputs:
    """The catalogue that clusters are profiled against.

    ``values`` float32 ``(n, len(names))`` are the attributes ``names``; ``tags`` by kind;
    ``artists`` uint64 ``(n,)`` are equal for tracks by the same artist, 0 where unknown;
    ``is_for_any_day`` ``(n,)`` is False for seasonal songs and spoken word, which are not typical.
    """

    data: TrainingData
    names: tuple[str, ...]
    values: Floats
    tags: dict[str, TrackTags]
    artists: NDArray[np.uint64]
    is_for_any_day: NDArray[np.bool_]


def profile_clusters(
    catalogue: ProfileInputs, clustering: Clustering, latent: Floats
) -> list[ClusterProfile]:
    """Return the name, size and profile of each cluster, by number; noise (-1) last."""
    labels = clustering.labels
    numbers = sorted((int(n) for n in np.unique(labels)), key=lambda n: (n < 0, n))
    sorted_values = [np.sort(column[~np.isnan(column)]) for column in catalogue.values.T]
    top_tags = {
        plural: _top_tags(catalogue.tags[kind], labels, numbers)
        for kind, plural in (("genre", "genres"), ("emotion", "emotions"))
    }
    truth = _word_truth(catalogue, sorted_values)
    overall = {word: float(true.mean()) for word, true in truth.items()}
    profiles: list[dict[str, Any]] = []
    words: list[dict[str, WordShare]] = []
    sizes = []
    for index, number in enumerate(numbers):
        rows = np.flatnonzero(labels == number)
        median = _medians(catalogue, rows)
        profiles.append(
            {
                "median": median,
                "share": {
                    name: share_below(values, median[name])
                    for name, values in zip(catalogue.names, sorted_values, strict=True)
                    if median[name] is not None
                },
                "typical": _typical(catalogue, clustering, latent, rows, number),
                **{plural: tags[index] for plural, tags in top_tags.items()},
            }
        )
        sizes.append(len(rows))
        words.append(
            {
                word: WordShare(float(true[rows].mean()), overall[word])
                for word, true in truth.items()
            }
        )
    clustered = [index for index, number in enumerate(numbers) if number >= 0]
    names = dict.fromkeys(range(len(numbers)), ClusterName(NOISE_NAME))
    traits = [ClusterTraits(words[i], profiles[i]["genres"]) for i in clustered]
    names.update(zip(clustered, name_clusters(traits), strict=True))
    for index, profile in enumerate(profiles):
        profile["words"] = [[word, round(share, 4)] for word, share in names[index].words]
    return [
        ClusterProfile(number, names[index].text, sizes[index], profiles[index])
        for index, number in enumerate(numbers)
    ]


def name_metrics(clusters: Sequence[ClusterProfile]) -> dict[str, float | None]:
    """Return the mean share of members that a word of their cluster's name is true of."""
    names = [ClusterName(c.name, tuple((w, s) for w, s in c.profile["words"])) for c in clusters]
    return {"name_word_share": mean_word_share(names)}


def _word_truth(
    catalogue: ProfileInputs, sorted_values: Sequence[NDArray[np.floating]]
) -> dict[str, NDArray[np.bool_]]:
    """Return by word, of adjectives and decades, of which tracks it is true, ``(n,)``."""
    values, ranks = {}, {}
    for name, column, ascending in zip(
        catalogue.names, catalogue.values.T, sorted_values, strict=True
    ):
        values[name] = column
        ranks[name] = _shares_below(ascending, column)
    truth = words_true_of(values, ranks)
    years = catalogue.data.year
    for start in range(1920, 2100, 10):
        in_decade = (years >= start) & (years < start + 10)
        if in_decade.any():
            truth[decade(start)] = in_decade
    return truth


def _shares_below(ascending: NDArray[np.floating], values: Floats) -> NDArray[np.float64]:
    """Return ``share_below`` of many values; NaN where unknown."""
    if not len(ascending):
        return np.full(len(values), np.nan)
    below = np.searchsorted(ascending, values, "left")
    up_to = np.searchsorted(ascending, values, "right")
    return np.where(np.isnan(values), np.nan, (below + up_to) / (2 * len(ascending)))


def share_below(sorted_values: NDArray[np.floating], value: float) -> float:
    """Return the share of ``sorted_values`` (no NaN) below ``value``; ties count half."""
    value = np.asarray(value, dtype=sorted_values.dtype)
    below = np.searchsorted(sorted_values, value, "left")
    up_to = np.searchsorted(sorted_values, value, "right")
    return float((below + up_to) / (2 * len(sorted_values)))


def _medians(catalogue: ProfileInputs, rows: NDArray[np.integer]) -> dict[str, float | None]:
    medians: dict[str, float | None] = {}
    for column, name in enumerate(catalogue.names):
        values = catalogue.values[rows, column]
        values = values[~np.isnan(values)]
        medians[name] = float(np.median(values)) if len(values) else None
    return medians


def _typical(
    catalogue: ProfileInputs,
    clustering: Clustering,
    latent: Floats,
    rows: NDArray[np.integer],
    number: int,
) -> list[int]:
    """Return ids of typical tracks in display order, each song once.

    They belong to the quarter of the members (at least ``MIN_POOL``) nearest to the centre, or to
    the mean. They are sorted by popularity, if known, else by distance; no artist comes twice
    before all others came once.
    """
    members = latent[rows]
    if clustering.centres is not None and number >= 0:
        centre = clustering.centres[number]
    else:
        centre = members.mean(axis=0)
    order = np.argsort(((members - centre) ** 2).sum(axis=1), kind="stable")
    pool = rows[order[: max(MIN_POOL, len(rows) // 4)]]
    data, artists = catalogue.data, catalogue.artists
    if catalogue.is_for_any_day[pool].any():
        pool = pool[catalogue.is_for_any_day[pool]]
    popularity = data.values[pool, ATTRIBUTE_NAMES.index("popularity")]
    # Unknown ones come last; equal ones by their nearness.
    pool = pool[np.argsort(-np.nan_to_num(popularity, nan=-1.0), kind="stable")]
    pool = pool[_first_of(data.song_keys[pool])]
    pool = np.concatenate([pool[first := _first_of(artists[pool])], np.delete(pool, first)])
    return data.track_ids[pool[:TYPICAL_TRACKS]].tolist()


def _first_of(keys: NDArray[np.unsignedinteger]) -> NDArray[np.int64]:
    """Return where each distinct key comes first, ascending; key 0, unknown, is always distinct."""
    distinct = np.unique(keys, return_index=True)[1]
    return np.union1d(distinct, np.flatnonzero(keys == 0))


def _top_tags(
    tags: TrackTags, labels: NDArray[np.int32], numbers: list[int]
) -> list[list[list[Any]]]:
    """Return ``[[name, share, lift over the catalogue], …]`` per cluster, commonest first."""
    width = len(tags.names)
    distinct = np.unique(labels)
    positions = np.array([numbers.index(int(number)) for number in distinct])
    cluster = positions[np.searchsorted(distinct, labels)]
    counts = np.bincount(cluster[tags.rows] * width + tags.tags, minlength=len(numbers) * width)
    counts = counts.reshape(len(numbers), width)
    sizes = np.bincount(cluster, minlength=len(numbers))
    overall = counts.sum(axis=0) / len(labels)
    result = []
    for tag_counts, size in zip(counts, sizes, strict=True):
        shares = tag_counts / size
        top = [tag for tag in np.argsort(-shares, kind="stable")[:TOP_TAGS] if tag_counts[tag]]
        lifts = shares[top] / overall[top]
        result.append(
            [
                [tags.names[tag], round(float(shares[tag]), 4), round(float(lift), 3)]
                for tag, lift in zip(top, lifts, strict=True)
            ]
        )
    return result
