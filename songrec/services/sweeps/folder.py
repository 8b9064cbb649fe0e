"""A grid's files: ``<instance>/grids/<id>/``, written so that a killed grid can go on.

``grid.json`` says what it is made of, ``cells/KEY.json`` is one cell's result and
``labels/KEY.npy`` the clusters it found, ``agreement.json`` how far the seeds agree. Each is put
in place whole; a cell is done when its JSON is there. ``lock`` is held while it is trained. Light:
pages read it.
"""

from __future__ import annotations

import fcntl
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.errors import NotReady, SongrecError, UnknownName
from songrec.core.files import atomic_file, read_json, write_json
from songrec.services.sweeps import code_version
from songrec.services.sweeps.specification import Cell, SweepSpec
from songrec.store.db import now

_ID = re.compile(r"[0-9a-f]{12}")


class SweepFolder:
    """One grid on disk.

    ``spec`` is what it is made of, ``created_at`` when it was begun, ``made_by`` the code and the
    libraries it was begun with (``grid_version``; empty where that was not noted yet).
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.id = path.name
        about = read_json(path / "grid.json")
        if about is None:
            raise NotReady(
                f"The files of grid {path.name} are damaged: flask compare --forget {path.name}."
            )
        self.spec = SweepSpec.of(about["grid"], f"Grid {path.name}")
        self.created_at = datetime.fromisoformat(about["created_at"])
        self.tracks: int | None = about.get("tracks")
        self.made_by: dict[str, str] = about.get("made_by") or {}

    @classmethod
    def begin(cls, instance: Path, grid_id: str, spec: SweepSpec, tracks: int) -> SweepFolder:
        """The folder of a grid, made if it is not there."""
        path = sweeps_folder(instance) / grid_id
        for part in ("cells", "labels"):
            (path / part).mkdir(parents=True, exist_ok=True)
        if read_json(path / "grid.json") is None:
            about = {
                "grid": spec.to_json(),
                "created_at": now().isoformat(),
                "tracks": tracks,
                "made_by": code_version.made_by(),
            }
            write_json(path / "grid.json", about)
        return cls(path)

    @property
    def is_current(self) -> bool:
        """Whether it was begun with this code and these libraries, so that it can go on."""
        return self.made_by == code_version.made_by()

    @property
    def size(self) -> int:
        """What its files take, in bytes."""
        return sum(path.stat().st_size for path in self.path.rglob("*") if path.is_file())

    def rows(self) -> list[dict[str, Any]]:
        """The results that are there, in the order of the grid's cells."""
        found = (read_json(self._cell(cell)) for cell in self.spec.cells())
        return [row for row in found if row is not None]

    def missing(self, *, retry: bool = False) -> list[Cell]:
        """The cells without a result; with ``retry`` also those that failed."""
        wanted = []
        for cell in self.spec.cells():
            row = read_json(self._cell(cell))
            if row is None or (retry and row["state"] == "failed"):
                wanted.append(cell)
        return wanted

    def write_row(self, cell: Cell, row: dict[str, Any], labels: NDArray[Any] | None) -> None:
        """Keep a cell's result: its labels first, so that a row never speaks of what is lost."""
        if labels is not None:
            path = self.path / "labels" / f"{cell.key}.npy"
            with atomic_file(path) as temporary, temporary.open("wb") as file:
                np.save(file, labels, allow_pickle=False)
        write_json(self._cell(cell), row)

    def labels(self, cell: Cell) -> NDArray[np.int32] | None:
        """The clusters a cell found, int32 ``(n,)``; None where it has none."""
        try:
            return np.load(self.path / "labels" / f"{cell.key}.npy", allow_pickle=False)
        except (OSError, ValueError, EOFError):
            return None

    def agreement(self) -> dict[str, float]:
        """How far the seeds of each configuration agree, by the key of its first cell."""
        return read_json(self.path / "agreement.json") or {}

    def _cell(self, cell: Cell) -> Path:
        return self.path / "cells" / f"{cell.key}.json"


@contextmanager
def training(path: Path) -> Iterator[None]:
    """Hold a grid's folder, so that nobody else trains or forgets it; ``NotReady`` if one does."""
    with (path / "lock").open("w") as handle:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise NotReady(f"Grid {path.name} is being trained: stop that first.") from None
        yield


def forget(instance: Path, grid_id: str) -> None:
    """Remove a grid's files, damaged ones too; runs that were made of its cells stay.

    ``UnknownName`` for a grid that is not there, ``NotReady`` for one that is being trained.
    """
    path = _known(instance, grid_id)
    for old in sweeps_folder(instance).glob(".*.gone"):  # of a removal that was cut short
        shutil.rmtree(old, ignore_errors=True)
    gone = path.with_name(f".{path.name}.gone")
    with training(path):
        path.rename(gone)
    shutil.rmtree(gone)


def sweeps_folder(instance: Path) -> Path:
    """Where all grids lie."""
    return Path(instance) / "grids"


def all_sweeps(instance: Path) -> list[SweepFolder]:
    """Every grid that can be read, newest first."""
    found = [grid for _, grid in _opened(instance) if grid is not None]
    return sorted(found, key=lambda grid: grid.created_at, reverse=True)


def unreadable(instance: Path) -> list[str]:
    """The ids of the others: damaged, or of algorithms and parameters that are no more."""
    return sorted(name for name, grid in _opened(instance) if grid is None)


def find(instance: Path, grid_id: str) -> SweepFolder:
    """The grid with that id; ``UnknownName`` otherwise."""
    return SweepFolder(_known(instance, grid_id))


def _known(instance: Path, grid_id: str) -> Path:
    path = sweeps_folder(instance) / grid_id
    if not _ID.fullmatch(grid_id) or not path.is_dir():
        raise UnknownName("grid", grid_id, (grid.id for grid in all_sweeps(instance)))
    return path


def _opened(instance: Path) -> Iterator[tuple[str, SweepFolder | None]]:
    for path in sweeps_folder(instance).glob("*/"):
        if _ID.fullmatch(path.name):
            try:
                yield path.name, SweepFolder(path)
            except SongrecError:
                yield path.name, None
