"""Kernel methods with an RBF kernel: support vectors (Smola and Schölkopf 2004), kernel ridge."""

from __future__ import annotations

from typing import ClassVar

from sklearn.base import BaseEstimator
from sklearn.kernel_approximation import Nystroem
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline
from sklearn.svm import SVC, SVR

from songrec.prediction.models.base import BaseModel

LANDMARKS = 500


class SupportVectors(BaseModel):
    """Support vector machine.

    Parameters ``strength`` (C), ``gamma`` (times 1 / inputs), ``epsilon`` and those of the inputs.
    """

    several_outputs: ClassVar[bool] = False

    def regressor(self, seed: int, *, rows: int, width: int) -> BaseEstimator:
        """Create a support vector regressor for standardised targets."""
        return SVR(
            C=self.parameters["strength"],
            gamma=self.parameters["gamma"] / width,
            epsilon=self.parameters["epsilon"],
        )

    def classifier(self, seed: int, *, rows: int, width: int) -> BaseEstimator:
        """Create a support vector classifier; ``epsilon`` has no meaning for classes."""
        return SVC(
            C=self.parameters["strength"],
            gamma=self.parameters["gamma"] / width,
            decision_function_shape="ovr",
            random_state=seed,
        )


class KernelRidge(BaseModel):
    """Kernel ridge regression.

    Parameters ``penalty``, ``gamma`` (times 1 / inputs) and those of the inputs. The kernel is
    approximated with at most ``LANDMARKS`` tracks (Nyström: Williams and Seeger 2001), which is
    exact for fewer tracks and bounds the memory for more.
    """

    def regressor(self, seed: int, *, rows: int, width: int) -> BaseEstimator:
        """Create a kernel ridge regressor."""
        return make_pipeline(
            self._kernel(seed, rows, width), Ridge(alpha=self.parameters["penalty"])
        )

    def classifier(self, seed: int, *, rows: int, width: int) -> BaseEstimator:
        """Create a kernel logistic regression."""
        return make_pipeline(
            self._kernel(seed, rows, width),
            LogisticRegression(C=1 / self.parameters["penalty"], max_iter=2000),
        )

    def _kernel(self, seed: int, rows: int, width: int) -> Nystroem:
        return Nystroem(
            gamma=self.parameters["gamma"] / width,
            n_components=min(LANDMARKS, rows),
            random_state=seed,
        )
