"""UMAP (McInnes, Healy & Melville 2018), by umap-learn.

``import umap`` imports TensorFlow as well, for a part of it that is not used here: seconds, so it
is imported where a map is learnt. Placing tracks needs numpy only.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from threadpoolctl import threadpool_limits

from songrec.core import numba_cache
from songrec.core.types import Floats, Ints, Progress, no_progress
from songrec.projection.islands import draw_in
from songrec.projection.knn_placement import NeighbourIndex, rows_to_learn_from
from songrec.projection.pca import PCAProjection

LEARNT_FROM = 200_000
WIDE, LEARNT_FROM_WIDE = 24, 30_000
"""A wider latent is fitted on fewer tracks, because the exact search for neighbours is slow."""
FEWEST = 4
"""With fewer distinct rows the map is that of the principal components."""

MANY, EPOCHS, EPOCHS_FOR_MANY = 10_000, 500, 200
JITTER = 1e-3
HALVINGS = 64


class UMAP:
    """Neighbourhoods in the latent, drawn so that groups stay compact and apart.

    ``n_neighbors`` is the size of a neighbourhood: few show detail, many the whole; ``min_dist`` is
    how close points may come. It starts from the principal components (Kobak & Linderman 2021).
    Groups far off are drawn in (``islands``). Above 200,000 distinct tracks, above 30,000 of more
    than 24 dimensions, it learns from a sample of as many and places the others as it places new
    ones: where UMAP itself would begin with them, at the mean of their nearest fitted
    tracks' places, weighted by exp(-(d - r) / s), where d is a distance, r that of the nearest,
    and s such that the weights add up to log2(n_neighbors). A learnt track keeps its place.
    """

    def __init__(self, *, n_neighbors: int = 15, min_dist: float = 0.1, n_epochs: int = 0) -> None:
        self.n_neighbors = n_neighbors
        self.min_dist = min_dist
        self.n_epochs = n_epochs

    def fit(self, latent: Floats, *, seed: int, on_progress: Progress = no_progress) -> Self:
        """Learn the map of ``latent`` ``(n, l)``, or of a sample of it."""
        most = LEARNT_FROM if latent.shape[1] <= WIDE else min(LEARNT_FROM, LEARNT_FROM_WIDE)
        self.rows_ = rows_to_learn_from(latent, most, seed)
        self._neighbours = NeighbourIndex(self.rows_)
        plane = PCAProjection().fit(self.rows_, seed=seed).plane(self.rows_)
        self.coordinates_ = plane.astype(np.float32)
        if len(self.rows_) < FEWEST:
            return self
        on_progress(0.0, f"neighbours of {len(self.rows_):,} tracks")
        numba_cache.claim()
        from umap import umap_

        k = min(self.n_neighbors, len(self.rows_))
        epochs = self.n_epochs or (EPOCHS if len(self.rows_) <= MANY else EPOCHS_FOR_MANY)
        at, distances = self._neighbours.nearest(self.rows_, k)
        random = np.random.RandomState(seed)
        with threadpool_limits(limits=1):
            graph, _, _ = umap_.fuzzy_simplicial_set(
                self.rows_,
                k,
                random,
                "euclidean",
                knn_indices=at.astype(np.int32),
                knn_dists=distances.astype(np.float32),
            )
            a, b = umap_.find_ab_params(1.0, self.min_dist)
            begin = 10 * plane / max(float(np.abs(plane).max()), np.finfo(float).tiny)
            begin += random.normal(scale=JITTER, size=begin.shape)
            embedding, _ = umap_.simplicial_set_embedding(
                self.rows_,
                graph,
                2,
                initial_alpha=1.0,
                a=a,
                b=b,
                gamma=1.0,
                negative_sample_rate=5,
                n_epochs=epochs,
                init=begin.astype(np.float32),
                random_state=random,
                metric="euclidean",
                metric_kwds={},
                densmap=False,
                densmap_kwds={},
                output_dens=False,
                tqdm_kwds=_tqdm_options(on_progress, epochs),
            )
        on_progress(1.0, f"epoch {epochs} of {epochs}")
        self.coordinates_ = draw_in((embedding - embedding.mean(axis=0)).astype(np.float32), seed)
        return self

    def project(self, latent: Floats) -> Floats:
        """Return coordinates, float32 ``(n, 2)``; a row's depend on nothing but that row."""

        def place(_: Floats, at: Ints, distances: NDArray[np.float64]) -> Floats:
            weights = membership(distances)[:, :, None]
            return (weights * self.coordinates_[at]).sum(axis=1) / weights.sum(axis=1)

        return self._neighbours.place(latent, self.coordinates_, self.n_neighbors, place)

    def state(self) -> dict[str, NDArray[Any]]:
        """The learnt rows, where they lie, and how many neighbours count."""
        return {
            "rows": self.rows_,
            "places": self.coordinates_,
            "neighbours": np.array(self.n_neighbors),
        }

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Restore a projection from its ``state``."""
        projection = cls(n_neighbors=int(arrays["neighbours"]))
        projection.rows_ = np.asarray(arrays["rows"])
        projection.coordinates_ = np.asarray(arrays["places"])
        projection._neighbours = NeighbourIndex(projection.rows_)
        return projection


def membership(distances: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return weights exp(-(d - r) / s) of neighbours at distances ``(m, k)``.

    A row adds up to log2(k).
    ``s`` is found by bisection. Where that sum cannot be reached (one neighbour, or several in
    one place) s is as close to it as bisection comes, and all weights stay finite.
    """
    scale = np.maximum(distances.mean(axis=1, keepdims=True), np.finfo(float).tiny)
    relative = distances / scale
    # From the nearest one, so that the largest weight is 1 however far all of them are.
    relative = relative - relative[:, :1]
    target = max(np.log2(distances.shape[1]), 1.0)
    low, high = np.full(scale.shape, 1e-6), np.full(scale.shape, 1e6)
    for _ in range(HALVINGS):
        middle = np.sqrt(low * high)
        above = np.exp(-relative / middle).sum(axis=1, keepdims=True) > target
        low, high = np.where(above, low, middle), np.where(above, middle, high)
    return np.exp(-relative / high)


class _ProgressFile:
    """A file for tqdm that reports the count written to it: UMAP has no other callback."""

    def __init__(self, on_progress: Progress, epochs: int) -> None:
        self.on_progress, self.epochs = on_progress, epochs

    def write(self, text: str) -> None:
        count = text.strip()
        if count.isdigit():
            share = min(int(count) / self.epochs, 1.0)
            self.on_progress(share, f"epoch {count} of {self.epochs}")

    def flush(self) -> None:
        """Do nothing; tqdm calls it."""


def _tqdm_options(on_progress: Progress, epochs: int) -> dict[str, Any]:
    return {
        "disable": False,
        "file": _ProgressFile(on_progress, epochs),
        "bar_format": "{n}",
        "mininterval": 0.5,
        "miniters": 1,
        "leave": False,
    }
