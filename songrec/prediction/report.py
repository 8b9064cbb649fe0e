"""Report on a trained predictor: metrics of each model as rows, CSV and group means.

Light: made from the manifest alone.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from songrec.core.csv_output import CsvWriter
from songrec.core.registry import Entry
from songrec.prediction.registry import BASE_MODELS
from songrec.prediction.targets import GROUPS, TARGETS

MEASURES = {
    "r2": "R²",
    "mae": "Mean absolute error",
    "accuracy": "Accuracy",
    "f1_weighted": "Weighted F1",
}
LESS_IS_BETTER = frozenset({"mae"})
COLUMNS = ("group", "target", "model", "measure", "value", "low", "high", "is_best")


@dataclass(frozen=True, slots=True)
class ScoreRow:
    """Metric of one model for one target, with its 95% interval if known."""

    group: str
    target: str
    model: str
    measure: str
    value: float
    low: float | None
    high: float | None
    is_best: bool


def model_label(name: str) -> str:
    """Return the label of a model."""
    entries: dict[str, Entry] = {entry.name: entry for entry in BASE_MODELS}
    return "Ensemble" if name == "ensemble" else entries[name].label if name in entries else name


def rows(scores: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[ScoreRow]:
    """Return all metrics by group, target, measure and model, the ensemble first."""
    figures = []
    for group in GROUPS:
        for target in group.targets:
            models = scores.get(target, {})
            for measure in MEASURES:
                values = {
                    name: score[measure]
                    for name, score in models.items()
                    if score.get(measure) is not None
                }
                if not values:
                    continue
                best = (min if measure in LESS_IS_BETTER else max)(values.values())
                for name, value in values.items():
                    low, high = models[name]["intervals"].get(measure, (None, None))
                    figures.append(
                        ScoreRow(group.name, target, name, measure, value, low, high, value == best)
                    )
    return figures


def to_csv(rows: list[ScoreRow]) -> str:
    """Format the rows as CSV with a header."""
    text = io.StringIO()
    writer = CsvWriter(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    for row in rows:
        figures = ["" if v is None else f"{v:.6f}" for v in (row.value, row.low, row.high)]
        best = "yes" if row.is_best else "no"
        writer.writerow([row.group, row.target, row.model, row.measure, *figures, best])
    return text.getvalue()


def groups(scores: Mapping[str, Mapping[str, Any]]) -> dict[str, dict[str, float]]:
    """Average one model's metrics over the targets of each group.

    ``scores`` maps targets to metrics. Returns ``{"energy_mood": {"r2", "mae"}, …}``; a group
    without scored targets is left out.
    """
    by_group: dict[str, dict[str, float]] = {}
    for group in GROUPS:
        means = {}
        for measure in MEASURES:
            # Errors in decibels would dominate the mean.
            values = [
                scores[target][measure]
                for target in group.targets
                if target in scores
                and scores[target].get(measure) is not None
                and not (measure == "mae" and TARGETS[target].high != 1.0)
            ]
            if values:
                means[measure] = sum(values) / len(values)
        if means:
            by_group[group.name] = means
    return by_group
