"""Arrays of a segment index: written song by song, rotated to their principal axes.

The rotation preserves distances and puts most of the variance into the first columns (``head``),
which makes the bounds of ``recommend.similarity.segment_search`` tight. The axes are eigenvectors
of the covariance rather than scikit-learn's PCA, because the rotation must be a full square matrix
even with fewer segments than columns: it is also applied to later songs.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from songrec.core.array_files import map_array, map_raw, write_header
from songrec.core.errors import BadInput
from songrec.core.standardization import ColumnMoments
from songrec.core.types import Floats

HEAD = 64
"""Columns of the head: a quarter of the columns of a tagger's vectors."""
N_PAIRS = 2_000
"""Random pairs of segments from which the typical distance is estimated."""
AXES_SAMPLE = 20_000
"""Sample size for the axes, which affect the speed of searches but not their results."""
NEARLY_ZERO = 1e-6
"""Largest deviation of a constant column, because of rounding in differences of equal cepstra."""
SLICE = 8192
CONTENT = "S64"
"""Dtype of a SHA-256 in hexadecimal digits; empty where unknown."""


@dataclass(frozen=True)
class SongSegments:
    """The segments of one song.

    ``starts`` float32 ``(w,)`` in seconds, ``vectors`` float32 ``(w, d)``, ``tags`` float32
    ``(w, t)`` or None; ``content_hash`` is that of the sound file.
    """

    track_id: int
    starts: Floats
    vectors: Floats
    tags: Floats | None = None
    content_hash: str = ""


@dataclass(frozen=True)
class Axes:
    """The linear map of an index, ``(vector − mean) @ rotation``, both float64.

    ``rotation`` also divides by the scale of each column if columns are standardised.
    """

    mean: np.ndarray
    rotation: np.ndarray

    def transform(self, vectors: Floats) -> Floats:
        """Transform vectors to the float32 rows of the index."""
        # Subtracting the mean preserves distances and improves the precision of float32.
        return ((vectors - self.mean) @ self.rotation).astype(np.float32)


def write(
    folder: Path,
    songs: Iterable[SongSegments],
    *,
    standardize: bool = False,
    seed: int = 0,
    axes: Axes | None = None,
) -> dict[str, Any]:
    """Write all arrays of an index into ``folder``; return their entries of the manifest.

    Parameters
    ----------
    songs
        Ascending by track. They are read once; vectors are never all in memory.
    standardize
        Whether to divide columns by their standard deviations before the rotation.
    axes
        Axes of already transformed vectors; None computes axes.

    Raises
    ------
    BadInput
        Without any segment, or for a vector with non-finite values.
    """
    raw = folder / "raw.f32"
    layout = _write_raw(raw, songs)
    m, width = layout.first[-1], layout.width
    if not m:
        raise BadInput("No song has segments to index: flask analyze DIR")
    source = map_raw(raw, np.float32, (m, width))
    used = axes or _principal_axes(source, standardize, seed)
    _write_vectors(folder, source, None if axes is not None else used)
    del source
    raw.unlink()
    typical = _typical_distance(map_array(folder / "vectors.npy"), seed)
    np.save(folder / "track_ids.npy", np.array(layout.ids, dtype=np.int64))
    np.save(folder / "contents.npy", np.array(layout.hashes, dtype=CONTENT))
    np.save(folder / "first.npy", np.array(layout.first, dtype=np.int64))
    np.save(folder / "starts.npy", np.concatenate(layout.starts))
    np.savez(folder / "axes.npz", mean=used.mean, turn=used.rotation)
    if layout.tags and len(layout.tags) == len(layout.ids):
        np.save(folder / "tags.npy", np.concatenate(layout.tags))
    return {"tracks": len(layout.ids), "fragments": m, "dimensions": width, "typical": typical}


