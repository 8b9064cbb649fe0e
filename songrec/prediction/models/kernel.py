"""Support vector machines with a radial kernel (Smola and Schölkopf 2004)."""

from __future__ import annotations

from typing import ClassVar

from sklearn.base import BaseEstimator
from sklearn.svm import SVC, SVR

from songrec.prediction.models.base import BaseModel


class SupportVectors(BaseModel):
    """Parameters ``strength`` (C), ``gamma`` (times 1 / inputs), ``epsilon``, ``components``."""

    several_outputs: ClassVar[bool] = False

    def regressor(self, seed: int, *, rows: int, width: int) -> BaseEstimator:
        """Support vector regression on standardised targets."""
        return SVR(
            C=self.parameters["strength"],
            gamma=self.parameters["gamma"] / width,
            epsilon=self.parameters["epsilon"],
        )

    def classifier(self, seed: int, *, rows: int, width: int) -> BaseEstimator:
        """Support vector classification; ``epsilon`` has no meaning for classes."""
        return SVC(
            C=self.parameters["strength"],
            gamma=self.parameters["gamma"] / width,
            decision_function_shape="ovr",
            random_state=seed,
        )
