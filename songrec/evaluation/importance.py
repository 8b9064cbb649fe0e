"""Features that distinguish a cluster, and features that distinguish clusters. numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Floats


@dataclass(frozen=True)
class Importance:
    """Importance of each feature for each cluster; NaN where a feature has no variance there.

    ``clusters`` ``(k,)`` are the labels without noise, ascending. ``difference`` float64
    ``(k, f)`` is the standardised difference: the cluster's mean less the mean of all other
    tracks, over the standard deviation of all. (Glass and Cohen divide by a spread within the
    groups; with the spread of all, which no cluster changes, clusters can be compared.)
    ``eta_squared`` float64 ``(f,)`` is the share of the feature's variance that lies between the
    clusters (Fisher 1925; Richardson 2011): 0 where it is independent of the cluster, 1 where the
    cluster determines it.
    """

    names: tuple[str, ...]
    clusters: NDArray[np.int64]
    difference: NDArray[np.float64]
    eta_squared: NDArray[np.float64]

    def of_cluster(self, cluster: int, most: int) -> list[tuple[str, float]]:
        """Return the ``most`` features that distinguish a cluster best, with their difference."""
        row = self.difference[int(np.flatnonzero(self.clusters == cluster)[0])]
        order = [at for at in np.argsort(-np.abs(row), kind="stable") if np.isfinite(row[at])]
        return [(self.names[at], float(row[at])) for at in order[:most]]

    def overall(self, most: int) -> list[tuple[str, float]]:
        """Return the ``most`` features that distinguish the clusters best, with their eta²."""
        order = np.argsort(-np.nan_to_num(self.eta_squared, nan=-1.0), kind="stable")
        return [
            (self.names[at], float(self.eta_squared[at]))
            for at in order[:most]
            if np.isfinite(self.eta_squared[at])
        ]


def importance(values: Floats, names: tuple[str, ...], labels: NDArray[np.integer]) -> Importance:
    """Compute the importance of features ``(n, f)`` for labels ``(n,)``, without NaN and noise."""
    inside = labels >= 0
    labels = np.asarray(labels)[inside]
    clusters, at = np.unique(labels, return_inverse=True)
    k, f = len(clusters), len(names)
    difference, eta_squared = np.full((k, f), np.nan), np.full(f, np.nan)
    for column in range(f):
        value = np.asarray(values[:, column], dtype=np.float64)[inside]
        finite = np.isfinite(value)
        value, group = value[finite], at[finite]
        if len(value) < 2:
            continue
        counts = np.bincount(group, minlength=k).astype(np.float64)
        centred = value - value.mean()
        sums = np.bincount(group, weights=centred, minlength=k)
        variance = float(np.square(centred).mean())
        # Of a constant feature only rounding is left.
        if variance <= 1e-12 * max(1.0, float(np.square(value).mean())):
            continue
        with np.errstate(invalid="ignore", divide="ignore"):
            own = sums / counts
            others = (centred.sum() - sums) / (len(value) - counts)
            difference[:, column] = (own - others) / np.sqrt(variance)
            between = np.nansum(np.where(counts > 0, sums**2 / counts, 0.0))
        eta_squared[column] = min(1.0, float(between) / (variance * len(value)))
    return Importance(tuple(names), clusters.astype(np.int64), difference, eta_squared)