@dataclass
class _Layout:
    """Ids, content hashes, first segments, starts and tags of the songs in a raw file."""

    ids: list[int] = field(default_factory=list)
    hashes: list[str] = field(default_factory=list)
    first: list[int] = field(default_factory=lambda: [0])
    starts: list[Floats] = field(default_factory=list)
    tags: list[np.ndarray] = field(default_factory=list)
    width: int = 0


def _write_raw(path: Path, songs: Iterable[SongSegments]) -> _Layout:
    """Write the vectors of all segments to ``path`` as float32, unchanged."""
    layout = _Layout()
    with path.open("wb") as file:
        for song in songs:
            if not len(song.starts):
                continue
            if layout.ids and song.track_id <= layout.ids[-1]:
                raise ValueError(
                    f"songs must ascend by id: {song.track_id} follows {layout.ids[-1]}"
                )
            vectors = np.ascontiguousarray(song.vectors, dtype=np.float32)
            if not np.isfinite(vectors).all():
                raise BadInput(
                    f"The vectors of track {song.track_id} hold values that are not finite: "
                    "analyse its file again."
                )
            layout.width = layout.width or vectors.shape[1]
            file.write(vectors.tobytes())
            layout.ids.append(song.track_id)
            layout.hashes.append(song.content_hash)
            layout.first.append(layout.first[-1] + len(vectors))
            layout.starts.append(np.asarray(song.starts, dtype=np.float32))
            if song.tags is not None:
                layout.tags.append(np.asarray(song.tags, dtype=np.float16))
    return layout


def _write_vectors(folder: Path, source: Floats, axes: Axes | None) -> None:
    """Write vectors, heads and norms of tails, transformed by ``axes`` (None: already are)."""
    m, width = source.shape
    head = min(HEAD, width)
    with (
        (folder / "vectors.npy").open("wb") as out,
        (folder / "head.npy").open("wb") as heads,
        (folder / "tail.npy").open("wb") as tails,
    ):
        for file, shape in ((out, (m, width)), (heads, (m, head)), (tails, (m,))):
            write_header(file, np.float32, shape)
        for at in range(0, m, SLICE):
            part = source[at : at + SLICE]
            part = part if axes is None else axes.transform(part)
            norms = np.linalg.norm(part[:, head:].astype(np.float64), axis=1)
            for file, values in ((out, part), (heads, part[:, :head]), (tails, norms)):
                file.write(values.astype(np.float32, copy=False).tobytes())


def read_axes(folder: Path) -> Axes:
    """Read the axes of an index; ``OSError``, ``KeyError`` or ``ValueError`` if it has none."""
    with np.load(folder / "axes.npz", allow_pickle=False) as arrays:
        return Axes(arrays["mean"], arrays["turn"])


def _principal_axes(source: Floats, standardize: bool, seed: int) -> Axes:
    """Compute the principal axes of a sample of the rows, the largest variance first."""
    rows = np.arange(len(source))
    if len(rows) > AXES_SAMPLE:
        rows = np.sort(np.random.default_rng(seed).choice(len(rows), AXES_SAMPLE, replace=False))
    sample = source[rows].astype(np.float64)
    moments = ColumnMoments.of(sample)
    scale = moments.scale(atol=NEARLY_ZERO) if standardize else np.ones(len(moments.mean))
    sample = (sample - moments.mean) / scale
    return Axes(moments.mean, np.linalg.eigh(sample.T @ sample)[1][:, ::-1] / scale[:, None])


def _typical_distance(vectors: Floats, seed: int) -> float:
    """Return the median distance of random pairs of segments; 1 if all segments are equal."""
    random = np.random.default_rng(seed)
    first, second = random.integers(0, len(vectors), (2, N_PAIRS))
    gaps = vectors[np.sort(first)].astype(np.float64) - vectors[second]
    distances = np.sqrt(np.einsum("ij,ij->i", gaps, gaps))
    positive = distances[distances > 0]
    return float(np.median(positive)) if len(positive) else 1.0
