"""Metrics of multi-label classification: how well tags are predicted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Floats

GROUPS = ((0, 0), (1, 1), (2, 2), (3, 5), (6, 10), (11, None))
"""Inclusive ranges of wrong tags per sample that are counted together; None is open-ended."""


def measures(
    truth: NDArray[np.bool_], probabilities: Floats, tags: Sequence[str], threshold: float = 0.5
) -> dict[str, Any]:
    """Compute all metrics of predicted probabilities, as a JSON document.

    Parameters
    ----------
    truth, probabilities
        Both ``(samples, tags)``. A tag is predicted from ``threshold`` on.

    Returns
    -------
    ``bce`` is the mean binary cross-entropy in nats, ``hamming_accuracy`` the share of single
    predictions that are right, ``exact_match`` the share of samples without a wrong tag,
    ``wrong_tags`` a histogram of wrong tags per sample, ``average_precision`` that of each tag that
    occurs, by name, and ``mean_average_precision`` their mean (None if no tag occurs).
    """
    if not len(truth):
        return {"samples": 0}
    wide = np.clip(probabilities.astype(np.float64), 1e-7, 1 - 1e-7)
    wrong = (truth != (probabilities >= threshold)).sum(axis=1)
    precision = {
        tag: average_precision(truth[:, at], probabilities[:, at])
        for at, tag in enumerate(tags)
        if truth[:, at].any()
    }
    single = np.bincount(wrong, minlength=1)
    return {
        "samples": len(truth),
        "bce": round(float(-np.where(truth, np.log(wide), np.log1p(-wide)).mean()), 4),
        "hamming_accuracy": round(float((truth == (probabilities >= threshold)).mean()), 4),
        "exact_match": round(float((wrong == 0).mean()), 4),
        "wrong_tags": {
            "single": [
                {"wrong": at, "samples": count} for at, count in enumerate(single.tolist()) if count
            ],
            "grouped": [
                {
                    "from": low,
                    "to": high,
                    "samples": int(
                        (
                            (wrong >= low) & (wrong <= (high if high is not None else len(tags)))
                        ).sum()
                    ),
                }
                for low, high in GROUPS
            ],
        },
        "average_precision": {tag: round(value, 4) for tag, value in precision.items()},
        "mean_average_precision": (
            round(float(np.mean(list(precision.values()))), 4) if precision else None
        ),
    }


def average_precision(truth: NDArray[np.bool_], scores: Floats) -> float:
    """Compute the average precision: Σ (increase of recall) · precision over falling thresholds.

    Equal scores are one threshold, so that the order of tied samples does not matter.
    """
    order = np.argsort(-scores, kind="stable")
    hits = truth[order].astype(np.float64)
    last = np.append(np.flatnonzero(np.diff(scores[order])), len(scores) - 1)
    true_positives = np.cumsum(hits)[last]
    precision = true_positives / (last + 1)
    return float((np.diff(np.concatenate([[0.0], true_positives])) * precision).sum() / hits.sum())


def majority(training: NDArray[np.bool_], samples: int) -> Floats:
    """Predict the training frequency of each tag for every sample, float32 ``(samples, tags)``."""
    return np.tile(training.mean(axis=0).astype(np.float32), (samples, 1))
