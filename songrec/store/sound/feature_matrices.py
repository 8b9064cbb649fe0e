"""Feature matrices of audio feature sets, for comparing songs without a trained model.

``<instance>/sounds/<set>/<version>-<digest>-<fingerprint>/`` (``sound_folders``) holds
``track_ids.npy``, ``song_keys.npy``, ``matrix.npy`` (float32, standardised or embedded),
``lengths.npy`` and ``manifest.json``. The digest is that of the set's settings, the fingerprint
that of the vectors.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from songrec.core.array_files import map_view, write_header
from songrec.core.errors import BadInput, NotReady
from songrec.core.standardization import ColumnMoments
from songrec.core.types import Floats, SoundSpace
from songrec.store.sound import feature_cache, sound_folders
from songrec.store.sound.feature_cache import SetKey

BLOCK = 2048
"""Number of rows in memory at once."""
COVERAGE = 0.5
"""Share of the tracks that must have a value of a column."""
_MASK = (1 << 64) - 1
Convert = Callable[[Floats], Floats]
Embed = Callable[[ColumnMoments], Convert]


@dataclass(frozen=True, slots=True)
class MatrixRow:
    """Track id, song key (signed 64 bits as in its row) and content hash of a row."""

    track_id: int
    song_key: int
    content_hash: str


def load(instance: Path, name: str) -> SoundSpace:
    """Memory-map the matrix in use, once per process.

    Raises ``NotReady`` if none was written or its files cannot be read.
    """
    return sound_folders.load(instance, name, lambda base: _loaded(base, name))


def refresh(
    instance: Path,
    key: SetKey,
    tracks: Iterable[MatrixRow],
    *,
    leave_out: Collection[str] = (),
    embed: Embed | None = None,
    on_share: Callable[[float], None] = lambda share: None,
) -> bool:
    """Write the matrix of ``key`` over ``tracks`` (ascending) and make it current.

    Vectors are read once and are never all in memory. Without tracks, the set has no matrix.

    Parameters
    ----------
    leave_out
        Names of columns to leave out, in addition to constant and mostly unknown ones. Tracks with
        missing or damaged vectors are also left out.
    embed
        Function from the moments of all columns to a function that maps rows to rows of the matrix;
        by default columns are standardised. Columns of embedded rows are numbered.

    Returns
    -------
    Whether the current matrix changed; it does not if its vectors are the same.
    """
    cached = [(track, stamp) for track in tracks if (stamp := _stamp(instance, key, track))]
    if not cached:
        return sound_folders.retire(instance, key.name)
    fingerprint = hashlib.sha256(f"{sorted(leave_out)}".encode())
    for track, stamp in cached:
        fingerprint.update(
            f"{track.track_id} {track.song_key} {track.content_hash} {stamp}\n".encode()
        )
    name = f"{key.version}-{key.digest}-{fingerprint.hexdigest()[:16]}"
    if sound_folders.is_current(instance, key.name, name):
        return False
    with sound_folders.new_version(instance, key.name, name) as draft:
        written = [track for track, _ in cached]
        _write(draft, instance, key, written, leave_out, embed, on_share)
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
    embed: Embed | None,
    on_share: Callable[[float], None],
) -> None:
    columns = feature_cache.columns(instance, key)
    raw = draft / "raw.f32"
    moments, written = _write_raw(raw, instance, key, tracks, lambda share: on_share(0.8 * share))
    if embed is None:
        informative = informative_columns(moments) & ~np.isin(columns, list(leave_out))
        column_names = [
            name
            for name, is_informative in zip(columns, informative, strict=True)
            if is_informative
        ]

        def convert(rows: Floats) -> Floats:
            return moments.standardize(rows)[:, informative].astype(np.float32)
    else:
        convert = embed(moments)
        width = convert(np.empty((0, len(columns)), dtype=np.float32)).shape[1]
        column_names = [str(at) for at in range(width)]
    lengths = []
    with (draft / "matrix.npy").open("wb") as file:
        write_header(file, "<f4", (len(written), len(column_names)))
        for rows in _blocks(raw, len(columns)):
            part = convert(rows)
            file.write(part.tobytes())
            wide = part.astype(np.float64)
            lengths.append(np.sqrt(np.einsum("ij,ij->i", wide, wide)))
    raw.unlink()
    together = np.concatenate(lengths) if lengths else np.empty(0)
    np.save(draft / "lengths.npy", together.astype(np.float32))
    np.save(draft / "track_ids.npy", np.array([t.track_id for t in written], dtype=np.int64))
    keys = np.array([t.song_key & _MASK for t in written], dtype=np.uint64)
    np.save(draft / "song_keys.npy", keys)
    document = {
        "feature_set": key.name,
        "version": key.version,
        "digest": key.digest,
        "parameters": feature_cache.parameters(instance, key),
        "tracks": len(written),
        "damaged": len(tracks) - len(written),
        "columns": column_names,
    }
    sound_folders.write_manifest(draft, document)
    on_share(1.0)


def _write_raw(
    path: Path,
    instance: Path,
    key: SetKey,
    tracks: list[MatrixRow],
    on_share: Callable[[float], None],
) -> tuple[ColumnMoments, list[MatrixRow]]:
    """Write the readable vectors to ``path`` as float32; return their moments and their tracks."""
    width = len(feature_cache.columns(instance, key))
    moments, written = ColumnMoments(width), []
    with path.open("wb") as file:
        block: list[Floats] = []
        for at, track in enumerate(tracks):
            vector = _vector(instance, key, track, width)
            if vector is not None:
                block.append(vector)
                written.append(track)
            if block and (len(block) == BLOCK or at == len(tracks) - 1):
                rows = np.stack(block)
                moments.add(rows)
                file.write(rows.tobytes())
                block = []
                on_share(at / len(tracks))
    return moments, written


def informative_columns(moments: ColumnMoments) -> NDArray[np.bool_]:
    """Return the mask of columns that vary and have values for enough tracks, bool ``(d,)``."""
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
    document = sound_folders.read_manifest(base)
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
