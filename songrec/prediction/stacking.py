"""Combination of base models, learned from their out-of-fold predictions.

For numbers a combination is a weighted sum per target of ``combiners``: stacking (Wolpert 1992) or
a plain mean. The one with the highest R² in cross-validation over the out-of-fold predictions is
used for all targets of the ensemble. For classes it is logistic regression over the base models'
class shares.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression

from songrec.core.types import Floats, Ints
from songrec.prediction.combiners import choose_combiner
from songrec.prediction.fitting import FittedModel, fit, out_of_fold
from songrec.prediction.targets import TARGETS

ENSEMBLE = "ensemble"


class Stack:
    """Ensemble of one or several targets that are learned together.

    ``names`` are number targets, or one class target; ``parameters`` the parameters of each base
    model. Attributes after ``fit``: ``bases_``; for classes ``meta_``; for numbers ``combiner_``,
    ``combiner_r2_`` (mean R² of each combiner in cross-validation), ``weights_``
    ``(targets, models)`` and ``intercepts_`` ``(targets,)`` of the standardised predictions,
    ``offset_`` and ``scale_`` ``(targets,)``.
    """

    def __init__(
        self, names: tuple[str, ...], parameters: Mapping[str, Mapping[str, Any]], seed: int
    ) -> None:
        self.names = names
        self.parameters = parameters
        self.seed = seed

    @property
    def classes(self) -> int:
        """Number of classes of the target; 0 for numbers."""
        return len(TARGETS[self.names[0]].classes)

    def fit(
        self,
        inputs: Floats,
        targets: NDArray[Any],
        folds: Ints,
        on_model: Callable[[str], None] = lambda name: None,
    ) -> Stack:
        """Fit on ``inputs`` ``(n, d)`` and ``targets`` ``(n, len(names))`` without NaN.

        ``folds`` int64 ``(n,)`` are those of the out-of-fold predictions for the meta-model.
        """
        self.offset_ = targets.mean(axis=0)
        spread = targets.std(axis=0)
        self.scale_ = np.where(spread > 0, spread, 1.0)
        out_of_fold_scores: dict[str, NDArray[np.float64]] = {}
        for name, parameters in self.parameters.items():
            on_model(name)
            out_of_fold_scores[name] = out_of_fold(
                name, parameters, inputs, targets, folds, classes=self.classes, seed=self.seed
            )
        self.refit(inputs, targets)
        if self.classes:
            meta = LogisticRegression(C=1.0, max_iter=2000)
            self.meta_ = meta.fit(self._shares(out_of_fold_scores), targets[:, 0].astype(np.int64))
            return self
        choice = choose_combiner(
            [self._opinions(out_of_fold_scores, column) for column in range(len(self.names))],
            (targets - self.offset_) / self.scale_,
            folds,
        )
        self.combiner_, self.combiner_r2_ = choice.name, choice.r2
        self.weights_, self.intercepts_ = choice.weights, choice.intercepts
        return self

    def refit(self, inputs: Floats, targets: NDArray[Any]) -> None:
        """Fit the base models again on more tracks; their combination does not change."""
        self.bases_: dict[str, FittedModel] = {
            name: fit(name, parameters, inputs, targets, classes=self.classes, seed=self.seed)
            for name, parameters in self.parameters.items()
        }

    def predict(self, inputs: Floats) -> NDArray[np.float64]:
        """Predict numbers within the targets' bounds, or class numbers; ``(n, len(names))``."""
        return self.predict_by_model(inputs)[ENSEMBLE]

    def predict_by_model(self, inputs: Floats) -> dict[str, NDArray[np.float64]]:
        """Predict with the ensemble and with every base model alone, each ``(n, len(names))``."""
        scores = {name: base.scores(inputs) for name, base in self.bases_.items()}
        if self.classes:
            by_model = {
                name: shares.argmax(axis=1)[:, None].astype(np.float64)
                for name, shares in scores.items()
            }
            chosen = self.meta_.predict(self._shares(scores))
            return {ENSEMBLE: chosen[:, None].astype(np.float64), **by_model}
        ensemble = np.column_stack(
            [
                self._opinions(scores, column) @ weights + intercept
                for column, (weights, intercept) in enumerate(
                    zip(self.weights_, self.intercepts_, strict=True)
                )
            ]
        )
        by_model = {ENSEMBLE: ensemble * self.scale_ + self.offset_, **scores}
        low = np.array([TARGETS[name].low for name in self.names])
        high = np.array([TARGETS[name].high for name in self.names])
        return {name: np.clip(values, low, high) for name, values in by_model.items()}

    def weights(self) -> dict[str, dict[str, float]] | None:
        """Return the weight of each base model for each number target; None for classes."""
        if self.classes:
            return None
        return {
            target: dict(zip(self.parameters, weights.astype(float).tolist(), strict=True))
            for target, weights in zip(self.names, self.weights_, strict=True)
        }

    def _opinions(
        self, scores: Mapping[str, NDArray[np.float64]], column: int
    ) -> NDArray[np.float64]:
        """Return the base models' predictions of one target, standardised, ``(n, models)``."""
        stacked = np.column_stack([scores[name][:, column] for name in self.parameters])
        return (stacked - self.offset_[column]) / self.scale_[column]

    def _shares(self, scores: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        """Return all class probabilities side by side, ``(n, models * classes)``."""
        return np.column_stack([scores[name] for name in self.parameters])
