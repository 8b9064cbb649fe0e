"""W-k-means: k-means that learns how much each column counts (Huang, Ng, Rong & Li 2005).

It minimises the sum over tracks and columns of w_j^beta (x_ij - z_lj)^2, where z_l is the centre
of the track's cluster and the weights w add up to 1, by three alternating updates: every track to
its nearest centre, every centre to its tracks' mean, and
w_j = 1 / sum over t of (D_j / D_t)^(1 / (beta - 1)), where D_j is the scatter of column j within
the clusters. A column that scatters little within the clusters gets a large weight.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.cluster import kmeans_plusplus
from threadpoolctl import threadpool_limits

from songrec.clustering.base import (
    Labels,
    means_of,
    nearest_centre,
    sample_details,
    sample_note,
    sample_rows,
    simplified_silhouette,
)
from songrec.clustering.model_selection import CountedClustering, silhouette
from songrec.core.types import Clustering, Floats, Progress

LEARNT_FROM = 20_000
STEPS = 100
SETTLED = 1e-5
BETAS = (1.5, 2.0, 3.0, 5.0, 8.0)

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Solution:
    """The result of one start. ``weights`` add up to 1; ``objective`` is the minimised sum."""

    labels: Labels
    centres: Doubles
    weights: Doubles
    objective: float


@dataclass(kw_only=True, eq=False, repr=False)
class WeightedKMeans(CountedClustering):
    """k-means with fitted column weights, which ``details["feature_weights"]`` lists.

    Columns are standardised first, as in the paper, so that a weight reflects structure and not
    units. ``beta`` (more than 1) controls how even the weights stay: just above 1 one column takes
    all of it, large values are k-means. With ``beta`` 0 several are tried; of them and of the
    ``n_init`` starts (random weights, as in the paper, except the first, which is even) the one
    with the best silhouette, measured with all columns alike, is kept. Confidence is the simplified
    silhouette in the weighted space, where new tracks go to the nearest centre. Above 20,000 tracks
    centres and weights are fitted on a sample and all tracks go to their nearest centre.
    """

    FITTED = ("mean_", "scale_", "centres_")

    beta: float = 0.0
    n_init: int = 3

    def _fit(self, latent: Floats, seed: int, on_progress: Progress) -> Clustering:
        mean, spread = latent.mean(axis=0, dtype=np.float64), latent.std(axis=0, dtype=np.float64)
        even = ((latent - mean) / np.where(spread > 0, spread, 1)).astype(np.float32)
        values = even[sample_rows(len(even), LEARNT_FROM, seed)]
        k, details, rest = self._number(values, self._try, seed, on_progress)
        best, beta, tried = None, self.beta, []
        betas = (self.beta,) if self.beta else BETAS
        for i, candidate in enumerate(betas):
            for start in range(self.n_init):
                with threadpool_limits(limits=1):
                    solution = self._start(values, k, candidate, seed, start)
                    score = silhouette(values, solution.labels, seed)
                tried.append({"beta": candidate, "start": start, "silhouette": score})
                if best is None or (score is not None and score > best[0]):
                    best, beta = (score if score is not None else -2.0, solution), candidate
                share = (i * self.n_init + start + 1) / (len(betas) * self.n_init)
                rest(share, f"beta {candidate:g}, start {start + 1}")
        assert best is not None
        weights, centres = best[1].weights, best[1].centres
        by = weights ** (beta / 2)
        # (x - mean) * scale is the weighted space.
        self.mean_, self.scale_ = mean, by / np.where(spread > 0, spread, 1)
        self.centres_ = centres * by
        labels = nearest_centre(even * by, self.centres_)
        details |= {
            "beta": beta,
            "tried": tried,
            "feature_weights": weights.round(6).tolist(),
            "sample": sample_details(
                len(values), len(even), "to the nearest centre, columns weighted"
            ),
        }
        self.notes_ += sample_note(details["sample"])
        sure = simplified_silhouette((even * by).astype(np.float32), self.centres_, labels)
        return Clustering(labels, sure, (centres * spread + mean).astype(np.float32), None, details)

    def _predict(self, latent: Floats) -> Labels:
        return nearest_centre((latent - self.mean_) * self.scale_, self.centres_)

    def _start(self, values: Floats, k: int, beta: float, seed: int, start: int) -> Solution:
        rng = np.random.default_rng((seed, start))
        columns = values.shape[1]
        weights = rng.dirichlet(np.ones(columns)) if start else np.full(columns, 1 / columns)
        return minimise(values, k, beta, weights, int(rng.integers(2**31)))

    def _try(self, values: Floats, k: int, seed: int) -> Labels:
        return self._start(values, k, self.beta or 3.0, seed, 0).labels


def minimise(values: Floats, k: int, beta: float, weights: Doubles, seed: int) -> Solution:
    """Alternate the three updates until the objective stops decreasing (at most 100 iterations).

    Parameters
    ----------
    values
        float32 ``(n, l)``, standardised.
    k
        Number of clusters.
    beta
        Exponent of the weights, more than 1.
    weights
        float64 ``(l,)`` to start from, adding up to 1.
    seed
        Of the first centres (k-means++).
    """
    by = weights ** (beta / 2)
    first = kmeans_plusplus(values * by, k, random_state=seed)[1]
    centres = values[first].astype(np.float64)
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
    """Return the best weights for scatters ``D`` ``(l,)`` within the clusters; they add up to 1.

    A column without any scatter would take all the weight; it has one value per cluster, mostly
    one for all, and as in the paper gets none. Where no column scatters all weigh the same.
    """
    scattered = scatter > scatter.max(initial=0.0) * 1e-12
    if not scattered.any():
        return np.full(len(scatter), 1 / len(scatter))
    weights = np.zeros(len(scatter))
    logs = -np.log(scatter[scattered]) / (beta - 1)
    powers = np.exp(logs - logs.max())
    weights[scattered] = powers / powers.sum()
    return weights


def _centres(values: Floats, labels: Labels, before: Doubles) -> Doubles:
    """Return the clusters' means; a cluster without tracks stays where it was."""
    means = before.copy()
    present = np.unique(labels)
    means[present] = means_of(values, labels)[present]
    return means
