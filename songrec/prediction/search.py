"""Bayesian search for the parameters of a base model (TPE: Bergstra et al. 2011), with Optuna.

A study is kept in a journal file named after everything that it depends on. Repeating
a search reads the result from it, and a search with more trials continues it.
"""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from numpy.typing import NDArray
from optuna.storages import BaseStorage, InMemoryStorage, JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import TrialState

from songrec.core.registry import Entry
from songrec.core.types import Floats, Ints
from songrec.prediction import metrics
from songrec.prediction.fitting import out_of_fold
from songrec.prediction.registry import BASE_MODELS, LOGARITHMIC

MAX_ROWS = 2000
"""Size of the sample for a search; more tracks hardly change the best parameters."""

STARTUP_TRIALS = 6
FINISHED = (TrialState.COMPLETE, TrialState.PRUNED)


def search(
    name: str,
    inputs: Floats,
    targets: NDArray[Any],
    folds: Ints,
    *,
    classes: int,
    trials: int,
    seed: int,
    studies: Path | None,
    label: str,
) -> dict[str, Any]:
    """Search ``trials`` parameter sets of base model ``name`` and return the best one.

    The defaults of the registry are always the first trial; 0 trials return them. Scored is the
    mean R² of numbers, or the negative mean log loss of classes, on out-of-fold predictions.

    Parameters
    ----------
    targets
        ``(n, targets)``.
    studies
        Folder of the journals; None caches nothing.
    label
        Prefix of the journal's file name.
    """
    entry = BASE_MODELS.entry(name)
    if trials <= 0:
        return entry.resolve()
    rows = _sample(len(inputs), seed)
    inputs, targets, folds = inputs[rows], targets[rows], folds[rows]
    study = _study(entry, _key(entry, inputs, targets, folds, seed), studies, label)

    def objective(trial: optuna.Trial) -> float:
        parameters = {p.name: _suggest(trial, p) for p in entry.parameters}
        scores = np.full((len(inputs), classes or targets.shape[1]), np.nan)
        for step, fold in enumerate(np.unique(folds)):
            part = out_of_fold(
                name,
                parameters,
                inputs,
                targets,
                folds,
                classes=classes,
                seed=seed,
                fold=int(fold),
            )
            scored = folds == fold
            scores[scored] = part[scored]
            trial.report(quality(targets[scored], part[scored], classes), step)
            if trial.should_prune():
                raise optuna.TrialPruned
        return quality(targets, scores, classes)

    while (done := _finished(study)) < trials:
        # A sampler of its own per trial, so that a continued study tries what an uninterrupted
        # one would have tried.
        study.sampler = optuna.samplers.TPESampler(
            seed=seed * 100_003 + done, n_startup_trials=STARTUP_TRIALS
        )
        if not done:
            study.enqueue_trial(entry.resolve(), skip_if_exists=True)
        study.optimize(objective, n_trials=1)
    return _best(study, entry, trials)


def quality(targets: NDArray[Any], scores: NDArray[np.float64], classes: int) -> float:
    """Score predictions, higher is better: mean R², or negative mean log loss for classes."""
    if classes:
        own = scores[np.arange(len(scores)), targets[:, 0].astype(np.int64)]
        return float(np.log(np.clip(own, 1e-6, 1.0)).mean())
    r2 = metrics.r2(targets.T, scores.T)
    return float(np.nan_to_num(r2, nan=-1.0).mean())


def _suggest(trial: optuna.Trial, parameter: Any) -> Any:
    match parameter.type:
        case "choice":
            return trial.suggest_categorical(parameter.name, parameter.choices)
        case "int":
            return trial.suggest_int(parameter.name, int(parameter.low), int(parameter.high))
        case _:
            return trial.suggest_float(
                parameter.name, parameter.low, parameter.high, log=parameter.name in LOGARITHMIC
            )


def _best(study: optuna.Study, entry: Entry, trials: int) -> dict[str, Any]:
    # A study may hold more trials than requested; only the first ones count, so that the result
    # depends on this request alone and not on earlier ones.
    first = [t for t in study.trials if t.state in FINISHED][:trials]
    complete = [t for t in first if t.state == TrialState.COMPLETE and t.value is not None]
    if not complete:
        return entry.resolve()
    best = max(complete, key=lambda t: (t.value, -t.number))
    return entry.resolve(best.params)


def _finished(study: optuna.Study) -> int:
    return sum(trial.state in FINISHED for trial in study.trials)


def _study(entry: Entry, key: str, studies: Path | None, label: str) -> optuna.Study:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    storage: BaseStorage = InMemoryStorage()
    if studies is not None:
        studies.mkdir(parents=True, exist_ok=True)
        path = studies / f"{label}-{entry.name}-{key[:16]}.jsonl"
        # By default it locks by symbolic links, which some file systems do not have.
        lock = JournalFileOpenLock(str(path))
        storage = JournalStorage(JournalFileBackend(str(path), lock_obj=lock))
    return optuna.create_study(
        storage=storage,
        study_name=key,
        direction="maximize",
        load_if_exists=True,
        pruner=optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS, n_warmup_steps=1),
    )


def _key(entry: Entry, inputs: Floats, targets: NDArray[Any], folds: Ints, seed: int) -> str:
    """Compute a digest of data, folds, seed and search space, which identifies a study."""
    digest = hashlib.sha256(repr((entry.name, entry.parameters, seed)).encode())
    for array in (inputs, targets, folds):
        digest.update(repr((array.shape, array.dtype.str)).encode())
        digest.update(np.ascontiguousarray(array).view(np.uint8).data)
    return digest.hexdigest()


def _sample(count: int, seed: int) -> Ints:
    if count <= MAX_ROWS:
        return np.arange(count)
    return np.sort(np.random.default_rng(seed).choice(count, MAX_ROWS, replace=False))
