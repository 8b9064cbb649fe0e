"""Vectors for Gaussians, such that Euclidean distances of vectors are distances of Gaussians.

A track whose frames are distributed with mean μ and covariance Σ is the symmetric positive definite
matrix [[Σ + μμᵀ, μ], [μᵀ, 1]] (Lovrić, Min-Oo and Ruh 2000; Calvo and Oller 1990). The logarithm of
such matrices is a vector space in which the Euclidean distance is the log-Euclidean distance
(Arsigny et al. 2006): it compares means and covariances at once, as the Jensen-Shannon and the
symmetrised Kullback-Leibler divergence do, and a million of them are compared by one product with a
matrix instead of a million determinants.

Frames are whitened first by the mean covariance within tracks of the library (its mean is the
origin). Directions in which every track varies by itself count little that way, without a label.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Floats

SHRINKAGE = 0.1
"""Share of the identity in each whitened covariance: few frames know no full covariance."""
SMALLEST = 1e-6
"""Smallest eigenvalue of the mean covariance, as a share of the largest."""
BLOCK = 4096
"""Tracks whose matrices are in memory at once."""


def gaussian_names(dimensions: Sequence[str]) -> tuple[str, ...]:
    """Return the column names of a Gaussian: ``mean_x``, …, then ``cov_x_x``, ``cov_x_y``, …"""
    rows, columns = np.triu_indices(len(dimensions))
    return (
        *(f"mean_{name}" for name in dimensions),
        *(f"cov_{dimensions[i]}_{dimensions[j]}" for i, j in zip(rows, columns, strict=True)),
    )


def gaussian_of(frames: NDArray[np.floating]) -> Floats:
    """Return mean and upper triangle of the covariance of ``(frames, d)``, float32 ``(columns,)``.

    All NaN of fewer than two frames, which have no spread.
    """
    d = frames.shape[1]
    if len(frames) < 2:
        return np.full(columns_of(d), np.nan, dtype=np.float32)
    wide = frames.astype(np.float64)
    upper = np.cov(wide, rowvar=False)[np.triu_indices(d)]
    return np.concatenate([wide.mean(axis=0), upper]).astype(np.float32)


def columns_of(dimensions: int) -> int:
    """Return the number of values of a Gaussian: means and the upper triangle of covariances."""
    return dimensions + dimensions * (dimensions + 1) // 2


@dataclass(frozen=True)
class GaussianEmbedding:
    """The map from a library's Gaussians to vectors.

    ``centre`` float64 ``(d,)`` is the mean of all tracks, ``whitening`` ``(d, d)`` turns a
    deviation from it into one in units of the variation within tracks.
    """

    centre: NDArray[np.float64]
    whitening: NDArray[np.float64]

    @classmethod
    def of_mean(cls, mean: NDArray[np.floating]) -> Self:
        """Return the embedding for a library by the mean of its vectors, ``(columns,)``.

        A vector holds d means and the upper triangle of their covariances by rows; so the mean
        of all vectors holds the mean covariance within tracks.

        Raises
        ------
        ValueError
            If there is no d for the number of columns.
        """
        dimensions = (math.isqrt(8 * len(mean) + 9) - 3) // 2
        if columns_of(dimensions) != len(mean):
            raise ValueError(f"{len(mean)} columns are no means and covariances")
        wide = mean.astype(np.float64)
        within = _symmetric(wide[None, dimensions:], dimensions)[0]
        values, vectors = np.linalg.eigh(within)
        floor = SMALLEST * max(float(values[-1]), np.finfo(np.float64).tiny)
        # Symmetric (ZCA): depends on no order of eigenvalues.
        whitening = (vectors / np.sqrt(np.maximum(values, floor))) @ vectors.T
        return cls(wide[:dimensions], whitening)

    @property
    def width(self) -> int:
        """Number of values of an embedded Gaussian, (d + 1)(d + 2) / 2."""
        size = len(self.centre) + 1
        return size * (size + 1) // 2

    def transform(self, values: Floats) -> Floats:
        """Return the vectors of Gaussians ``(n, columns)``, float32 ``(n, width)``.

        A Gaussian with an unknown value is a row of NaN.
        """
        parts = [self._block(values[at : at + BLOCK]) for at in range(0, len(values), BLOCK)]
        return np.concatenate(parts) if parts else np.empty((0, self.width), dtype=np.float32)

    def _block(self, values: Floats) -> Floats:
        d = len(self.centre)
        is_complete = np.isfinite(values).all(axis=1)
        wide = values[is_complete].astype(np.float64)
        mean = (wide[:, :d] - self.centre) @ self.whitening
        spread = self.whitening @ _symmetric(wide[:, d:], d) @ self.whitening
        matrix = np.empty((len(wide), d + 1, d + 1))
        matrix[:, :d, :d] = (1 - SHRINKAGE) * spread + mean[:, :, None] * mean[:, None, :]
        matrix[:, range(d), range(d)] += SHRINKAGE
        matrix[:, :d, d] = matrix[:, d, :d] = mean
        matrix[:, d, d] = 1.0
        scales, vectors = np.linalg.eigh(matrix)
        logs = np.log(np.maximum(scales, np.finfo(np.float64).tiny))
        logarithm = (vectors * logs[:, None, :]) @ vectors.transpose(0, 2, 1)
        rows, columns = np.triu_indices(d + 1)
        # Off the diagonal each value stands for two of the matrix: distances are Frobenius norms.
        weights = np.where(rows == columns, 1.0, math.sqrt(2.0))
        embedded = np.full((len(values), self.width), np.nan, dtype=np.float32)
        embedded[is_complete] = logarithm[:, rows, columns] * weights
        return embedded


def _symmetric(upper: NDArray[np.float64], d: int) -> NDArray[np.float64]:
    """Return the symmetric matrices ``(n, d, d)`` of upper triangles ``(n, d(d + 1) / 2)``."""
    rows, columns = np.triu_indices(d)
    matrices = np.empty((len(upper), d, d))
    matrices[:, rows, columns] = upper
    matrices[:, columns, rows] = upper
    return matrices
