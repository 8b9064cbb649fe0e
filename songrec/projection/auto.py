"""The most faithful map: UMAP, or the principal components where those are truer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Floats, Progress, no_progress
from songrec.projection.metrics import trustworthiness
from songrec.projection.pca import PCAProjection
from songrec.projection.umap import UMAP

FEWEST = 500
"""With fewer distinct tracks the map is that of the principal components; UMAP is slow to start."""
CANDIDATES = {"pca": PCAProjection, "umap": UMAP}
_KEPT = "kept"


class AutomaticMap:
    """The more trustworthy one of UMAP's map and the principal components.

    A latent of one or two dimensions is its own map, so that nothing is gained by bending it. A
    run records the map that was kept: ``name_`` and ``projection_``.
    """

    def fit(self, latent: Floats, *, seed: int, on_progress: Progress = no_progress) -> Self:
        """Learn both maps of ``latent`` ``(n, l)`` and keep the better one."""
        self._keep("pca", PCAProjection().fit(latent, seed=seed))
        if latent.shape[1] <= 2 or len(np.unique(latent, axis=0)) < FEWEST:
            return self
        linear = self.projection_
        umap = UMAP().fit(latent, seed=seed, on_progress=on_progress)
        trust = {
            name: trustworthiness(latent, projection.project(latent), seed=seed)["trustworthiness"]
            for name, projection in (("pca", linear), ("umap", umap))
        }
        if trust["umap"] > trust["pca"]:
            self._keep("umap", umap)
        return self

    def project(self, latent: Floats) -> Floats:
        """Return coordinates, float32 ``(n, 2)``."""
        return self.projection_.project(latent)

    def state(self) -> dict[str, NDArray[Any]]:
        """Return the arrays of the map that was kept, and its name."""
        return {_KEPT: np.array(self.name_), **self.projection_.state()}

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Restore a projection from its ``state``."""
        projection = cls()
        name = str(arrays[_KEPT])
        projection._keep(name, CANDIDATES[name].from_state(arrays))
        return projection

    def _keep(self, name: str, projection: PCAProjection | UMAP) -> None:
        self.name_, self.projection_ = name, projection
