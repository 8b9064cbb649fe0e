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
"""Samples of the posterior that q(c|x) is averaged over; half of them mirror the others."""
FITTED_ROWS = 20_000
"""Tracks that the initial mixture is fitted to, at most; training uses all of them."""
SLICE = 65_536


def log_joint(sample: Any, log_weights: Any, means: Any, log_variances: Any) -> Any:
    """Return log p(z, c) = log weight + log N(z; mean, variance), ``(batch, k)``."""
    distance = ops.square(sample[:, None, :] - means) * ops.exp(-log_variances)
    return log_weights - 0.5 * ops.sum(distance + log_variances + LOG_TWO_PI, axis=-1)


def log_softmax(logits: Any) -> Any:
    """Return the log softmax over the last axis, also of a single component."""
    return logits - ops.logsumexp(logits, axis=-1, keepdims=True)


def softmax(logits: Any) -> Any:
    """Return the softmax over the last axis, also of a single component."""
    return ops.exp(log_softmax(logits))


def divergences_from_mixture(
    mean: Any,
    log_variance: Any,
    responsibilities: Any,
    log_weights: Any,
    means: Any,
    log_variances: Any,
) -> tuple[Any, Any]:
    """Return KL(q(z, c | x) || p(z, c)) in its two parts, each ``(batch,)``, in nats.

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
    """A layer that samples the latent and adds its divergence from a mixture of Gaussians.

    Weights, means and diagonal variances of the ``clusters`` Gaussians are learnt. Two losses per
    row: see
    ``divergences_from_mixture``; q(c|x) is p(c|z) of the sample (equation 16, one sample).
    """

    def __init__(self, clusters: int, seed: int = 0, **options: Any) -> None:
        super().__init__(seed, **options)
        self.clusters = clusters

    def build(self, shapes: Any) -> None:
        """Create equal weights, means and variances; ``begin`` sets them."""
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
        """Map ``[mean, log_variance]``, each ``(batch, l)``, to a sample."""
        mean, log_variance = inputs
        sample = self.draw(mean, log_variance)
        mixture = log_softmax(self.logits), self.means, self.log_variances
        responsibilities = softmax(log_joint(sample, *mixture))
        for loss in divergences_from_mixture(mean, log_variance, responsibilities, *mixture):
            self.add_loss(loss)
        return sample

    def get_config(self) -> dict[str, Any]:
        """Return the arguments that make the same layer."""
        return {**super().get_config(), "clusters": self.clusters}

    def responsibilities(self, mean: Floats, log_variance: Floats) -> Floats:
        """Return q(c|x) float32 ``(n, k)``: p(c|z) averaged over the same draws for every row."""
        half = np.random.default_rng(0).normal(size=(DRAWS // 2, mean.shape[1]))
        mixture = log_softmax(self.logits), self.means, self.log_variances
        total = np.zeros((len(mean), self.clusters), dtype=np.float32)
        for start in range(0, len(mean), SLICE):
            rows = slice(start, start + SLICE)
            for noise in np.concatenate([half, -half]).astype(np.float32):
                sample = mean[rows] + np.exp(0.5 * log_variance[rows]) * noise
                total[rows] += ops.convert_to_numpy(softmax(log_joint(sample, *mixture)))
        return total / total.sum(axis=1, keepdims=True)


def first_mixture(
    means: Floats, variances: Floats, clusters: int, seed: int
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]:
    """Fit a diagonal mixture to posteriors by EM: weights ``(k,)``, means and variances ``(k, l)``.

    It is fitted to the posterior means; their variance, averaged over each cluster, is added,
    because the prior has to cover the posteriors and not only their means.
    """
    if len(means) > FITTED_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(len(means), FITTED_ROWS, replace=False))
        means, variances = means[rows], variances[rows]
    elif len(means) == 1:  # EM wants two
        means, variances = np.repeat(means, 2, axis=0), np.repeat(variances, 2, axis=0)
    with threadpool_limits(limits=1), warnings.catch_warnings():
        # The training continues where EM has not converged.
        warnings.simplefilter("ignore", ConvergenceWarning)
        mixture = GaussianMixture(
            clusters,
            covariance_type="diag",
            n_init=5,
            reg_covar=SMALLEST_VARIANCE,
            random_state=seed % 2**32,
        ).fit(means.astype(np.float64))
        responsibilities = mixture.predict_proba(means.astype(np.float64))
    within = (
        responsibilities.T @ variances / np.maximum(responsibilities.sum(axis=0), 1e-9)[:, None]
    )
    return mixture.weights_, mixture.means_, mixture.covariances_ + within
