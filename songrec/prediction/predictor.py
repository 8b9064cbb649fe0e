"""The predictor: audio features in, musical attributes out, one ensemble per kind of target."""

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
from songrec.prediction.registry import BASE_MODELS, DEFAULT_TRIALS
from songrec.prediction.search import search
from songrec.prediction.stacking import ENSEMBLE, Stack
from songrec.prediction.targets import ENSEMBLES, TARGETS

FOLDS = 5
HELD_OUT_PARTS = 5
"""One in so many tracks is held out: no fold, search or meta-model sees it."""

FEWEST = 40
"""A target that fewer tracks have is left out."""

MOST_ROWS = 10_000
"""More tracks than this are sampled: forests grow with the tracks, and memory with the forests."""


@dataclass(frozen=True)
class Rows:
    """The tracks that a predictor knows, so that nothing is scored on what it learned from.

    ``digests`` uint64 ``(n,)`` of the feature rows, ascending; ``held_out`` bool ``(n,)``;
    ``predictions`` float32 ``(n,)`` per target: what the ensemble that had not seen the held-out
    tracks said of them, NaN elsewhere.
    """

    digests: NDArray[np.uint64]
    held_out: NDArray[np.bool_]
    predictions: dict[str, Floats] = field(default_factory=dict)


class Predictor:
    """Predicts the targets it was given, from the columns it was given.

    Fitted: ``columns_``, ``stacks_`` (by ensemble), ``rows_``, ``scores_`` (per target, the
    ensemble and every base model on the held-out tracks, with intervals), ``notes_``.
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
        together: NDArray[Any] | None = None,
        on_progress: Progress = no_progress,
    ) -> Predictor:
        """Search, stack and score on a held-out fifth; then fit once more on every track.

        ``targets`` maps names of ``targets.TARGETS`` to ``(n,)`` values, NaN where unknown.
        ``together`` is equal for tracks that must not be split between training and test (the
        same song). ``studies`` is the folder of cached searches. Raises ``BadInput`` when no
        target has enough tracks.
        """
        values = {name: TARGETS[name].check(column) for name, column in targets.items()}
        self.seed, self.trials, self.notes_ = seed, trials, []
        self.columns_, self.feature_set_ = table.names, table.feature_set
        inputs, values, together = self._sampled(table.values, values, together)
        held_out = parts(len(inputs), HELD_OUT_PARTS, seed=seed, together=together) == 0
        digests = row_digests(inputs)
        inputs = self._prepared(inputs)
        self.rows_ = Rows(digests, held_out)
        self.stacks_: dict[str, Stack] = {}
        self.scores_: dict[str, dict[str, Any]] = {}
        plan = self._plan(values, held_out)
        if not plan:
            raise BadInput(
                f"No attribute is known for {FEWEST} tracks or more, and with differing values: "
                f"nothing can be learned from these {len(inputs):,} tracks."
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
                    ensemble, names, inputs, values, held_out, together, studies, report
                )
        order = np.argsort(digests, kind="stable")
        self.rows_ = Rows(
            digests[order],
            held_out[order],
            {name: column[order] for name, column in self.rows_.predictions.items()},
        )
        on_progress(1.0, "Predictor trained")
        return self

    @property
    def targets(self) -> tuple[str, ...]:
        """What it predicts."""
        return tuple(name for stack in self.stacks_.values() for name in stack.names)

    def predict(self, table: FeatureTable) -> dict[str, Floats]:
        """Each target's values float32 ``(n,)``; class numbers for class targets.

        Columns may be in any order and more than needed; NaN is filled with the training
        tracks' median. Raises ``BadInput`` where columns are missing.
        """
        inputs = self._prepared(self.inputs(table))
        found: dict[str, Floats] = {}
        for stack in self.stacks_.values():
            values = np.empty((0, len(stack.names)))
            if len(inputs):
                with threads(len(inputs)):
                    values = stack.predict(inputs)
            for column, name in enumerate(stack.names):
                found[name] = values[:, column].astype(np.float32)
        return found

    def inputs(self, table: FeatureTable) -> Floats:
        """The columns that it learned from, in its order, float32 ``(n, d)``."""
        at = {name: column for column, name in enumerate(table.names)}
        missing = [name for name in self.columns_ if name not in at]
        if missing:
            shown = ", ".join(missing[:5]) + (", …" if len(missing) > 5 else "")
            raise BadInput(
                f"The predictor needs {len(missing):,} feature columns that are not there: "
                f"{shown}. Analyse with the features it was trained on, or train it again."
            )
        return finite(table.values[:, [at[name] for name in self.columns_]])

    def _prepared(self, inputs: Floats) -> Floats:
        """What the models see: the columns, and what their chroma say whatever the key."""
        return with_harmony(inputs, chroma_sets(self.columns_))

    def _sampled(
        self, values: Floats, targets: Mapping[str, Floats], together: NDArray[Any] | None
    ) -> tuple[Floats, dict[str, Floats], NDArray[Any] | None]:
        inputs, count = finite(values), len(values)
        if count <= MOST_ROWS:
            return inputs, dict(targets), together
        self.notes_.append(f"Learned from {MOST_ROWS:,} of {count:,} tracks, chosen at random.")
        rows = np.sort(np.random.default_rng(self.seed).choice(count, MOST_ROWS, replace=False))
        chosen = None if together is None else np.asarray(together)[rows]
        return inputs[rows], {name: column[rows] for name, column in targets.items()}, chosen

    def _plan(
        self, values: Mapping[str, Floats], held_out: NDArray[np.bool_]
    ) -> dict[str, tuple[str, ...]]:
        """Which targets each ensemble learns: those that enough tracks have."""
        plan = {}
        for ensemble, members in ENSEMBLES.items():
            usable = [name for name in members if name in values]
            counts = {name: int((~np.isnan(values[name])).sum()) for name in usable}
            most = max(counts.values(), default=0)
            chosen = []
            for name in usable:
                train = values[name][~held_out]
                if counts[name] < FEWEST:
                    self.notes_.append(f"{name}: left out, {counts[name]:,} tracks have it.")
                elif not _varied(name, train[~np.isnan(train)]):
                    self.notes_.append(f"{name}: left out, its values are nearly all the same.")
                elif 2 * counts[name] < most:
                    # Learned together, they would all have to do with the few tracks it has.
                    self.notes_.append(
                        f"{name}: left out, too few tracks have it beside "
                        "the others of its ensemble."
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
        together: NDArray[Any] | None,
        studies: Path | None,
        report: Progress,
    ) -> None:
        wanted = np.column_stack([values[name] for name in names]).astype(np.float64)
        known = ~np.isnan(wanted).any(axis=1)
        train, test = known & ~held_out, known & held_out
        is_class = TARGETS[names[0]].is_class
        classes = len(TARGETS[names[0]].classes)
        folds = parts(
            int(train.sum()),
            FOLDS,
            seed=self.seed + 1,
            together=None if together is None else np.asarray(together)[train],
            classes=wanted[train, 0] if is_class else None,
        )
        chosen = {}
        for number, model in enumerate(self.models):
            report(0.8 * number / len(self.models), f"searching {BASE_MODELS.entry(model).label}")
            chosen[model] = search(
                model,
                inputs[train],
                wanted[train],
                folds,
                classes=classes,
                trials=self.trials,
                seed=self.seed,
                studies=studies,
                label=ensemble,
            )
        stack = Stack(names, chosen, self.seed)
        report(0.8, "stacking")
        stack.fit(inputs[train], wanted[train], folds)
        if test.any():
            self._score(stack, inputs, wanted, test)
        report(0.95, "fitting on every track")
        stack.refit(inputs[known], wanted[known])
        self.stacks_[ensemble] = stack

    def _score(
        self, stack: Stack, inputs: Floats, wanted: NDArray[Any], test: NDArray[np.bool_]
    ) -> None:
        by_model = stack.predict_by_model(inputs[test])
        for column, name in enumerate(stack.names):
            kept = np.full(len(inputs), np.nan, dtype=np.float32)
            kept[test] = by_model[ENSEMBLE][:, column]
            self.rows_.predictions[name] = kept
            if test.sum() < 2:
                continue
            self.scores_[name] = {
                model: metrics.score(
                    wanted[test, column],
                    predicted[:, column].astype(np.float32),
                    is_class=bool(stack.classes),
                    seed=self.seed,
                )
                for model, predicted in by_model.items()
            }


def _varied(name: str, known: Floats) -> bool:
    """Whether there is something to learn: two values, or two classes that every fold can show."""
    _, counts = np.unique(known, return_counts=True)
    return int((counts >= (FOLDS if TARGETS[name].is_class else 1)).sum()) >= 2


def finite(values: Floats) -> Floats:
    """Float32 with NaN for infinities, which no estimator takes and the imputer cannot see."""
    found = np.asarray(values, dtype=np.float32)
    return np.where(np.isfinite(found), found, np.float32(np.nan))


def row_digests(inputs: Floats) -> NDArray[np.uint64]:
    """A 64-bit digest of each feature row, ``(n,)``: equal rows are the same recording."""
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


def match_rows(known: NDArray[np.uint64], rows: NDArray[np.uint64]) -> Ints:
    """Where each of ``rows`` stands in ``known`` (ascending), -1 where it is not; int64."""
    if not len(known):
        return np.full(len(rows), -1, dtype=np.int64)
    at = np.minimum(np.searchsorted(known, rows), len(known) - 1)
    return np.where(known[at] == rows, at, -1).astype(np.int64)
