"""Feature matrices of audio feature sets, for comparing songs without a trained model.

``<instance>/sounds/<set>/<version>-<digest>-<fingerprint>/`` holds ``track_ids.npy``,
``song_keys.npy``, ``matrix.npy`` (standardised, float32), ``lengths.npy`` and ``manifest.json``;
``<instance>/sounds/<set>/current`` names the folder in use. The digest is that of the set's
settings, the fingerprint that of the vectors. Written whole by whoever analyses; the web process
only maps it.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import threading
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.array_files import map_view, write_header
from songrec.core.errors import BadInput, NotReady
from songrec.core.files import atomic_folder, current_version, is_partial, use_version
from songrec.core.standardization import ColumnMoments
from songrec.core.types import Floats, SoundSpace
from songrec.store.sound import feature_cache
from songrec.store.sound.feature_cache import SetKey

BLOCK = 2048
"""Number of rows in memory at once."""
COVERAGE = 0.5
"""Share of the tracks that must have a value of a column."""
_MASK = (1 << 64) - 1

_open: dict[Path, SoundSpace] = {}
_lock = threading.Lock()


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """Track id, song key (signed 64 bits as in its row) and content hash of a row."""

    track_id: int
    song_key: int
    content_hash: str


def folder(instance: Path) -> Path:
    """Return the folder of all matrices."""
    return Path(instance) / "sounds"


def current(instance: Path, name: str) -> str | None:
    """Return the folder in use of the feature set ``name``, or None."""
    return current_version(folder(instance) / name)


def names(instance: Path) -> tuple[str, ...]:
    """Return the feature sets that tracks can be compared by, in alphabetical order."""
    return tuple(sorted(path.parent.name for path in folder(instance).glob("*/current")))


def manifest(instance: Path, name: str) -> dict[str, Any]:
    """Return the manifest of the matrix in use; ``NotReady`` if there is no matrix."""
    used = current(instance, name)
    if used is None:
        raise _none(name)
    try:
        text = (folder(instance) / name / used / "manifest.json").read_text(encoding="utf-8")
        return dict(json.loads(text))
    except (OSError, ValueError):
        raise _damaged(name) from None


def load(instance: Path, name: str) -> SoundSpace:
    """Memory-map the matrix in use, once per process.

    Raises ``NotReady`` where none was written or its files cannot be read.
    """
    for last in (False, True):
        used = current(instance, name)
        if used is None:
            raise _none(name)
        base = folder(instance) / name / used
        with _lock:
            space = _open.get(base)
        if space is not None:
            return space
        try:
            space = _loaded(base, name)
        except (OSError, ValueError, KeyError, EOFError):
            if last:
                raise _damaged(name) from None
            continue  # another process has just put a newer one in its place
        with _lock:
            for other in [path for path in _open if path.parent == base.parent]:
                del _open[other]
            _open[base] = space
        return space
    raise _damaged(name)


def refresh(
    instance: Path,
    key: SetKey,
    tracks: Iterable[MatrixRow],
    *,
    leave_out: Collection[str] = (),
    on_share: Callable[[float], None] = lambda share: None,
) -> bool:
    """Write the matrix of ``key`` over ``tracks`` (ascending) and put it in use.

    Vectors are read once and are never all in memory. Without tracks, the set has no matrix.

    Parameters
    ----------
    leave_out
        Names of columns to leave out. Constant and mostly unknown columns are left out, too, as are
        tracks whose vector is missing or damaged.

    Returns
    -------
    Whether the matrix in use changed; it does not if its vectors are the same.
    """
    base = folder(instance) / key.name
    cached = [(track, stamp) for track in tracks if (stamp := _stamp(instance, key, track))]
    if not cached:
        existed = current(instance, key.name) is not None
        (base / "current").unlink(missing_ok=True)
        return existed
    fingerprint = hashlib.sha256(f"{sorted(leave_out)}".encode())
    for track, stamp in cached:
        fingerprint.update(
            f"{track.track_id} {track.song_key} {track.content_hash} {stamp}\n".encode()
        )
    name = f"{key.version}-{key.digest}-{fingerprint.hexdigest()[:16]}"
    if current(instance, key.name) == name and (base / name / "manifest.json").is_file():
        return False
    with atomic_folder(base / name, replace=True) as draft:
        _write(draft, instance, key, [track for track, _ in cached], leave_out, on_share)
    use_version(base, name)
    for other in base.iterdir():
        if other.is_dir() and other.name != name and not is_partial(other):
            shutil.rmtree(other, ignore_errors=True)  # whoever has it mapped keeps it
    return True


def _stamp(instance: Path, key: SetKey, track: MatrixRow) -> str | None:
    """Return size and time of the cached vector's file; None if it is not cached."""
    path = feature_cache.folder(instance) / feature_cache.relative_path(key, track.content_hash)
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return f"{status.st_size} {status.st_mtime_ns}"


