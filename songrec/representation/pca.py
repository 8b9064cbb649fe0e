"""Principal component analysis (Pearson 1901), by the covariance's eigenvectors."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np

from songrec.core.types import FeatureTable, Floats, Progress, no_progress


class PCA:
    """The linear baseline: the ``latent`` directions of largest variance."""

    def __init__(self, *, latent: int = 6) -> None:
        self.latent = latent
        self.history_: list[dict[str, Any]] = []
        self.metrics_: dict[str, Any] = {}

    def fit(self, table: FeatureTable, *, seed: int, on_progress: Progress = no_progress) -> Self:
        """Learn mean and components; exact, so ``seed`` changes nothing.

        A table with fewer columns than ``latent`` gives as many dimensions as it has columns.
        """
        values = table.values.astype(np.float64)
        self.mean_ = values.mean(axis=0)
        centred = values - self.mean_
        variances, vectors = np.linalg.eigh(centred.T @ centred / len(values))
        order = np.argsort(variances)[::-1][: min(self.latent, values.shape[1])]
        components = vectors[:, order].T
        # An eigenvector's sign is arbitrary: the entry of largest size is made positive.
        largest = np.abs(components).argmax(axis=1)
        components *= np.sign(components[np.arange(len(components)), largest])[:, None]
        self.components_ = components
        total = max(float(variances.sum()), np.finfo(float).tiny)
        self.metrics_ = {
            "latent_dimensions": len(components),
            "explained_variance": float(variances[order].clip(0).sum() / total),
        }
        return self

    def transform(self, table: FeatureTable) -> Floats:
        """Coordinates along the components, float32 ``(n, latent)``."""
        return ((table.values - self.mean_) @ self.components_.T).astype(np.float32)

    def reconstruct(self, table: FeatureTable) -> Floats:
        """The table as the kept components remember it, float32 ``(n, columns)``."""
        latent = (table.values - self.mean_) @ self.components_.T
        return (latent @ self.components_ + self.mean_).astype(np.float32)

    def save(self, folder: Path) -> None:
        """Write ``model.npz``."""
        np.savez(
            folder / "model.npz",
            latent=self.latent,
            mean=self.mean_,
            components=self.components_,
            explained_variance=self.metrics_["explained_variance"],
        )

    @classmethod
    def load(cls, folder: Path) -> Self:
        """Read what ``save`` wrote."""
        with np.load(folder / "model.npz", allow_pickle=False) as arrays:
            model = cls(latent=int(arrays["latent"]))
            model.mean_ = arrays["mean"]
            model.components_ = arrays["components"]
            model.metrics_ = {
                "latent_dimensions": len(model.components_),
                "explained_variance": float(arrays["explained_variance"]),
            }
        return model
