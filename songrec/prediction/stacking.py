"""Stacking (Wolpert 1992): a meta-model weighs what the base models say of tracks new to them.

For numbers the meta-model is ridge regression (α = 1) per target over the base models' predictions
of that target, its weights not negative (Breiman 1996: "Stacked regressions"), everything in
standard deviations; it is averaged with the base models' mean weighted by their out-of-fold R²,
because ridge alone takes chance for skill where there is little to predict. For classes it is
logistic regression over the base models' class shares. Both learn from out-of-fold predictions
only.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression, Ridge

from songrec.core.types import Floats, Ints
from songrec.prediction import metrics
from songrec.prediction.fitting import Fitted, fit, out_of_fold
from songrec.prediction.targets import TARGETS

ENSEMBLE = "ensemble"


class Stack:
    """The ensemble of one or several targets that are learned together.

    ``names`` are number targets, or one class target. ``parameters`` are the base models, in
    order, with theirs. Fitted: ``bases_``, ``meta_`` (one per number target, or one), ``trust_``
    ``(targets, models)``, ``offset_`` and ``scale_`` of the number targets.
    """

    def __init__(
        self, names: tuple[str, ...], parameters: Mapping[str, Mapping[str, Any]], seed: int
    ) -> None:
        self.names = names
        self.parameters = parameters
        self.seed = seed

    @property
    def classes(self) -> int:
        """How many classes the target has; 0 for numbers."""
        return len(TARGETS[self.names[0]].classes)

    def fit(
        self,
        inputs: Floats,
        targets: NDArray[Any],
        folds: Ints,
        on_model: Callable[[str], None] = lambda name: None,
    ) -> Stack:
        """Learn from ``inputs`` ``(n, d)`` and ``targets`` ``(n, len(names))``, none of them NaN.

        ``folds`` int64 ``(n,)`` say which tracks are held out together for the meta-model.
        """
        self.offset_ = targets.mean(axis=0)
        spread = targets.std(axis=0)
        self.scale_ = np.where(spread > 0, spread, 1.0)
        held: dict[str, NDArray[np.float64]] = {}
        for name, parameters in self.parameters.items():
            on_model(name)
            held[name] = out_of_fold(
                name, parameters, inputs, targets, folds, classes=self.classes, seed=self.seed
            )
        self.refit(inputs, targets)
        self.trust_ = np.empty((0, len(self.parameters)))
        if self.classes:
            meta = LogisticRegression(C=1.0, max_iter=2000)
            self.meta_ = [meta.fit(self._shares(held), targets[:, 0].astype(np.int64))]
            return self
        wanted = (targets - self.offset_) / self.scale_
        self.meta_ = [
            Ridge(alpha=1.0, positive=True).fit(self._opinions(held, column), wanted[:, column])
            for column in range(len(self.names))
        ]
        self.trust_ = np.vstack(
            [
                _trust(self._opinions(held, column), wanted[:, column])
                for column in range(len(self.names))
            ]
        )
        return self

    def refit(self, inputs: Floats, targets: NDArray[Any]) -> None:
        """Fit the base models again on more tracks; how they are weighed stays as it is."""
        self.bases_: dict[str, Fitted] = {
            name: fit(name, parameters, inputs, targets, classes=self.classes, seed=self.seed)
            for name, parameters in self.parameters.items()
        }

    def predict(self, inputs: Floats) -> NDArray[np.float64]:
        """``(n, len(names))``: numbers within the targets' bounds, or class numbers."""
        return self.predict_by_model(inputs)[ENSEMBLE]

    def predict_by_model(self, inputs: Floats) -> dict[str, NDArray[np.float64]]:
        """What every base model says by itself, and the ensemble, each ``(n, len(names))``."""
        scores = {name: base.scores(inputs) for name, base in self.bases_.items()}
        if self.classes:
            by_model = {
                name: shares.argmax(axis=1)[:, None].astype(np.float64)
                for name, shares in scores.items()
            }
            chosen = self.meta_[0].predict(self._shares(scores))
            return {ENSEMBLE: chosen[:, None].astype(np.float64), **by_model}
        columns = []
        for column, (meta, trust) in enumerate(zip(self.meta_, self.trust_, strict=True)):
            opinions = self._opinions(scores, column)
            columns.append((meta.predict(opinions) + opinions @ trust) / 2)
        together = np.column_stack(columns)
        found = {ENSEMBLE: together * self.scale_ + self.offset_, **scores}
        low = np.array([TARGETS[name].low for name in self.names])
        high = np.array([TARGETS[name].high for name in self.names])
        return {name: np.clip(values, low, high) for name, values in found.items()}

    def weights(self) -> dict[str, dict[str, float]] | None:
        """How much each base model counts for each number target; None for classes."""
        if self.classes:
            return None
        return {
            target: dict(
                zip(self.parameters, ((meta.coef_ + trust) / 2).astype(float).tolist(), strict=True)
            )
            for target, meta, trust in zip(self.names, self.meta_, self.trust_, strict=True)
        }

    def _opinions(
        self, scores: Mapping[str, NDArray[np.float64]], column: int
    ) -> NDArray[np.float64]:
        """The base models' predictions of one target in standard deviations, ``(n, models)``."""
        stacked = np.column_stack([scores[name][:, column] for name in self.parameters])
        return (stacked - self.offset_[column]) / self.scale_[column]

    def _shares(self, scores: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        """All class shares side by side, ``(n, models * classes)``."""
        return np.column_stack([scores[name] for name in self.parameters])


def _trust(opinions: NDArray[np.float64], wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Weights ``(models,)`` in proportion to the R² above 0; all 0 where no model has any."""
    skill = np.maximum(metrics.r2(wanted, opinions.T), 0)
    return skill / skill.sum() if skill.sum() else skill
