"""Training, evaluation and use of the predictor of musical attributes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.errors import BadInput
from songrec.core.types import FeatureTable, Floats, Progress, no_progress
from songrec.prediction import folders, metrics, report, saving
from songrec.prediction.predictor import (
    MIN_TRACKS,
    Predictor,
    match_rows,
    row_digests,
)
from songrec.prediction.registry import DEFAULT_TRIALS
from songrec.prediction.stacking import ENSEMBLE
from songrec.prediction.targets import TARGETS
from songrec.services.prediction.training_samples import Sample


def train(
    instance: Path,
    sample: Sample,
    *,
    trials: int = DEFAULT_TRIALS,
    seed: int = 0,
    on_progress: Progress = no_progress,
) -> tuple[str, Predictor]:
    """Train a predictor on ``sample`` and save it; return its id and the predictor."""
    predictor = _fit(sample, trials, seed, folders.studies(instance), on_progress)
    return saving.save(predictor, instance, source=sample.source), predictor


def evaluate(
    instance: Path,
    sample: Sample,
    *,
    trials: int = DEFAULT_TRIALS,
    seed: int = 0,
    on_progress: Progress = no_progress,
) -> dict[str, Any]:
    """Evaluate a predictor on ``sample``: ``{"groups", "targets", "rows", …}``.

    The newest predictor for the sample's columns is evaluated. Tracks that it was fitted on are
    excluded; for its held-out fifth, the predictions from before the final refit count. If there
    is no such predictor, one is trained on four fifths of the sample, scored on the rest, and not
    saved.
    """
    predictor_id = folders.newest(instance, sample.table.names)
    if predictor_id is None:
        predictor = _fit(sample, trials, seed, folders.studies(instance), on_progress)
    else:
        predictor = saving.load(instance, predictor_id)
    held_out, new = _known_rows(predictor, sample)
    scores = _score(predictor, sample, held_out, new)
    if not scores:
        raise BadInput(
            f"{sample.source} has no tracks to score: all of its "
            f"{len(sample.table.track_ids):,} tracks are training tracks, or lack the attributes."
        )
    return {
        "groups": report.groups(scores),
        "targets": scores,
        "rows": {
            "total": len(sample.table.track_ids),
            "held_out": int((held_out >= 0).sum()),
            "new": int(new.sum()),
        },
        "predictor": predictor_id,
    }


def evaluate_splits(
    sample: Sample,
    *,
    splits: int,
    trials: int,
    seed: int,
    instance: Path | None = None,
    on_progress: Progress = no_progress,
) -> dict[str, Any]:
    """Train and score on ``splits`` random splits; return means and standard deviations.

    Seeds are ``seed``, ``seed`` + 1, …; only the searches are cached.
    """
    studies = folders.studies(instance) if instance else None
    runs = []
    for number in range(splits):

        def part(
            fraction: float, message: str, details: dict[str, Any] | None = None, at: int = number
        ) -> None:
            on_progress((at + fraction) / splits, f"split {at + 1} of {splits}: {message}", details)

        predictor = _fit(sample, trials, seed + number, studies, part)
        runs.append({name: score[ENSEMBLE] for name, score in predictor.scores_.items()})
    targets = {
        name: _over_runs([run[name] for run in runs if name in run])
        for name in TARGETS
        if any(name in run for run in runs)
    }
    per_group = [report.groups(run) for run in runs]
    names = dict.fromkeys(name for run in per_group for name in run)
    return {
        "groups": {name: _over_runs([r[name] for r in per_group if name in r]) for name in names},
        "targets": targets,
        "rows": {"total": len(sample.table.track_ids)},
        "splits": splits,
        "seed": seed,
    }


class Estimator:
    """Trained predictor that names its results as the catalogue names attributes."""

    def __init__(self, predictor_id: str, predictor: Predictor) -> None:
        self.id = predictor_id
        self._predictor = predictor

    @property
    def columns(self) -> tuple[str, ...]:
        """Required feature columns (``"set:column"``)."""
        return tuple(self._predictor.columns_)

    def attributes(self, table: FeatureTable) -> dict[str, Floats]:
        """Estimate ``core.attributes`` by name (and ``key``, ``mode``), float32 ``(n,)`` each.

        Tempo is left out: a measured tempo is more precise than a predicted bin.
        """
        predictions = self._predictor.predict(table)
        return {
            TARGETS[name].attribute: values
            for name, values in predictions.items()
            if name != "tempo_bin"
        }


def load_estimator(instance: Path, columns: Sequence[str]) -> Estimator | None:
    """Load the newest predictor that ``columns`` suffice for; None without one."""
    predictor_id = folders.newest(instance, columns)
    return (
        None
        if predictor_id is None
        else Estimator(predictor_id, saving.load(instance, predictor_id))
    )


def _fit(
    sample: Sample, trials: int, seed: int, studies: Path | None, on_progress: Progress
) -> Predictor:
    rows = len(sample.table.track_ids)
    if rows < MIN_TRACKS:
        raise BadInput(
            f"{sample.source} has {rows:,} tracks with features and attributes; a predictor needs "
            f"{MIN_TRACKS} at least."
        )
    return Predictor().fit(
        sample.table,
        sample.targets,
        seed=seed,
        trials=trials,
        studies=studies,
        groups=sample.groups,
        on_progress=on_progress,
    )


def _known_rows(predictor: Predictor, sample: Sample) -> tuple[NDArray[Any], NDArray[np.bool_]]:
    """Return each row's index among the held-out rows (-1: absent), and which rows are new."""
    digests = row_digests(predictor.inputs(sample.table))
    positions = match_rows(predictor.rows_.digests, digests)
    held_out = np.where(
        (positions >= 0) & predictor.rows_.held_out[np.maximum(positions, 0)], positions, -1
    )
    return held_out, positions < 0


def _score(
    predictor: Predictor, sample: Sample, held_out: NDArray[Any], new: NDArray[np.bool_]
) -> dict[str, dict[str, Any]]:
    predicted = {name: np.full(len(new), np.nan, np.float32) for name in predictor.targets}
    if new.any():
        for name, values in predictor.predict(sample.table.take(new)).items():
            predicted[name][new] = values
    is_held_out = held_out >= 0
    scores = {}
    for name, values in predicted.items():
        if name in predictor.rows_.predictions:
            values[is_held_out] = predictor.rows_.predictions[name][held_out[is_held_out]]
        if name not in sample.targets:
            continue
        true = np.asarray(sample.targets[name], dtype=np.float64)
        rows = ~np.isnan(true) & ~np.isnan(values)
        if rows.sum() >= 2:
            scores[name] = {
                **metrics.score(
                    true[rows],
                    values[rows],
                    is_class=TARGETS[name].is_class,
                    seed=predictor.seed,
                ),
                "tracks": int(rows.sum()),
            }
    return scores


def _over_runs(runs: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    summary: dict[str, Any] = {}
    for measure in report.MEASURES:
        values = [run[measure] for run in runs if run.get(measure) is not None]
        if values:
            summary[measure] = float(np.mean(values))
            summary[f"{measure}_std"] = float(np.std(values))
    return summary
