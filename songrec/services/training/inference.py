"""Placement of new tracks in a run, by the run's scaler, model, clusters and map.

Nothing is fitted again. A track of the run gets its place in the run. Heavy: the run's
representation is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from songrec.clustering import CLUSTERINGS, clusters_by_model
from songrec.clustering.base import means_of, simplified_silhouette
from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.core.errors import NotReady
from songrec.core.feature_spec import FeatureSpec
from songrec.core.types import Clustering, FeatureTable, Floats, Space
from songrec.features.quantile_normalization import normal_quantile
from songrec.features.scaling import Scaler
from songrec.features.whitening_pca import Components
from songrec.projection import PROJECTIONS
from songrec.representation import REPRESENTATIONS
from songrec.services.training import model_inputs
from songrec.services.training.artifacts import PREDICTOR_FILE
from songrec.services.training.dataset import MEASURED_LOUDNESS
from songrec.store.runs import run_folders
from songrec.store.runs.spaces import load_space
from songrec.store.tables import Run


@dataclass(frozen=True)
class EmbeddedTrack:
    """A new track in a run.

    ``vector`` float32 ``(d,)`` in the recommendation space, ``latent`` float32 ``(l,)``,
    ``values`` float32 ``(f,)`` in the order of ``space.value_names``; ``guessed`` names the
    features that were unknown and got the run's median.
    """

    space: Space
    vector: Floats
    latent: Floats
    values: Floats
    label: int
    confidence: float
    x: float
    y: float
    guessed: tuple[str, ...]

    def append_to_space(self) -> tuple[Space, int]:
        """Return the run's space with the track as its last row, and the id it has there."""
        space = self.space
        track_id = int(space.track_ids[-1]) + 1 if len(space.track_ids) else 1
        # No song of the catalogue has this key: a copy of the song, too, may be recommended.
        key = np.array([np.iinfo(np.uint64).max], dtype=np.uint64)
        return replace(
            space,
            run_id=f"{space.run_id}+1",
            track_ids=np.append(space.track_ids, track_id),
            matrix=np.vstack([space.matrix, self.vector]),
            values=np.vstack([space.values, self.values]),
            latent=np.vstack([space.latent, self.latent]),
            labels=np.append(space.labels, np.int32(self.label)),
            coordinates=np.vstack([space.coordinates, np.float32([self.x, self.y])]),
            song_keys=np.concatenate([space.song_keys, key]),
            # Artists and playlists of a new track are unknown.
            artists=None,
            albums=None,
            track_factors=None,
            ranker=None,
            playlists=(),
        ), track_id


def embed_track(
    instance: Path,
    run: Run,
    attributes: Mapping[str, float],
    sound: Mapping[str, float],
    inputs: model_inputs.TrackInputs = model_inputs.TrackInputs(),  # noqa: B008 - frozen
    *,
    has_measured_loudness: bool = False,
) -> EmbeddedTrack:
    """Place a track in ``run``.

    Parameters
    ----------
    instance, run
        The instance folder, and the run whose files are used.
    attributes
        Known attributes by name, and ``duration`` in milliseconds and ``year``.
    sound
        Features of the sound as ``"set:column"``.
    inputs
        Further inputs of some models.
    has_measured_loudness
        The loudness is in LUFS: it counts as unknown in a run on a catalogue's loudness.

    Raises
    ------
    NotReady
        If the run's files are missing, or if features of its training are not given.
    """
    folder = run_folders.run_folder(instance, run.public_id)
    space = load_space(folder)
    manifest = run_folders.read_json(instance, run.public_id, "manifest.json")
    scale = manifest.get("loudness_scale", MEASURED_LOUDNESS)
    if has_measured_loudness and scale != MEASURED_LOUDNESS:
        attributes = {name: value for name, value in attributes.items() if name != "loudness"}
    scaler = Scaler.load(folder / "scaler.npz")
    raw, guessed = _features(scaler.columns, attributes, sound)
    table = scaler.transform(
        FeatureTable(
            np.zeros(1, dtype=np.int64),
            scaler.columns,
            raw[None, :],
            FeatureSpec.parse(run.feature_set),
        )
    )
    model = REPRESENTATIONS.entry(run.representation).load().load(folder)
    model_inputs.hand_over_folders(model, instance)
    needed = model_inputs.for_upload(model, inputs)
    latent = np.asarray(model.transform(table, **needed), dtype=np.float32)
    if clusters_by_model(run.clustering):
        label, confidence = _model_cluster(folder, model.assign(table, **needed))
    else:
        label, confidence = _cluster(folder, run, space, latent)
    with np.load(folder / "projection.npz", allow_pickle=False) as arrays:
        projection = PROJECTIONS.entry(run.projection).load().from_state(dict(arrays))
    x, y = projection.project(latent)[0].tolist()
    values = np.array(
        [attributes.get(name, np.nan) for name in space.value_names], dtype=np.float32
    )
    return EmbeddedTrack(
        space,
        _vector(space, folder, values, table),
        latent[0],
        values,
        label,
        confidence,
        x,
        y,
        guessed,
    )


