"""A run's folder: written whole or not at all, and read back without pickle.

``<instance>/runs/<public_id>/`` holds the files that docs/architecture.md lists.
"""

from __future__ import annotations

import contextlib
import json
import shutil
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.errors import NotReady
from songrec.core.files import PARTIAL

# A younger one may belong to a training that is still writing.
UNFINISHED_SECONDS = 24 * 3600


def runs_folder(instance: Path) -> Path:
    """Where all runs lie."""
    return instance / "runs"


def run_folder(instance: Path, public_id: str) -> Path:
    """Where one run lies, whether or not it is there."""
    return runs_folder(instance) / public_id


def read_json(instance: Path, public_id: str, name: str) -> Any:
    """One of the run's JSON files; ``NotReady`` where it is gone or damaged."""
    with _readable(instance, public_id):
        return json.loads((run_folder(instance, public_id) / name).read_text())


def read_array(instance: Path, public_id: str, name: str, *, mapped: bool = True) -> NDArray[Any]:
    """One of the run's ``.npy`` files, memory-mapped unless told otherwise."""
    with _readable(instance, public_id):
        path = run_folder(instance, public_id) / name
        return np.load(path, mmap_mode="r" if mapped else None, allow_pickle=False)


def read_labels(instance: Path, public_id: str) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """The run's track ids (ascending) and their labels; ``NotReady`` as for ``read_json``."""
    track_ids = read_array(instance, public_id, "track_ids.npy", mapped=False)
    with (
        _readable(instance, public_id),
        # Opened here, so that it is closed again even where it is no archive.
        (run_folder(instance, public_id) / "clustering.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as arrays,
    ):
        return track_ids, arrays["labels"]


def read_map(instance: Path, public_id: str, name: str) -> NDArray[np.float32]:
    """Coordinates ``(n, 2)`` on a further map of the run, by its projection's name.

    ``name`` must be one of those that the manifest lists; ``NotReady`` as for ``read_json``.
    """
    with (
        _readable(instance, public_id),
        (run_folder(instance, public_id) / f"map-{name}.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as arrays,
    ):
        return arrays["coordinates"].astype(np.float32)


@contextlib.contextmanager
def _readable(instance: Path, public_id: str) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise NotReady(
            f"The files of run {public_id} are missing ({error.filename}): train again, or "
            "publish another run."
        ) from None
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        folder = run_folder(instance, public_id)
        raise NotReady(
            f"The files of run {public_id} are damaged ({folder}: {error}): train again, or "
            "publish another run."
        ) from None


def sweep(instance: Path, *, older_than: float = UNFINISHED_SECONDS) -> list[str]:
    """Remove what trainings that were killed while writing left; returns the names removed.

    Only ``.partial`` folders not written to for ``older_than`` seconds. A whole run is never
    removed, even one without a row: another database may share the instance folder.
    """
    removed = []
    for path in sorted(runs_folder(instance).glob(f"*{PARTIAL}")):
        newest = max(
            (item.stat().st_mtime for item in path.iterdir()), default=path.stat().st_mtime
        )
        if time.time() - newest >= older_than:
            shutil.rmtree(path)
            removed.append(path.name)
    return removed
