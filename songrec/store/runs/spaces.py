"""Spaces of runs: arrays as a ``Space``, memory-mapped, opened once per process.

All web processes map the same files, so the catalogue is in memory only once. A request reads one
row of the database (the published run); the arrays are opened again only if that row has changed.
"""

from __future__ import annotations

import json
import logging
import threading
import zipfile
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from flask import current_app
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.array_files import map_view
from songrec.core.errors import NotReady
from songrec.core.files import write_json
from songrec.core.types import Ints, NeighbourIndex, Space
from songrec.store.instance import Instance
from songrec.store.runs import vector_tables
from songrec.store.sound import segment_index
from songrec.store.tables import Publication, Run

log = logging.getLogger("songrec.store")

CONTENT_FLAGS_FILE = "content_flags.npy"
MAX_OPEN = 2
"""Number of open spaces: the published run and the previous one, for running requests and
rollbacks."""

_spaces: OrderedDict[tuple[Path, str | None], Space] = OrderedDict()
_lock = threading.Lock()


def published_run_id(session: Session) -> str:
    """Return the public id of the published run.

    Raises ``NotReady`` before a run is published.
    """
    run_id = session.scalar(select(Run.public_id).join(Publication, Publication.run_id == Run.id))
    if run_id is None:
        raise NotReady(
            "No training run is published, so nothing can be recommended yet. "
            "Run `flask train`, or `flask publish RUN` for a run that exists."
        )
    return run_id


def published_space(instance: Instance) -> Space:
    """Return the space of the published run, opened once per process and run.

    Raises ``NotReady`` before a run is published, or if its folder is missing.
    """
    folder = Path(instance.folder) / "runs" / published_run_id(instance.session)
    index_name = segment_index.current(Path(instance.folder))
    key = folder, index_name
    with _lock:
        space = _spaces.get(key)
        if space is None:
            space = load_space(folder)
            if index_name is not None:
                index_name, segments = segment_index.open_current(Path(instance.folder))
                space = replace(space, segments=segments)
            if current_app.config.get("VECTORS") == "pgvector":
                space = replace(space, neighbours=_vector_table(instance.session, folder.name))
            _spaces[folder, index_name] = space
            while len(_spaces) > MAX_OPEN:
                _spaces.popitem(last=False)
        else:
            _spaces.move_to_end(key)
    return space


def _vector_table(session: Session, run_id: str) -> NeighbourIndex | None:
    table = vector_tables.open_table(session, run_id)
    if table is None:
        log.warning(
            "The vectors of run %s are not in the database, so its files are searched; "
            "`flask publish %s` writes them, for processes that start from then on.",
            run_id,
            run_id,
        )
    return table


def load_space(folder: Path) -> Space:
    """Open the space in a run's folder.

    The large arrays are memory-mapped read-only; labels and coordinates are read. Raises
    ``NotReady`` when a file is missing or damaged.
    """
    folder = Path(folder)
    flags = folder / CONTENT_FLAGS_FILE
    try:
        manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
        labels = _archived(folder / "clustering.npz", "labels").astype(np.int32)
        coordinates = _archived(folder / "projection.npz", "coordinates").astype(np.float32)
        space = Space(
            run_id=folder.name,
            track_ids=map_view(folder / "track_ids.npy"),
            matrix=map_view(folder / "space.npy"),
            columns=tuple(manifest["space"]["columns"]),
            values=map_view(folder / "values.npy"),
            value_names=tuple(manifest["values"]["columns"]),
            latent=map_view(folder / "latent.npy"),
            labels=labels,
            coordinates=coordinates,
            song_keys=map_view(folder / "song_keys.npy"),
            content_flags=map_view(flags) if flags.is_file() else None,
            **_taste_arrays(folder),
        )
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise NotReady(
            f"The files of run {folder.name} cannot be read ({_describe(error)}). "
            "Publish another run with `flask publish`, or train again with `flask train`."
        ) from error
    _check(space, folder)
    return space


def track_factors_file(folder: Path) -> Path:
    """Return the path of track factors in a folder, under the present name or that of old runs."""
    older = folder / "tower.npy"
    return older if older.is_file() else folder / "track_factors.npy"


def _taste_arrays(folder: Path) -> dict[str, Any]:
    """Read a run's arrays for scoring tastes; empty for the oldest runs."""
    if not (folder / "taste.json").is_file():
        return {}
    factors = track_factors_file(folder)
    return {
        "artists": map_view(folder / "artists.npy"),
        "albums": map_view(folder / "albums.npy"),
        "taste_prior": json.loads((folder / "taste.json").read_text(encoding="utf-8")),
        "track_factors": map_view(factors) if factors.is_file() else None,
        **{
            name: map_view(folder / f"{name}.npy")
            for name in ("artist_ids", "artist_vectors")
            if (folder / f"{name}.npy").is_file()
        },
        **read_ranker(folder),
    }


def write_ranker(folder: Path, ranker: dict[str, Any], playlists: Sequence[Ints]) -> None:
    """Write an additive ranker and the rows of its playlists into a run's folder."""
    write_json(folder / "ranker.json", ranker, indent=2)
    np.savez(
        folder / "playlists.npz",
        ends=np.cumsum([len(rows) for rows in playlists]),
        rows=np.concatenate([*playlists, np.empty(0, dtype=np.int64)]).astype(np.int64),
    )


def read_ranker(folder: Path) -> dict[str, Any]:
    """Read a ranker written by ``write_ranker`` as fields of ``Space``; empty without a ranker."""
    if not (folder / "ranker.json").is_file():
        return {}
    ends, rows = (_archived(folder / "playlists.npz", name) for name in ("ends", "rows"))
    return {
        "ranker": json.loads((folder / "ranker.json").read_text(encoding="utf-8")),
        "playlists": tuple(np.split(rows, ends[:-1])) if len(ends) else (),
    }


def _describe(error: Exception) -> str:
    """Describe an error for listeners, without paths of this machine."""
    if isinstance(error, OSError) and error.filename:
        return f"{Path(error.filename).name}: {error.strerror}"
    return str(error)


def _archived(path: Path, name: str) -> np.ndarray:
    # Open the file here, so that it is closed even if it is not an archive.
    with path.open("rb") as file, np.load(file, allow_pickle=False) as archive:
        return archive[name]


def _check(space: Space, folder: Path) -> None:
    n = len(space.track_ids)
    expected = {
        "space.npy": (space.matrix, (n, len(space.columns))),
        "values.npy": (space.values, (n, len(space.value_names))),
        "song_keys.npy": (space.song_keys, (n,)),
        "clustering.npz": (space.labels, (n,)),
        "projection.npz": (space.coordinates, (n, 2)),
    }
    if space.artists is not None and space.albums is not None:
        expected["artists.npy"] = (space.artists, (n,))
        expected["albums.npy"] = (space.albums, (n,))
    if space.content_flags is not None:
        expected[CONTENT_FLAGS_FILE] = (space.content_flags, (n,))
    if space.track_factors is not None:
        expected["track_factors.npy"] = (space.track_factors, (n, *space.track_factors.shape[1:]))
    if space.artist_ids is not None and space.artist_vectors is not None:
        shape = (len(space.artist_ids), *space.artist_vectors.shape[1:])
        expected["artist_vectors.npy"] = (space.artist_vectors, shape)
    for name, (array, shape) in expected.items():
        if array.shape != shape:
            raise NotReady(
                f"{name} of run {folder.name} holds {array.shape}, expected {shape}: the run is "
                "damaged. "
                "Publish another one with `flask publish`."
            )
