"""The folder of a run: written atomically, read without pickle.

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

from songrec.core.array_files import map_array
from songrec.core.errors import NotReady
from songrec.core.files import PARTIAL

# A younger folder may belong to a training that is still writing.
UNFINISHED_SECONDS = 24 * 3600


def runs_folder(instance: Path) -> Path:
    """Return the folder of all runs."""
    return instance / "runs"


def run_folder(instance: Path, public_id: str) -> Path:
    """Return the folder of a run, whether or not it exists."""
    return runs_folder(instance) / public_id


def read_json(instance: Path, public_id: str, name: str) -> Any:
    """Read a JSON file of the run; ``NotReady`` if it is missing or damaged."""
    with _readable(instance, public_id):
        return json.loads((run_folder(instance, public_id) / name).read_text())


def read_array(instance: Path, public_id: str, name: str, *, mapped: bool = True) -> NDArray[Any]:
    """Read a ``.npy`` file of the run, memory-mapped by default."""
    with _readable(instance, public_id):
        path = run_folder(instance, public_id) / name
        return map_array(path) if mapped else np.load(path, allow_pickle=False)


def read_labels(instance: Path, public_id: str) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Read the run's track ids (ascending) and labels; ``NotReady`` as for ``read_json``."""
    track_ids = read_array(instance, public_id, "track_ids.npy", mapped=False)
    with (
        _readable(instance, public_id),
        # Open the file here, so that it is closed even if it is not an archive.
        (run_folder(instance, public_id) / "clustering.npz").open("rb") as file,
        np.load(file, allow_pickle=False) as arrays,
    ):
        return track_ids, arrays["labels"]


def read_map(instance: Path, public_id: str, name: str) -> NDArray[np.float32]:
    """Read the coordinates ``(n, 2)`` of a further map of the run, by its projection's name.

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
    """Delete the folders of killed trainings; return their names.

    Only ``.partial`` folders without writes for ``older_than`` seconds are deleted. A complete run
    is never deleted, even without a row, because another database may share the instance folder.
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
