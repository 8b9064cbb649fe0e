"""k-means (Lloyd 1982) from k-means++ starts (Arthur & Vassilvitskii 2007), by scikit-learn."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.cluster import KMeans as SklearnKMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from songrec.clustering import model_selection
from songrec.clustering.base import Labels, possible_clusters, require_tracks
from songrec.clustering.counted import Counted
from songrec.core.types import Clustering, Floats, Progress, no_progress

MANY_TRACKS = 200_000
STARTS_FOR_MANY = 3
STARTS_FOR_TRYING = 3
SHARE_OF_TRYING = 0.6


@dataclass(kw_only=True, eq=False, repr=False)
class KMeans(Counted):
    """Compact groups around ``n_clusters`` centres, the best of ``n_init`` attempts.

    A track's confidence is its simplified silhouette (Hruschka et al. 2004), 1 - a / b, where a
    and b are its distances to the nearest and the second nearest centre: 1 at a centre, 0 half-way
    between two.
    """

    n_init: int = 10

    def fit(self, latent: Floats, *, seed: int, on_progress: Progress = no_progress) -> Clustering:
        """Group the rows of ``latent`` ``(n, l)``.

        With fewer distinct rows than clusters there are as many clusters as distinct rows, and
        ``notes_`` says so.
        """
        require_tracks(latent)
        self.notes_ = []
        clusters, details, begun = self.n_clusters, {}, 0.0
        if not clusters:
            begun = SHARE_OF_TRYING
            clusters, details["clusters_tried"] = model_selection.select_n_clusters(
                latent,
                self._try,
                criterion=self.criterion,
                min_clusters=self.min_clusters,
                max_clusters=self.max_clusters,
                seed=seed,
                on_progress=lambda share, *said: on_progress(begun * share, *said),
            )
        clusters = possible_clusters(latent, clusters, self.notes_)
        starts = self.n_init if len(latent) <= MANY_TRACKS else min(self.n_init, STARTS_FOR_MANY)

        def report(share: float, message: str) -> None:
            on_progress(begun + (1 - begun) * share, message)

        best = self._best(latent, clusters, starts, seed, report)
        centres = best.cluster_centers_.astype(np.float32)
        labels = best.labels_.astype(np.int32)
        return Clustering(labels, confidence(latent, centres, labels), centres, details=details)

    def _try(self, values: Floats, clusters: int, seed: int) -> Labels:
        starts = min(self.n_init, STARTS_FOR_TRYING)
        return self._best(values, clusters, starts, seed, no_progress).labels_.astype(np.int32)

    def _best(self, latent: Floats, clusters: int, starts: int, seed: int, report: Any) -> Any:
        """The start with the least scatter, fitted.

        One start at a time, so that cancelling works between them. One thread: more would sum the
        centres in an order that differs from run to run.
        """
        best = None
        seeds = np.random.SeedSequence(seed).generate_state(starts)
        for number, start_seed in enumerate(seeds, 1):
            with threadpool_limits(limits=1), warnings.catch_warnings():
                # Rows closer than float32 tells apart may leave a centre unused.
                warnings.simplefilter("ignore", ConvergenceWarning)
                model = self._model(clusters, int(start_seed)).fit(latent)
            if best is None or model.inertia_ < best.inertia_:
                best = model
            report(number / starts, f"start {number} of {starts}")
        return best

    def _model(self, clusters: int, seed: int) -> Any:
        """One start, not yet fitted."""
        return SklearnKMeans(clusters, n_init=1, random_state=seed, copy_x=True)


def confidence(latent: Floats, centres: Floats, labels: np.ndarray) -> Floats:
    """Simplified silhouette of each row, float32 ``(n,)`` in 0..1; 1 where there is one centre."""
    result = np.ones(len(latent), dtype=np.float32)
    if len(centres) < 2:
        return result
    slice_rows = 8192
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
