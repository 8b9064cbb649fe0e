"""Agglomerative clustering: the two nearest groups become one, again and again (Ward 1963)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy.cluster.hierarchy import fcluster, linkage

from songrec.clustering import model_selection
from songrec.clustering.base import (
    Labels,
    means_of,
    nearest_centre,
    possible_clusters,
    require_tracks,
    sample_note,
    sample_rows,
    sampled,
)
from songrec.clustering.counted import Counted
from songrec.clustering.kmeans import confidence
from songrec.core.types import Clustering, Floats, Progress, no_progress

LARGEST = 8_000
"""Tracks that the tree is built from: the distances of all pairs, 256 MB, are in memory."""


@dataclass(kw_only=True, eq=False, repr=False)
class Agglomerative(Counted):
    """Groups cut out of a tree of tracks; ``linkage`` says what the distance of two groups is.

    ``ward``: how much joining them adds to the scatter; ``average``, ``complete`` and ``single``:
    the mean, largest and smallest distance of their tracks. Above 8,000 tracks the tree is that
    of a sample and every other track goes to the nearest centre. Confidence as in k-means.
    """

    linkage: str = "ward"

    def fit(self, latent: Floats, *, seed: int, on_progress: Progress = no_progress) -> Clustering:
        """Group the rows of ``latent`` ``(n, l)``; fewer distinct rows than clusters are noted."""
        require_tracks(latent)
        self.notes_ = []
        details: dict[str, Any] = {}
        rows = sample_rows(len(latent), LARGEST, seed)
        values = latent[rows]
        on_progress(0.0, f"a tree of {len(values):,} tracks")
        tree = self._tree(values)
        clusters = self.n_clusters
        if not clusters:
            # A tree is cut for every number, so one is enough for each table that is tried.
            trees = [(values, tree)]

            def cut(tried: Floats, k: int, _: int) -> Labels:
                found = next((tree for table, tree in trees if table is tried), None)
                if found is None:
                    found = self._tree(tried)
                    trees.append((tried, found))
                return _cut(found, k)

            clusters, details["clusters_tried"] = model_selection.select_n_clusters(
                values,
                cut,
                criterion=self.criterion,
                min_clusters=self.min_clusters,
                max_clusters=self.max_clusters,
                seed=seed,
                on_progress=lambda share, *said: on_progress(0.3 + 0.6 * share, *said),
            )
        on_progress(0.9, "cutting the tree")
        clusters = possible_clusters(values, clusters, self.notes_)
        labels = _cut(tree, clusters)
        centres = means_of(values, labels)
        everyone = nearest_centre(latent, centres) if len(rows) < len(latent) else labels
        everyone[rows] = labels
        details["sample"] = sampled(len(rows), len(latent), "to the nearest centre")
        self.notes_ += sample_note(details["sample"])
        on_progress(1.0, "done")
        return Clustering(everyone, confidence(latent, centres, everyone), centres, details=details)

    def _tree(self, values: Floats) -> Any:
        if len(values) < 2:
            return None
        return linkage(values.astype(np.float64), self.linkage)


def _cut(tree: Any, clusters: int) -> Labels:
    """Labels from 0; ties in the tree may leave fewer clusters than asked for."""
    if tree is None:
        return np.zeros(1, dtype=np.int32)
    return (fcluster(tree, clusters, "maxclust") - 1).astype(np.int32)
