"""HDBSCAN: clusters of any shape and density, and noise (Campello, Moulavi & Sander 2013)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from sklearn import cluster
from threadpoolctl import threadpool_limits

from songrec.clustering.base import (
    ROWS_AT_ONCE,
    Labels,
    require_tracks,
    sample_note,
    sample_rows,
    sampled,
)
from songrec.core.types import Clustering, Floats, Progress, no_progress

LARGEST = 30_000
"""Tracks that the tree is built from; its time grows with their square."""


class HDBSCAN:
    """Dense regions are clusters, what lies between them is noise and stays noise.

    ``min_cluster_size`` is the smallest group that counts as a cluster, ``min_samples`` (0: as
    many) how many neighbours make a place dense; more of them, more noise.
    ``cluster_selection_method``: ``eom`` keeps the most persistent clusters, ``leaf`` the smallest
    and most alike. Confidence is how far down in its cluster's density a track lasts (1 in its
    core); noise has 0.

    Above 30,000 tracks the tree is that of a sample, ``min_cluster_size`` shrinking with it. Any
    other track joins the cluster of the sampled track that it reaches over the shortest mutual
    reachability distance, if that is no longer than the longest link inside that cluster;
    otherwise it is noise.
    """

    def __init__(
        self,
        *,
        min_cluster_size: int = 25,
        min_samples: int = 0,
        cluster_selection_method: str = "eom",
    ) -> None:
        self.min_cluster_size = min_cluster_size
        self.min_samples = min_samples
        self.cluster_selection_method = cluster_selection_method
        self.notes_: list[str] = []

    def fit(self, latent: Floats, *, seed: int, on_progress: Progress = no_progress) -> Clustering:
        """Group the rows of ``latent`` ``(n, l)``; fewer than the smallest cluster are noise."""
        require_tracks(latent)
        self.notes_ = []
        rows = sample_rows(len(latent), LARGEST, seed)
        values = latent[rows].astype(np.float64)
        smallest = self.min_cluster_size
        if len(rows) < len(latent):
            smallest = max(5, round(smallest * len(rows) / len(latent)))
        dense = min(self.min_samples or smallest, smallest)
        labels = np.full(len(latent), -1, dtype=np.int32)
        confidence = np.zeros(len(latent), dtype=np.float32)
        details = {
            "sample": sampled(len(rows), len(latent), "to the nearest cluster in reach, else noise")
        }
        self.notes_ += sample_note(details["sample"])
        if len(rows) < max(smallest, 3):
            self.notes_.append(
                f"All {len(latent):,} tracks are noise: the smallest cluster has {smallest}."
            )
            return Clustering(labels, confidence, details=details)
        on_progress(0.0, f"densities of {len(rows):,} tracks")
        with threadpool_limits(limits=1):
            model = cluster.HDBSCAN(
                min_cluster_size=smallest,
                min_samples=dense,
                cluster_selection_method=self.cluster_selection_method,
                copy=True,
            ).fit(values)
        labels[rows] = model.labels_
        confidence[rows] = np.nan_to_num(model.probabilities_).clip(0, 1)
        on_progress(0.8, "assigning the others")
        if len(rows) < len(latent):
            links = _longest_links(model._single_linkage_tree_, labels[rows])
            self._assign(latent, rows, dense, links, labels, confidence)
        if not (labels >= 0).any():
            self.notes_.append(
                f"All {len(latent):,} tracks are noise: no region is denser than the rest. A "
                "smaller cluster size may find some."
            )
        on_progress(1.0, "done")
        return Clustering(labels, confidence, details=details)

    def _assign(
        self,
        latent: Floats,
        rows: NDArray[np.int64],
        dense: int,
        links: NDArray[np.float64],
        labels: Labels,
        confidence: Floats,
    ) -> None:
        """Labels and confidence of the tracks outside the sample, in place."""
        tree = cKDTree(latent[rows])
        core = tree.query(latent[rows], k=[dense])[0][:, 0]
        known, sure = labels[rows].copy(), confidence[rows].copy()
        rest = np.setdiff1d(np.arange(len(latent)), rows, assume_unique=True)
        for start in range(0, len(rest), ROWS_AT_ONCE):
            part = rest[start : start + ROWS_AT_ONCE]
            distance, at = tree.query(latent[part], k=range(1, dense + 1))
            # A track counts among its own neighbours, and is not in the tree.
            own = distance[:, [max(dense - 2, 0)]]
            reach = np.maximum(np.maximum(distance, core[at]), own)
            best = reach.argmin(axis=1)
            line = np.arange(len(part))
            nearest, far = at[line, best], reach[line, best]
            label = known[nearest]
            inside = (label >= 0) & (far <= links[label])
            labels[part] = np.where(inside, label, -1)
            # It is at most as sure as its neighbour, and less so the farther it had to reach.
            share = np.minimum(1.0, core[nearest] / np.maximum(far, np.finfo(float).tiny))
            confidence[part] = np.where(inside, sure[nearest] * share, 0.0)


def _longest_links(tree: NDArray[np.void], labels: Labels) -> NDArray[np.float64]:
    """Per cluster the longest link of the single-linkage tree between tracks of it.

    A cluster is a whole branch of the tree, so its links are those whose two sides are in it.
    """
    links = np.zeros(int(labels.max(initial=-1)) + 2)
    of_node = [int(label) for label in labels]
    for left, right, distance in zip(
        tree["left_node"].tolist(), tree["right_node"].tolist(), tree["value"].tolist(), strict=True
    ):
        label = of_node[left] if of_node[left] == of_node[right] else -1
        of_node.append(label)
        if label >= 0:
            links[label] = max(links[label], distance)
    return links
