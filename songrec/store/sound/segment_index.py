"""The songs' segments on disk: vectors, where each begins, tags; memory-mapped to be searched.

``<instance>/fragments/<name>/`` is one index, written as ``<name>.partial`` and renamed;
``<instance>/fragments/current`` names the one in use.
"""

from __future__ import annotations

import contextlib
import fcntl
import heapq
import json
import os
import secrets
import shutil
import time
from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from songrec.core.files import current_version, is_partial, use_version, write_json
from songrec.core.types import SegmentIndex
from songrec.store.sound import segment_arrays
from songrec.store.sound.segment_arrays import SongSegments

FOLDER = "fragments"
"""The folder's name on disk, as older versions wrote it."""
LEFT_AFTER_S = 24 * 3600
"""A draft that nobody has written to for so long is nobody's."""


class Overtaken(Exception):
    """Somebody else has put another index in use meanwhile: what was written is of no use."""


def folder(instance: Path) -> Path:
    """Where all indexes lie."""
    return instance / FOLDER


def current(instance: Path) -> str | None:
    """The name of the index in use; None where no song is cut into segments."""
    return current_version(folder(instance))


def manifest(instance: Path) -> dict[str, Any] | None:
    """What is written down about the index in use."""
    name = current(instance)
    if name is None:
        return None
    try:
        text = (folder(instance) / name / "manifest.json").read_text(encoding="utf-8")
        return dict(json.loads(text))
    except (FileNotFoundError, json.JSONDecodeError):
        return None


def load(instance: Path, name: str) -> SegmentIndex | None:
    """The index ``name``, memory-mapped; None where it is gone or cannot be read."""
    base = folder(instance) / name
    try:
        told = json.loads((base / "manifest.json").read_text(encoding="utf-8"))
        found = SegmentIndex(
            name=name,
            track_ids=_mapped(base / "track_ids.npy"),
            first=_mapped(base / "first.npy"),
            vectors=_mapped(base / "vectors.npy"),
            head=_mapped(base / "head.npy"),
            tail=_mapped(base / "tail.npy"),
            starts=_mapped(base / "starts.npy"),
            seconds=float(told["seconds"]),
            typical=float(told["typical"]),
            made_by=str(told["made_by"]),
            tag_names=tuple(told["tags"]),
            tags=_mapped(base / "tags.npy") if (base / "tags.npy").is_file() else None,
            why=str(told.get("why", "")),
        )
    except (OSError, KeyError, ValueError, EOFError):
        return None
    return found


def opened(instance: Path) -> tuple[str | None, SegmentIndex | None]:
    """The name of the index in use and the index, also where it is replaced this very moment."""
    while True:
        name = current(instance)
        found = None if name is None else load(instance, name)
        if found is not None or current(instance) == name:
            return name, found


def contents(instance: Path, name: str) -> dict[int, str] | None:
    """The hash of the sound that each track of the index ``name`` was cut of.

    None where the index cannot say (an older one): songs cannot be added to it.
    """
    base = folder(instance) / name
    try:
        segment_arrays.axes_of(base)
        ids, kept = np.load(base / "track_ids.npy"), np.load(base / "contents.npy")
    except (OSError, KeyError, ValueError, EOFError):
        return None
    return dict(zip(ids.tolist(), (each.decode("ascii") for each in kept.tolist()), strict=True))


def write(
    instance: Path,
    songs: Iterable[SongSegments],
    *,
    seconds: float,
    made_by: str,
    tag_names: Sequence[str] = (),
    told: dict[str, Any] | None = None,
    one_scale: bool = False,
    seed: int = 0,
) -> dict[str, Any]:
    """Write an index of ``songs`` (ascending by track id), make it the one in use, and say of it.

    Vectors are turned so that their first columns vary most: distances stay what they are. With
    ``one_scale`` each column is first divided by its deviation (that of 20,000 segments). Older
    indexes are removed; whoever has one mapped keeps it. ``BadInput`` without any segment.
    """
    with _draft(instance) as draft:
        kept = segment_arrays.write(draft, songs, one_scale=one_scale, seed=seed)
        document = {
            **(told or {}),
            "name": draft.stem,
            "seconds": seconds,
            "made_by": made_by,
            "tags": list(tag_names),
            **kept,
        }
        _describe(draft, document)
        _put_in_use(instance, draft)
    return document


