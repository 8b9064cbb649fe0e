"""Base models combined by stacking or by plain means, on 50 components alone or on all columns too.

Nested cross-validation of FMA's table: base models (default parameters), combiners and the choice
between them learn from four fifths, by an inner five-fold cross-validation, and are scored on the
rest. R² is the mean over the attributes of a group and over the five parts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.tables import table
from songrec.prediction import metrics, tables
from songrec.prediction.combiners import COMBINERS, choose_combiner
from songrec.prediction.fitting import fit, out_of_fold
from songrec.prediction.folds import parts
from songrec.prediction.harmony import chroma_sets, with_harmony
from songrec.prediction.models.base import threads
from songrec.prediction.predictor import FOLDS, finite
from songrec.prediction.registry import BASE_MODELS, TWIN, with_twins
from songrec.prediction.targets import ENSEMBLES

NEEDS = ("attributes/fma_librosa_means_with_echonest.csv",)
GROUPS = ("energy_mood", "production", "speech")
CHOSEN = "chosen by cross-validation"


def study(data: Path, seed: int = 0) -> list[str]:
    """Build the table: R² of each group by members and combiner, and which one was chosen."""
    features, targets = tables.read(data / NEEDS[0])
    inputs = with_harmony(finite(features.values), chroma_sets(features.names))
    outer = parts(len(inputs), FOLDS, seed=seed + 100)
    scores: dict[tuple[str, str], dict[str, list[float]]] = {}
    chosen: Counter[str] = Counter()
    for group in GROUPS:
        names = [name for name in ENSEMBLES[group] if name in targets]
        y = np.column_stack([targets[name] for name in names]).astype(np.float64)
        for part in range(FOLDS):
            predictions = _predict(inputs, y, outer == part, seed)
            for members, combiner, value, winner in _combined(predictions, y, outer == part):
                scores.setdefault((members, combiner), {}).setdefault(group, []).append(value)
                if winner and members != "50 components":
                    chosen[f"{group} {winner}"] += 1
    rows = [
        (members, combiner, *(f"{np.mean(by_group[group]):.3f}" for group in GROUPS))
        for (members, combiner), by_group in scores.items()
    ]
    winners = ", ".join(f"{name} {count} of {FOLDS}" for name, count in sorted(chosen.items()))
    return [*table(("models on", "combiner", *GROUPS), rows), f"Chosen: {winners}.", ""]


def _predict(
    inputs: NDArray[Any], y: NDArray[np.float64], held_out: NDArray[np.bool_], seed: int
) -> dict[str, Any]:
    """Return out-of-fold predictions of the training tracks and those of the held-out ones."""
    train = ~held_out
    folds = parts(int(train.sum()), FOLDS, seed=seed + 1)
    defaults = {name: BASE_MODELS.entry(name).resolve() for name in BASE_MODELS.names()}
    inner, outer = {}, {}
    for name, parameters in with_twins(defaults, inputs.shape[1]).items():
        with threads(1):
            inner[name] = out_of_fold(
                name, parameters, inputs[train], y[train], folds, classes=0, seed=seed
            )
            fitted = fit(name, parameters, inputs[train], y[train], classes=0, seed=seed)
            outer[name] = fitted.scores(inputs[held_out])
    return {"folds": folds, "inner": inner, "outer": outer}


def _combined(
    predictions: Mapping[str, Any], y: NDArray[np.float64], held_out: NDArray[np.bool_]
) -> list[tuple[str, str, float, str]]:
    """Return members, combiner, mean R² on the held-out tracks, and the name of the chosen one."""
    train, test = y[~held_out], y[held_out]
    offset, scale = train.mean(axis=0), train.std(axis=0)
    standardised = (train - offset) / scale
    found = []
    for members, keep in (("50 components", False), ("50 and all", True)):
        models = [name for name in predictions["inner"] if keep or TWIN not in name]

        def opinions(which: str, models: list[str] = models) -> list[NDArray[np.float64]]:
            stacked = np.stack([predictions[which][name] for name in models], axis=2)
            return list(((stacked - offset[:, None]) / scale[:, None]).transpose(1, 0, 2))

        learned = {
            name: [
                combiner(part, true)
                for part, true in zip(opinions("inner"), standardised.T, strict=True)
            ]
            for name, combiner in COMBINERS.items()
        }
        choice = choose_combiner(opinions("inner"), standardised, predictions["folds"])
        learned[CHOSEN] = list(zip(choice.weights, choice.intercepts, strict=True))
        for name, fitted in learned.items():
            values = np.column_stack(
                [
                    part @ weights + intercept
                    for part, (weights, intercept) in zip(opinions("outer"), fitted, strict=True)
                ]
            )
            predicted = np.clip(values * scale + offset, 0.0, 1.0)
            r2 = float(metrics.r2(test.T, predicted.T).mean())
            found.append((members, name, r2, choice.name if name == CHOSEN else ""))
    return found
