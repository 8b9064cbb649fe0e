"""Cluster profiles for pages: medians, percentiles, tags and typical tracks of each cluster."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.clustering.naming import NOISE_NAME, ClusterTraits, name_clusters
from songrec.core.types import Clustering, Floats
from songrec.store.catalogue.training_data import TrackTags, TrainingData
from songrec.store.runs.runs import ClusterProfile

TYPICAL_TRACKS = 10
TOP_TAGS = 8


@dataclass(frozen=True)
class ProfileInputs:
    """The catalogue that clusters are profiled against.

    ``values`` float32 ``(n, len(names))`` are the attributes ``names``; ``tags`` by kind.
    """

    data: TrainingData
    names: tuple[str, ...]
    values: Floats
    tags: dict[str, TrackTags]


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
    profiles: list[dict[str, Any]] = []
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
                "typical": _typical(catalogue.data, clustering, latent, rows, number),
                **{plural: tags[index] for plural, tags in top_tags.items()},
            }
        )
        sizes.append(len(rows))
    clustered = [index for index, number in enumerate(numbers) if number >= 0]
    names = dict.fromkeys(range(len(numbers)), NOISE_NAME)
    traits = [ClusterTraits(profiles[i]["share"], profiles[i]["genres"]) for i in clustered]
    names.update(zip(clustered, name_clusters(traits), strict=True))
    return [
        ClusterProfile(number, names[index], sizes[index], profiles[index])
        for index, number in enumerate(numbers)
    ]


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
    data: TrainingData,
    clustering: Clustering,
    latent: Floats,
    rows: NDArray[np.integer],
    number: int,
) -> list[int]:
    """Return ids of the tracks nearest the centre (or mean), nearest first, each song once."""
    members = latent[rows]
    if clustering.centres is not None and number >= 0:
        centre = clustering.centres[number]
    else:
        centre = members.mean(axis=0)
    order = np.argsort(((members - centre) ** 2).sum(axis=1), kind="stable")
    typical: list[int] = []
    songs: set[int] = set()
    for row in rows[order]:
        song = int(data.song_keys[row])
        if song not in songs:
            songs.add(song)
            typical.append(int(data.track_ids[row]))
            if len(typical) == TYPICAL_TRACKS:
                break
    return typical


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
