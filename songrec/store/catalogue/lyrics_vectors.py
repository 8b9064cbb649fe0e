"""Vectors of all lyrics in one memory-mapped file, ``<instance>/words/vectors.npy``.

Each row is a track's id and a vector of length 1 in half precision; ascending by id. A page
compares one song's lyrics with all others by a product of matrices.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.array_files import map_array, write_header
from songrec.core.errors import NotReady
from songrec.core.files import atomic_file
from songrec.core.types import Floats, Ints

ROWS_PER_PART = 65_536


def path_of(instance: Path) -> Path:
    """Return the folder of the vectors."""
    return instance / "words" / "vectors.npy"


def write(instance: Path, parts: Iterable[tuple[Ints, Floats]], rows: int, size: int) -> None:
    """Replace all vectors atomically, part by part in ascending order of track ids."""
    with atomic_file(path_of(instance)) as temporary, temporary.open("wb") as file:
        write_header(file, _row_of(size), (rows,))
        for ids, vectors in parts:
            part = np.empty(len(ids), dtype=_row_of(size))
            part["track"], part["vector"] = ids, vectors
            file.write(part.tobytes())


def forget(instance: Path) -> None:
    """Delete the vectors."""
    path_of(instance).unlink(missing_ok=True)


def nearest(instance: Path, track_id: int, n: int) -> list[tuple[int, float]]:
    """Return the tracks with the most similar lyrics and their cosines, best first.

    ``NotReady`` if the track's lyrics have no vector.
    """
    table = _read(instance)
    at = int(np.searchsorted(table["track"], track_id)) if len(table) else 0
    if at >= len(table) or table["track"][at] != track_id:
        raise NotReady("This song has no lyrics, or they are not prepared yet: flask words")
    query = table["vector"][at].astype(np.float32)
    similarities = np.empty(len(table), dtype=np.float32)
    for first in range(0, len(table), ROWS_PER_PART):
        part = slice(first, first + ROWS_PER_PART)
        similarities[part] = table["vector"][part].astype(np.float32) @ query
    similarities[at] = -np.inf
    n = min(n, len(table) - 1)
    best = np.argpartition(-similarities, n - 1)[:n] if n > 0 else np.empty(0, dtype=np.int64)
    best = best[np.lexsort((best, -similarities[best]))]
    return [(int(table["track"][row]), float(similarities[row])) for row in best]


def _read(instance: Path) -> NDArray[Any]:
    try:
        return map_array(path_of(instance))
    except FileNotFoundError:
        raise NotReady("No lyrics are prepared: flask words") from None
    except (ValueError, EOFError):
        raise NotReady(f"{path_of(instance)} is damaged: delete it, then flask words") from None


def _row_of(size: int) -> np.dtype[Any]:
    return np.dtype([("track", "<i8"), ("vector", "<f2", (size,))])
