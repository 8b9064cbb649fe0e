"""How good predictions are: R², mean absolute error, accuracy, weighted F1, with intervals.

Each measure takes what is true and what was predicted, ``(n,)`` or ``(resamples, n)``, and gives
one figure per row; an interval is the middle 95% over bootstrap resamples of the tracks (Efron and
Tibshirani 1993, percentile method).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 1000
LEVEL = 0.95


def r2(true: NDArray[Any], predicted: NDArray[Any]) -> NDArray[Any]:
    """1 - residual over total sum of squares; NaN where all true values are equal."""
    residual = ((true - predicted) ** 2).sum(axis=-1)
    total = ((true - true.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1)
    return 1 - residual / np.where(total > 0, total, np.nan)


def mae(true: NDArray[Any], predicted: NDArray[Any]) -> NDArray[Any]:
    """The mean absolute error, in the target's unit."""
    return np.abs(true - predicted).mean(axis=-1)


def accuracy(true: NDArray[Any], predicted: NDArray[Any]) -> NDArray[Any]:
    """The share of tracks whose class is right."""
    return (true == predicted).mean(axis=-1)


def f1_weighted(true: NDArray[Any], predicted: NDArray[Any]) -> NDArray[Any]:
    """F1 per class, averaged with the classes' true frequencies as weights."""
    total = np.zeros(true.shape[:-1])
    for label in np.unique(true):
        is_true, is_predicted = true == label, predicted == label
        hits = (is_true & is_predicted).sum(axis=-1)
        both = is_true.sum(axis=-1) + is_predicted.sum(axis=-1)
        total += is_true.mean(axis=-1) * 2 * hits / np.maximum(both, 1)
    return total


@dataclass(frozen=True, slots=True)
class Measure:
    """A measure, what it is called, and whether more is better."""

    name: str
    label: str
    function: Callable[[NDArray[Any], NDArray[Any]], NDArray[Any]]
    more_is_better: bool = True


NUMBERS = (Measure("r2", "R²", r2), Measure("mae", "Mean absolute error", mae, False))
CLASSES = (
    Measure("accuracy", "Accuracy", accuracy),
    Measure("f1_weighted", "Weighted F1", f1_weighted),
)


def score(
    true: NDArray[Any], predicted: NDArray[Any], *, is_class: bool, seed: int
) -> dict[str, Any]:
    """``{measure: value, "intervals": {measure: [low, high]}}`` for one target.

    ``true`` and ``predicted`` are ``(n,)``, n at least 2. A figure that is not defined (R² of
    equal values) is None. The same ``seed`` resamples the same tracks, so that models compare.
    """
    rows = np.random.default_rng(seed).integers(len(true), size=(RESAMPLES, len(true)))
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    found: dict[str, Any] = {}
    intervals: dict[str, list[float]] = {}
    for measure in CLASSES if is_class else NUMBERS:
        value = float(measure.function(true, predicted))
        found[measure.name] = value if np.isfinite(value) else None
        drawn = measure.function(true[rows], predicted[rows])
        drawn = drawn[np.isfinite(drawn)]
        if found[measure.name] is not None and len(drawn):
            intervals[measure.name] = [float(q) for q in np.quantile(drawn, tails)]
    return {**found, "intervals": intervals}
