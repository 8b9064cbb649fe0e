"""The results of a training run, and how they are written as a run's row and folder."""

from __future__ import annotations

import importlib.metadata
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.core.files import write_json
from songrec.core.types import Clustering, Floats, Ints, Space
from songrec.core.version import VERSION
from songrec.features.attribute_table import AttributeSelection
from songrec.features.quantile_normalization import NormalSpace
from songrec.features.scaling import Scaler
from songrec.features.whitening_pca import Components
from songrec.services.training.artist_vectors import FittedVectors
from songrec.services.training.request import TrainRequest
from songrec.store.catalogue import training_data
from songrec.store.db import now
from songrec.store.runs import runs
from songrec.store.runs.spaces import write_ranker
from songrec.store.tables import Run

PREDICTOR_FILE = "predictor.npz"
"""Arrays by which the clustering assigns new tracks, in the run's cluster numbers."""

EXTRA_COLUMNS = {"duration": "duration_ms", "year": "year"}
"""Further columns of the recommendation space, and their fields in ``TrainingData``."""


@dataclass(frozen=True)
class Projection2D:
    """A fitted map.

    Attributes
    ----------
    name, parameters
        The projection's registry name and all of its parameters.
    projection
        The fitted projection itself.
    coordinates
        Float32 ``(n, 2)``.
    trust
        Trustworthiness and the settings that it was measured with, as the manifest holds them.
    """

    name: str
    projection: Any
    coordinates: Floats
    trust: dict[str, Any]
    parameters: dict[str, Any]


@dataclass(frozen=True)
class TasteArtifacts:
    """Arrays and model that a run stores for scoring tastes, over the run's n tracks.

    Attributes
    ----------
    song_keys, artists, albums
        uint64 ``(n,)``, as in ``Space``.
    model
        The taste prior as JSON; ``"measured"`` holds the measures of the methods
        (``method_evaluation``).
    track_factors
        Float32 ``(n, t)``; None where the two towers do not improve recommendations.
    artist_vectors
        Vectors of artists; None where nothing tells who listens to them.
    ranker
        The additive ranker as JSON; None where it does not improve recommendations.
    playlists
        Rows of the playlists that the ranker takes evidence from.
    """

    song_keys: NDArray[np.uint64]
    artists: NDArray[np.uint64]
    albums: NDArray[np.uint64]
    model: dict[str, Any]
    track_factors: Floats | None
    artist_vectors: FittedVectors | None = None
    ranker: dict[str, Any] | None = None
    playlists: tuple[Ints, ...] = ()

    @property
    def measured(self) -> dict[str, Any]:
        """The measures of the recommendation methods; empty if there is none."""
        return self.model.get("measured", {})

    @property
    def metrics(self) -> dict[str, float]:
        """The measures of the best method, as metrics of the run."""
        best = self.measured.get("methods", {}).get(self.measured.get("best"), {})
        return {name: of[0] for name, of in best.items() if of is not None}

    def write(self, folder: Path) -> None:
        """Write the taste files into a run's folder."""
        arrays = {
            "song_keys": self.song_keys,
            "artists": self.artists,
            "albums": self.albums,
            "track_factors": self.track_factors,
        }
        if self.artist_vectors is not None:
            arrays["artist_ids"] = self.artist_vectors.artist_ids
            arrays["artist_vectors"] = self.artist_vectors.vectors
        for name, array in arrays.items():
            if array is not None:
                np.save(folder / f"{name}.npy", array)
        write_json(folder / "taste.json", self.model, indent=2)
        if self.ranker is not None:
            write_ranker(folder, self.ranker, self.playlists)


@dataclass(frozen=True)
class TrainingResult:
    """Everything that a training computed, before it is written.

    The first of ``maps`` is the run's own. ``predictor`` holds the arrays by which the clustering
    assigns new tracks. ``feature_settings`` holds the extraction settings of
    each audio feature set (``run_settings.record``), ``loudness_scale`` names the scale of the
    loudness in ``data`` (``dataset``).
    """

    data: training_data.TrainingData
    choice: AttributeSelection
    scaler: Scaler
    model: Any
    latent: Floats
    clustering: Clustering
    predictor: dict[str, NDArray[Any]]
    maps: tuple[Projection2D, ...]
    space: NormalSpace
    sound: Components | None
    metrics: dict[str, Any]
    notes: list[str]
    feature_settings: dict[str, dict[str, Any]]
    loudness_scale: str

    @property
    def coordinates(self) -> Floats:
        """Coordinates of the tracks on the run's own map, float32 ``(n, 2)``."""
        return self.maps[0].coordinates

    @property
    def values(self) -> Floats:
        """Attribute values, duration and year, float32 ``(n, 14)``."""
        extra = (getattr(self.data, name) for name in EXTRA_COLUMNS.values())
        return np.column_stack([self.data.values, *extra])

    def recommendation_space(self) -> Space:
        """Return the arrays that recommendations are computed from, before they are written."""
        return Space(
            run_id="",
            track_ids=self.data.track_ids,
            matrix=self.space.matrix,
            columns=tuple(self.space.columns),
            values=self.values,
            value_names=(*ATTRIBUTE_NAMES, *EXTRA_COLUMNS),
            latent=self.latent,
            labels=self.clustering.labels,
            coordinates=self.coordinates,
            song_keys=self.data.song_keys,
        )


