"""Combiners of base models: stacking and plain means, chosen by cross-validation.

Each combiner learns weights ``(models,)`` and an intercept from out-of-fold predictions of one
target, ``(n, models)`` in standard deviations.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import Ridge

from songrec.core.types import Ints
from songrec.prediction import metrics

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Combination:
    """A combiner with what it learned: weights ``(targets, models)``, intercepts ``(targets,)``.

    ``r2`` is the mean R² over the targets in cross-validation, by name of a combiner.
    """

    name: str
    weights: Array
    intercepts: Array
    r2: dict[str, float]


def choose_combiner(opinions: Sequence[Array], y: Array, folds: Ints) -> Combination:
    """Learn the combiner of the highest mean R² in cross-validation.

    Parameters
    ----------
    opinions
        Out-of-fold predictions of each target, ``(n, models)``.
    y
        True values, ``(n, targets)``.
    folds
        Folds of the out-of-fold predictions, int64 ``(n,)``.
    """
    r2 = {
        name: float(
            np.mean(
                [
                    _cross_validated(combiner, part, true, folds)
                    for part, true in zip(opinions, y.T, strict=True)
                ]
            )
        )
        for name, combiner in COMBINERS.items()
    }
    best = max(COMBINERS, key=lambda name: r2[name])
    fitted = [COMBINERS[best](part, true) for part, true in zip(opinions, y.T, strict=True)]
    weights = np.vstack([one for one, _ in fitted])
    return Combination(best, weights, np.array([intercept for _, intercept in fitted]), r2)


def _cross_validated(combiner: Combiner, opinions: Array, y: Array, folds: Ints) -> float:
    predicted = np.empty(len(y))
    for fold in np.unique(folds):
        held = folds == fold
        weights, intercept = combiner(opinions[~held], y[~held])
        predicted[held] = opinions[held] @ weights + intercept
    return float(np.nan_to_num(metrics.r2(y, predicted), nan=-1.0))


def stacking(opinions: Array, y: Array) -> tuple[Array, float]:
    """Average ridge regression with the mean weighted by R².

    Ridge (α = 1) has no negative weights (Breiman 1996: "Stacked regressions"); alone it overfits
    targets that are hardly predictable.
    """
    ridge = Ridge(alpha=1.0, positive=True).fit(opinions, y)
    skill = np.maximum(metrics.r2(y, opinions.T), 0)
    trust = skill / skill.sum() if skill.sum() else skill
    return (ridge.coef_ + trust) / 2, float(ridge.intercept_) / 2


def mean(opinions: Array, y: Array) -> tuple[Array, float]:
    """Average all models."""
    models = opinions.shape[1]
    return np.full(models, 1 / models), 0.0


def stacking_and_mean(opinions: Array, y: Array) -> tuple[Array, float]:
    """Average ``stacking`` and ``mean``: learned weights, drawn towards equal ones."""
    (stacked, intercept), (equal, _) = stacking(opinions, y), mean(opinions, y)
    return (stacked + equal) / 2, intercept / 2


Combiner = Callable[[Array, Array], tuple[Array, float]]

COMBINERS: dict[str, Combiner] = {
    "stacking_and_mean": stacking_and_mean,
    "stacking": stacking,
    "mean": mean,
}
"""Combiners by name; of equals the first is chosen."""
