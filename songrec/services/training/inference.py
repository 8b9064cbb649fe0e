"""Where a song that no training has seen lies in a run: by the run's own scaler, model and map.

Nothing is fitted again. A song of the catalogue that is placed anew lands where the run has it.
Heavy: the run's representation is loaded.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from songrec.clustering import CLUSTERINGS
from songrec.clustering.kmeans import confidence
from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.core.errors import NotReady
from songrec.core.types import Clustering, FeatureTable, Floats, Space
from songrec.features.quantile_normalization import normal_quantile
from songrec.features.scaling import Scaler
from songrec.features.whitening_pca import Components
from songrec.projection import PROJECTIONS
from songrec.representation import REPRESENTATIONS
from songrec.services.training import model_inputs
from songrec.store.runs import run_folders
from songrec.store.runs.spaces import load_space
from songrec.store.tables import Run

# How many of a run's tracks must be in the cluster whose mean is nearest, of so many looked at.
BY_MEANS, SAMPLE = 0.99, 2000


@dataclass(frozen=True)
class Placed:
    """A song in a run.

    ``vector`` float32 ``(d,)`` in the recommendation space, ``latent`` float32 ``(l,)``,
    ``values`` float32 ``(f,)`` in the order of ``space.value_names``; ``guessed`` names the
    features that were unknown, for which the run's median stood in.
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

    def joined(self) -> tuple[Space, int]:
        """The run's space with the song as its last row, and the number that is its track id."""
        space = self.space
        track_id = int(space.track_ids[-1]) + 1 if len(space.track_ids) else 1
        # No song of the catalogue has this key: a copy of the song, too, is worth an answer.
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
            # What was learnt of artists and playlists is not known of the song.
            artists=None,
            albums=None,
            track_factors=None,
        ), track_id


def place(
    instance: Path,
    run: Run,
    known: Mapping[str, float],
    sound: Mapping[str, float],
    song: model_inputs.Song = model_inputs.Song(),  # noqa: B008 - frozen
) -> Placed:
    """Place a song in ``run``.

    ``known`` are attributes (and ``duration`` in milliseconds, ``year``) by name, ``sound`` its
    features as ``"set:column"``; ``song`` is what some models ask for besides. Raises
    ``NotReady`` where the run's files are gone, or where it learnt from features that are not
    given.
    """
    folder = run_folders.run_folder(instance, run.public_id)
    space = load_space(folder)
    scaler = Scaler.load(folder / "scaler.npz")
    raw, guessed = _features(scaler.columns, known, sound)
    table = scaler.transform(
        FeatureTable(np.zeros(1, dtype=np.int64), scaler.columns, raw[None, :], run.feature_set)
    )
    model = REPRESENTATIONS.entry(run.representation).load().load(folder)
    needed = model_inputs.of_song(model, song)
    latent = np.asarray(model.transform(table, **needed), dtype=np.float32)
    if "assign" in CLUSTERINGS.entry(run.clustering).requires:
        label, sure = _own_cluster(folder, model.assign(table, **needed))
    else:
        label, sure = _cluster(space, latent)
    with np.load(folder / "projection.npz", allow_pickle=False) as arrays:
        projection = PROJECTIONS.entry(run.projection).load().from_state(dict(arrays))
    x, y = projection.project(latent)[0].tolist()
    values = np.array([known.get(name, np.nan) for name in space.value_names], dtype=np.float32)
    return Placed(
        space,
        _vector(space, folder, values, table),
        latent[0],
        values,
        label,
        sure,
        x,
        y,
        guessed,
    )


def _features(
    columns: tuple[str, ...], known: Mapping[str, float], sound: Mapping[str, float]
) -> tuple[Floats, tuple[str, ...]]:
    """A row of the run's features, NaN where unknown, and the names of those."""
    row = np.full(len(columns), np.nan, dtype=np.float32)
    for at, name in enumerate(columns):
        attribute = name.removeprefix("attributes:")
        value = known.get(attribute) if attribute in ATTRIBUTE_NAMES else sound.get(name)
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


def _cluster(space: Space, latent: Floats) -> tuple[int, float]:
    """The song's cluster and the simplified silhouette; -1 and 0 where it is noise.

    Where the run's tracks are in the cluster of the nearest mean (k-means), so is the song.
    Elsewhere (densities, mixtures) it is where the track nearest to it is, noise among them.
    """
    labels = np.unique(space.labels[space.labels >= 0])
    if not len(labels):
        return -1, 0.0
    means = np.stack([space.latent[space.labels == label].mean(axis=0) for label in labels])
    rows = np.linspace(0, len(space.labels) - 1, min(len(space.labels), SAMPLE)).astype(int)
    if (labels[_nearest(space.latent[rows], means)] == space.labels[rows]).mean() >= BY_MEANS:
        label = int(labels[_nearest(latent, means)[0]])
    else:
        label = int(space.labels[np.square(space.latent - latent[0]).sum(axis=1).argmin()])
    if label < 0:
        return -1, 0.0
    at = np.flatnonzero(labels == label)
    return label, float(confidence(latent, means.astype(np.float32), at)[0])


def _nearest(rows: Floats, means: Floats) -> NDArray[np.integer]:
    return np.linalg.norm(rows[:, None] - means, axis=2).argmin(axis=1)


def _own_cluster(folder: Path, found: Clustering) -> tuple[int, float]:
    """The model's cluster under the number that the run gave it, told by its centre."""
    with np.load(folder / "clustering.npz", allow_pickle=False) as arrays:
        centres = arrays["centres"]
    # A cluster that no track of the run is in has no number: the nearest that has one stands in.
    distances = np.linalg.norm(centres - found.centres[found.labels[0]], axis=1)
    return int(distances.argmin()), float(found.confidence[0])


def _vector(space: Space, folder: Path, values: Floats, table: FeatureTable) -> Floats:
    """The song in the recommendation space: its rank among the run's songs, column by column."""
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
    """The normal quantile of the value's mid-rank in the column; 0, the middle, if unknown."""
    known = column[~np.isnan(column)]
    if np.isnan(value) or not len(known):
        return 0.0
    below = int((known < value).sum())
    ties = int((known == value).sum())
    # Beyond either end it lies as far out as the outermost song.
    share = np.clip((below + ties / 2) / len(known), 0.5 / len(known), 1 - 0.5 / len(known))
    return float(normal_quantile(np.array([share]))[0])
