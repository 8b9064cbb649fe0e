"""Principal component analysis (Pearson 1901), by scikit-learn."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Self

import numpy as np
from sklearn import decomposition
from threadpoolctl import threadpool_limits

from songrec.core.types import FeatureTable, Floats, Progress, no_progress


class PCA:
    """The linear baseline: the ``latent`` directions of largest variance."""

    def __init__(self, *, latent: int = 6) -> None:
        self.latent = latent
        self.history_: list[dict[str, Any]] = []
        self.metrics_: dict[str, Any] = {}

    def fit(self, table: FeatureTable, *, seed: int, on_progress: Progress = no_progress) -> Self:
        """Learn mean and components; exact, so ``seed`` changes nothing.

        There are at most as many components as the table has columns or rows (two of one row).
        """
        values = table.values.astype(np.float64)
        if len(values) == 1:  # scikit-learn wants two
            values = np.repeat(values, 2, axis=0)
        model = decomposition.PCA(min(self.latent, *values.shape), svd_solver="covariance_eigh")
        # Rows that are all the same have no variance to explain.
        with threadpool_limits(limits=1), np.errstate(invalid="ignore"):
            model.fit(values)
        self.mean_, self.components_ = model.mean_, model.components_
        self.metrics_ = {
            "latent_dimensions": len(self.components_),
            "explained_variance": float(np.nan_to_num(model.explained_variance_ratio_).sum()),
        }
        return self

    def transform(self, table: FeatureTable) -> Floats:
        """Return coordinates along the components, float32 ``(n, latent)``."""
        return ((table.values - self.mean_) @ self.components_.T).astype(np.float32)

    def reconstruct(self, table: FeatureTable) -> Floats:
        """Return the table as the kept components restore it, float32 ``(n, columns)``."""
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
