"""The arrays of an index of segments: written song by song, turned to their principal axes."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from songrec.core.errors import BadInput
from songrec.core.types import Floats

HEAD = 64
"""Columns of the head; see ``recommend.segment_search``: a quarter of what the map holds."""
SAMPLE = 2_000
"""So many pairs of segments tell the distance of two random ones."""
AXES_FROM = 20_000
"""Segments that tell the principal axes; any axes are right, good ones are fast."""
SLICE = 8192
CONTENT = "S64"
"""A SHA-256 in hexadecimal digits; empty where nobody said."""


@dataclass(frozen=True)
class SongSegments:
    """One song's windows: ``starts`` float32 ``(w,)`` in seconds, ``vectors`` float32 ``(w, d)``,
    ``tags`` float32 ``(w, t)`` or None; ``content`` is the hash of the sound that they are cut of.
    """

    track_id: int
    starts: Floats
    vectors: Floats
    tags: Floats | None = None
    content: str = ""


@dataclass(frozen=True)
class Axes:
    """How vectors are laid down: ``(vector − mean) @ turn``, both float64."""

    mean: np.ndarray
    turn: np.ndarray

    def turned(self, vectors: Floats) -> Floats:
        """Rows of vectors as the index holds them, float32."""
        # About the mean, which leaves distances alone and keeps float32 precise.
        return ((vectors - self.mean) @ self.turn).astype(np.float32)


def write(
    folder: Path,
    songs: Iterable[SongSegments],
    *,
    one_scale: bool = False,
    seed: int = 0,
    axes: Axes | None = None,
) -> dict[str, Any]:
    """All arrays of an index into ``folder``, and what the manifest says of them.

    ``songs`` ascend by track; they are read once and vectors are never all in memory. With
    ``axes`` they are turned already, by these; else axes are found. Raises ``BadInput`` without
    any segment.
    """
    ids: list[int] = []
    contents: list[str] = []
    first: list[int] = [0]
    starts: list[Floats] = []
    tags: list[np.ndarray] = []
    width = 0
    raw = folder / "raw.f32"
    with raw.open("wb") as file:
        for song in songs:
            if not len(song.starts):
                continue
            if ids and song.track_id <= ids[-1]:
                raise ValueError("songs come in ascending order of their ids")
            vectors = np.ascontiguousarray(song.vectors, dtype=np.float32)
            if not np.isfinite(vectors).all():
                raise BadInput(
                    f"The segments of track {song.track_id} hold something that is no number: "
                    "analyse its file again."
                )
            width = width or vectors.shape[1]
            file.write(vectors.tobytes())
            ids.append(song.track_id)
            contents.append(song.content)
            first.append(first[-1] + len(vectors))
            starts.append(np.asarray(song.starts, dtype=np.float32))
            if song.tags is not None:
                tags.append(np.asarray(song.tags, dtype=np.float16))
    m = first[-1]
    if not m:
        raise BadInput("There is no song to cut into segments: flask analyze DIR")
    source = np.memmap(raw, np.float32, "r", shape=(m, width))
    found = axes or _axes(source, one_scale, seed)
    head = min(HEAD, width)
    make = np.lib.format.open_memmap
    out = make(folder / "vectors.npy", "w+", np.float32, (m, width))
    heads = make(folder / "head.npy", "w+", np.float32, (m, head))
    tails = make(folder / "tail.npy", "w+", np.float32, (m,))
    for at in range(0, m, SLICE):
        part = source[at : at + SLICE]
        part = part if axes is not None else found.turned(part)
        out[at : at + SLICE] = part
        heads[at : at + SLICE] = part[:, :head]
        tails[at : at + SLICE] = np.linalg.norm(part[:, head:].astype(np.float64), axis=1)
    typical = _typical(out, seed)
    for array in (out, heads, tails):
        array.flush()
    del source, out, heads, tails
    raw.unlink()
    np.save(folder / "track_ids.npy", np.array(ids, dtype=np.int64))
    np.save(folder / "contents.npy", np.array(contents, dtype=CONTENT))
    np.save(folder / "first.npy", np.array(first, dtype=np.int64))
    np.save(folder / "starts.npy", np.concatenate(starts))
    np.savez(folder / "axes.npz", mean=found.mean, turn=found.turn)
    if tags and len(tags) == len(ids):
        np.save(folder / "tags.npy", np.concatenate(tags))
    return {"tracks": len(ids), "fragments": m, "dimensions": width, "typical": typical}


def axes_of(folder: Path) -> Axes:
    """The axes of an index; ``OSError``, ``KeyError`` or ``ValueError`` where there are none."""
    with np.load(folder / "axes.npz", allow_pickle=False) as kept:
        return Axes(kept["mean"], kept["turn"])


def _axes(source: Floats, one_scale: bool, seed: int) -> Axes:
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
    return Axes(mean, np.linalg.eigh(sample.T @ sample)[1][:, ::-1] / spread[:, None])


def _typical(vectors: Floats, seed: int) -> float:
    """The median distance of two random segments; 1 where all are the same."""
    random = np.random.default_rng(seed)
    one, other = random.integers(0, len(vectors), (2, SAMPLE))
    gaps = vectors[np.sort(one)].astype(np.float64) - vectors[other]
    apart = np.sqrt(np.einsum("ij,ij->i", gaps, gaps))
    return float(np.median(apart[apart > 0])) if (apart > 0).any() else 1.0
