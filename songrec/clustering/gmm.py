"""A mixture of Gaussians by expectation and maximisation (Dempster, Laird & Rubin 1977)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from typing import Any

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from songrec.clustering import model_selection
from songrec.clustering.base import (
    ROWS_AT_ONCE,
    Labels,
    possible_clusters,
    require_tracks,
    sample_note,
    sample_rows,
    sampled,
)
from songrec.clustering.counted import Counted
from songrec.core.types import Clustering, Floats, Progress, no_progress

LEARNT_FROM = 100_000
SHARE_OF_TRYING = 0.6
REGULARISATION = 1e-5
"""Added to the variances, in units of the latent's mean variance: flat clusters stay Gaussians."""


@dataclass(kw_only=True, eq=False, repr=False)
class GMM(Counted):
    """Soft groups: a track belongs to each cluster with a probability.

    The label is the likeliest cluster and the confidence its probability; all of them are kept in
    ``probabilities``. ``details`` has the Bayesian information criterion of the mixture on the
    tracks it was learnt from. Above 100,000 tracks the mixture is learnt from a sample of so many
    and then gives all tracks their probabilities.
    """

    criterion: str = "bic"
    covariance_type: str = "full"
    n_init: int = 3

    def fit(self, latent: Floats, *, seed: int, on_progress: Progress = no_progress) -> Clustering:
        """Group the rows of ``latent`` ``(n, l)``; fewer distinct rows than clusters are noted."""
        require_tracks(latent)
        self.notes_ = []
        details: dict[str, Any] = {}
        clusters, begun = self.n_clusters, 0.0
        if not clusters:
            begun = SHARE_OF_TRYING
            clusters, details["clusters_tried"] = model_selection.select_n_clusters(
                latent,
                self._try,
                criterion=self.criterion,
                min_clusters=self.min_clusters,
                max_clusters=self.max_clusters,
                seed=seed,
                bic=self._bic,
                on_progress=lambda share, *said: on_progress(begun * share, *said),
            )
        clusters = possible_clusters(latent, clusters, self.notes_)
        if clusters == 1 and len(np.unique(latent, axis=0)) == 1:
            everyone = np.ones((len(latent), 1), dtype=np.float32)
            return Clustering(np.zeros(len(latent), np.int32), everyone[:, 0], latent[:1], everyone)
        values = latent[sample_rows(len(latent), LEARNT_FROM, seed)]
        clusters = possible_clusters(values, clusters, [])
        best = None
        for number, start_seed in enumerate(_seeds(seed, self.n_init), 1):
            model = self._fitted(values, clusters, start_seed)
            if best is None or model.lower_bound_ > best.lower_bound_:
                best = model
            share = begun + (1 - begun) * number / self.n_init
            on_progress(share, f"start {number} of {self.n_init}")
        assert best is not None
        if not best.converged_:
            self.notes_.append(
                f"The mixture was still changing after {best.max_iter} steps; more starts or "
                "fewer clusters may settle it."
            )
        probabilities = _responsibilities(best, latent)
        details |= {
            "bic": float(best.bic(values)),
            "sample": sampled(len(values), len(latent), "each track has the mixture's own answer"),
        }
        self.notes_ += sample_note(details["sample"])
        return Clustering(
            probabilities.argmax(axis=1).astype(np.int32),
            np.clip(probabilities.max(axis=1), 0, 1),
            best.means_.astype(np.float32),
            probabilities,
            details,
        )

    def _fitted(self, values: Floats, clusters: int, seed: int) -> GaussianMixture:
        spread = float(values.var(axis=0, dtype=np.float64).mean())
        with threadpool_limits(limits=1), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # told in the notes
            return GaussianMixture(
                clusters,
                covariance_type=self.covariance_type,
                random_state=seed,
                reg_covar=max(REGULARISATION * spread, 1e-9),
            ).fit(values.astype(np.float64))

    def _try(self, values: Floats, clusters: int, seed: int) -> Labels:
        model = self._fitted(values, clusters, _seeds(seed, 1)[0])
        return model.predict(values.astype(np.float64)).astype(np.int32)

    def _bic(self, values: Floats, clusters: int, seed: int) -> float:
        model = self._fitted(values, clusters, _seeds(seed, 1)[0])
        return float(model.bic(values.astype(np.float64)))


def _seeds(seed: int, starts: int) -> list[int]:
    return [int(s) for s in np.random.SeedSequence(seed).generate_state(starts)]


def _responsibilities(model: GaussianMixture, latent: Floats) -> Floats:
    parts = [
        model.predict_proba(latent[start : start + ROWS_AT_ONCE].astype(np.float64))
        for start in range(0, len(latent), ROWS_AT_ONCE)
    ]
    return np.concatenate(parts).astype(np.float32)
