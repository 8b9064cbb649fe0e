"""A mixture of Gaussians by expectation and maximisation (Dempster, Laird & Rubin 1977)."""

from __future__ import annotations

import warnings
from dataclasses import dataclass

import numpy as np
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from songrec.clustering.base import ROWS_AT_ONCE, Labels, sample_details, sample_note, sample_rows
from songrec.clustering.model_selection import CountedClustering
from songrec.core.numerics import distinct_rows
from songrec.core.types import Clustering, Floats, Progress

LEARNT_FROM = 100_000
REGULARISATION = 1e-5
"""Added to the variances, in units of the latent's mean variance: flat clusters stay Gaussians."""


@dataclass(kw_only=True, eq=False, repr=False)
class GMM(CountedClustering):
    """Soft groups: a track belongs to each cluster with a probability.

    The label is the likeliest cluster and the confidence its probability; ``probabilities`` has all
    of them. ``details`` has the Bayesian information criterion of the mixture on the tracks that it
    was fitted to. Above 100,000 tracks the mixture is fitted to a sample of 100,000 and then gives
    all tracks their probabilities, as it does new ones.
    """

    FITTED = ("weights_", "means_", "precisions_cholesky_")

    criterion: str = "bic"
    covariance_type: str = "full"
    n_init: int = 3

    def _fit(self, latent: Floats, seed: int, on_progress: Progress) -> Clustering:
        k, details, rest = self._number(latent, self._try, seed, on_progress, bic=self._bic)
        values = latent[sample_rows(len(latent), LEARNT_FROM, seed)]
        k = distinct_rows(values, k)
        if len(values) == 1:  # scikit-learn wants two
            values = np.repeat(values, 2, axis=0)
        best = None
        for number, start_seed in enumerate(_seeds(seed, self.n_init), 1):
            model = self._fitted(values, k, start_seed)
            if best is None or model.lower_bound_ > best.lower_bound_:
                best = model
            rest(number / self.n_init, f"start {number} of {self.n_init}")
        assert best is not None
        if not best.converged_:
            self.notes_.append(
                f"The mixture was still changing after {best.max_iter} steps; more starts or "
                "fewer clusters may settle it."
            )
        for name in self.FITTED:
            setattr(self, name, getattr(best, name))
        probabilities = _responsibilities(best, latent)
        details |= {
            "bic": float(best.bic(values)),
            "sample": sample_details(
                len(values), len(latent), "each track has the mixture's own answer"
            ),
        }
        self.notes_ += sample_note(details["sample"])
        return Clustering(
            probabilities.argmax(axis=1).astype(np.int32),
            np.clip(probabilities.max(axis=1), 0, 1),
            best.means_.astype(np.float32),
            probabilities,
            details,
        )

    def _predict(self, latent: Floats) -> Labels:
        model = GaussianMixture(len(self.means_), covariance_type=self.covariance_type)
        for name in self.FITTED:
            setattr(model, name, getattr(self, name))
        return _responsibilities(model, latent).argmax(axis=1).astype(np.int32)

    def _fitted(self, values: Floats, k: int, seed: int) -> GaussianMixture:
        spread = float(values.var(axis=0, dtype=np.float64).mean())
        with threadpool_limits(limits=1), warnings.catch_warnings():
            warnings.simplefilter("ignore", ConvergenceWarning)  # a note says so
            return GaussianMixture(
                k,
                covariance_type=self.covariance_type,
                random_state=seed,
                reg_covar=max(REGULARISATION * spread, 1e-9),
            ).fit(values.astype(np.float64))

    def _try(self, values: Floats, k: int, seed: int) -> Labels:
        model = self._fitted(values, k, _seeds(seed, 1)[0])
        return model.predict(values.astype(np.float64)).astype(np.int32)

    def _bic(self, values: Floats, k: int, seed: int) -> float:
        model = self._fitted(values, k, _seeds(seed, 1)[0])
        return float(model.bic(values.astype(np.float64)))


def _seeds(seed: int, starts: int) -> list[int]:
    return [int(s) for s in np.random.SeedSequence(seed).generate_state(starts)]


def _responsibilities(model: GaussianMixture, latent: Floats) -> Floats:
    if not len(latent):
        return np.empty((0, model.n_components), dtype=np.float32)
    parts = [
        model.predict_proba(latent[start : start + ROWS_AT_ONCE].astype(np.float64))
        for start in range(0, len(latent), ROWS_AT_ONCE)
    ]
    return np.concatenate(parts).astype(np.float32)
