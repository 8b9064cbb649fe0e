"""The number of clusters, given or selected: a range is tried on a sample, the curve is kept.

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
from dataclasses import dataclass
from typing import Any

import numpy as np

from songrec.clustering.base import ClusteringAlgorithm, Labels, sample_rows, scatter
from songrec.core.numerics import distinct_rows
from songrec.core.registry import Parameter
from songrec.core.types import Floats, Progress, part_of

TRIED_ON = 10_000
SILHOUETTE_OF = 5_000
GAP_TRIED_ON = 4_000
REFERENCES = 10
SELECTION_SHARE = 0.6
"""Share of the progress of a fit that trying numbers of clusters takes."""

BETTER = {"silhouette": "higher", "bic": "lower", "gap": "higher"}

FitLabels = Callable[[Floats, int, int], Labels]
"""``fit(rows, k, seed)`` labels rows in k clusters."""
Criterion = Callable[[Floats, int, int], float]
"""``criterion(rows, k, seed)`` measures a fit of k clusters."""


@dataclass(kw_only=True, eq=False, repr=False)
class CountedClustering(ClusteringAlgorithm):
    """A clustering whose number of clusters is given, or selected.

    ``n_clusters`` 0 selects the number between ``min_clusters`` and ``max_clusters`` by
    ``criterion``.
    """

    n_clusters: int = 10
    criterion: str = "silhouette"
    min_clusters: int = 2
    max_clusters: int = 20

    def _number(
        self,
        values: Floats,
        fit: FitLabels,
        seed: int,
        on_progress: Progress,
        bic: Criterion | None = None,
    ) -> tuple[int, dict[str, Any], Progress]:
        """Return the number of clusters, at most one per distinct row, with details and progress.

        The details hold the curve where the number was selected; the progress reports what is
        still to do after the selection.
        """
        k, details, start = self.n_clusters, {}, 0.0
        if not k:
            start = SELECTION_SHARE
            k, details["clusters_tried"] = select_n_clusters(
                values,
                fit,
                criterion=self.criterion,
                min_clusters=self.min_clusters,
                max_clusters=self.max_clusters,
                seed=seed,
                bic=bic,
                on_progress=part_of(on_progress, 0.0, start),
            )
        possible = distinct_rows(values, k)
        if possible < k:
            self.notes_.append(
                f"{k} clusters were asked for, but only {possible} "
                f"{'track differs' if possible == 1 else 'tracks differ'} in the latent: "
                f"there {'is 1 cluster' if possible == 1 else f'are {possible} clusters'}."
            )
        return possible, details, part_of(on_progress, start, 1.0)


def parameters(default: int, *criteria: str) -> tuple[Parameter, ...]:
    """Return the four parameters of a clustering that is given, or selects, its number of clusters.

    ``n_clusters`` (0 is auto), ``criterion`` (the first of ``criteria`` is the default),
    ``min_clusters`` and ``max_clusters``.
    """
    return (
        Parameter(
            "n_clusters",
            "int",
            default,
            "Clusters",
            "How many groups; auto tries a range and keeps the best.",
            1,
            200,
            zero="auto",
            aliases=("clusters",),
        ),
        Parameter(
            "criterion",
            "choice",
            criteria[0],
            "Choose by",
            "Which measure selects the number of clusters, where that is auto.",
            choices=criteria,
            aliases=("choose_by",),
        ),
        Parameter(
            "min_clusters",
            "int",
            2,
            "Fewest",
            "The smallest number that auto tries.",
            1,
            100,
            aliases=("fewest",),
        ),
        Parameter(
            "max_clusters",
            "int",
            20,
            "Most",
            "The largest number that auto tries.",
            2,
            200,
            aliases=("most",),
        ),
    )


def select_n_clusters(
    latent: Floats,
    fit: FitLabels,
    *,
    criterion: str,
    min_clusters: int,
    max_clusters: int,
    seed: int,
    on_progress: Progress,
    bic: Criterion | None = None,
) -> tuple[int, dict[str, Any]]:
    """Try a range of numbers of clusters and return the best one with the curve.

    Parameters
    ----------
    latent
        float32 ``(n, l)``. At most 10,000 rows (4,000 for the gap) take part.
    fit
        ``fit(rows, k, seed)`` labels rows in k clusters. It is called with the same few arrays for
        every k and may cache what it computes from them.
    criterion
        ``"silhouette"``, ``"bic"`` or ``"gap"``.
    min_clusters, max_clusters
        The range that is tried, both included.
    seed
        Of the sample, the fits and the reference tables.
    on_progress
        Called after each number, with the share of the range that is done.
    bic
        ``bic(rows, k, seed)`` is the Bayesian information criterion of a fit; needed for ``"bic"``.

    Returns
    -------
    tuple of int and dict
        The number of clusters, and the curve as JSON: ``{"by", "better", "points", "chosen",
        "sample"}``. ``points`` are ``[k, value]``, for the gap ``[k, value, s]``; ``sample`` is the
        number of rows tried, None where these were all.
    """
    tried_on = GAP_TRIED_ON if criterion == "gap" else TRIED_ON
    values = latent
    if len(latent) > tried_on:
        values = latent[sample_rows(len(latent), tried_on, seed)]
    distinct = len(np.unique(values, axis=0))
    # One cluster has no silhouette; the gap may well find that there is but one.
    smallest = max(min_clusters, 2) if criterion == "silhouette" else min_clusters
    # A clustering of n distinct rows into n clusters says nothing.
    numbers = range(smallest, min(max(smallest, max_clusters), distinct - 1) + 1)
    points: list[list[Any]] = []
    references = reference_tables(values, seed) if criterion == "gap" else []
    for i, k in enumerate(numbers, 1):
        if criterion == "bic":
            assert bic is not None
            points.append([k, bic(values, k, seed)])
        elif criterion == "gap":
            points.append([k, *gap(values, references, k, fit, seed)])
        else:
            points.append([k, silhouette(values, fit(values, k, seed), seed)])
        on_progress(i / len(numbers), f"tried {k} clusters")
    chosen = best_number(points, criterion) if points else min(smallest, distinct)
    return chosen, {
        "by": criterion,
        "better": BETTER[criterion],
        "points": points,
        "chosen": chosen,
        "sample": len(values) if len(values) < len(latent) else None,
    }


def best_number(points: list[list[Any]], criterion: str) -> int:
    """Return the number of clusters that a curve supports.

    ``points`` are those of ``select_n_clusters``; a value of None has no meaning and is skipped.
    """
    curve = [(int(point[0] or 1), *point[1:]) for point in points if point[1] is not None]
    if not curve:
        return int(points[0][0] or 1)
    if criterion == "gap":
        for (k, value, _), (_, following, spread) in itertools.pairwise(curve):
            if value >= following - spread:
                return k
        return curve[-1][0]
    sign = 1 if BETTER[criterion] == "higher" else -1
    return max(curve, key=lambda point: sign * point[1])[0]


def silhouette(values: Floats, labels: Labels, seed: int) -> float | None:
    """Return the mean silhouette of at most 5,000 rows; None where it has no meaning."""
    from sklearn.metrics import silhouette_score

    rows = sample_rows(len(values), SILHOUETTE_OF, seed)
    rows = rows[labels[rows] >= 0]
    if not 2 <= len(np.unique(labels[rows])) < len(rows):
        return None
    # Of float32 scikit-learn would convert each block of distances anew.
    return float(silhouette_score(values[rows].astype(np.float64), labels[rows]))


def reference_tables(values: Floats, seed: int) -> list[Floats]:
    """Draw ten tables of the shape of ``values``, evenly from the box along its principal axes."""
    centred = values.astype(np.float64) - values.mean(axis=0)
    _, axes = np.linalg.eigh(centred.T @ centred)
    turned = centred @ axes
    low, high = turned.min(axis=0), turned.max(axis=0)
    rng = np.random.default_rng(seed)
    return [
        (rng.uniform(low, high, turned.shape) @ axes.T).astype(np.float32)
        for _ in range(REFERENCES)
    ]


def gap(
    values: Floats, references: list[Floats], k: int, fit: FitLabels, seed: int
) -> tuple[float, float]:
    """Return Gap(k) and its s(k); ``references`` are those of ``reference_tables``."""
    logs = [_log_scatter(table, fit(table, k, seed)) for table in references]
    spread = float(np.std(logs)) * np.sqrt(1 + 1 / len(references))
    return float(np.mean(logs)) - _log_scatter(values, fit(values, k, seed)), float(spread)


def _log_scatter(values: Floats, labels: Labels) -> float:
    return float(np.log(max(scatter(values, labels), np.finfo(float).tiny)))
