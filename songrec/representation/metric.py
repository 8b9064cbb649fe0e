"""A latent in the units of what it is decoded to.

The distance of two points of a latent is arbitrary, since a decoder undoes any stretching. What
counts is how far apart the restored features are: the metric that the decoder pulls back to the
latent (Arvanitidis, Hansen & Hauberg, "Latent space oddity", ICLR 2018). Here it is constant, that
of the linear map nearest to the decoder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Floats

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Metric:
    """The linear map ``(latent - mean) @ matrix``.

    ``mean`` float64 ``(l,)``, ``matrix`` float64 ``(l, l)``.
    """

    mean: Array
    matrix: Array

    @classmethod
    def fit(cls, latent: Floats, restored: Floats) -> Self:
        """Learn the map after which distances are those of the restored features.

        Its columns are uncorrelated, the one of most variance first. A unit that changes nothing
        in the features gets no weight.

        Parameters
        ----------
        latent, restored
            Float32 ``(n, l)`` and, of the same tracks, ``(n, c)``.
        """
        mean = latent.mean(axis=0, dtype=np.float64)
        centred = latent - mean
        linear = np.linalg.lstsq(centred, restored - restored.mean(axis=0, dtype=np.float64))[0]
        size = latent.shape[1]
        _, _, axes = np.linalg.svd(_covariance(centred @ linear))
        matrix = np.zeros((size, size))
        n_axes = min(size, len(axes))
        axes = axes[:n_axes]
        # The sign of an axis is arbitrary: its largest entry is positive.
        largest = axes[np.arange(n_axes), np.abs(axes).argmax(axis=1)]
        matrix[:, :n_axes] = linear @ (axes * np.sign(largest)[:, None]).T
        return cls(mean, matrix)

    def transform(self, latent: Floats) -> Floats:
        """Return the mapped latent, float32 ``(n, l)``."""
        return ((latent - self.mean) @ self.matrix).astype(np.float32)

    def to_json(self) -> dict[str, Any]:
        """Serialize the map."""
        return {"mean": self.mean.tolist(), "matrix": self.matrix.tolist()}

    @classmethod
    def from_json(cls, data: dict[str, Any]) -> Self:
        """Read what ``to_json`` wrote."""
        return cls(np.array(data["mean"]), np.array(data["matrix"]))


def _covariance(values: Array) -> Array:
    return values.T @ values / max(len(values), 1)
