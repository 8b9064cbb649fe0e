"""Internal scores of a clustering, each with its name and direction."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from songrec.core.types import Floats

SAMPLE = 10_000


@dataclass(frozen=True, slots=True)
class Score:
    """One measure of a run: name, label, description and the direction in which it improves."""

    name: str
    label: str
    description: str
    better: Literal["higher", "lower"]


SCORES: tuple[Score, ...] = (
    Score(
        "silhouette",
        "Silhouette",
        "How much nearer a track is to its own cluster than to the next one, from -1 to 1 "
        "(Rousseeuw 1987).",
        "higher",
    ),
    Score(
        "calinski_harabasz",
        "Calinski-Harabasz",
        "Variance between the clusters over variance within them (Calinski & Harabasz 1974).",
        "higher",
    ),
    Score(
        "davies_bouldin",
        "Davies-Bouldin",
        "How similar each cluster is to the one it resembles most (Davies & Bouldin 1979).",
        "lower",
    ),
)


def score(latent: Floats, labels: np.ndarray, *, seed: int) -> dict[str, Any]:
    """Compute all ``SCORES`` of a labelling, and ``sizes`` and ``noise_share``.

    Parameters
    ----------
    latent
        float32 ``(n, l)``.
    labels
        int ``(n,)``; noise (-1) is left out of the scores.
    seed
        Of the silhouette's sample.

    Returns
    -------
    dict
        A score is None where it is not defined: fewer than two clusters, or as many as tracks.
        Above 10,000 tracks the silhouette, whose cost is quadratic, is that of a sample of 10,000,
        and ``silhouette_sample`` is their number.
    """
    from sklearn import metrics

    clustered = labels >= 0
    inside, names = latent[clustered], labels[clustered]
    distinct, counts = np.unique(names, return_counts=True)
    result: dict[str, Any] = {
        "sizes": {str(number): int(count) for number, count in zip(distinct, counts, strict=True)},
        "noise_share": float(1.0 - clustered.mean()) if len(labels) else 0.0,
    }
    defined = 2 <= len(distinct) < len(names)
    sample = _sample(names, seed)
    # Two of a cluster may be missing from the sample, but never all but one.
    in_sample = len(np.unique(names[sample]))
    functions: dict[str, tuple[bool, Callable[[], float]]] = {
        "silhouette": (
            defined and 2 <= in_sample < len(sample),
            lambda: metrics.silhouette_score(inside[sample], names[sample]),
        ),
        "calinski_harabasz": (
            defined,
            lambda: metrics.calinski_harabasz_score(inside, names),
        ),
        "davies_bouldin": (defined, lambda: metrics.davies_bouldin_score(inside, names)),
    }
    for name, (possible, function) in functions.items():
        value = float(function()) if possible else None
        result[name] = value if value is not None and np.isfinite(value) else None
    if len(sample) < len(names):
        result["silhouette_sample"] = len(sample)
    return result


def _sample(labels: np.ndarray, seed: int) -> np.ndarray:
    if len(labels) <= SAMPLE:
        return np.arange(len(labels))
    return np.sort(np.random.default_rng(seed).choice(len(labels), SAMPLE, replace=False))
