"""k-means (Lloyd 1982) from k-means++ starts (Arthur & Vassilvitskii 2007), by scikit-learn."""

from __future__ import annotations

import warnings

import numpy as np
from sklearn.cluster import KMeans as SklearnKMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from songrec.core.errors import NotReady
from songrec.core.types import Clustering, Floats, Progress, no_progress

MANY_TRACKS = 200_000
STARTS_FOR_MANY = 3


class KMeans:
    """Compact groups around ``clusters`` centres, the best of ``starts`` attempts.

    A track's confidence is its simplified silhouette (Hruschka et al. 2004), 1 - a / b, where a
    and b are its distances to the nearest and the second nearest centre: 1 at a centre, 0 half-way
    between two.
    """

    def __init__(self, *, clusters: int = 10, starts: int = 10) -> None:
        self.clusters = clusters
        self.starts = starts
        self.notes_: list[str] = []

    def fit(self, latent: Floats, *, seed: int, on_progress: Progress = no_progress) -> Clustering:
        """Group the rows of ``latent`` ``(n, l)``.

        With fewer distinct rows than clusters there are as many clusters as distinct rows, and
        ``notes_`` says so.
        """
        if not len(latent):
            raise NotReady("There are no tracks to cluster: ingest a catalogue first.")
        self.notes_ = []
        clusters = self._possible_clusters(latent)
        starts = self.starts if len(latent) <= MANY_TRACKS else min(self.starts, STARTS_FOR_MANY)
        best = None
        # One start at a time, so that cancelling works between them. One thread: more would sum
        # the centres in an order that differs from run to run.
        seeds = np.random.SeedSequence(seed).generate_state(starts)
        for number, start_seed in enumerate(seeds, 1):
            with threadpool_limits(limits=1), warnings.catch_warnings():
                # Rows closer than float32 tells apart may leave a centre unused.
                warnings.simplefilter("ignore", ConvergenceWarning)
                model = SklearnKMeans(
                    clusters, n_init=1, random_state=int(start_seed), copy_x=True
                ).fit(latent)
            if best is None or model.inertia_ < best.inertia_:
                best = model
            on_progress(number / starts, f"start {number} of {starts}")
        assert best is not None
        centres = best.cluster_centers_.astype(np.float32)
        return Clustering(
            best.labels_.astype(np.int32), confidence(latent, centres, best.labels_), centres
        )

    def _possible_clusters(self, latent: Floats) -> int:
        # The first rows nearly always settle it; sorting a million rows is for the odd case.
        for rows in (latent[: 100 * self.clusters], latent):
            distinct = len(np.unique(rows, axis=0))
            if distinct >= self.clusters:
                return self.clusters
        self.notes_.append(
            f"{self.clusters} clusters were asked for, but only {distinct} "
            f"{'track differs' if distinct == 1 else 'tracks differ'} in the latent: "
            f"there {'is 1 cluster' if distinct == 1 else f'are {distinct} clusters'}."
        )
        return distinct


def confidence(latent: Floats, centres: Floats, labels: np.ndarray) -> Floats:
    """Simplified silhouette of each row, float32 ``(n,)`` in 0..1; 1 where there is one centre."""
    result = np.ones(len(latent), dtype=np.float32)
    if len(centres) < 2:
        return result
    slice_rows = 65_536
    for start in range(0, len(latent), slice_rows):
        rows = latent[start : start + slice_rows].astype(np.float64)
        distances = np.linalg.norm(rows[:, None, :] - centres[None, :, :], axis=2)
        at = np.arange(len(rows))
        own = distances[at, labels[start : start + slice_rows]]
        distances[at, labels[start : start + slice_rows]] = np.inf
        other = distances.min(axis=1)
        result[start : start + slice_rows] = np.clip(
            1.0 - own / np.maximum(other, np.finfo(float).tiny), 0.0, 1.0
        )
    return result
