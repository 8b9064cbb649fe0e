"""Accuracy of reading a label from a latent, which a conditioned model should keep out of it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score
from sklearn.model_selection import StratifiedKFold, cross_val_predict
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from threadpoolctl import threadpool_limits

from songrec.core.types import Floats

FOLDS = 5
MOST_ROWS = 6_000


def read_accuracy(
    latent: Floats, labels: Sequence[str | None], *, seed: int
) -> tuple[float, float] | None:
    """Measure how well a logistic regression predicts the label from the latent.

    Parameters
    ----------
    latent
        float32 ``(n, l)``. At most 6,000 rows are drawn.
    labels
        One per row; rows without a label and labels of fewer than five tracks are left out.
    seed
        Of the rows and the five folds.

    Returns
    -------
    tuple of float or None
        The cross-validated balanced accuracy, and that of chance, one in the number of labels.
        None where fewer than two labels are left.
    """
    texts = np.array([label or "" for label in labels])
    names, codes, counts = np.unique(texts, return_inverse=True, return_counts=True)
    usable = (counts >= FOLDS) & (names != "")
    rows = np.flatnonzero(usable[codes])
    if len(rows) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MOST_ROWS, replace=False))
        present, class_counts = np.unique(codes[rows], return_counts=True)
        rows = rows[np.isin(codes[rows], present[class_counts >= FOLDS])]
    classes = len(np.unique(codes[rows]))
    if classes < 2:
        return None
    model = make_pipeline(
        StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000)
    )
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed % 2**32)
    with threadpool_limits(limits=1):
        predicted = cross_val_predict(model, latent[rows].astype(np.float64), codes[rows], cv=folds)
    return float(balanced_accuracy_score(codes[rows], predicted)), 1.0 / classes
