"""Whether a clustering would be found again: over seeds, and over samples of the tracks.

Both take a callable that fits; a grid uses them, a single training does not (it would take as many
trainings).
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
    """Adjusted Rand indices of every two fits: 1 is the same clusters each time, 0 chance."""

    values: tuple[float, ...]

    @property
    def mean(self) -> float | None:
        """Their mean; None where there are fewer than two fits."""
        return float(np.mean(self.values)) if self.values else None

    @property
    def spread(self) -> float | None:
        """Their standard deviation (n - 1); None below two pairs."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else None


def between(labellings: Iterable[Labels]) -> Stability:
    """The agreement of labellings that are there already, two by two."""
    pairs = itertools.combinations(list(labellings), 2)
    return Stability(tuple(adjusted_rand_index(a, b) for a, b in pairs))


def over_bootstraps(
    fit: Callable[[Ints, int], Labels], n: int, *, samples: int = 10, seed: int = 0
) -> Stability:
    """Draw ``n`` of ``n`` rows with replacement, ``samples`` times, and fit each (Hennig 2007).

    ``fit(rows, seed)`` labels the rows of a sample, one label a row, duplicates among them. Two
    samples are compared on the tracks that both hold, about two fifths. All fits get the same
    seed: what differs is the sample alone.
    """
    return between_samples((rows, fit(rows, seed)) for rows in bootstraps(n, samples, seed))


def bootstraps(n: int, samples: int, seed: int) -> list[Ints]:
    """``samples`` times ``n`` of ``n`` rows with replacement, each ascending."""
    random = np.random.default_rng(seed)
    return [np.sort(random.integers(0, n, n)) for _ in range(samples)]


def between_samples(labelled: Iterable[tuple[Ints, Labels]]) -> Stability:
    """The agreement of samples two by two: their rows, ascending, and one label a row."""
    found: list[tuple[Ints, NDArray[np.integer]]] = []
    for rows, labels in labelled:
        distinct, first = np.unique(rows, return_index=True)
        found.append((distinct, labels[first]))
    values = []
    for (rows_a, a), (rows_b, b) in itertools.combinations(found, 2):
        _, at_a, at_b = np.intersect1d(rows_a, rows_b, assume_unique=True, return_indices=True)
        values.append(adjusted_rand_index(a[at_a], b[at_b]))
    return Stability(tuple(values))
