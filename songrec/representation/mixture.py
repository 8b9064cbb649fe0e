"""A Gaussian mixture as the latent's prior: VaDE's divergence (Jiang et al. 2017) and its start."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.mixture import GaussianMixture
from threadpoolctl import threadpool_limits

from songrec.core.backend import keras
from songrec.core.types import Floats
from songrec.representation.variational import Sampler

ops = keras.ops
LOG_TWO_PI = float(np.log(2.0 * np.pi))
SMALLEST_VARIANCE = 1e-4
DRAWS = 8
"""Samples of the posterior over which q(c|x) is averaged, half of them the others mirrored."""
FITTED_ROWS = 20_000
"""The mixture begins with as many tracks at most, drawn at random; all of them train it."""
SLICE = 65_536


def log_joint(sample: Any, log_weights: Any, means: Any, log_variances: Any) -> Any:
    """Log p(z, c) = log weight + log N(z; mean, variance), ``(batch, l)`` to ``(batch, k)``."""
    distance = ops.square(sample[:, None, :] - means) * ops.exp(-log_variances)
    return log_weights - 0.5 * ops.sum(distance + log_variances + LOG_TWO_PI, axis=-1)


def log_shares(logits: Any) -> Any:
    """Log softmax over the last axis, also where there is one component."""
    return logits - ops.logsumexp(logits, axis=-1, keepdims=True)


def shares(logits: Any) -> Any:
    """Softmax over the last axis, also where there is one component."""
    return ops.exp(log_shares(logits))


def divergences_from_mixture(
    mean: Any,
    log_variance: Any,
    responsibilities: Any,
    log_weights: Any,
    means: Any,
    log_variances: Any,
) -> tuple[Any, Any]:
    """KL(q(z, c | x) || p(z, c)) in its two parts, each ``(batch,)``.

    The first is the mean over q(c|x) of KL(q(z|x) || p(z|c)), the second KL(q(c|x) || p(c)).
    Their sum is what equation 17 of Jiang et al. subtracts from the reconstruction, term by
    term: ``mean``, ``log_variance`` ``(batch, l)``; ``responsibilities`` ``(batch, k)``;
    ``log_weights`` ``(k,)``; ``means``, ``log_variances`` ``(k, l)``.
    """
    own = log_variance[:, None, :]
    to_each = 0.5 * ops.sum(
        log_variances
        - own
        + (ops.exp(own) + ops.square(mean[:, None, :] - means)) * ops.exp(-log_variances)
        - 1.0,
        axis=-1,
    )
    logs = ops.log(ops.maximum(responsibilities, 1e-10))
    return (
        ops.sum(responsibilities * to_each, axis=-1),
        ops.sum(responsibilities * (logs - log_weights), axis=-1),
    )


@keras.saving.register_keras_serializable(package="songrec")
class MixturePrior(Sampler):
    """Samples the latent and adds its divergence from a mixture of ``clusters`` Gaussians.

    Weights, means and diagonal variances of the mixture are learnt. Two losses a row: see
    ``divergences_from_mixture``; q(c|x) is p(c|z) of the sample (equation 16, one sample).
    """

    def __init__(self, clusters: int, seed: int = 0, **options: Any) -> None:
        super().__init__(seed, **options)
        self.clusters = clusters

    def build(self, shapes: Any) -> None:
        """Equal weights, means and variances until ``begin`` is called."""
        shape = (self.clusters, int(shapes[0][-1]))
        self.logits = self.add_weight(shape=shape[:1], initializer="zeros", name="logits")
        self.means = self.add_weight(shape=shape, initializer="zeros", name="means")
        self.log_variances = self.add_weight(shape=shape, initializer="zeros", name="log_variances")

    def begin(self, weights: Any, means: Any, variances: Any) -> None:
        """Set the mixture: ``(k,)``, ``(k, l)`` and ``(k, l)``."""
        self.logits.assign(np.log(np.maximum(weights, 1e-6)))
        self.means.assign(means)
        self.log_variances.assign(np.log(variances))

    def call(self, inputs: Any) -> Any:
        """``[mean, log_variance]``, each ``(batch, l)``, to a sample."""
        mean, log_variance = inputs
        sample = self.draw(mean, log_variance)
        mixture = log_shares(self.logits), self.means, self.log_variances
        found = shares(log_joint(sample, *mixture))
        for loss in divergences_from_mixture(mean, log_variance, found, *mixture):
            self.add_loss(loss)
        return sample

    def get_config(self) -> dict[str, Any]:
        """What makes the same layer again."""
        return {**super().get_config(), "clusters": self.clusters}

    def responsibilities(self, mean: Floats, log_variance: Floats) -> Floats:
        """q(c|x) float32 ``(n, k)``: p(c|z) averaged over the same few draws for every row."""
        half = np.random.default_rng(0).normal(size=(DRAWS // 2, mean.shape[1]))
        mixture = log_shares(self.logits), self.means, self.log_variances
        found = np.zeros((len(mean), self.clusters), dtype=np.float32)
        for start in range(0, len(mean), SLICE):
            rows = slice(start, start + SLICE)
            for noise in np.concatenate([half, -half]).astype(np.float32):
                sample = mean[rows] + np.exp(0.5 * log_variance[rows]) * noise
                found[rows] += ops.convert_to_numpy(shares(log_joint(sample, *mixture)))
        return found / found.sum(axis=1, keepdims=True)


def first_mixture(
    means: Floats, variances: Floats, clusters: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Weights, means and variances of a diagonal mixture fitted to posteriors, by EM.

    It is fitted to the posterior means; the variance around each, on average over its cluster,
    is added, because the prior has to cover the clouds and not only their middles.
    """
    if len(means) > FITTED_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(len(means), FITTED_ROWS, replace=False))
        means, variances = means[rows], variances[rows]
    elif len(means) == 1:  # EM wants two
        means, variances = np.repeat(means, 2, axis=0), np.repeat(variances, 2, axis=0)
    with threadpool_limits(limits=1), warnings.catch_warnings():
        # What EM has not settled, the training goes on with.
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture = GaussianMixture(
            clusters,
            covariance_type="diag",
            n_init=5,
            reg_covar=SMALLEST_VARIANCE,
            random_state=seed % 2**32,
        ).fit(means.astype(np.float64))
        found = mixture.predict_proba(means.astype(np.float64))
    within = found.T @ variances / np.maximum(found.sum(axis=0), 1e-9)[:, None]
    return mixture.weights_, mixture.means_, mixture.covariances_ + within
