"""k-means (Lloyd 1982) from k-means++ starts (Arthur & Vassilvitskii 2007), by scikit-learn."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.cluster import KMeans as SklearnKMeans
from sklearn.exceptions import ConvergenceWarning
from threadpoolctl import threadpool_limits

from songrec.clustering.base import Labels, nearest_centre, simplified_silhouette
from songrec.clustering.model_selection import CountedClustering
from songrec.core.types import Clustering, Floats, Progress, no_progress

MANY_TRACKS = 200_000
STARTS_FOR_MANY = 3
STARTS_FOR_TRYING = 3


@dataclass(kw_only=True, eq=False, repr=False)
class KMeans(CountedClustering):
    """Compact groups around ``n_clusters`` centres, the best of ``n_init`` attempts.

    A track's confidence is its simplified silhouette; a new track goes to the nearest centre. With
    fewer distinct rows than clusters there are as many clusters as distinct rows, and ``notes_``
    says so.
    """

    FITTED = ("centres_",)

    n_init: int = 10

    def _fit(self, latent: Floats, seed: int, on_progress: Progress) -> Clustering:
        k, details, rest = self._number(latent, self._try, seed, on_progress)
        starts = self.n_init if len(latent) <= MANY_TRACKS else min(self.n_init, STARTS_FOR_MANY)
        best = self._best(latent, k, starts, seed, rest)
        self.centres_ = best.cluster_centers_.astype(np.float32)
        labels = best.labels_.astype(np.int32)
        sure = simplified_silhouette(latent, self.centres_, labels)
        return Clustering(labels, sure, self.centres_, details=details)

    def _predict(self, latent: Floats) -> Labels:
        return nearest_centre(latent, self.centres_)

    def _try(self, values: Floats, k: int, seed: int) -> Labels:
        starts = min(self.n_init, STARTS_FOR_TRYING)
        return self._best(values, k, starts, seed, no_progress).labels_.astype(np.int32)

    def _best(
        self, latent: Floats, k: int, starts: int, seed: int, on_progress: Progress
    ) -> SklearnKMeans:
        """Fit all starts and return the one with the least scatter.

        One start at a time, so that cancelling works between them. One thread: more would sum the
        centres in an order that differs from run to run.
        """
        best = None
        seeds = np.random.SeedSequence(seed).generate_state(starts)
        for number, start_seed in enumerate(seeds, 1):
            with threadpool_limits(limits=1), warnings.catch_warnings():
                # Rows closer than float32 tells apart may leave a centre unused.
                warnings.simplefilter("ignore", ConvergenceWarning)
                model = self._model(k, int(start_seed)).fit(latent)
            if best is None or model.inertia_ < best.inertia_:
                best = model
            on_progress(number / starts, f"start {number} of {starts}")
        return best

    def _model(self, k: int, seed: int) -> Any:
        """Return one start, not yet fitted."""
        return SklearnKMeans(k, n_init=1, random_state=seed, copy_x=True)
