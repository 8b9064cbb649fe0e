"""Linear models with L2, L1 and mixed penalties, and their logistic counterparts for classes."""

from __future__ import annotations

from sklearn.base import BaseEstimator
from sklearn.linear_model import ElasticNet, Lasso, LogisticRegression, Ridge

from songrec.prediction.models.base import BaseModel

ITERATIONS = 2000
TOLERANCE = 1e-3


class RidgeModel(BaseModel):
    """Ridge with parameters ``penalty`` (α; logistic C is its inverse) and ``components``."""

    def regressor(self, seed: int, *, rows: int, width: int) -> BaseEstimator:
        """Create a ridge regressor."""
        return Ridge(alpha=self.parameters["penalty"])

    def classifier(self, seed: int, *, rows: int, width: int) -> BaseEstimator:
        """Create a logistic regression with an L2 penalty."""
        return LogisticRegression(C=1 / self.parameters["penalty"], max_iter=ITERATIONS)


class LassoModel(BaseModel):
    """Lasso with parameters ``penalty`` (α, per track) and ``components``."""

    def regressor(self, seed: int, *, rows: int, width: int) -> BaseEstimator:
        """Create a lasso regressor."""
        return Lasso(alpha=self.parameters["penalty"], max_iter=10_000, tol=TOLERANCE)

    def classifier(self, seed: int, *, rows: int, width: int) -> BaseEstimator:
        """Create a logistic regression with an L1 penalty."""
        return _sparse_logistic(self.parameters["penalty"], 1.0, seed, rows)


class ElasticNetModel(BaseModel):
    """Elastic net with ``penalty`` (α, per track), ``balance`` (L1 share) and ``components``."""

    def regressor(self, seed: int, *, rows: int, width: int) -> BaseEstimator:
        """Create an elastic net regressor."""
        return ElasticNet(
            alpha=self.parameters["penalty"],
            l1_ratio=self.parameters["balance"],
            max_iter=10_000,
            tol=TOLERANCE,
        )

    def classifier(self, seed: int, *, rows: int, width: int) -> BaseEstimator:
        """Create a logistic regression with both penalties."""
        return _sparse_logistic(self.parameters["penalty"], self.parameters["balance"], seed, rows)


def _sparse_logistic(penalty: float, balance: float, seed: int, rows: int) -> LogisticRegression:
    # C multiplies the sum of the losses, α their mean: dividing by the tracks makes them agree.
    return LogisticRegression(
        C=1 / (penalty * rows),
        l1_ratio=balance,
        solver="saga",
        max_iter=ITERATIONS,
        tol=TOLERANCE,
        random_state=seed,
    )
