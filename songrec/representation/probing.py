"""How well a label can be read from a latent: what a conditioned model should leave out of it."""

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
    """Balanced accuracy of a logistic regression from the latent to the label, and its chance.

    Every track is judged by a regression that has not seen it (five folds); rows without a label
    and labels of fewer than five tracks are left out, and at most 6,000 rows are drawn. Chance is
    one in the number of labels. None where fewer than two labels are left.
    """
    known = np.array([label or "" for label in labels])
    names, codes, counts = np.unique(known, return_inverse=True, return_counts=True)
    usable = (counts >= FOLDS) & (names != "")
    rows = np.flatnonzero(usable[codes])
    if len(rows) > MOST_ROWS:
        rows = np.sort(np.random.default_rng(seed).choice(rows, MOST_ROWS, replace=False))
        found, drawn = np.unique(codes[rows], return_counts=True)
        rows = rows[np.isin(codes[rows], found[drawn >= FOLDS])]
    classes = len(np.unique(codes[rows]))
    if classes < 2:
        return None
    model = make_pipeline(
        StandardScaler(), LogisticRegression(class_weight="balanced", max_iter=1000)
    )
    folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed % 2**32)
    with threadpool_limits(limits=1):
        read = cross_val_predict(model, latent[rows].astype(np.float64), codes[rows], cv=folds)
    return float(balanced_accuracy_score(codes[rows], read)), 1.0 / classes