def update(
    instance: Path,
    name: str,
    songs: Iterable[SongSegments],
    without: Collection[int],
    told: dict[str, Any] | None = None,
) -> dict[str, Any]:
    """The index ``name`` with ``songs`` (ascending by track id) and without other tracks, in use.

    What is kept is copied as it lies; new songs are turned to the same axes, so that distances are
    those of one space. Songs that the index holds already must be among ``without``. Raises
    ``Overtaken`` where ``name`` is no longer the one in use, and ``BadInput`` where no segment is
    left.
    """
    base = folder(instance) / name
    found, known = load(instance, name), contents(instance, name)
    if found is None or known is None:
        raise Overtaken(name)
    before = json.loads((base / "manifest.json").read_text(encoding="utf-8"))
    axes, left_out = segment_arrays.axes_of(base), frozenset(without)
    fresh = (
        SongSegments(one.track_id, one.starts, axes.turned(one.vectors), one.tags, one.content)
        for one in songs
    )
    merged = heapq.merge(_kept(found, known, left_out), fresh, key=lambda one: one.track_id)
    with _draft(instance) as draft:
        kept = segment_arrays.write(draft, merged, seed=int(before.get("seed", 0)), axes=axes)
        document = {**before, **(told or {}), "name": draft.stem, **kept}
        _describe(draft, document)
        _put_in_use(instance, draft, instead_of=name)
    return document


def remove(instance: Path, name: str) -> None:
    """Use no index any more, where ``name`` is the one in use: no song is left that can be cut."""
    with _alone(instance):
        if current(instance) == name:
            (folder(instance) / "current").unlink()
            shutil.rmtree(folder(instance) / name, ignore_errors=True)


def _kept(
    found: SegmentIndex, known: dict[int, str], without: frozenset[int]
) -> Iterator[SongSegments]:
    for at, track in enumerate(found.track_ids.tolist()):
        if track not in without:
            rows = slice(int(found.first[at]), int(found.first[at + 1]))
            tags = None if found.tags is None else found.tags[rows]
            yield SongSegments(track, found.starts[rows], found.vectors[rows], tags, known[track])


@contextlib.contextmanager
def _draft(instance: Path) -> Iterator[Path]:
    """A folder to write an index into; it is gone after the block unless it was renamed."""
    draft = folder(instance) / f"{secrets.token_hex(6)}.partial"
    draft.mkdir(parents=True)
    try:
        yield draft
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _describe(draft: Path, document: dict[str, Any]) -> None:
    write_json(draft / "manifest.json", document, indent=2)


def _put_in_use(instance: Path, draft: Path, instead_of: str | None = None) -> None:
    base, name = folder(instance), draft.stem
    with _alone(instance):
        if instead_of is not None and current(instance) != instead_of:
            raise Overtaken(instead_of)
        draft.rename(base / name)
        use_version(base, name)
        for other in base.iterdir():
            if other.is_dir() and other.name != name and not _is_being_written(other):
                shutil.rmtree(other, ignore_errors=True)


def _is_being_written(draft: Path) -> bool:
    """Whether somebody writes there; who was killed while writing has left it as it is."""
    if not is_partial(draft):
        return False
    try:
        newest = max(path.stat().st_mtime for path in (draft, *draft.iterdir()))
    except FileNotFoundError:
        return True
    return time.time() - newest < LEFT_AFTER_S


@contextlib.contextmanager
def _alone(instance: Path) -> Iterator[None]:
    """One process at a time; the kernel lets the next one in when this one dies."""
    handle = os.open(folder(instance) / ".lock", os.O_RDWR | os.O_CREAT, 0o644)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _mapped(path: Path) -> np.ndarray:
    return np.asarray(np.lib.format.open_memmap(path, mode="r"))
