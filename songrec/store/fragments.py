"""The songs' fragments on disk: vectors, where each begins, tags; memory-mapped to be searched.

``<instance>/fragments/<name>/`` is one index, written as ``<name>.partial`` and renamed;
``<instance>/fragments/current`` names the one in use.
"""

from __future__ import annotations

import json
import secrets
import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from songrec.core.errors import BadInput
from songrec.core.types import Floats, Fragments

HEAD = 64
"""Columns of the head; see ``recommend.fragment_search``: a quarter of what the map holds."""
SAMPLE = 2_000
"""So many pairs of fragments tell the distance of two random ones."""
AXES_FROM = 20_000
"""Fragments that tell the principal axes; any axes are right, good ones are fast."""
SLICE = 8192


@dataclass(frozen=True)
class SongFragments:
    """One song's windows: ``starts`` float32 ``(w,)`` in seconds, ``vectors`` float32 ``(w, d)``,
    ``tags`` float32 ``(w, t)`` or None.
    """

    track_id: int
    starts: Floats
    vectors: Floats
    tags: Floats | None = None


def folder(instance: Path) -> Path:
    """Where all indexes lie."""
    return instance / "fragments"


def current(instance: Path) -> str | None:
    """The name of the index in use; None where no song is cut into fragments."""
    try:
        return (folder(instance) / "current").read_text(encoding="ascii").strip() or None
    except FileNotFoundError:
        return None


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


def load(instance: Path, name: str) -> Fragments | None:
    """The index ``name``, memory-mapped; None where it is gone or cannot be read."""
    base = folder(instance) / name
    try:
        told = json.loads((base / "manifest.json").read_text(encoding="utf-8"))
        found = Fragments(
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
        )
    except (OSError, KeyError, ValueError, EOFError):
        return None
    return found


def write(
    instance: Path,
    songs: Iterable[SongFragments],
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
    ``one_scale`` each column is first divided by its deviation (that of 20,000 fragments). Older
    indexes are removed; whoever has one mapped keeps it. ``BadInput`` without any fragment.
    """
    name = secrets.token_hex(6)
    base = folder(instance)
    draft = base / f"{name}.partial"
    draft.mkdir(parents=True)
    try:
        kept = _write_arrays(draft, songs, one_scale, seed)
        document = {
            **(told or {}), "name": name, "seconds": seconds, "made_by": made_by,
            "tags": list(tag_names), **kept,
        }  # fmt: skip
        (draft / "manifest.json").write_text(
            json.dumps(document, indent=2, ensure_ascii=False, allow_nan=False) + "\n",
            encoding="utf-8",
        )
        draft.rename(base / name)
    except BaseException:
        shutil.rmtree(draft, ignore_errors=True)
        raise
    pointer = base / f".current.{name}"
    pointer.write_text(name, encoding="ascii")
    pointer.replace(base / "current")
    for other in base.iterdir():
        if other.is_dir() and other.name not in (name,) and not other.name.endswith(".partial"):
            shutil.rmtree(other, ignore_errors=True)
    return document


def _write_arrays(
    draft: Path, songs: Iterable[SongFragments], one_scale: bool, seed: int
) -> dict[str, Any]:
    """All arrays of an index; songs are read once and vectors are never all in memory."""
    ids: list[int] = []
    first: list[int] = [0]
    starts: list[Floats] = []
    tags: list[np.ndarray] = []
    width = 0
    raw = draft / "raw.f32"
    with raw.open("wb") as file:
        for song in songs:
            if not len(song.starts):
                continue
            if ids and song.track_id <= ids[-1]:
                raise ValueError("songs come in ascending order of their ids")
            vectors = np.ascontiguousarray(song.vectors, dtype=np.float32)
            if not np.isfinite(vectors).all():
                raise BadInput(
                    f"The fragments of track {song.track_id} hold something that is no number: "
                    "analyse its file again."
                )
            width = width or vectors.shape[1]
            file.write(vectors.tobytes())
            ids.append(song.track_id)
            first.append(first[-1] + len(vectors))
            starts.append(np.asarray(song.starts, dtype=np.float32))
            if song.tags is not None:
                tags.append(np.asarray(song.tags, dtype=np.float16))
    m = first[-1]
    if not m:
        raise BadInput("There is no song to cut into fragments: flask analyze DIR")
    source = np.memmap(raw, np.float32, "r", shape=(m, width))
    mean, turn = _axes(source, one_scale, seed)
    head = min(HEAD, width)
    make = np.lib.format.open_memmap
    out = make(draft / "vectors.npy", "w+", np.float32, (m, width))
    heads = make(draft / "head.npy", "w+", np.float32, (m, head))
    tails = make(draft / "tail.npy", "w+", np.float32, (m,))
    for at in range(0, m, SLICE):
        # About the mean, which leaves distances alone and keeps float32 precise.
        part = ((source[at : at + SLICE] - mean) @ turn).astype(np.float32)
        out[at : at + SLICE] = part
        heads[at : at + SLICE] = part[:, :head]
        tails[at : at + SLICE] = np.linalg.norm(part[:, head:].astype(np.float64), axis=1)
    typical = _typical(out, seed)
    for array in (out, heads, tails):
        array.flush()
    del source, out, heads, tails
    raw.unlink()
    np.save(draft / "track_ids.npy", np.array(ids, dtype=np.int64))
    np.save(draft / "first.npy", np.array(first, dtype=np.int64))
    np.save(draft / "starts.npy", np.concatenate(starts))
    if tags and len(tags) == len(ids):
        np.save(draft / "tags.npy", np.concatenate(tags))
    return {"tracks": len(ids), "fragments": m, "dimensions": width, "typical": typical}


def _axes(source: Floats, one_scale: bool, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean ``(d,)`` of a sample of the rows, and ``(d, d)`` to multiply by: its principal axes, the
    largest first, with ``one_scale`` of (and after) columns divided by their deviations.
    """
    rows = np.arange(len(source))
    if len(rows) > AXES_FROM:
        rows = np.sort(np.random.default_rng(seed).choice(len(rows), AXES_FROM, replace=False))
    sample = source[rows].astype(np.float64)
    mean = sample.mean(axis=0)
    sample -= mean
    spread = np.ones(len(mean))
    if one_scale:
        spread = sample.std(axis=0)
        spread[spread <= 1e-6 * np.maximum(np.abs(mean), 1)] = 1  # says nothing: as it is
        sample /= spread
    return mean, np.linalg.eigh(sample.T @ sample)[1][:, ::-1] / spread[:, None]


def _typical(vectors: Floats, seed: int) -> float:
    """The median distance of two random fragments; 1 where all are the same."""
    random = np.random.default_rng(seed)
    one, other = random.integers(0, len(vectors), (2, SAMPLE))
    gaps = vectors[np.sort(one)].astype(np.float64) - vectors[other]
    apart = np.sqrt(np.einsum("ij,ij->i", gaps, gaps))
    return float(np.median(apart[apart > 0])) if (apart > 0).any() else 1.0


def _mapped(path: Path) -> np.ndarray:
    return np.asarray(np.lib.format.open_memmap(path, mode="r"))
