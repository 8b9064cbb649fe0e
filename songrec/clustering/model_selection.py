"""How many clusters: a range is tried on a sample, and the curve is kept for people to see.

* ``silhouette``: the number with the largest mean silhouette (Rousseeuw 1987).
* ``bic``: the number with the smallest Bayesian information criterion (Schwarz 1978), for methods
  that have a likelihood.
* ``gap``: the smallest number k with Gap(k) >= Gap(k + 1) - s(k + 1), where Gap is how much
  smaller the logarithm of the scatter within clusters is than in tables without clusters, drawn
  evenly from the box along the principal axes (Tibshirani, Walther & Hastie 2001). The tables are
  drawn once and grouped for every number, as in that paper: a tree is then grown once for each.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from songrec.clustering.base import FitLabels, Labels, sample_rows, scatter
from songrec.core.registry import Parameter
from songrec.core.types import Floats, Progress

TRIED_ON = 10_000
SILHOUETTE_OF = 5_000
GAP_TRIED_ON = 4_000
REFERENCES = 10

BETTER = {"silhouette": "higher", "bic": "lower", "gap": "higher"}


def parameters(default: int, *ways: str) -> tuple[Parameter, ...]:
    """``clusters`` (0 is auto), ``choose_by``, ``fewest`` and ``most`` of a registry's entry."""
    return (
        Parameter(
            "clusters",
            "int",
            default,
            "Clusters",
            "How many groups; auto tries a range and keeps the best.",
            1,
            200,
            zero="auto",
        ),
        Parameter(
            "choose_by",
            "choice",
            ways[0],
            "Choose by",
            "What tells the best number of clusters, where that is auto.",
            choices=ways,
        ),
        Parameter("fewest", "int", 2, "Fewest", "The least that auto tries.", 1, 100),
        Parameter("most", "int", 20, "Most", "The most that auto tries.", 2, 200),
    )


def choose(
    latent: Floats,
    fit: FitLabels,
    *,
    by: str,
    fewest: int,
    most: int,
    seed: int,
    on_progress: Progress,
    bic: Callable[[Floats, int, int], float] | None = None,
) -> tuple[int, dict[str, Any]]:
    """The number of clusters, and ``{"by", "better", "points", "chosen", "sample"}``.

    ``fit(rows, k, seed)`` labels rows in k clusters and ``bic(rows, k, seed)`` gives the
    criterion. ``fit`` is called with the same few arrays for every k and may keep what it made of
    them. ``points`` are ``[k, value]``, for the gap ``[k, value, s]``. At most 10,000 tracks
    (4,000 for the gap) take part; ``sample`` says how many where these were not all.
    """
    tried_on = GAP_TRIED_ON if by == "gap" else TRIED_ON
    values = latent
    if len(latent) > tried_on:
        values = latent[sample_rows(len(latent), tried_on, seed)]
    distinct = len(np.unique(values, axis=0))
    # A clustering of n distinct rows into n clusters says nothing.
    # One cluster has no silhouette; the gap may well find that there is but one.
    fewest = max(fewest, 2) if by == "silhouette" else fewest
    numbers = range(fewest, min(max(fewest, most), distinct - 1) + 1)
    points: list[list[Any]] = []
    references = references_of(values, seed) if by == "gap" else []
    for at, clusters in enumerate(numbers):
        if by == "bic":
            assert bic is not None
            points.append([clusters, bic(values, clusters, seed)])
        elif by == "gap":
            points.append([clusters, *gap(values, references, clusters, fit, seed)])
        else:
            points.append([clusters, silhouette(values, fit(values, clusters, seed), seed)])
        on_progress((at + 1) / len(numbers), f"tried {clusters} clusters")
    chosen = pick(points, by) if points else min(fewest, distinct)
    return chosen, {
        "by": by,
        "better": BETTER[by],
        "points": points,
        "chosen": chosen,
        "sample": len(values) if len(values) < len(latent) else None,
    }


def pick(points: list[list[Any]], by: str) -> int:
    """The number of clusters that a curve speaks for."""
    known = [(int(point[0] or 1), *point[1:]) for point in points if point[1] is not None]
    if not known:
        return int(points[0][0] or 1)
    if by == "gap":
        for (clusters, value, _), (_, following, spread) in itertools.pairwise(known):
            if value >= following - spread:
                return clusters
        return known[-1][0]
    sign = 1 if BETTER[by] == "higher" else -1
    return max(known, key=lambda point: sign * point[1])[0]


def silhouette(values: Floats, labels: Labels, seed: int) -> float | None:
    """The mean silhouette of at most 5,000 rows; None where it has no meaning."""
    from sklearn.metrics import silhouette_score

    rows = sample_rows(len(values), SILHOUETTE_OF, seed)
    rows = rows[labels[rows] >= 0]
    if not 2 <= len(np.unique(labels[rows])) < len(rows):
        return None
    # Of float32 scikit-learn would convert each block of distances anew.
    return float(silhouette_score(values[rows].astype(np.float64), labels[rows]))


def references_of(values: Floats, seed: int) -> list[Floats]:
    """Ten tables of the shape of ``values`` without clusters: even in its box along its axes."""
    centred = values.astype(np.float64) - values.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    turned = centred @ axes
    low, high = turned.min(axis=0), turned.max(axis=0)
    random = np.random.default_rng(seed)
    return [
        (random.uniform(low, high, turned.shape) @ axes.T).astype(np.float32)
        for _ in range(REFERENCES)
    ]


def gap(
    values: Floats, references: list[Floats], clusters: int, fit: FitLabels, seed: int
) -> tuple[float, float]:
    """Gap(k) and its s(k), from the reference tables (``references_of``)."""
    logs = [_log_scatter(drawn, fit(drawn, clusters, seed)) for drawn in references]
    found = _log_scatter(values, fit(values, clusters, seed))
    spread = float(np.std(logs)) * np.sqrt(1 + 1 / len(references))
    return float(np.mean(logs)) - found, float(spread)


def _log_scatter(values: Floats, labels: Labels) -> float:
    return float(np.log(max(scatter(values, labels), np.finfo(float).tiny)))
