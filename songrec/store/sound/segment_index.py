"""Segment indexes on disk: vectors, start times and tags of all songs, memory-mapped.

``<instance>/fragments/<name>/`` holds one index, written as ``<name>.partial`` and renamed;
``<instance>/fragments/current`` contains the name of the current one.
"""

from __future__ import annotations

import contextlib
import heapq
import json
import os
import secrets
import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from songrec.core import file_systems
from songrec.core.array_files import map_view
from songrec.core.files import current_version, is_partial, use_version, write_json
from songrec.core.types import SegmentIndex
from songrec.store.sound import segment_arrays
from songrec.store.sound.segment_arrays import SongSegments

FOLDER = "fragments"
"""Name of the folder on disk, unchanged since older versions."""
ABANDONED_AFTER_S = 24 * 3600
"""Age of the last write from which a draft counts as abandoned."""


class Superseded(Exception):
    """Raised if another index became current meanwhile, so the written one is obsolete."""


def folder(instance: Path) -> Path:
    """Return the folder of all indexes."""
    return instance / FOLDER


def current(instance: Path) -> str | None:
    """Return the name of the current index, or None."""
    return current_version(folder(instance))


def manifest(instance: Path) -> dict[str, Any] | None:
    """Return the manifest of the current index, or None."""
    name = current(instance)
    if name is None:
        return None
    try:
        text = (folder(instance) / name / "manifest.json").read_text(encoding="utf-8")
        return dict(json.loads(text))
    except (FileNotFoundError, json.JSONDecodeError):
        return None


def load(instance: Path, name: str) -> SegmentIndex | None:
    """Memory-map the index ``name``; None if it was removed or cannot be read."""
    base = folder(instance) / name
    try:
        document = json.loads((base / "manifest.json").read_text(encoding="utf-8"))
        index = SegmentIndex(
            name=name,
            track_ids=map_view(base / "track_ids.npy"),
            first=map_view(base / "first.npy"),
            vectors=map_view(base / "vectors.npy"),
            head=map_view(base / "head.npy"),
            tail=map_view(base / "tail.npy"),
            starts=map_view(base / "starts.npy"),
            seconds=float(document["seconds"]),
            typical=float(document["typical"]),
            made_by=str(document["made_by"]),
            tag_names=tuple(document["tags"]),
            tags=map_view(base / "tags.npy") if (base / "tags.npy").is_file() else None,
            why=str(document.get("why", "")),
        )
    except (OSError, KeyError, ValueError, EOFError):
        return None
    return index


def open_current(instance: Path) -> tuple[str | None, SegmentIndex | None]:
    """Return the name of the current index and the index, even while it is being replaced."""
    while True:
        name = current(instance)
        index = None if name is None else load(instance, name)
        if index is not None or current(instance) == name:
            return name, index


def content_hashes(instance: Path, name: str) -> dict[int, str] | None:
    """Return the content hash of the sound file of each track of an index.

    None for an index of an older version, which lacks them and cannot be updated.
    """
    base = folder(instance) / name
    try:
        segment_arrays.read_axes(base)
        ids, hashes = np.load(base / "track_ids.npy"), np.load(base / "contents.npy")
    except (OSError, KeyError, ValueError, EOFError):
        return None
    return dict(
        zip(ids.tolist(), (digest.decode("ascii") for digest in hashes.tolist()), strict=True)
    )


def write(
    instance: Path,
    songs: Iterable[SongSegments],
    *,
    seconds: float,
    made_by: str,
    tag_names: Sequence[str] = (),
    metadata: dict[str, Any] | None = None,
    standardize: bool = False,
    seed: int = 0,
) -> dict[str, Any]:
    """Write an index, make it current and return its manifest.

    Older indexes are removed; processes that have mapped one can still use it.

    Parameters
    ----------
    songs
        Ascending by track id.
    seconds
        Length of a segment.
    made_by
        Name of the encoder.
    metadata
        Further entries of the manifest.
    standardize
        Whether to divide columns by their standard deviations before vectors are rotated to their
        principal axes.

    Raises
    ------
    BadInput
        Without any segment.
    """
    with _draft(instance) as draft:
        summary = segment_arrays.write(draft, songs, standardize=standardize, seed=seed)
        document = {
            **(metadata or {}),
            "name": draft.stem,
            "seconds": seconds,
            "made_by": made_by,
            "tags": list(tag_names),
            **summary,
        }
        write_json(draft / "manifest.json", document, indent=2)
        _put_in_use(instance, draft)
    return document


