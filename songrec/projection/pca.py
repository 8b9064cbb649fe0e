"""The latent's two principal components (Pearson 1901), by scikit-learn."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from sklearn.decomposition import PCA
from threadpoolctl import threadpool_limits

from songrec.core.types import Floats, Progress, no_progress


class PCAProjection:
    """Exact and linear; a latent of one dimension lies on a line (the second coordinate is 0)."""

    def fit(self, latent: Floats, *, seed: int, on_progress: Progress = no_progress) -> Self:
        """Learn mean and the two components; exact, so ``seed`` changes nothing."""
        values = latent.astype(np.float64)
        if len(values) == 1:  # scikit-learn wants two
            values = np.repeat(values, 2, axis=0)
        model = PCA(min(2, *values.shape), svd_solver="covariance_eigh")
        # Rows that are all the same have no variance to explain.
        with threadpool_limits(limits=1), np.errstate(invalid="ignore"):
            model.fit(values)
        self.mean_ = model.mean_
        self.components_ = np.zeros((2, values.shape[1]))
        self.components_[: len(model.components_)] = model.components_
        return self

    def plane(self, latent: Floats) -> NDArray[np.float64]:
        """Return coordinates in double precision, ``(n, 2)``."""
        return (latent - self.mean_) @ self.components_.T

    def project(self, latent: Floats) -> Floats:
        """Return coordinates, float32 ``(n, 2)``."""
        return self.plane(latent).astype(np.float32)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the arrays that ``project`` needs."""
        return {"mean": self.mean_, "components": self.components_}

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Restore a projection from its ``state``."""
        projection = cls()
        projection.mean_ = np.asarray(arrays["mean"])
        projection.components_ = np.asarray(arrays["components"])
        return projection
