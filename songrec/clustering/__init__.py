"""Algorithms that group a latent: one file each, a registry, scores and names.

``base.ClusteringAlgorithm`` is the contract: ``fit(latent, *, seed, on_progress)`` returns a
``core.types.Clustering`` (label -1 is noise), ``predict(latent)`` assigns new tracks, and
``notes_`` are warnings, such as fewer clusters than requested.
"""

from songrec.clustering.registry import CLUSTERINGS, clusters_by_model

__all__ = ["CLUSTERINGS", "clusters_by_model"]