def update(
    instance: Path,
    name: str,
    songs: Iterable[SongSegments],
    removed: Collection[int],
    metadata: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """Write an updated copy of the index ``name``, make it current and return its manifest.

    New songs are transformed by the axes of the index, so that distances stay comparable.

    Parameters
    ----------
    songs
        New songs, ascending by track id. A song in the index must also be in ``removed``.
    removed
        Ids of tracks to leave out.
    metadata
        Entries of the manifest to replace.

    Raises
    ------
    Superseded
        If ``name`` is no longer the current index.
    BadInput
        If no segment is left.
    """
    base = folder(instance) / name
    index, hashes = load(instance, name), content_hashes(instance, name)
    if index is None or hashes is None:
        raise Superseded(name)
    before = json.loads((base / "manifest.json").read_text(encoding="utf-8"))
    axes = segment_arrays.read_axes(base)
    new = (replace(song, vectors=axes.transform(song.vectors)) for song in songs)
    unchanged = _unchanged_songs(index, hashes, frozenset(removed))
    merged = heapq.merge(unchanged, new, key=lambda song: song.track_id)
    with _draft(instance) as draft:
        summary = segment_arrays.write(draft, merged, seed=int(before.get("seed", 0)), axes=axes)
        document = {**before, **(metadata or {}), "name": draft.stem, **summary}
        write_json(draft / "manifest.json", document, indent=2)
        _put_in_use(instance, draft, instead_of=name)
    return document


def remove(instance: Path, name: str) -> None:
    """Remove the index ``name`` if it is the current one."""
    with _exclusive_lock(instance):
        if current(instance) == name:
            (folder(instance) / "current").unlink()
            shutil.rmtree(folder(instance) / name, ignore_errors=True)


def _unchanged_songs(
    index: SegmentIndex, hashes: dict[int, str], removed: frozenset[int]
) -> Iterator[SongSegments]:
    for at, track in enumerate(index.track_ids.tolist()):
        if track not in removed:
            rows = slice(int(index.first[at]), int(index.first[at + 1]))
            tags = None if index.tags is None else index.tags[rows]
            yield SongSegments(track, index.starts[rows], index.vectors[rows], tags, hashes[track])


@contextlib.contextmanager
def _draft(instance: Path) -> Iterator[Path]:
    """Yield a folder for writing, which is removed after the block unless it was renamed."""
    draft = folder(instance) / f"{secrets.token_hex(6)}.partial"
    draft.mkdir(parents=True)
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _put_in_use(instance: Path, draft: Path, instead_of: str | None = None) -> None:
    base, name = folder(instance), draft.stem
    with _exclusive_lock(instance):
        if instead_of is not None and current(instance) != instead_of:
            raise Superseded(instead_of)
        draft.rename(base / name)
        use_version(base, name)
        for other in base.iterdir():
            if other.is_dir() and other.name != name and not _is_being_written(other):
                shutil.rmtree(other, ignore_errors=True)


def _is_being_written(draft: Path) -> bool:
    """Return whether a process still writes ``draft``, judged by its last write."""
    if not is_partial(draft):
        return False
    try:
        newest = max(path.stat().st_mtime for path in (draft, *draft.iterdir()))
    except FileNotFoundError:
        return True
    return time.time() - newest < ABANDONED_AFTER_S


@contextlib.contextmanager
def _exclusive_lock(instance: Path) -> Iterator[None]:
    """Hold an inter-process lock, which the kernel releases if the process dies."""
    path = folder(instance) / ".lock"
    handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        file_systems.lock(handle, path, wait=True)
        yield
    finally:
        os.close(handle)
