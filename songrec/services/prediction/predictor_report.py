"""Report on a trained predictor: metrics of each base model and the ensemble on held-out songs.

Light: read from the predictor's manifest; no estimator is loaded.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from songrec.core.errors import NotReady
from songrec.prediction import folders
from songrec.prediction.registry import DEFAULT_TRIALS
from songrec.prediction.report import (
    LESS_IS_BETTER,
    MEASURES,
    CombinerRow,
    ScoreRow,
    combiners,
    groups,
    model_label,
    rows,
    to_csv,
)
from songrec.prediction.targets import GROUPS, TARGETS

__all__ = [
    "DEFAULT_TRIALS",
    "GROUPS",
    "LESS_IS_BETTER",
    "MEASURES",
    "TARGETS",
    "PredictorReport",
    "ScoreRow",
    "groups",
    "load_report",
    "model_label",
    "predictor_ids",
]


@dataclass(frozen=True)
class PredictorReport:
    """Manifest of a predictor with its metrics as rows."""

    manifest: dict[str, Any]
    rows: list[ScoreRow]

    @property
    def combiners(self) -> list[CombinerRow]:
        """Return how the base models of each ensemble are combined."""
        return combiners(self.manifest["ensembles"])

    @property
    def ensemble_means(self) -> dict[str, dict[str, float]]:
        """Return the ensemble's metrics averaged over the targets of each group."""
        return groups({name: one["ensemble"] for name, one in self.manifest["scores"].items()})

    def to_csv(self) -> str:
        """Return the rows as CSV with a header."""
        return to_csv(self.rows)


def predictor_ids(instance: Path) -> list[str]:
    """Return the ids of all trained predictors, the newest first."""
    return folders.ids(instance)


def load_report(instance: Path, predictor_id: str | None = None) -> PredictorReport:
    """Return the report on a predictor, by default the newest.

    Raises ``NotReady`` if there is no such predictor.
    """
    chosen = predictor_id or folders.newest(instance)
    if chosen is None:
        raise NotReady("No predictor is trained yet. Run: flask predict train")
    manifest = folders.manifest(instance, chosen)
    return PredictorReport(manifest, rows(manifest["scores"]))
