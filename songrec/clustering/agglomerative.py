"""Agglomerative clustering: the two nearest groups become one, again and again (Ward 1963)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

from songrec.clustering.base import (
    Labels,
    means_of,
    nearest_centre,
    sample_details,
    sample_note,
    sample_rows,
    simplified_silhouette,
)
from songrec.clustering.model_selection import CountedClustering
from songrec.core.types import Clustering, Floats, Progress

LARGEST = 8_000
"""Tracks that the tree is built from: the distances of all pairs, 256 MB, are in memory."""


@dataclass(kw_only=True, eq=False, repr=False)
class Agglomerative(CountedClustering):
    """Groups cut out of a tree of tracks; ``linkage`` defines the distance of two groups.

    ``ward``: how much joining them adds to the scatter; ``average``, ``complete`` and ``single``:
    the mean, largest and smallest distance of their tracks. Above 8,000 tracks the tree is that
    of a sample and every other track goes to the nearest centre. Confidence is the simplified
    silhouette; of a new track the nearest neighbours vote, since groups need not be compact.
    """

    linkage: str = "ward"

    def _fit(self, latent: Floats, seed: int, on_progress: Progress) -> Clustering:
        rows = sample_rows(len(latent), LARGEST, seed)
        values = latent[rows]
        on_progress(0.0, f"a tree of {len(values):,} tracks")
        # A tree is cut for every number, so one is enough for each table that is tried.
        trees: list[tuple[Floats, Any]] = []

        def cut(table: Floats, k: int, _: int) -> Labels:
            tree = next((tree for seen, tree in trees if seen is table), None)
            if tree is None:
                tree = self._tree(table)
                trees.append((table, tree))
            return _cut(tree, k)

        k, details, rest = self._number(values, cut, seed, on_progress)
        labels = cut(values, k, seed)
        rest(0.9, "cutting the tree")
        centres = means_of(values, labels)
        everyone = nearest_centre(latent, centres) if len(rows) < len(latent) else labels
        everyone[rows] = labels
        details["sample"] = sample_details(len(rows), len(latent), "to the nearest centre")
        self.notes_ += sample_note(details["sample"])
        sure = simplified_silhouette(latent, centres, everyone)
        return Clustering(everyone, sure, centres, details=details)

    def _tree(self, values: Floats) -> Any:
        """Return the linkage matrix; None of a single track."""
        if len(values) < 2:
            return None
        return linkage(values.astype(np.float64), self.linkage)


def _cut(tree: Any, clusters: int) -> Labels:
    """Return labels from 0; ties in the tree may leave fewer clusters than requested."""
    if tree is None:
        return np.zeros(1, dtype=np.int32)
    return (fcluster(tree, clusters, "maxclust") - 1).astype(np.int32)
