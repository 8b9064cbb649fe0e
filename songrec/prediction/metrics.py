"""Metrics of predictions with bootstrap intervals: R², MAE, accuracy, weighted F1.

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
    """Compute the coefficient of determination; NaN where all true values are equal."""
    residual = ((true - predicted) ** 2).sum(axis=-1)
    total = ((true - true.mean(axis=-1, keepdims=True)) ** 2).sum(axis=-1)
    return 1 - residual / np.where(total > 0, total, np.nan)


def mae(true: NDArray[Any], predicted: NDArray[Any]) -> NDArray[Any]:
    """Compute the mean absolute error, in the unit of the target."""
    return np.abs(true - predicted).mean(axis=-1)


def accuracy(true: NDArray[Any], predicted: NDArray[Any]) -> NDArray[Any]:
    """Compute the share of correctly classified tracks."""
    return (true == predicted).mean(axis=-1)


def f1_weighted(true: NDArray[Any], predicted: NDArray[Any]) -> NDArray[Any]:
    """Compute F1 per class, averaged with the frequencies of the true classes as weights."""
    total = np.zeros(true.shape[:-1])
    for label in np.unique(true):
        is_true, is_predicted = true == label, predicted == label
        hits = (is_true & is_predicted).sum(axis=-1)
        both = is_true.sum(axis=-1) + is_predicted.sum(axis=-1)
        total += is_true.mean(axis=-1) * 2 * hits / np.maximum(both, 1)
    return total


@dataclass(frozen=True, slots=True)
class Measure:
    """Metric with its label and direction."""

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
    """Compute the metrics of one target with 95% bootstrap intervals.

    Parameters
    ----------
    true, predicted
        ``(n,)``, n at least 2.
    seed
        The same seed draws the same resamples, so that models are comparable.

    Returns
    -------
    ``{measure: value, "intervals": {measure: [low, high]}}``. An undefined value (R² of equal
    values) is None.
    """
    rows = np.random.default_rng(seed).integers(len(true), size=(RESAMPLES, len(true)))
    tails = [(1 - LEVEL) / 2, (1 + LEVEL) / 2]
    figures: dict[str, Any] = {}
    intervals: dict[str, list[float]] = {}
    for measure in CLASSES if is_class else NUMBERS:
        value = float(measure.function(true, predicted))
        figures[measure.name] = value if np.isfinite(value) else None
        resampled = measure.function(true[rows], predicted[rows])
        resampled = resampled[np.isfinite(resampled)]
        if figures[measure.name] is not None and len(resampled):
            intervals[measure.name] = [float(q) for q in np.quantile(resampled, tails)]
    return {**figures, "intervals": intervals}
