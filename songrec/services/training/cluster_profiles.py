"""What a page says of each cluster: medians, shares of the catalogue, genres, typical tracks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.clustering.naming import NOISE_NAME, Portrait, name_clusters
from songrec.core.types import Clustering, Floats
from songrec.store.catalogue.training_data import TrackTags, TrainingData
from songrec.store.runs.runs import FoundCluster

TYPICAL_TRACKS = 10
TOP_TAGS = 8


@dataclass(frozen=True)
class Catalogue:
    """What portraits are measured against: the data, the used attributes and the tags by kind."""

    data: TrainingData
    names: tuple[str, ...]
    values: Floats
    tags: dict[str, TrackTags]


def found_clusters(
    catalogue: Catalogue, clustering: Clustering, latent: Floats
) -> list[FoundCluster]:
    """Each cluster with its name, size and profile, by number; noise (-1) last."""
    labels = clustering.labels
    numbers = sorted((int(n) for n in np.unique(labels)), key=lambda n: (n < 0, n))
    ordered = [np.sort(column[~np.isnan(column)]) for column in catalogue.values.T]
    lifts = {
        plural: _top_tags(catalogue.tags[kind], labels, numbers)
        for kind, plural in (("genre", "genres"), ("emotion", "emotions"))
    }
    profiles: list[dict[str, Any]] = []
    sizes = []
    for at, number in enumerate(numbers):
        rows = np.flatnonzero(labels == number)
        median = _medians(catalogue, rows)
        profiles.append(
            {
                "median": median,
                "share": {
                    name: share_below(values, median[name])
                    for name, values in zip(catalogue.names, ordered, strict=True)
                    if median[name] is not None
                },
                "typical": _typical(catalogue.data, clustering, latent, rows, number),
                **{plural: tops[at] for plural, tops in lifts.items()},
            }
        )
        sizes.append(len(rows))
    clustered = [at for at, number in enumerate(numbers) if number >= 0]
    names = dict.fromkeys(range(len(numbers)), NOISE_NAME)
    portraits = [Portrait(profiles[at]["share"], profiles[at]["genres"]) for at in clustered]
    names.update(zip(clustered, name_clusters(portraits), strict=True))
    return [
        FoundCluster(number, names[at], sizes[at], profiles[at])
        for at, number in enumerate(numbers)
    ]


def share_below(ordered: NDArray[np.floating], value: float) -> float:
    """The share of ``ordered`` (ascending, no NaN) below ``value``, ties counting half."""
    value = np.asarray(value, dtype=ordered.dtype)
    below = np.searchsorted(ordered, value, "left")
    up_to = np.searchsorted(ordered, value, "right")
    return float((below + up_to) / (2 * len(ordered)))


def _medians(catalogue: Catalogue, rows: NDArray[np.integer]) -> dict[str, float | None]:
    medians: dict[str, float | None] = {}
    for column, name in enumerate(catalogue.names):
        known = catalogue.values[rows, column]
        known = known[~np.isnan(known)]
        medians[name] = float(np.median(known)) if len(known) else None
    return medians


def _typical(
    data: TrainingData,
    clustering: Clustering,
    latent: Floats,
    rows: NDArray[np.integer],
    number: int,
) -> list[int]:
    """Ids of the tracks nearest the centre (or the mean), each song once, nearest first."""
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
    """Per cluster ``[[name, share of tracks, lift over the catalogue], …]``, commonest first."""
    width = len(tags.names)
    distinct = np.unique(labels)
    place = np.array([numbers.index(int(number)) for number in distinct])
    cluster = place[np.searchsorted(distinct, labels)]
    counts = np.bincount(cluster[tags.rows] * width + tags.tags, minlength=len(numbers) * width)
    counts = counts.reshape(len(numbers), width)
    sizes = np.bincount(cluster, minlength=len(numbers))
    overall = counts.sum(axis=0) / len(labels)
    result = []
    for at in range(len(numbers)):
        shares = counts[at] / sizes[at]
        top = [tag for tag in np.argsort(-shares, kind="stable")[:TOP_TAGS] if counts[at][tag]]
        lifts = shares[top] / overall[top]
        result.append(
            [
                [tags.names[tag], round(float(shares[tag]), 4), round(float(lift), 3)]
                for tag, lift in zip(top, lifts, strict=True)
            ]
        )
    return result
