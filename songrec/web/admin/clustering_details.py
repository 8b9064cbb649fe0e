"""Details of a run's clustering: the curve of the number of clusters, and the feature weights."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from songrec.services.training.cluster_count import PARAMETER
from songrec.web.admin.curve import BOTTOM, HEIGHT, LEFT, RIGHT, TOP, WIDTH, scale

WAYS = {
    "silhouette": "mean silhouette",
    "bic": "Bayesian information criterion",
    "gap": "gap statistic",
}
SHOWN_WEIGHTS = 20


@dataclass(frozen=True, slots=True)
class NumberCurve:
    """A measure per number of clusters, as SVG: ``line`` are its points.

    ``dots`` are (x, y, number, value as text), ``ticks`` (y, text), lowest first; ``chosen`` is the
    selected number.
    """

    by: str
    line: str
    dots: list[tuple[float, float, int, str]]
    ticks: list[tuple[float, str]]
    chosen: int
    sample: int | None
    higher: bool
    width: int = WIDTH
    height: int = HEIGHT


@dataclass(frozen=True, slots=True)
class Weight:
    """A column's learnt weight, and its bar's length in percent of the longest."""

    name: str
    weight: float
    length: float


def of_manifest(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Return the clustering and maps for the run's page."""
    details = manifest.get("clustering_details") or {}
    weights = details.get("feature_weights") or []
    longest = max((weight for _, weight in weights), default=0) or 1
    return {
        "number_curve": number_curve(details.get("clusters_tried")),
        "number_source": number_source(manifest),
        "weights": [
            Weight(name, weight, 100 * weight / longest) for name, weight in weights[:SHOWN_WEIGHTS]
        ],
        "weights_left": max(len(weights) - SHOWN_WEIGHTS, 0),
        "maps": manifest.get("maps") or [],
    }


def number_source(manifest: Mapping[str, Any]) -> str:
    """Describe the source of the number of clusters; empty if unknown or shown by a curve.

    Runs of older versions do not record it.
    """
    details = manifest.get("clustering_details") or {}
    source = details.get("n_clusters_source")
    if source is None or "clusters_tried" in details:
        return ""
    number = max(
        parameters.get(PARAMETER, 0) for parameters in manifest.get("parameters", {}).values()
    )
    if source == "request":
        return f"{number}, as set for this training."
    tracks = manifest["tracks"]
    if number == round(math.sqrt(tracks / 2)):
        return f"{number}, the default for {tracks:,} songs: the square root of half as many."
    return f"{number}, the default for {tracks:,} songs."


def number_curve(tried: Mapping[str, Any] | None) -> NumberCurve | None:
    """Return the curve by which the number of clusters was chosen; None if it was given."""
    points = [point for point in (tried or {}).get("points", []) if point[1] is not None]
    if not tried or len(points) < 2:
        return None
    first, last = points[0][0], points[-1][0]
    low, high = min(point[1] for point in points), max(point[1] for point in points)
    if low == high:
        low, high = low - 0.5, high + 0.5
    dots = [
        (
            round(scale(point[0], first, last, LEFT + 8, WIDTH - RIGHT - 8), 1),
            round(scale(point[1], low, high, HEIGHT - BOTTOM - 8, TOP + 8), 1),
            int(point[0]),
            f"{point[1]:.4g}",
        )
        for point in points
    ]
    ticks = [
        (round(scale(value, low, high, HEIGHT - BOTTOM - 8, TOP + 8), 1), f"{value:.3g}")
        for value in (low, (low + high) / 2, high)
    ]
    return NumberCurve(
        WAYS.get(tried["by"], tried["by"]),
        " ".join(f"{x},{y}" for x, y, _, _ in dots),
        dots,
        ticks,
        int(tried["chosen"]),
        tried.get("sample"),
        tried.get("better") == "higher",
    )
