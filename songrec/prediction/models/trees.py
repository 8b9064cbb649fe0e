"""Forests (Breiman 2001; Geurts et al. 2006) and boosted trees (Chen and Guestrin 2016)."""

from __future__ import annotations

from typing import Any, ClassVar

from sklearn.base import BaseEstimator
from sklearn.ensemble import (
    ExtraTreesClassifier,
    ExtraTreesRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)

from songrec.prediction.models.base import SMALL, THREADS, BaseModel


class RandomForest(BaseModel):
    """Random forest with parameters ``trees``, ``leaf``, ``share`` and ``components``."""

    regression: ClassVar[type] = RandomForestRegressor
    classification: ClassVar[type] = RandomForestClassifier

    def regressor(self, seed: int, *, rows: int, width: int) -> BaseEstimator:
        """Create a forest of regression trees."""
        return self.regression(**self._arguments(seed))

    def classifier(self, seed: int, *, rows: int, width: int) -> BaseEstimator:
        """Create a forest of classification trees."""
        return self.classification(**self._arguments(seed))

    def _arguments(self, seed: int) -> dict[str, Any]:
        return {
            "n_estimators": self.parameters["trees"],
            "min_samples_leaf": self.parameters["leaf"],
            "max_features": self.parameters["share"],
            "random_state": seed,
            "n_jobs": THREADS,
        }


class ExtraTrees(RandomForest):
    """Trees with random thresholds and the parameters of ``RandomForest``."""

    regression: ClassVar[type] = ExtraTreesRegressor
    classification: ClassVar[type] = ExtraTreesClassifier


class XGBoost(BaseModel):
    """Boosted trees with ``rounds``, ``depth``, ``learning_rate``, ``penalty`` and ``share``."""

    def regressor(self, seed: int, *, rows: int, width: int) -> BaseEstimator:
        """Create boosted trees that minimise the squared error."""
        from xgboost import XGBRegressor

        return XGBRegressor(**self._arguments(seed, rows))

    def classifier(self, seed: int, *, rows: int, width: int) -> BaseEstimator:
        """Create boosted trees that minimise the log loss."""
        from xgboost import XGBClassifier

        return XGBClassifier(**self._arguments(seed, rows))

    def _arguments(self, seed: int, rows: int) -> dict[str, Any]:
        return {
            "n_estimators": self.parameters["rounds"],
            "max_depth": self.parameters["depth"],
            "learning_rate": self.parameters["learning_rate"],
            "reg_lambda": self.parameters["penalty"],
            "colsample_bytree": self.parameters["share"],
            "subsample": 0.8,
            "tree_method": "hist",
            "random_state": seed,
            "n_jobs": 1 if rows <= SMALL else THREADS,
        }
