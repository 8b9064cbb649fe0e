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
from songrec.prediction.registry import BASE_MODELS, TWIN
from songrec.prediction.targets import GROUPS, TARGETS

MEASURES = {
    "r2": "R²",
    "mae": "Mean absolute error",
    "accuracy": "Accuracy",
    "f1_weighted": "Weighted F1",
}
COMBINERS = {
    "stacking_and_mean": "stacking averaged with the mean of all models",
    "stacking": "stacking",
    "mean": "the mean of all models",
}
"""Names of the combiners of base models for people."""
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
    model, _, components = name.partition(TWIN)
    if model not in entries:
        return "Ensemble" if name == "ensemble" else name
    label = entries[model].label
    return f"{label} ({components})" if components else label


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


@dataclass(frozen=True, slots=True)
class CombinerRow:
    """Combiner of one ensemble: its name, and R² of each by cross-validation on training tracks."""

    targets: tuple[str, ...]
    combiner: str
    r2: dict[str, float]

    @property
    def text(self) -> str:
        """Sentence that says which combiner is used and by what margin."""
        names = ", ".join(TARGETS[name].label for name in self.targets)
        figures = "; ".join(f"{COMBINERS[name]} {value:.3f}" for name, value in self.r2.items())
        chosen = f"{names}: combined by {COMBINERS[self.combiner]}"
        return f"{chosen} (R² by cross-validation: {figures})." if figures else f"{chosen}."


def combiners(ensembles: Mapping[str, Mapping[str, Any]]) -> list[CombinerRow]:
    """Return the combiner of each ensemble of numbers, from the ``ensembles`` of a manifest."""
    return [
        CombinerRow(
            tuple(ensemble["targets"]),
            ensemble.get("combiner", "stacking"),
            ensemble.get("combiner_r2", {}),
        )
        for ensemble in ensembles.values()
        if ensemble.get("weights") is not None
    ]
