"""One fitted base model: numbers standardised on the way in, classes renumbered on the way in."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.exceptions import ConvergenceWarning

from songrec.core.types import Floats, Ints
from songrec.prediction.registry import BASE_MODELS


@dataclass(frozen=True)
class Fitted:
    """A fitted pipeline and what leads from its answers back to the targets.

    Numbers: ``offset`` and ``scale`` float64 ``(targets,)`` undo the standardising. Classes:
    ``seen`` int64 are the classes that the training tracks had, of ``classes`` in all.
    """

    pipeline: Any
    offset: NDArray[np.float64]
    scale: NDArray[np.float64]
    seen: Ints
    classes: int = 0

    @property
    def width(self) -> int:
        """Columns of ``scores``: one per target, or one per class."""
        return self.classes or len(self.offset)

    def scores(self, inputs: Floats) -> NDArray[np.float64]:
        """``(n, targets)`` numbers, or ``(n, classes)`` non-negative shares that add up to 1."""
        if not self.classes:
            raw = np.asarray(self.pipeline.predict(inputs), dtype=np.float64)
            return raw.reshape(len(inputs), -1) * self.scale + self.offset
        shares = np.zeros((len(inputs), self.classes))
        if hasattr(self.pipeline, "predict_proba"):
            shares[:, self.seen] = self.pipeline.predict_proba(inputs)
            return shares
        margins = np.asarray(self.pipeline.decision_function(inputs), dtype=np.float64)
        if margins.ndim == 1:
            margins = np.column_stack([-margins, margins])
        # A support vector machine gives margins, not probabilities: softmax puts them on the
        # same scale as the others', and the meta-model learns how far to trust them.
        margins = np.exp(margins - margins.max(axis=1, keepdims=True))
        shares[:, self.seen] = margins / margins.sum(axis=1, keepdims=True)
        return shares


def fit(
    name: str,
    parameters: Mapping[str, Any],
    inputs: Floats,
    targets: NDArray[Any],
    *,
    classes: int,
    seed: int,
) -> Fitted:
    """Fit base model ``name`` on ``inputs`` ``(n, d)``.

    ``targets`` are ``(n, targets)`` numbers, or with ``classes`` > 0 the ``(n, 1)`` class numbers,
    of which at least two must occur.
    """
    model = BASE_MODELS.create(name, **parameters)
    rows, columns = inputs.shape
    pipeline = model.pipeline(
        classes=bool(classes), outputs=targets.shape[1], rows=rows, columns=columns, seed=seed
    )
    offset = scale = np.empty(0)
    seen: Ints = np.empty(0, dtype=np.int64)
    wanted: NDArray[Any]
    if classes:
        # XGBoost wants classes numbered without gaps, and a fold may lack a rare one.
        seen, wanted = np.unique(targets[:, 0].astype(np.int64), return_inverse=True)
    else:
        offset, scale = targets.mean(axis=0), targets.std(axis=0)
        scale = np.where(scale > 0, scale, 1.0)
        wanted = (targets - offset) / scale
        wanted = wanted[:, 0] if wanted.shape[1] == 1 else wanted
    with warnings.catch_warnings():
        # Parameters that converge slowly score badly, and the search leaves them behind.
        warnings.simplefilter("ignore", ConvergenceWarning)
        pipeline.fit(inputs, wanted)
    return Fitted(pipeline, offset, scale, seen, classes)


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
    """Scores of each track by a model that has not seen its fold, ``(n, width)``.

    With ``fold``, only that fold's tracks are predicted, the others are NaN.
    """
    scores = np.full((len(inputs), classes or targets.shape[1]), np.nan)
    for number in np.unique(folds) if fold is None else (fold,):
        held = folds == number
        fitted = fit(name, parameters, inputs[~held], targets[~held], classes=classes, seed=seed)
        scores[held] = fitted.scores(inputs[held])
    return scores
