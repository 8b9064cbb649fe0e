"""W-k-means: k-means that learns how much each column counts (Huang, Ng, Rong & Li 2005).

It makes the sum over tracks and columns of w_j^beta (x_ij - z_lj)^2 small, where z_l is the centre
of the track's cluster and the weights w add up to 1, by three steps in turn: every track to its
nearest centre, every centre to its tracks' mean, and
w_j = 1 / sum over t of (D_j / D_t)^(1 / (beta - 1)), where D_j is the scatter of column j within
the clusters. A column that scatters little within the clusters gets a large weight.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import kmeans_plusplus
from threadpoolctl import threadpool_limits

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

LEARNT_FROM = 20_000
STEPS = 100
SETTLED = 1e-5
BETAS = (1.5, 2.0, 3.0, 5.0, 8.0)
SHARE_OF_TRYING = 0.6

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Solution:
    """One start's end. ``weights`` add up to 1; ``objective`` is what the method makes small."""

    labels: Labels
    centres: Doubles
    weights: Doubles
    objective: float


@dataclass(kw_only=True, eq=False, repr=False)
class WeightedKMeans(Counted):
    """k-means with learnt column weights, kept in ``details["feature_weights"]``.

    Columns are standardised first, as in the paper, so that a weight tells of structure and not of
    units. ``beta`` (more than 1) says how even the weights stay: just above 1 one column takes it
    all, large values are k-means. With ``beta`` 0 several are tried; of them and of the
    ``n_init`` (random weights, as in the paper, save the first, which starts even) the one with the
    best silhouette, measured with all columns alike, is kept. Confidence as in k-means, in the
    weighted space. Above 20,000 tracks centres and weights are learnt from a sample and all
    tracks go to their nearest centre.
    """

    beta: float = 0.0
    n_init: int = 3

    def fit(self, latent: Floats, *, seed: int, on_progress: Progress = no_progress) -> Clustering:
        """Group the rows of ``latent`` ``(n, l)``; fewer distinct rows than clusters are noted."""
        require_tracks(latent)
        self.notes_ = []
        mean, spread = latent.mean(axis=0, dtype=np.float64), latent.std(axis=0, dtype=np.float64)
        even = ((latent - mean) / np.where(spread > 0, spread, 1)).astype(np.float32)
        values = even[sample_rows(len(even), LEARNT_FROM, seed)]
        details: dict[str, Any] = {}
        clusters, begun = self.n_clusters, 0.0
        if not clusters:
            begun = SHARE_OF_TRYING
            clusters, details["clusters_tried"] = model_selection.select_n_clusters(
                values,
                self._try,
                criterion=self.criterion,
                min_clusters=self.min_clusters,
                max_clusters=self.max_clusters,
                seed=seed,
                on_progress=lambda share, *said: on_progress(begun * share, *said),
            )
        clusters = possible_clusters(values, clusters, self.notes_)
        best, beta, tried = None, self.beta, []
        betas = (self.beta,) if self.beta else BETAS
        for at, candidate in enumerate(betas):
            for start in range(self.n_init):
                with threadpool_limits(limits=1):
                    found = self._start(values, clusters, candidate, seed, start)
                    score = model_selection.silhouette(values, found.labels, seed)
                tried.append({"beta": candidate, "start": start, "silhouette": score})
                if best is None or (score is not None and score > best[0]):
                    best, beta = (score if score is not None else -2.0, found), candidate
                share = (at * self.n_init + start + 1) / (len(betas) * self.n_init)
                on_progress(begun + (1 - begun) * share, f"beta {candidate:g}, start {start + 1}")
        assert best is not None
        weights, centres = best[1].weights, best[1].centres
        by = weights ** (beta / 2)
        labels = nearest_centre(even * by, centres * by)
        details |= {
            "beta": beta,
            "tried": tried,
            "feature_weights": weights.round(6).tolist(),
            "sample": sampled(len(values), len(even), "to the nearest centre, columns weighted"),
        }
        self.notes_ += sample_note(details["sample"])
        sure = confidence((even * by).astype(np.float32), centres * by, labels)
        return Clustering(labels, sure, (centres * spread + mean).astype(np.float32), None, details)

    def _start(self, values: Floats, clusters: int, beta: float, seed: int, start: int) -> Solution:
        random = np.random.default_rng((seed, start))
        columns = values.shape[1]
        weights = random.dirichlet(np.ones(columns)) if start else np.full(columns, 1 / columns)
        return minimise(values, clusters, beta, weights, int(random.integers(2**31)))

    def _try(self, values: Floats, clusters: int, seed: int) -> Labels:
        return self._start(values, clusters, self.beta or 3.0, seed, 0).labels


def minimise(values: Floats, clusters: int, beta: float, weights: Doubles, seed: int) -> Solution:
    """The three steps in turn until what they make small no longer falls, 100 times at most."""
    by = weights ** (beta / 2)
    begun = kmeans_plusplus(values * by, clusters, random_state=seed)[1]
    centres = values[begun].astype(np.float64)
    at = nearest_centre(values * by, centres * by)
    objective = np.inf
    for _ in range(STEPS):
        centres = _centres(values, at, centres)
        scatter = np.square(values - centres[at], dtype=np.float64).sum(axis=0)
        weights = learnt_weights(scatter, beta)
        before, objective = objective, float((weights**beta * scatter).sum())
        by = weights ** (beta / 2)
        at = nearest_centre(values * by, centres * by)
        if before - objective <= SETTLED * objective:
            break
    return Solution(at, centres, weights, objective)


def learnt_weights(scatter: Doubles, beta: float) -> Doubles:
    """The best weights for scatters ``D`` ``(l,)`` within the clusters; they add up to 1.

    A column without any scatter would take all the weight; it is one value per cluster, mostly
    one for all, and as in the paper gets none. Where no column scatters all weigh the same.
    """
    telling = scatter > scatter.max(initial=0.0) * 1e-12
    if not telling.any():
        return np.full(len(scatter), 1 / len(scatter))
    weights = np.zeros(len(scatter))
    logs = -np.log(scatter[telling]) / (beta - 1)
    powers = np.exp(logs - logs.max())
    weights[telling] = powers / powers.sum()
    return weights


def _centres(values: Floats, labels: Labels, before: Doubles) -> Doubles:
    """The clusters' means; a cluster without tracks stays where it was."""
    means = before.copy()
    there = np.unique(labels)
    means[there] = means_of(values, labels)[there]
    return means