def run_row(
    request: TrainRequest,
    parameters: dict[str, dict[str, Any]],
    result: TrainingResult,
    tastes: TasteArtifacts,
) -> Run:
    """Build the run's row, without seconds and not yet added to a session."""
    created = now()
    return Run(
        public_id=f"{created:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}",
        created_at=created,
        name=request.name or None,
        feature_set=str(request.feature_set),
        representation=request.representation,
        clustering=request.clustering,
        projection=result.maps[0].name,
        seed=request.seed,
        track_count=len(result.data.track_ids),
        cluster_count=len(set(np.unique(result.clustering.labels).tolist()) - {-1}),
        data_fingerprint=result.data.fingerprint(),
        parameters=_with_lists({**parameters, "projection": result.maps[0].parameters}),
        metrics={**result.metrics, **tastes.metrics},
    )


def write_folder(
    folder: Path,
    run: Run,
    result: TrainingResult,
    tastes: TasteArtifacts,
    clusters: list[runs.ClusterProfile],
) -> None:
    """Write every file that docs/architecture.md lists into ``folder``.

    The manifest's seconds do not include the writing, which is still going on.
    """
    arrays = {
        "track_ids": result.data.track_ids,
        "values": result.values,
        "space": result.space.matrix,
        "latent": result.latent,
    }
    for name, array in arrays.items():
        np.save(folder / f"{name}.npy", array)
    clustering = result.clustering
    optional = {"centres": clustering.centres}
    if clustering.probabilities is not None:
        optional["probabilities"] = clustering.probabilities.astype(np.float16)
    np.savez(
        folder / "clustering.npz",
        labels=clustering.labels,
        confidence=clustering.confidence,
        **{name: array for name, array in optional.items() if array is not None},
    )
    if result.predictor:
        np.savez(folder / PREDICTOR_FILE, **result.predictor)
    for number, one in enumerate(result.maps):
        np.savez(
            folder / (f"map-{one.name}.npz" if number else "projection.npz"),
            coordinates=one.coordinates,
            **one.projection.state(),
        )
    result.scaler.save(folder / "scaler.npz")
    if result.sound is not None:
        result.sound.save(folder / "sound.npz")
    tastes.write(folder)
    result.model.save(folder)
    write_json(folder / "history.json", result.model.history_, indent=2)
    write_json(folder / "manifest.json", _manifest(run, result, tastes, clusters))


def _manifest(
    run: Run,
    result: TrainingResult,
    tastes: TasteArtifacts,
    clusters: list[runs.ClusterProfile],
) -> dict[str, Any]:
    return {
        "run_id": run.public_id,
        "created_at": run.created_at.isoformat(),
        "songrec": VERSION,
        "libraries": _library_versions(),
        "feature_set": run.feature_set,
        "representation": run.representation,
        "clustering": run.clustering,
        "projection": run.projection,
        "maps": [
            {"name": one.name, "parameters": one.parameters, **one.trust} for one in result.maps
        ],
        "seed": run.seed,
        "parameters": run.parameters,
        "tracks": run.track_count,
        "data_fingerprint": run.data_fingerprint,
        "features": {"used": result.choice.used, "left_out": result.choice.left_out},
        "feature_settings": result.feature_settings,
        "loudness_scale": result.loudness_scale,
        "values": {"columns": (*ATTRIBUTE_NAMES, *EXTRA_COLUMNS)},
        "space": {"columns": result.space.columns},
        # The key "clustering" holds the algorithm's name.
        "clustering_details": result.clustering.details,
        "clusters": [
            {"number": cluster.number, "name": cluster.name, "size": cluster.size}
            for cluster in clusters
        ],
        "metrics": run.metrics,
        "recommendation": tastes.measured,
        "seconds": run.seconds,
        "notes": result.notes,
    }


def _library_versions() -> dict[str, str]:
    names = ("numpy", "scikit-learn", "tensorflow", "keras", "sqlalchemy")
    return {name: importlib.metadata.version(name) for name in names}


def _with_lists(parameters: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return the parameters with lists for tuples, equal to what is read back from JSON."""
    return {
        stage: {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
        }
        for stage, values in parameters.items()
    }