def _features(
    columns: tuple[str, ...], attributes: Mapping[str, float], sound: Mapping[str, float]
) -> tuple[Floats, tuple[str, ...]]:
    """Return a row of the run's features, NaN where unknown, and the names of the unknown ones."""
    row = np.full(len(columns), np.nan, dtype=np.float32)
    for at, column in enumerate(columns):
        name = column.removeprefix("attributes:")
        value = attributes.get(name) if name in ATTRIBUTE_NAMES else sound.get(column)
        if value is not None:
            row[at] = value
    missing = {name.partition(":")[0] for name in columns if ":" in name}
    missing -= {name.partition(":")[0] for name in sound} | {"attributes", "genre"}
    if missing:
        raise NotReady(
            f"The published run learnt from {', '.join(sorted(missing))}, which could not be "
            "extracted from this song."
        )
    if columns and np.isnan(row).all():
        raise NotReady("Nothing that the published run looks at is known of this song.")
    unknown = np.flatnonzero(np.isnan(row))
    return row, tuple(columns[at].removeprefix("attributes:") for at in unknown)


def _cluster(folder: Path, run: Run, space: Space, latent: Floats) -> tuple[int, float]:
    """Return the cluster that the run's clustering predicts, and the simplified silhouette.

    -1 and 0 where the track is noise.
    """
    entry = CLUSTERINGS.entry(run.clustering)
    # Parameters that this version no longer has do not matter: nothing is fitted.
    parameters = entry.with_current_names(run.parameters.get("clustering", {}))
    algorithm = CLUSTERINGS.create(
        entry.name, **{name: v for name, v in parameters.items() if entry.has_parameter(name)}
    )
    path = folder / PREDICTOR_FILE
    state = {}
    if path.is_file():
        with np.load(path, allow_pickle=False) as arrays:
            state = dict(arrays)
    label = int(algorithm.restore(state, space.latent, space.labels).predict(latent)[0])
    if label < 0:
        return -1, 0.0
    present, labels = np.unique(space.labels[space.labels >= 0], return_inverse=True)
    means = means_of(space.latent[space.labels >= 0], labels.astype(np.int32))
    own = np.flatnonzero(present == label)
    return label, float(simplified_silhouette(latent, means, own)[0])


def _model_cluster(folder: Path, clustering: Clustering) -> tuple[int, float]:
    """Return the model's cluster under the number that the run gave it, matched by its centre."""
    with np.load(folder / "clustering.npz", allow_pickle=False) as arrays:
        centres = arrays["centres"]
    # A cluster without tracks of the run has no number; the nearest cluster with one replaces it.
    assert clustering.centres is not None
    distances = np.linalg.norm(centres - clustering.centres[clustering.labels[0]], axis=1)
    return int(distances.argmin()), float(clustering.confidence[0])


def _vector(space: Space, folder: Path, values: Floats, table: FeatureTable) -> Floats:
    """Return the track's vector in the recommendation space: its ranks among the run's tracks."""
    vector = np.zeros(len(space.columns), dtype=np.float32)
    for at, name in enumerate(space.columns):
        if name in space.value_names:
            column = space.value_names.index(name)
            vector[at] = _normal_score(space.values[:, column], values[column])
    path = folder / "sound.npz"
    if path.is_file():
        components = Components.load(path)
        at = [table.names.index(name) for name in components.columns]
        sound = table.values[0, at] @ components.weights
        for name, value in zip(components.names, sound, strict=True):
            if name in space.columns:
                vector[space.columns.index(name)] = value
    return vector


def _normal_score(column: NDArray[np.float32], value: np.float32) -> float:
    """Return the normal quantile of the value's mid-rank in the column; 0 if it is unknown."""
    present = column[~np.isnan(column)]
    if np.isnan(value) or not len(present):
        return 0.0
    below = int((present < value).sum())
    ties = int((present == value).sum())
    # Values beyond either end get the coordinate of the outermost song.
    share = np.clip((below + ties / 2) / len(present), 0.5 / len(present), 1 - 0.5 / len(present))
    return float(normal_quantile(np.array([share]))[0])
