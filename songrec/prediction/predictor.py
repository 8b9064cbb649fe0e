"""Predictor of musical attributes from audio features, one ensemble per kind of target."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.errors import BadInput
from songrec.core.types import FeatureTable, Floats, Ints, Progress, no_progress
from songrec.prediction import metrics
from songrec.prediction.folds import parts
from songrec.prediction.harmony import chroma_sets, with_harmony
from songrec.prediction.models.base import threads
from songrec.prediction.registry import BASE_MODELS, DEFAULT_TRIALS, with_twins
from songrec.prediction.search import search
from songrec.prediction.stacking import ENSEMBLE, Stack
from songrec.prediction.targets import ENSEMBLES, TARGETS

FOLDS = 5
HELD_OUT_PARTS = 5
"""Number of parts of which one is held out from folds, searches and meta-models."""

MIN_TRACKS = 40
"""Smallest number of tracks with a value of a target."""

MAX_ROWS = 10_000
"""Size of the sample of a larger catalogue; the size of forests grows with the tracks."""


@dataclass(frozen=True)
class TrainingRows:
    """Tracks that a predictor was trained on, so that an evaluation can exclude them.

    ``digests`` uint64 ``(n,)`` of the feature rows, ascending; ``held_out`` bool ``(n,)``;
    ``predictions`` float32 ``(n,)`` per target: predictions of the held-out tracks by the ensemble
    that was fitted without them, NaN elsewhere.
    """

    digests: NDArray[np.uint64]
    held_out: NDArray[np.bool_]
    predictions: dict[str, Floats] = field(default_factory=dict)


class Predictor:
    """Stacked ensembles for the targets and columns that they were fitted on.

    Attributes after ``fit``: ``columns_``, ``stacks_`` (by ensemble), ``rows_``, ``scores_`` (per
    target, the ensemble and every base model on the held-out tracks, with intervals), ``notes_``.
    """

    def __init__(self, *, models: Iterable[str] | None = None) -> None:
        self.models = tuple(models) if models is not None else BASE_MODELS.names()

    def fit(
        self,
        table: FeatureTable,
        targets: Mapping[str, NDArray[Any]],
        *,
        seed: int = 0,
        trials: int = DEFAULT_TRIALS,
        studies: Path | None = None,
        groups: NDArray[Any] | None = None,
        on_progress: Progress = no_progress,
    ) -> Predictor:
        """Search, stack and score on a held-out fifth; then refit on all tracks.

        Parameters
        ----------
        targets
            Names of ``targets.TARGETS`` with values ``(n,)``, NaN where unknown.
        studies
            Folder of cached searches; None caches nothing.
        groups
            Equal for tracks that must not be split between training and test (the same song).

        Raises
        ------
        BadInput
            If no target has enough tracks.
        """
        values = {name: TARGETS[name].check(column) for name, column in targets.items()}
        self.seed, self.trials, self.notes_ = seed, trials, []
        self.columns_, self.feature_set_ = table.names, table.feature_set
        inputs, values, groups = self._sampled(table.values, values, groups)
        held_out = parts(len(inputs), HELD_OUT_PARTS, seed=seed, groups=groups) == 0
        digests = row_digests(inputs)
        inputs = self._prepared(inputs)
        self.rows_ = TrainingRows(digests, held_out)
        self.stacks_: dict[str, Stack] = {}
        self.scores_: dict[str, dict[str, Any]] = {}
        plan = self._plan(values, held_out)
        if not plan:
            raise BadInput(
                f"No attribute has different values for at least {MIN_TRACKS} of the "
                f"{len(inputs):,} tracks: train on a table or catalogue with more attribute values."
            )
        for number, (ensemble, names) in enumerate(plan.items()):
            start, share = number / len(plan), 1 / len(plan)

            def report(
                fraction: float,
                message: str,
                details: dict[str, Any] | None = None,
                start: float = start,
                share: float = share,
                ensemble: str = ensemble,
            ) -> None:
                on_progress(start + share * fraction, f"{ensemble}: {message}", details)

            with threads(len(inputs)):
                self._fit_ensemble(
                    ensemble, names, inputs, values, held_out, groups, studies, report
                )
        order = np.argsort(digests, kind="stable")
        self.rows_ = TrainingRows(
            digests[order],
            held_out[order],
            {name: column[order] for name, column in self.rows_.predictions.items()},
        )
        on_progress(1.0, "Predictor trained")
        return self

    @property
    def targets(self) -> tuple[str, ...]:
        """Names of the predicted targets."""
        return tuple(name for stack in self.stacks_.values() for name in stack.names)

    def predict(self, table: FeatureTable) -> dict[str, Floats]:
        """Predict each target, float32 ``(n,)``; class numbers for class targets.

        Columns may be in any order, and further ones are ignored; NaN is replaced by the median of
        the training tracks. Raises ``BadInput`` where columns are missing.
        """
        inputs = self._prepared(self.inputs(table))
        predictions: dict[str, Floats] = {}
        for stack in self.stacks_.values():
            values = np.empty((0, len(stack.names)))
            if len(inputs):
                with threads(len(inputs)):
                    values = stack.predict(inputs)
            for column, name in enumerate(stack.names):
                predictions[name] = values[:, column].astype(np.float32)
        return predictions

    def inputs(self, table: FeatureTable) -> Floats:
        """Select the columns of the predictor, in its order, float32 ``(n, d)``."""
        position = {name: column for column, name in enumerate(table.names)}
        missing = [name for name in self.columns_ if name not in position]
        if missing:
            listed = ", ".join(missing[:5]) + (", …" if len(missing) > 5 else "")
            raise BadInput(
                f"The predictor needs {len(missing):,} missing feature columns: "
                f"{listed}. Analyse with the features it was trained on, or train it again."
            )
        return finite(table.values[:, [position[name] for name in self.columns_]])

    def _prepared(self, inputs: Floats) -> Floats:
        """Add the key-invariant columns of each chroma."""
        return with_harmony(inputs, chroma_sets(self.columns_))

    def _sampled(
        self, values: Floats, targets: Mapping[str, Floats], groups: NDArray[Any] | None
    ) -> tuple[Floats, dict[str, Floats], NDArray[Any] | None]:
        inputs, count = finite(values), len(values)
        if count <= MAX_ROWS:
            return inputs, dict(targets), groups
        self.notes_.append(f"Trained on a random sample of {MAX_ROWS:,} of {count:,} tracks.")
        rows = np.sort(np.random.default_rng(self.seed).choice(count, MAX_ROWS, replace=False))
        chosen = None if groups is None else np.asarray(groups)[rows]
        return inputs[rows], {name: column[rows] for name, column in targets.items()}, chosen

    def _plan(
        self, values: Mapping[str, Floats], held_out: NDArray[np.bool_]
    ) -> dict[str, tuple[str, ...]]:
        """Choose the targets of each ensemble: those that enough tracks have."""
        plan = {}
        for ensemble, members in ENSEMBLES.items():
            usable = [name for name in members if name in values]
            counts = {name: int((~np.isnan(values[name])).sum()) for name in usable}
            most = max(counts.values(), default=0)
            chosen = []
            for name in usable:
                train = values[name][~held_out]
                if counts[name] < MIN_TRACKS:
                    self.notes_.append(f"{name}: left out, {counts[name]:,} tracks have it.")
                elif not _varied(name, train[~np.isnan(train)]):
                    self.notes_.append(f"{name}: left out, its values are nearly all the same.")
                elif 2 * counts[name] < most:
                    # The ensemble could only learn from the few tracks that have all targets.
                    self.notes_.append(
                        f"{name}: left out, fewer than half as many tracks have it as have "
                        "other targets of its ensemble."
                    )
                else:
                    chosen.append(name)
            if chosen:
                plan[ensemble] = tuple(chosen)
        return plan

    def _fit_ensemble(
        self,
        ensemble: str,
        names: tuple[str, ...],
        inputs: Floats,
        values: Mapping[str, Floats],
        held_out: NDArray[np.bool_],
        groups: NDArray[Any] | None,
        studies: Path | None,
        report: Progress,
    ) -> None:
        y = np.column_stack([values[name] for name in names]).astype(np.float64)
        complete = ~np.isnan(y).any(axis=1)
        train, test = complete & ~held_out, complete & held_out
        is_class = TARGETS[names[0]].is_class
        classes = len(TARGETS[names[0]].classes)
        folds = parts(
            int(train.sum()),
            FOLDS,
            seed=self.seed + 1,
            groups=None if groups is None else np.asarray(groups)[train],
            classes=y[train, 0] if is_class else None,
        )
        parameters = {}
        for number, model in enumerate(self.models):
            report(0.8 * number / len(self.models), f"searching {BASE_MODELS.entry(model).label}")
            parameters[model] = search(
                model,
                inputs[train],
                y[train],
                folds,
                classes=classes,
                trials=self.trials,
                seed=self.seed,
                studies=studies,
                label=ensemble,
            )
        members = parameters if classes else with_twins(parameters, inputs.shape[1])
        stack = Stack(names, members, self.seed)
        report(0.8, "stacking")
        stack.fit(inputs[train], y[train], folds)
        if test.any():
            self._score(stack, inputs, y, test)
        report(0.95, "fitting on every track")
        stack.refit(inputs[complete], y[complete])
        self.stacks_[ensemble] = stack

    def _score(
        self, stack: Stack, inputs: Floats, y: NDArray[Any], test: NDArray[np.bool_]
    ) -> None:
        by_model = stack.predict_by_model(inputs[test])
        for column, name in enumerate(stack.names):
            predictions = np.full(len(inputs), np.nan, dtype=np.float32)
            predictions[test] = by_model[ENSEMBLE][:, column]
            self.rows_.predictions[name] = predictions
            if test.sum() < 2:
                continue
            self.scores_[name] = {
                model: metrics.score(
                    y[test, column],
                    predicted[:, column].astype(np.float32),
                    is_class=bool(stack.classes),
                    seed=self.seed,
                )
                for model, predicted in by_model.items()
            }


def _varied(name: str, values: Floats) -> bool:
    """Return whether there are two values, or two classes that every fold can have."""
    _, counts = np.unique(values, return_counts=True)
    return int((counts >= (FOLDS if TARGETS[name].is_class else 1)).sum()) >= 2


def finite(values: Floats) -> Floats:
    """Convert to float32 with NaN for infinities, which the imputer does not replace."""
    array = np.asarray(values, dtype=np.float32)
    return np.where(np.isfinite(array), array, np.float32(np.nan))


def row_digests(inputs: Floats) -> NDArray[np.uint64]:
    """Compute a 64-bit digest of each feature row, uint64 ``(n,)``; equal for equal rows."""
    # -0.0 and 0.0 are equal but for their bits, and NaN has many patterns.
    plain = np.where(np.isnan(inputs), np.float32(np.nan), inputs + np.float32(0.0))
    plain = np.ascontiguousarray(plain.astype("<f4"))
    return np.array(
        [
            int.from_bytes(hashlib.blake2b(row.tobytes(), digest_size=8).digest(), "little")
            for row in plain
        ],
        dtype=np.uint64,
    )


def match_rows(digests: NDArray[np.uint64], rows: NDArray[np.uint64]) -> Ints:
    """Return the index of each of ``rows`` in ``digests`` (ascending), -1 where absent; int64."""
    if not len(digests):
        return np.full(len(rows), -1, dtype=np.int64)
    positions = np.minimum(np.searchsorted(digests, rows), len(digests) - 1)
    return np.where(digests[positions] == rows, positions, -1).astype(np.int64)
