"""Predictors on disk: a manifest, the training rows and one skops file per ensemble; no pickle.

skops writes an estimator as a schema and arrays. What is not scikit-learn's or numpy's own has to
be trusted by name when it is read, and only the names in ``TRUSTED`` are, whatever a file asks for.
"""

from __future__ import annotations

import importlib.metadata
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import skops.io

from songrec.core.errors import BadInput, NotReady
from songrec.core.feature_spec import FeatureSpec
from songrec.core.files import atomic_folder, write_json
from songrec.prediction import folders
from songrec.prediction.fitting import FittedModel
from songrec.prediction.predictor import Predictor, TrainingRows
from songrec.prediction.stacking import Stack

FORMAT = 1
TRUSTED = frozenset(
    {
        "numpy.dtype",
        "sklearn.tree._tree.Tree",
        "xgboost.core.Booster",
        "xgboost.sklearn.XGBClassifier",
        "xgboost.sklearn.XGBRegressor",
    }
)
VERSIONED = ("scikit-learn", "xgboost-cpu", "skops", "numpy")
STRICT = ("scikit-learn", "xgboost-cpu")
"""Libraries whose minor version must be the one that wrote the estimators."""


def save(predictor: Predictor, instance: Path, *, source: str) -> str:
    """Write the predictor into a new folder of ``<instance>/predictor/`` and return its id.

    ``source`` says what it was trained on.
    """
    predictor_id = folders.new_id()
    with atomic_folder(folders.root(instance) / predictor_id) as folder:
        for name, stack in predictor.stacks_.items():
            skops.io.dump(
                {
                    "bases": {model: base.pipeline for model, base in stack.bases_.items()},
                    "meta": [stack.meta_] if stack.classes else [],
                },
                folder / f"{name}.skops",
                compression=zipfile.ZIP_DEFLATED,
            )
        np.savez(
            folder / "rows.npz",
            digests=predictor.rows_.digests,
            held_out=predictor.rows_.held_out,
            **{f"predicted_{k}": v for k, v in predictor.rows_.predictions.items()},
        )
        manifest = {
            "format": FORMAT,
            "id": predictor_id,
            "created_at": f"{predictor_id[:4]}-{predictor_id[4:6]}-{predictor_id[6:8]}T"
            f"{predictor_id[9:11]}:{predictor_id[11:13]}:{predictor_id[13:15]}+00:00",
            "source": source,
            "feature_set": str(predictor.feature_set_),
            "columns": list(predictor.columns_),
            "seed": predictor.seed,
            "trials": predictor.trials,
            "models": list(predictor.models),
            "tracks": len(predictor.rows_.digests),
            "held_out": int(predictor.rows_.held_out.sum()),
            "ensembles": {name: _describe(stack) for name, stack in predictor.stacks_.items()},
            "scores": predictor.scores_,
            "notes": predictor.notes_,
            "versions": {name: importlib.metadata.version(name) for name in VERSIONED},
        }
        write_json(folder / folders.MANIFEST, manifest, indent=2)
    return predictor_id


def load(instance: Path, predictor_id: str) -> Predictor:
    """Read a predictor.

    Raises ``NotReady`` where it is missing or was written by another version of the libraries, and
    ``BadInput`` where a file holds anything that is not in ``TRUSTED``.
    """
    manifest = folders.manifest(instance, predictor_id)
    folder = folders.root(instance) / predictor_id
    _check_versions(manifest)
    predictor = Predictor(models=manifest["models"])
    predictor.seed, predictor.trials = manifest["seed"], manifest["trials"]
    predictor.columns_ = tuple(manifest["columns"])
    predictor.feature_set_ = FeatureSpec.parse(manifest["feature_set"])
    predictor.scores_, predictor.notes_ = manifest["scores"], list(manifest["notes"])
    with np.load(folder / "rows.npz", allow_pickle=False) as arrays:
        predicted = {
            name.removeprefix("predicted_"): arrays[name]
            for name in arrays.files
            if name.startswith("predicted_")
        }
        predictor.rows_ = TrainingRows(arrays["digests"], arrays["held_out"], predicted)
    predictor.stacks_ = {
        name: _stack(folder / f"{name}.skops", described, predictor.seed)
        for name, described in manifest["ensembles"].items()
    }
    return predictor


def _describe(stack: Stack) -> dict[str, Any]:
    return {
        "targets": list(stack.names),
        "offset": [float(value) for value in stack.offset_],
        "scale": [float(value) for value in stack.scale_],
        "weights": stack.weights(),
        **({} if stack.classes else _describe_combiner(stack)),
        "models": {
            name: {
                "parameters": dict(stack.parameters[name]),
                "offset": [float(value) for value in base.offset],
                "scale": [float(value) for value in base.scale],
                "seen": [int(value) for value in base.observed],
            }
            for name, base in stack.bases_.items()
        },
    }


def _describe_combiner(stack: Stack) -> dict[str, Any]:
    return {
        "combiner": stack.combiner_,
        "combiner_r2": stack.combiner_r2_,
        "intercepts": stack.intercepts_.tolist(),
    }


def _stack(path: Path, described: dict[str, Any], seed: int) -> Stack:
    types = skops.io.get_untrusted_types(file=path)
    untrusted = sorted(set(types) - TRUSTED)
    if untrusted:
        raise BadInput(
            f"{path} holds {untrusted[0]}, which is not a trusted type: the file is not read."
        )
    data = skops.io.load(path, trusted=types)
    models = described["models"]
    stack = Stack(
        tuple(described["targets"]), {k: v["parameters"] for k, v in models.items()}, seed
    )
    stack.offset_, stack.scale_ = np.array(described["offset"]), np.array(described["scale"])
    stack.bases_ = {
        name: FittedModel(
            data["bases"][name],
            np.array(model["offset"], dtype=np.float64),
            np.array(model["scale"], dtype=np.float64),
            np.array(model["seen"], dtype=np.int64),
            stack.classes,
        )
        for name, model in models.items()
    }
    if stack.classes:
        (stack.meta_,) = data["meta"]
    else:
        _read_combiner(stack, described, data["meta"])
    return stack


def _read_combiner(stack: Stack, described: dict[str, Any], meta: list[Any]) -> None:
    stack.weights_ = np.array(
        [[described["weights"][name][model] for model in stack.parameters] for name in stack.names]
    )
    stack.combiner_ = described.get("combiner", "stacking")
    stack.combiner_r2_ = described.get("combiner_r2", {})
    # Earlier versions stored the ridge regression that stacking averages with a weighted mean.
    stack.intercepts_ = np.array(
        described.get("intercepts") or [float(ridge.intercept_) / 2 for ridge in meta]
    )


def _check_versions(manifest: dict[str, Any]) -> None:
    if manifest.get("format") != FORMAT:
        raise NotReady(
            f"Predictor {manifest.get('id')} was written by another version of songrec. "
            "Train again: flask predict train"
        )
    for name in STRICT:
        wrote, runs = manifest["versions"].get(name, "none"), importlib.metadata.version(name)
        if wrote.split(".")[:2] != runs.split(".")[:2]:
            raise NotReady(
                f"Predictor {manifest['id']} was trained with {name} {wrote}, and {runs} is "
                "installed. Train again: flask predict train"
            )
