"""HDBSCAN: clusters of any shape and density, and noise (Campello, Moulavi & Sander 2013)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from sklearn import cluster
from threadpoolctl import threadpool_limits

from songrec.clustering.base import (
    ROWS_AT_ONCE,
    ClusteringAlgorithm,
    Labels,
    sample_details,
    sample_note,
    sample_rows,
)
from songrec.core.types import Clustering, Floats, Progress

LARGEST = 30_000
"""Tracks that the tree is built from; its time grows with their square."""
_TINY = float(np.finfo(float).tiny)
SAME = 1e-5
"""Nearer than this share of the spread, a track is one that the tree was built from."""


@dataclass(kw_only=True, eq=False, repr=False)
class HDBSCAN(ClusteringAlgorithm):
    """Dense regions are clusters, what lies between them is noise and stays noise.

    ``min_cluster_size`` is the smallest group that counts as a cluster, ``min_samples`` (0: the
    same) how many neighbours make a place dense; more of them, more noise.
    ``cluster_selection_method``: ``eom`` keeps the most persistent clusters, ``leaf`` the smallest
    and most alike. Confidence is how far down in its cluster's density a track lasts (1 in its
    core); noise has 0.

    Above 30,000 tracks the tree is that of a sample, ``min_cluster_size`` shrinking with it. Any
    other track, and any new one, joins the cluster of the sampled track that it reaches over the
    shortest mutual reachability distance, if that is no longer than the longest link inside that
    cluster; otherwise it is noise.
    """

    FITTED = ("rows_", "row_labels_", "row_confidence_", "core_distances_", "links_", "dense_")

    min_cluster_size: int = 25
    min_samples: int = 0
    cluster_selection_method: str = "eom"

    def _fit(self, latent: Floats, seed: int, on_progress: Progress) -> Clustering:
        rows = sample_rows(len(latent), LARGEST, seed)
        values = latent[rows].astype(np.float64)
        smallest = self.min_cluster_size
        if len(rows) < len(latent):
            smallest = max(5, round(smallest * len(rows) / len(latent)))
        self.dense_ = min(self.min_samples or smallest, smallest, len(rows))
        labels = np.full(len(latent), -1, dtype=np.int32)
        confidence = np.zeros(len(latent), dtype=np.float32)
        details = {
            "sample": sample_details(
                len(rows), len(latent), "to the nearest cluster in reach, else noise"
            )
        }
        self.notes_ += sample_note(details["sample"])
        on_progress(0.0, f"densities of {len(rows):,} tracks")
        self.links_ = np.zeros(1)
        if len(rows) < max(smallest, 3):
            self.notes_.append(
                f"All {len(latent):,} tracks are noise: the smallest cluster has {smallest}."
            )
        else:
            with threadpool_limits(limits=1):
                model = cluster.HDBSCAN(
                    min_cluster_size=smallest,
                    min_samples=self.dense_,
                    cluster_selection_method=self.cluster_selection_method,
                    copy=True,
                ).fit(values)
            labels[rows] = model.labels_
            confidence[rows] = np.nan_to_num(model.probabilities_).clip(0, 1)
            self.links_ = _longest_links(model._single_linkage_tree_, labels[rows])
            if not (labels >= 0).any():
                self.notes_.append(
                    f"All {len(latent):,} tracks are noise: no region is denser than the rest. A "
                    "smaller cluster size may find some."
                )
        on_progress(0.8, "assigning the others")
        self.rows_ = latent[rows]
        self.row_labels_, self.row_confidence_ = labels[rows], confidence[rows]
        self.core_distances_ = cKDTree(self.rows_).query(self.rows_, k=[self.dense_])[0][:, 0]
        others = np.setdiff1d(np.arange(len(latent)), rows, assume_unique=True)
        labels[others], confidence[others] = self._reached(latent[others])
        return Clustering(labels, confidence, details=details)

    def _predict(self, latent: Floats) -> Labels:
        return self._reached(latent)[0]

    def _reached(self, latent: Floats) -> tuple[Labels, Floats]:
        """Return label and confidence of rows outside the tree; a row of the tree keeps its own."""
        labels = np.empty(len(latent), dtype=np.int32)
        confidence = np.empty(len(latent), dtype=np.float32)
        tree, dense = cKDTree(self.rows_), int(self.dense_)
        same = SAME * float(self.rows_.std(dtype=np.float64))
        for start in range(0, len(latent), ROWS_AT_ONCE):
            part = slice(start, start + ROWS_AT_ONCE)
            distance, at = tree.query(latent[part], k=range(1, dense + 1))
            # A track counts among its own neighbours, and is not in the tree.
            own = distance[:, [max(dense - 2, 0)]]
            reach = np.maximum(np.maximum(distance, self.core_distances_[at]), own)
            best = reach.argmin(axis=1)
            line = np.arange(len(at))
            nearest, far = at[line, best], reach[line, best]
            label = self.row_labels_[nearest]
            inside = (label >= 0) & (far <= self.links_[label])
            # It is at most as sure as its neighbour, and less so the farther it had to reach.
            share = np.minimum(1.0, self.core_distances_[nearest] / np.maximum(far, _TINY))
            known = distance[:, 0] <= same
            labels[part] = np.where(known, self.row_labels_[at[:, 0]], np.where(inside, label, -1))
            confidence[part] = np.where(
                known,
                self.row_confidence_[at[:, 0]],
                np.where(inside, self.row_confidence_[nearest] * share, 0.0),
            )
        return labels, confidence


def _longest_links(tree: NDArray[np.void], labels: Labels) -> NDArray[np.float64]:
    """Return each cluster's longest link of the single-linkage tree; the last entry is for noise.

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
