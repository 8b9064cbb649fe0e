"""The latent's two principal components (Pearson 1901)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Floats, Progress, no_progress


class PCAProjection:
    """Exact and linear; a latent of one dimension lies on a line (the second coordinate is 0)."""

    def fit(self, latent: Floats, *, seed: int, on_progress: Progress = no_progress) -> Self:
        """Learn mean and the two components; exact, so ``seed`` changes nothing."""
        values = latent.astype(np.float64)
        self.mean_ = values.mean(axis=0)
        centred = values - self.mean_
        variances, vectors = np.linalg.eigh(centred.T @ centred / len(values))
        order = np.argsort(variances)[::-1][:2]
        components = np.zeros((2, latent.shape[1]))
        components[: len(order)] = vectors[:, order].T
        # An eigenvector's sign is arbitrary: the entry of largest size is made positive.
        largest = components[np.arange(2), np.abs(components).argmax(axis=1)]
        self.components_ = components * np.where(largest < 0, -1.0, 1.0)[:, None]
        return self

    def project(self, latent: Floats) -> Floats:
        """Coordinates, float32 ``(n, 2)``."""
        return ((latent - self.mean_) @ self.components_.T).astype(np.float32)

    def state(self) -> dict[str, NDArray[Any]]:
        """What ``project`` needs."""
        return {"mean": self.mean_, "components": self.components_}

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """A projection that places tracks as the one whose ``state`` this is."""
        projection = cls()
        projection.mean_ = np.asarray(arrays["mean"])
        projection.components_ = np.asarray(arrays["components"])
        return projection