def _write(
    draft: Path,
    instance: Path,
    key: SetKey,
    tracks: list[MatrixRow],
    leave_out: Collection[str],
    on_share: Callable[[float], None],
) -> None:
    columns = feature_cache.columns(instance, key)
    moments, taken, left_out = ColumnMoments(len(columns)), [], 0
    raw = draft / "raw.f32"
    with raw.open("wb") as file:
        block: list[Floats] = []
        for at, track in enumerate(tracks):
            vector = _vector(instance, key, track, len(columns))
            if vector is None:
                left_out += 1
            else:
                block.append(vector)
                taken.append(track)
            if block and (len(block) == BLOCK or at == len(tracks) - 1):
                rows = np.stack(block)
                moments.add(rows)
                file.write(rows.tobytes())
                block = []
                on_share(0.8 * at / len(tracks))
    informative = informative_columns(moments) & ~np.isin(columns, list(leave_out))
    lengths = []
    with (draft / "matrix.npy").open("wb") as file:
        write_header(file, "<f4", (len(taken), int(informative.sum())))
        for rows in _blocks(raw, len(columns)):
            part = moments.standardize(rows)[:, informative].astype(np.float32)
            file.write(part.tobytes())
            wide = part.astype(np.float64)
            lengths.append(np.sqrt(np.einsum("ij,ij->i", wide, wide)))
    raw.unlink()
    together = np.concatenate(lengths) if lengths else np.empty(0)
    np.save(draft / "lengths.npy", together.astype(np.float32))
    np.save(draft / "track_ids.npy", np.array([t.track_id for t in taken], dtype=np.int64))
    keys = np.array([t.song_key & _MASK for t in taken], dtype=np.uint64)
    np.save(draft / "song_keys.npy", keys)
    document = {
        "feature_set": key.name,
        "version": key.version,
        "digest": key.digest,
        "parameters": feature_cache.parameters(instance, key),
        "tracks": len(taken),
        "damaged": left_out,
        "columns": [c for c, is_kept in zip(columns, informative, strict=True) if is_kept],
    }
    (draft / "manifest.json").write_text(
        json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n",
        encoding="utf-8",
    )
    on_share(1.0)


def informative_columns(moments: ColumnMoments) -> NDArray[np.bool_]:
    """Return which columns vary and have values for enough tracks, bool ``(d,)``."""
    return moments.varies(atol=1e-9) & (moments.count >= COVERAGE * max(moments.rows, 1))


def _vector(instance: Path, key: SetKey, track: MatrixRow, width: int) -> Floats | None:
    """Read the track's vector; None if it was removed meanwhile or is damaged."""
    try:
        values = feature_cache.read(instance, key, track.content_hash)
    except (NotReady, BadInput):
        return None
    return np.asarray(values, dtype=np.float32) if values.shape == (width,) else None


def _blocks(raw: Path, width: int) -> Iterator[Floats]:
    with raw.open("rb") as file:
        while data := file.read(BLOCK * width * 4):
            yield np.frombuffer(data, dtype=np.float32).reshape(-1, width)


def _loaded(base: Path, name: str) -> SoundSpace:
    document = json.loads((base / "manifest.json").read_text(encoding="utf-8"))
    space = SoundSpace(
        name=name,
        track_ids=np.load(base / "track_ids.npy", allow_pickle=False),
        matrix=map_view(base / "matrix.npy"),
        columns=tuple(document["columns"]),
        lengths=np.load(base / "lengths.npy", allow_pickle=False),
        song_keys=np.load(base / "song_keys.npy", allow_pickle=False),
    )
    n = len(space.track_ids)
    if space.matrix.shape != (n, len(space.columns)) or len(space.lengths) != n:
        raise ValueError("the arrays do not fit each other")
    return space


def _none(name: str) -> NotReady:
    return NotReady(
        f"No songs can be compared by {name} yet. Run flask analyze DIR --features {name}, or "
        "flask sound-spaces if they are analysed."
    )


def _damaged(name: str) -> NotReady:
    return NotReady(
        f"The matrix of {name} is damaged: remove its folder in sounds/ of the instance and run "
        "flask sound-spaces."
    )
