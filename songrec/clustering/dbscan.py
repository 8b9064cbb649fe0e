"""DBSCAN: dense places that touch are one cluster, the rest is noise (Ester et al. 1996)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from songrec.clustering.base import ROWS_AT_ONCE, require_tracks, sample_note, sample_rows, sampled
from songrec.core.types import Clustering, Floats, Progress, no_progress

LARGEST = 50_000
LINKS_AT_ONCE = 4_000_000


class DBSCAN:
    """A track that has ``min_samples`` tracks (itself among them) within ``eps`` is a core.

    Cores within ``eps`` of each other share a cluster; a track that is no core belongs to the
    nearest core within ``eps``, or is noise. ``eps`` 0 is chosen: the knee of the distances to the
    ``min_samples``-th neighbour, in ascending order, is the point farthest from the line between
    their ends. Confidence is 1 for a core, 1 - distance / (2 eps) for the others of a cluster, 0
    for noise. Above 50,000 tracks the cores are those of a sample.
    """

    def __init__(self, *, eps: float = 0.0, min_samples: int = 10) -> None:
        self.eps = eps
        self.min_samples = min_samples
        self.notes_: list[str] = []

    def fit(self, latent: Floats, *, seed: int, on_progress: Progress = no_progress) -> Clustering:
        """Group the rows of ``latent`` ``(n, l)``."""
        require_tracks(latent)
        self.notes_ = []
        rows = sample_rows(len(latent), LARGEST, seed)
        values = latent[rows].astype(np.float64)
        tree = cKDTree(values)
        details: dict[str, Any] = {
            "sample": sampled(len(rows), len(latent), "to the nearest core in reach, else noise")
        }
        self.notes_ += sample_note(details["sample"])
        on_progress(0.0, "distances to neighbours")
        eps = self.eps
        if not eps:
            distances = np.sort(tree.query(values, k=[min(self.min_samples, len(rows))])[0][:, 0])
            eps = max(float(distances[knee(distances)]), 1e-9)
            shown = np.linspace(0, len(distances) - 1, min(len(distances), 200)).astype(int)
            details["neighbour_distances"] = distances[shown].round(6).tolist()
        details["eps"] = eps
        near = tree.query_ball_point(values, eps, return_length=True)
        cores = np.flatnonzero(near >= self.min_samples)
        on_progress(0.3, f"{len(cores):,} cores")
        labels = np.full(len(latent), -1, dtype=np.int32)
        confidence = np.zeros(len(latent), dtype=np.float32)
        if len(cores):
            groups = _touching(values[cores], eps, on_progress)
            core_tree = cKDTree(values[cores])
            for start in range(0, len(latent), ROWS_AT_ONCE):
                part = slice(start, start + ROWS_AT_ONCE)
                distance, at = core_tree.query(latent[part].astype(np.float64))
                inside = distance <= eps
                labels[part] = np.where(inside, groups[at], -1)
                confidence[part] = np.where(inside, 1 - distance / (2 * eps), 0)
            labels[rows[cores]], confidence[rows[cores]] = groups, 1.0
        else:
            self.notes_.append(
                f"All {len(latent):,} tracks are noise: none has {self.min_samples} tracks "
                f"within {eps:.4g}. A larger eps finds clusters."
            )
        on_progress(1.0, "done")
        return Clustering(labels, confidence, details=details)


def knee(values: NDArray[np.float64]) -> int:
    """Where ascending ``values`` bend most: the point farthest below the line between the ends."""
    if len(values) < 3 or values[-1] <= values[0]:
        return len(values) - 1
    along = np.linspace(0, 1, len(values))
    up = (values - values[0]) / (values[-1] - values[0])
    return int((along - up).argmax())


def _touching(cores: NDArray[np.float64], eps: float, on_progress: Progress) -> NDArray[np.int32]:
    """The number of each core's cluster: cores within ``eps`` are linked, a batch at a time.

    A batch holds so few rows that their links fit into memory however large ``eps`` is.
    """
    tree = cKDTree(cores)
    links = tree.query_ball_point(cores, eps, return_length=True)
    batches = np.cumsum(links) // LINKS_AT_ONCE
    group = np.arange(len(cores))
    for batch in range(int(batches[-1]) + 1):
        rows = np.flatnonzero(batches == batch)
        if not len(rows):
            continue
        found = tree.query_ball_point(cores[rows], eps)
        start = np.repeat(rows, [len(there) for there in found])
        end = np.concatenate([np.asarray(there, dtype=np.int64) for there in found])
        graph = coo_array(
            (np.ones(len(start), dtype=np.int8), (group[start], group[end])),
            shape=(len(cores), len(cores)),
        )
        group = connected_components(graph, directed=False)[1][group]
        on_progress(0.3 + 0.5 * (rows[-1] + 1) / len(cores), "joining cores")
    return np.unique(group, return_inverse=True)[1].astype(np.int32)
