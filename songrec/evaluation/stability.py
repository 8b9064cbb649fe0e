"""Stability of a clustering over seeds and over samples of the tracks.

Sweeps measure it; a single training does not, since each labelling takes a training of its own.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Ints
from songrec.evaluation.agreement import Labels, adjusted_rand_index


@dataclass(frozen=True)
class Stability:
    """Adjusted Rand indices of all pairs of fits: 1 for the same clusters, about 0 for chance."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float | None:
        """Mean of the indices; None with fewer than two fits."""
        return float(np.mean(self.values)) if self.values else None

    @property
    def spread(self) -> float | None:
        """Standard deviation of the indices (n - 1); None with fewer than two pairs."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else None


def between(labellings: Iterable[Labels]) -> Stability:
    """Compare labellings ``(n,)`` of the same tracks two by two; noise is a group of its own."""
    pairs = itertools.combinations(list(labellings), 2)
    return Stability(tuple(adjusted_rand_index(a, b) for a, b in pairs))


def over_bootstraps(
    fit: Callable[[Ints, int], Labels], n: int, *, samples: int = 10, seed: int = 0
) -> Stability:
    """Fit bootstrap samples and compare them on the tracks that two samples share.

    Parameters
    ----------
    fit
        ``fit(rows, seed)`` labels the rows of a sample, duplicates among them, one label per row.
        All fits get the same seed: only the sample differs.
    n
        Number of tracks, and of rows drawn with replacement for each sample.
    samples
        Number of samples. Two of them share about two fifths of the tracks.
    seed
        Of the samples and the fits.

    References
    ----------
    Hennig, "Cluster-wise assessment of cluster stability", CSDA 2007.
    """
    return between_samples((rows, fit(rows, seed)) for rows in bootstraps(n, samples, seed))


def bootstraps(n: int, samples: int, seed: int) -> list[Ints]:
    """Draw ``n`` of ``n`` rows with replacement, ``samples`` times; each sample is ascending."""
    rng = np.random.default_rng(seed)
    return [np.sort(rng.integers(0, n, n)) for _ in range(samples)]


def between_samples(labelled: Iterable[tuple[Ints, Labels]]) -> Stability:
    """Compare samples two by two, each given as ascending rows and one label per row."""
    samples: list[tuple[Ints, NDArray[np.integer]]] = []
    for rows, labels in labelled:
        distinct, first = np.unique(rows, return_index=True)
        samples.append((distinct, labels[first]))
    values = []
    for (rows_a, a), (rows_b, b) in itertools.combinations(samples, 2):
        _, at_a, at_b = np.intersect1d(rows_a, rows_b, assume_unique=True, return_indices=True)
        values.append(adjusted_rand_index(a[at_a], b[at_b]))
    return Stability(tuple(values))
