"""Base class of the base models: imputation, scaling and PCA before the estimator."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

from sklearn.base import BaseEstimator
from sklearn.decomposition import PCA
from sklearn.impute import SimpleImputer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import QuantileTransformer, StandardScaler
from threadpoolctl import threadpool_limits

THREADS = 2
SMALL = 2000
"""Number of tracks up to which one thread is faster than several."""

QUANTILES = 100


def threads(rows: int) -> Any:
    """Limit BLAS to the number of threads that pays off for ``rows`` tracks (context manager).

    On small matrices threads mostly wait for each other, and for other processes: an order of
    magnitude on a busy machine.
    """
    return threadpool_limits(1 if rows <= SMALL else THREADS)


class BaseModel(ABC):
    """Kind of model with its parameters.

    Subclasses make the estimator: ``regressor`` for numbers (targets standardised, one column or
    several) and ``classifier`` for classes. Parameters are stored as given.
    """

    several_outputs: ClassVar[bool] = True
    """Whether the regressor takes a matrix of targets."""

    def __init__(self, **parameters: Any) -> None:
        self.parameters = parameters

    @abstractmethod
    def regressor(self, seed: int, *, rows: int, width: int) -> BaseEstimator:
        """Create an unfitted regressor for ``rows`` tracks with ``width`` inputs."""

    @abstractmethod
    def classifier(self, seed: int, *, rows: int, width: int) -> BaseEstimator:
        """Create an unfitted classifier for ``rows`` tracks with ``width`` inputs."""

    def pipeline(self, *, classes: bool, outputs: int, rows: int, columns: int, seed: int) -> Any:
        """Create the unfitted pipeline: imputer, scaler, PCA if configured, estimator.

        The number of components is limited by the columns and by the tracks.
        """
        from sklearn.multioutput import MultiOutputRegressor

        width = self._components(rows, columns) or columns
        steps: list[tuple[str, Any]] = [
            # Columns without any value stay, as zeros, so that the layout never changes.
            ("imputer", SimpleImputer(strategy="median", keep_empty_features=True)),
            ("scaler", StandardScaler()),
        ]
        if self.parameters.get("scaling") == "quantile":
            # Ranks as normal scores, so that columns with long tails do not dominate distances.
            ranks = QuantileTransformer(
                n_quantiles=min(QUANTILES, rows), output_distribution="normal", random_state=seed
            )
            steps.insert(1, ("ranks", ranks))
        if self._components(rows, columns):
            # The covariance's eigenvectors: exact, deterministic, and cheap for many tracks.
            steps.append(("components", PCA(width, svd_solver="covariance_eigh")))
        make = self.classifier if classes else self.regressor
        estimator = make(seed, rows=rows, width=width)
        if outputs > 1 and not classes and not self.several_outputs:
            estimator = MultiOutputRegressor(estimator)
        return Pipeline([*steps, ("model", estimator)])

    def _components(self, rows: int, columns: int) -> int:
        """Return the number of principal components; 0 without PCA."""
        components = self.parameters.get("components", "all")
        return 0 if components == "all" else min(int(components), columns, rows - 1)
