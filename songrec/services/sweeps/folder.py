"""The files of a sweep, ``<instance>/grids/<id>/``, from which a killed sweep continues.

``grid.json`` holds the specification, ``cells/KEY.json`` the result of one cell,
``labels/KEY.npy`` its clusters and ``agreement.json`` the agreement of the seeds. Files are written
atomically; a cell is done when its JSON exists. ``lock`` is held while the sweep is trained. Pages
import this module, so it imports no heavy library.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core import file_systems
from songrec.core.errors import NotReady, SongrecError, UnknownName
from songrec.core.files import atomic_file, read_json, write_json
from songrec.core.version import VERSION
from songrec.services.sweeps.specification import Cell, SweepSpec
from songrec.store.db import now

_ROOT = Path(__file__).resolve().parents[2]
# The code and the libraries that the results of a sweep depend on.
_ROOMS = (
    "core",
    "features",
    "representation",
    "clustering",
    "projection",
    "evaluation",
    "services/features",
    "services/training",
    "services/sweeps",
)
_LIBRARIES = (
    "numpy",
    "scipy",
    "scikit-learn",
    "numba",
    "tensorflow",
    "keras",
    "openTSNE",
    "umap-learn",
)
_ID = re.compile(r"[0-9a-f]{12}")


class SweepFolder:
    """A sweep on disk.

    ``made_by`` holds the versions of code and libraries that it was started with
    (``current_versions``), empty for a sweep from before they were recorded.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.id = path.name
        about = read_json(path / "grid.json")
        if about is None:
            raise NotReady(
                f"The files of grid {path.name} are damaged: flask compare --forget {path.name}."
            )
        self.spec = SweepSpec.from_mapping(about["grid"], f"Grid {path.name}")
        self.created_at = datetime.fromisoformat(about["created_at"])
        self.tracks: int | None = about.get("tracks")
        self.made_by: dict[str, str] = about.get("made_by") or {}

    @classmethod
    def begin(cls, instance: Path, sweep_id: str, spec: SweepSpec, tracks: int) -> SweepFolder:
        """Open the folder of a sweep, creating it on first use."""
        path = sweeps_folder(instance) / sweep_id
        for part in ("cells", "labels"):
            (path / part).mkdir(parents=True, exist_ok=True)
        if read_json(path / "grid.json") is None:
            about = {
                "grid": spec.to_json(),
                "created_at": now().isoformat(),
                "tracks": tracks,
                "made_by": current_versions(),
            }
            write_json(path / "grid.json", about)
        return cls(path)

    @property
    def is_current(self) -> bool:
        """Whether it was started with the present code and libraries, so that it can continue."""
        return self.made_by == current_versions()

    @property
    def size(self) -> int:
        """Size of its files in bytes."""
        return sum(path.stat().st_size for path in self.path.rglob("*") if path.is_file())

    def rows(self) -> list[dict[str, Any]]:
        """Return the existing results, in the order of the cells."""
        rows = ((cell.key, read_json(self._cell(cell))) for cell in self.spec.cells())
        return [{**row, "key": key} for key, row in rows if row is not None]

    def missing(self, *, retry: bool = False) -> list[Cell]:
        """Return the cells without a result; with ``retry`` also those that failed."""
        missing = []
        for cell in self.spec.cells():
            row = read_json(self._cell(cell))
            if row is None or (retry and row["state"] == "failed"):
                missing.append(cell)
        return missing

    def write_row(self, cell: Cell, row: dict[str, Any], labels: NDArray[Any] | None) -> None:
        """Write a cell's labels and then its row, so that a row always has its labels."""
        if labels is not None:
            path = self.path / "labels" / f"{cell.key}.npy"
            with atomic_file(path) as temporary, temporary.open("wb") as file:
                np.save(file, labels, allow_pickle=False)
        write_json(self._cell(cell), row)

    def labels(self, cell: Cell) -> NDArray[np.int32] | None:
        """Return the labels of a cell, int32 ``(n,)``; None where they are missing."""
        try:
            return np.load(self.path / "labels" / f"{self._key(cell)}.npy", allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None

    def agreement(self) -> dict[str, float]:
        """Return the agreement between the seeds of each configuration by its first cell's key."""
        agreement = read_json(self.path / "agreement.json") or {}
        current = {former: key for key, former in self._former_keys.items()}
        return {current.get(key, key): value for key, value in agreement.items()}

    def _cell(self, cell: Cell) -> Path:
        return self.path / "cells" / f"{self._key(cell)}.json"

    def _key(self, cell: Cell) -> str:
        return self._former_keys.get(cell.key, cell.key)

    @functools.cached_property
    def _former_keys(self) -> dict[str, str]:
        """Keys of a sweep from before parameters were renamed, by the present keys."""
        if self.is_current:
            return {}
        keys = {}
        for path in (self.path / "cells").glob("*.json"):
            row = read_json(path)
            key = Cell.from_json(row["cell"]).key if row is not None else path.stem
            if key != path.stem:
                keys[key] = path.stem
        return keys


@contextmanager
def training(path: Path) -> Iterator[None]:
    """Lock a sweep's folder against other trainings and deletion; ``NotReady`` if locked."""
    with (path / "lock").open("w") as handle:
        if not file_systems.lock(handle.fileno(), path):
            raise NotReady(f"Grid {path.name} is being trained: stop that first.")
        yield


def forget(instance: Path, sweep_id: str) -> None:
    """Delete a sweep's files, readable or not; runs that were kept of its cells stay.

    Raises ``UnknownName`` for an unknown id and ``NotReady`` for a sweep that is being trained.
    """
    path = _existing(instance, sweep_id)
    for old in sweeps_folder(instance).glob(".*.gone"):  # of an interrupted deletion
        shutil.rmtree(old, ignore_errors=True)
    gone = path.with_name(f".{path.name}.gone")
    with training(path):
        path.rename(gone)
    shutil.rmtree(gone)


def sweeps_folder(instance: Path) -> Path:
    """Return the folder of all sweeps."""
    return Path(instance) / "grids"


def all_sweeps(instance: Path) -> list[SweepFolder]:
    """Return every readable sweep, newest first."""
    sweeps = [sweep for _, sweep in _opened(instance) if sweep is not None]
    return sorted(sweeps, key=lambda sweep: sweep.created_at, reverse=True)


def unreadable(instance: Path) -> list[str]:
    """Return ids of sweeps that are damaged or use algorithms that no longer exist."""
    return sorted(name for name, sweep in _opened(instance) if sweep is None)


def find(instance: Path, sweep_id: str) -> SweepFolder:
    """Return the sweep with that id; ``UnknownName`` otherwise."""
    return SweepFolder(_existing(instance, sweep_id))


def _existing(instance: Path, sweep_id: str) -> Path:
    path = sweeps_folder(instance) / sweep_id
    if not _ID.fullmatch(sweep_id) or not path.is_dir():
        raise UnknownName("grid", sweep_id, (sweep.id for sweep in all_sweeps(instance)))
    return path


def _opened(instance: Path) -> Iterator[tuple[str, SweepFolder | None]]:
    for path in sweeps_folder(instance).glob("*/"):
        if _ID.fullmatch(path.name):
            try:
                yield path.name, SweepFolder(path)
            except SongrecError:
                yield path.name, None


@functools.cache
def current_versions() -> dict[str, str]:
    """Return the release, a digest of the training and evaluation code, and library versions.

    Sweeps of different versions may differ in the results of the same cell, so the versions are
    part of a sweep's id. The files are read once per process, as the process imports them once.
    """
    versions = {"songrec": VERSION, "code": _digest_of_code(_ROOT)}
    for name in _LIBRARIES:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:  # an optional one
            continue
    return versions


def _digest_of_code(root: Path) -> str:
    """Return a digest of the code under ``root`` without comments and blank lines."""
    digest = hashlib.sha256()
    files = [path for room in _ROOMS for path in sorted((root / room).rglob("*.py"))]
    for path in files:
        text = path.read_text(encoding="utf-8")
        lines = [line for line in text.splitlines() if not re.match(r"\s*(#|$)", line)]
        digest.update("\n".join([path.relative_to(root).as_posix(), *lines, ""]).encode())
    return digest.hexdigest()[:12]
