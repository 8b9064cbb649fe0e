"""Base models fitted on standardised numbers or on consecutive class numbers."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from songrec.core.types import Floats, Ints
from songrec.prediction.registry import BASE_MODELS, TWIN


@dataclass(frozen=True)
class FittedModel:
    """Fitted pipeline with the transformation from its outputs to the targets.

    Numbers: ``offset`` and ``scale`` float64 ``(targets,)`` undo the standardisation. Classes:
    ``observed`` int64 are the classes of the training tracks, of ``classes`` in all.
    """

    pipeline: Any
    offset: NDArray[np.float64]
    scale: NDArray[np.float64]
    observed: Ints
    classes: int = 0

    @property
    def width(self) -> int:
        """Number of columns of ``scores``: one per target, or one per class."""
        return self.classes or len(self.offset)

    def scores(self, inputs: Floats) -> NDArray[np.float64]:
        """Predict numbers ``(n, targets)``, or class probabilities ``(n, classes)``."""
        if not self.classes:
            raw = np.asarray(self.pipeline.predict(inputs), dtype=np.float64)
            return raw.reshape(len(inputs), -1) * self.scale + self.offset
        shares = np.zeros((len(inputs), self.classes))
        if hasattr(self.pipeline, "predict_proba"):
            shares[:, self.observed] = self.pipeline.predict_proba(inputs)
            return shares
        margins = np.asarray(self.pipeline.decision_function(inputs), dtype=np.float64)
        if margins.ndim == 1:
            margins = np.column_stack([-margins, margins])
        # A support vector machine gives margins, not probabilities: softmax puts them on the
        # same scale as the others', and the meta-model learns their weight.
        margins = np.exp(margins - margins.max(axis=1, keepdims=True))
        shares[:, self.observed] = margins / margins.sum(axis=1, keepdims=True)
        return shares


def fit(
    name: str,
    parameters: Mapping[str, Any],
    inputs: Floats,
    targets: NDArray[Any],
    *,
    classes: int,
    seed: int,
) -> FittedModel:
    """Fit base model ``name``, or its twin with other parameters (``registry.TWIN``).

    Parameters
    ----------
    inputs
        ``(n, d)``; NaN is imputed.
    targets
        Numbers ``(n, targets)``, or class numbers ``(n, 1)`` with at least two classes.
    classes
        Number of classes; 0 for numbers.
    """
    model = BASE_MODELS.create(name.partition(TWIN)[0], **parameters)
    rows, columns = inputs.shape
    pipeline = model.pipeline(
        classes=bool(classes), outputs=targets.shape[1], rows=rows, columns=columns, seed=seed
    )
    offset = scale = np.empty(0)
    observed: Ints = np.empty(0, dtype=np.int64)
    y: NDArray[Any]
    if classes:
        # XGBoost requires consecutive class numbers, and a fold may lack a rare class.
        observed, y = np.unique(targets[:, 0].astype(np.int64), return_inverse=True)
    else:
        offset, scale = targets.mean(axis=0), targets.std(axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        y = (targets - offset) / scale
        y = y[:, 0] if y.shape[1] == 1 else y
    with warnings.catch_warnings():
        # Parameters that converge slowly score badly, so the search avoids them.
        warnings.simplefilter("ignore", ConvergenceWarning)
        pipeline.fit(inputs, y)
    return FittedModel(pipeline, offset, scale, observed, classes)


def out_of_fold(
    name: str,
    parameters: Mapping[str, Any],
    inputs: Floats,
    targets: NDArray[Any],
    folds: Ints,
    *,
    classes: int,
    seed: int,
    fold: int | None = None,
) -> NDArray[np.float64]:
    """Cross-validate base model ``name`` and return its predictions of the left-out folds.

    Parameters
    ----------
    folds
        Fold of each track, int64 ``(n,)``.
    fold
        Predict only the tracks of this fold; the others are NaN. None predicts all.

    Returns
    -------
    ``scores`` of each track by a model fitted on the other folds, float64 ``(n, width)``.
    """
    scores = np.full((len(inputs), classes or targets.shape[1]), np.nan)
    for number in np.unique(folds) if fold is None else (fold,):
        held = folds == number
        fitted = fit(name, parameters, inputs[~held], targets[~held], classes=classes, seed=seed)
        scores[held] = fitted.scores(inputs[held])
    return scores
