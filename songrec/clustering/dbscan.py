"""DBSCAN: dense places that touch are one cluster, the rest is noise (Ester et al. 1996)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from songrec.clustering.base import (
    ROWS_AT_ONCE,
    ClusteringAlgorithm,
    Labels,
    sample_details,
    sample_note,
    sample_rows,
)
from songrec.core.types import Clustering, Floats, Progress

LARGEST = 50_000
LINKS_AT_ONCE = 4_000_000


@dataclass(kw_only=True, eq=False, repr=False)
class DBSCAN(ClusteringAlgorithm):
    """Clusters of tracks that have ``min_samples`` tracks (themselves included) within ``eps``.

    Such tracks are cores. Cores within ``eps`` of each other share a cluster; any other track, new
    ones included, belongs to the nearest core within ``eps``, or is noise. ``eps`` 0 is chosen: the
    knee of the distances to the ``min_samples``-th neighbour, in ascending order, is the point
    farthest from the line between their ends. Confidence is 1 for a core, 1 - distance / (2 eps)
    for the others of a cluster, 0 for noise. Above 50,000 tracks the cores are those of a sample.
    """

    FITTED = ("cores_", "core_labels_", "eps_")

    eps: float = 0.0
    min_samples: int = 10

    def _fit(self, latent: Floats, seed: int, on_progress: Progress) -> Clustering:
        rows = sample_rows(len(latent), LARGEST, seed)
        values = latent[rows].astype(np.float64)
        tree = cKDTree(values)
        details: dict[str, Any] = {
            "sample": sample_details(
                len(rows), len(latent), "to the nearest core in reach, else noise"
            )
        }
        self.notes_ += sample_note(details["sample"])
        on_progress(0.0, "distances to neighbours")
        self.eps_ = self.eps
        if not self.eps_:
            distances = np.sort(tree.query(values, k=[min(self.min_samples, len(rows))])[0][:, 0])
            self.eps_ = max(float(distances[knee(distances)]), 1e-9)
            drawn = np.linspace(0, len(distances) - 1, min(len(distances), 200)).astype(int)
            details["neighbour_distances"] = distances[drawn].round(6).tolist()
        details["eps"] = self.eps_
        near = tree.query_ball_point(values, self.eps_, return_length=True)
        cores = np.flatnonzero(near >= self.min_samples)
        on_progress(0.3, f"{len(cores):,} cores")
        self.cores_ = values[cores]
        self.core_labels_ = np.empty(0, dtype=np.int32)
        if len(cores):
            self.core_labels_ = _connected(self.cores_, self.eps_, on_progress)
        else:
            self.notes_.append(
                f"All {len(latent):,} tracks are noise: none has {self.min_samples} tracks "
                f"within {self.eps_:.4g}. A larger eps finds clusters."
            )
        labels, confidence = self._reached(latent)
        labels[rows[cores]], confidence[rows[cores]] = self.core_labels_, 1.0
        return Clustering(labels, confidence, details=details)

    def _predict(self, latent: Floats) -> Labels:
        return self._reached(latent)[0]

    def _reached(self, latent: Floats) -> tuple[Labels, Floats]:
        """Return label and confidence of each row by the nearest core within ``eps``."""
        labels = np.full(len(latent), -1, dtype=np.int32)
        confidence = np.zeros(len(latent), dtype=np.float32)
        if not len(self.cores_):
            return labels, confidence
        tree = cKDTree(self.cores_)
        for start in range(0, len(latent), ROWS_AT_ONCE):
            part = slice(start, start + ROWS_AT_ONCE)
            distance, at = tree.query(latent[part].astype(np.float64))
            inside = distance <= self.eps_
            labels[part] = np.where(inside, self.core_labels_[at], -1)
            confidence[part] = np.where(inside, 1 - distance / (2 * self.eps_), 0)
        return labels, confidence


def knee(values: NDArray[np.float64]) -> int:
    """Return where ascending ``values`` bend most: farthest below the line between the ends."""
    if len(values) < 3 or values[-1] <= values[0]:
        return len(values) - 1
    along = np.linspace(0, 1, len(values))
    up = (values - values[0]) / (values[-1] - values[0])
    return int((along - up).argmax())


def _connected(cores: NDArray[np.float64], eps: float, on_progress: Progress) -> Labels:
    """Return the number of each core's cluster; cores within ``eps`` are linked, in batches.

    A batch is small enough for its links to fit into memory however large ``eps`` is.
    """
    tree = cKDTree(cores)
    links = tree.query_ball_point(cores, eps, return_length=True)
    batches = np.cumsum(links) // LINKS_AT_ONCE
    group = np.arange(len(cores))
    for batch in range(int(batches[-1]) + 1):
        rows = np.flatnonzero(batches == batch)
        if not len(rows):
            continue
        linked = tree.query_ball_point(cores[rows], eps)
        start = np.repeat(rows, [len(ends) for ends in linked])
        end = np.concatenate([np.asarray(ends, dtype=np.int64) for ends in linked])
        graph = coo_array(
            (np.ones(len(start), dtype=np.int8), (group[start], group[end])),
            shape=(len(cores), len(cores)),
        )
        group = connected_components(graph, directed=False)[1][group]
        on_progress(0.3 + 0.5 * (rows[-1] + 1) / len(cores), "joining cores")
    return np.unique(group, return_inverse=True)[1].astype(np.int32)
