"""t-SNE (van der Maaten & Hinton 2008), by openTSNE (Poličar, Stražar & Zupan 2019)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from openTSNE import TSNEEmbedding, affinity
from openTSNE.nearest_neighbors import PrecomputedNeighbors
from threadpoolctl import threadpool_limits

from songrec.core.types import Floats, Ints, Progress, no_progress
from songrec.projection.knn_placement import NeighbourIndex, rows_to_learn_from
from songrec.projection.pca import PCAProjection

LEARNT_FROM = 30_000
FEWEST = 4
"""With fewer distinct rows the map is that of the principal components."""

# Phases, step sizes and exaggeration as openTSNE's own defaults and Belkina et al. (2019).
EARLY, EARLY_EXAGGERATION, EARLY_MOMENTUM, MOMENTUM = 250, 12.0, 0.5, 0.8
AT_ONCE = 50
NEW_PERPLEXITY, NEW_STEPS, NEW_EXAGGERATION, NEW_RATE, NEW_GRADIENT = 5, 250, 1.5, 0.1, 0.25
NEW_NEIGHBOURS = 25


class TSNE:
    """Near neighbours in the latent stay near; distances between groups say little.

    ``perplexity`` is about how many neighbours count. It starts from the principal components
    (Kobak & Berens 2019). Above 30,000 distinct tracks it learns from a sample of 30,000 and
    places the others as it places new ones: among the learnt tracks, each by itself, at the median
    of its nearest ones and from there downhill. A learnt track keeps its place.
    """

    def __init__(self, *, perplexity: float = 30.0, n_iter: int = 500) -> None:
        self.perplexity = perplexity
        self.n_iter = n_iter

    def fit(self, latent: Floats, *, seed: int, on_progress: Progress = no_progress) -> Self:
        """Learn the map of ``latent`` ``(n, l)``, or of a sample of it."""
        self.rows_ = rows_to_learn_from(latent, LEARNT_FROM, seed)
        self._neighbours = NeighbourIndex(self.rows_)
        plane = PCAProjection().fit(self.rows_, seed=seed).plane(self.rows_)
        self.coordinates_ = plane.astype(np.float32)
        if len(self.rows_) < FEWEST:
            return self
        on_progress(0.0, f"neighbours of {len(self.rows_):,} tracks")
        perplexity = min(self.perplexity, (len(self.rows_) - 1) / 3)
        k = max(1, min(len(self.rows_) - 1, int(3 * perplexity)))
        at, distances = self._neighbours.nearest(self.rows_, k + 1)
        with threadpool_limits(limits=1):
            similar = affinity.PerplexityBasedNN(
                perplexity=perplexity,
                knn_index=PrecomputedNeighbors(at[:, 1:], distances[:, 1:]),
            )
            spread = max(float(plane[:, 0].std()), np.finfo(float).tiny)
            embedding = TSNEEmbedding(
                plane / spread * 1e-4,
                similar,
                negative_gradient_method=_method(len(plane)),
                random_state=seed,
            )
            total, done = EARLY + self.n_iter, 0
            for steps, exaggeration, momentum in (
                (EARLY, EARLY_EXAGGERATION, EARLY_MOMENTUM),
                (self.n_iter, 1.0, MOMENTUM),
            ):
                for start in range(0, steps, AT_ONCE):
                    batch = min(AT_ONCE, steps - start)
                    embedding.optimize(
                        batch,
                        exaggeration=exaggeration,
                        momentum=momentum,
                        learning_rate="auto",
                        inplace=True,
                    )
                    done += batch
                    on_progress(done / total, f"step {done} of {total}")
        placed = np.asarray(embedding, dtype=np.float64)
        # Adding a track centres the map by its bounds, which must then change nothing.
        self.coordinates_ = (placed - (placed.max(axis=0) + placed.min(axis=0)) / 2).astype(
            np.float32
        )
        return self

    def project(self, latent: Floats) -> Floats:
        """Return coordinates, float32 ``(n, 2)``; a row's depend on nothing but that row."""
        if len(self.rows_) < FEWEST:
            return self._neighbours.place(
                latent, self.coordinates_, 1, lambda _, at, __: self.coordinates_[at[:, 0]]
            )
        reference = TSNEEmbedding(
            self.coordinates_, _FittedAffinities(len(self.rows_)), negative_gradient_method="fft"
        )
        with threadpool_limits(limits=1):
            return self._neighbours.place(
                latent,
                self.coordinates_,
                NEW_NEIGHBOURS,
                lambda rows, at, distances: _embed_among(reference, rows, at, distances),
            )

    def state(self) -> dict[str, NDArray[Any]]:
        """The learnt rows and where they lie."""
        return {"rows": self.rows_, "places": self.coordinates_}

    @classmethod
    def from_state(cls, arrays: Mapping[str, NDArray[Any]]) -> Self:
        """Restore a projection from its ``state``."""
        projection = cls()
        projection.rows_ = np.asarray(arrays["rows"])
        projection.coordinates_ = np.asarray(arrays["places"])
        projection._neighbours = NeighbourIndex(projection.rows_)
        return projection


class _FittedAffinities(affinity.Affinities):
    """Affinities of new rows to the learnt ones, from neighbours that are found already."""

    def __init__(self, learnt: int) -> None:
        super().__init__()
        self.learnt = learnt
        self.P = np.empty((learnt, 0))
        self.at: Ints = np.empty((0, 0), dtype=np.int64)
        self.distances: NDArray[np.float64] = np.empty((0, 0))

    def to_new(self, data: Any, perplexity: float = NEW_PERPLEXITY, return_distances: bool = False):
        """As openTSNE asks for it; ``at`` and ``distances`` are those of ``data``."""
        k = min(int(3 * perplexity), self.at.shape[1])
        similar = affinity.joint_probabilities_nn(
            self.at[:, :k],
            np.ascontiguousarray(self.distances[:, :k]),
            [min(perplexity, k / 3)],
            symmetrize=False,
            normalization="point-wise",
            n_reference_samples=self.learnt,
        )
        return (similar, self.at, self.distances) if return_distances else similar


def _embed_among(
    reference: TSNEEmbedding, rows: Floats, at: Ints, distances: NDArray[np.float64]
) -> Floats:
    affinities = reference.affinities
    affinities.at, affinities.distances = at, distances
    embedded = reference.transform(
        rows,
        perplexity=NEW_PERPLEXITY,
        k=NEW_NEIGHBOURS,
        learning_rate=NEW_RATE,
        exaggeration=NEW_EXAGGERATION,
        n_iter=NEW_STEPS,
        max_grad_norm=NEW_GRADIENT,
    )
    return np.asarray(embedded, dtype=np.float32)


def _method(rows: int) -> str:
    """Return trees for small maps, interpolation (Linderman et al. 2019) for others."""
    return "bh" if rows < 10_000 else "fft"
