"""What a training found, and how it becomes a run's row and its folder."""

from __future__ import annotations

import importlib.metadata
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.core.files import write_json
from songrec.core.types import Clustering, Floats, Space
from songrec.core.version import VERSION
from songrec.features.attribute_table import AttributeSelection
from songrec.features.quantile_normalization import NormalSpace
from songrec.features.scaling import Scaler
from songrec.features.whitening_pca import Components
from songrec.store.catalogue import training_data
from songrec.store.db import now
from songrec.store.runs import runs
from songrec.store.tables import Run

if TYPE_CHECKING:
    from songrec.services.training.taste_stage import Tastes
    from songrec.services.training.train import TrainRequest

PREDICTOR_FILE = "predictor.npz"
"""Arrays by which the clustering assigns new tracks, in the run's cluster numbers."""

# Columns of the recommendation space beside the attributes: their names there, and in the data.
BESIDES = {"duration": "duration_ms", "year": "year"}


@dataclass(frozen=True)
class Drawn:
    """A map: the projection's name and itself, coordinates ``(n, 2)``, and how far to trust it.

    ``parameters`` are all of the projection's.
    """

    name: str
    projection: Any
    coordinates: Floats
    trust: dict[str, Any]
    parameters: dict[str, Any]


@dataclass(frozen=True)
class Trained:
    """Everything that one run found, before it is written. The first of ``maps`` is the run's.

    ``predictor`` are the arrays by which the clustering assigns new tracks.
    ``feature_settings`` says how the sets of the sound were extracted (``run_settings.record``).
    """

    data: training_data.TrainingData
    choice: AttributeSelection
    scaler: Scaler
    model: Any
    latent: Floats
    clustering: Clustering
    predictor: dict[str, NDArray[Any]]
    maps: tuple[Drawn, ...]
    space: NormalSpace
    sound: Components | None
    metrics: dict[str, Any]
    notes: list[str]
    feature_settings: dict[str, dict[str, Any]]

    @property
    def coordinates(self) -> Floats:
        """Where each track lies on the run's own map, float32 ``(n, 2)``."""
        return self.maps[0].coordinates

    @property
    def values(self) -> Floats:
        """Attribute values with duration and year beside them, float32 ``(n, 14)``."""
        beside = (getattr(self.data, name) for name in BESIDES.values())
        return np.column_stack([self.data.values, *beside])

    def recommendation_space(self) -> Space:
        """The arrays that recommendations are computed from, before they are written."""
        return Space(
            run_id="",
            track_ids=self.data.track_ids,
            matrix=self.space.matrix,
            columns=tuple(self.space.columns),
            values=self.values,
            value_names=(*ATTRIBUTE_NAMES, *BESIDES),
            latent=self.latent,
            labels=self.clustering.labels,
            coordinates=self.coordinates,
            song_keys=self.data.song_keys,
        )


def run_row(request: TrainRequest, parameters: dict[str, dict[str, Any]], trained: Trained) -> Run:
    """The run's row, without seconds, not yet added to a session."""
    created = now()
    return Run(
        public_id=f"{created:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}",
        created_at=created,
        feature_set=request.feature_set,
        representation=request.representation,
        clustering=request.clustering,
        projection=request.projection,
        seed=request.seed,
        track_count=len(trained.data.track_ids),
        cluster_count=len(set(np.unique(trained.clustering.labels).tolist()) - {-1}),
        data_fingerprint=trained.data.fingerprint(),
        parameters=_plain(parameters),
        metrics=trained.metrics,
    )


def write_folder(
    folder: Path,
    run: Run,
    trained: Trained,
    tastes: Tastes,
    clusters: list[runs.FoundCluster],
) -> None:
    """Write every file that docs/architecture.md lists into ``folder``.

    The manifest's seconds end before the writing, which is still going on.
    """
    arrays = {
        "track_ids": trained.data.track_ids,
        "values": trained.values,
        "space": trained.space.matrix,
        "latent": trained.latent,
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    clustering = trained.clustering
    beside = {"centres": clustering.centres}
    if clustering.probabilities is not None:
        beside["probabilities"] = clustering.probabilities.astype(np.float16)
    np.savez(
        folder / "clustering.npz",
        labels=clustering.labels,
        confidence=clustering.confidence,
        **{name: array for name, array in beside.items() if array is not None},
    )
    if trained.predictor:
        np.savez(folder / PREDICTOR_FILE, **trained.predictor)
    for at, drawn in enumerate(trained.maps):
        np.savez(
            folder / (f"map-{drawn.name}.npz" if at else "projection.npz"),
            coordinates=drawn.coordinates,
            **drawn.projection.state(),
        )
    trained.scaler.save(folder / "scaler.npz")
    if trained.sound is not None:
        trained.sound.save(folder / "sound.npz")
    tastes.write(folder)
    trained.model.save(folder)
    write_json(folder / "history.json", trained.model.history_, indent=2)
    write_json(
        folder / "manifest.json",
        {
            "run_id": run.public_id,
            "created_at": run.created_at.isoformat(),
            "songrec": VERSION,
            "libraries": _library_versions(),
            "feature_set": run.feature_set,
            "representation": run.representation,
            "clustering": run.clustering,
            "projection": run.projection,
            "maps": [
                {"name": drawn.name, "parameters": drawn.parameters, **drawn.trust}
                for drawn in trained.maps
            ],
            "seed": run.seed,
            "parameters": run.parameters,
            "tracks": run.track_count,
            "data_fingerprint": run.data_fingerprint,
            "features": {"used": trained.choice.used, "left_out": trained.choice.left_out},
            "feature_settings": trained.feature_settings,
            "values": {"columns": (*ATTRIBUTE_NAMES, *BESIDES)},
            "space": {"columns": trained.space.columns},
            # "clustering" is the algorithm's name already.
            "clustering_details": clustering.details,
            "clusters": [
                {"number": cluster.number, "name": cluster.name, "size": cluster.size}
                for cluster in clusters
            ],
            "metrics": run.metrics,
            "seconds": run.seconds,
            "notes": trained.notes,
        },
    )


def _library_versions() -> dict[str, str]:
    names = ("numpy", "scikit-learn", "tensorflow", "keras", "sqlalchemy")
    return {name: importlib.metadata.version(name) for name in names}


def _plain(parameters: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Tuples as lists: what JSON gives back."""
    return {
        stage: {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
        }
        for stage, values in parameters.items()
    }
