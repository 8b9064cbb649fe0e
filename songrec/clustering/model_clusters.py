"""Clusters fitted by a model together with its latent, such as VaDE's mixture."""

from __future__ import annotations

from dataclasses import dataclass

from songrec.clustering.base import ClusteringAlgorithm
from songrec.core.errors import BadInput
from songrec.core.types import Clustering, Floats, Progress


@dataclass(kw_only=True, eq=False, repr=False)
class ModelClusters(ClusteringAlgorithm):
    """Placeholder for a model's own clusters, so that they can be chosen like any clustering.

    Its registry entry requires the ability ``assign``: training and inference then call the model's
    ``assign`` instead of this class.
    """

    def _fit(self, latent: Floats, seed: int, on_progress: Progress) -> Clustering:
        raise BadInput(
            "The clusters of a model are asked of the model: train with --representation vade, "
            "or choose another clustering."
        )
