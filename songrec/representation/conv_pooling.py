"""Spectrograms pooled to a smaller size, and a file of them that batches are read from.

Pooling is the mean over areas, by two small matrices, so that any size can become any other: a
band or frame that a boundary cuts counts by the part that lies within.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from songrec.core.errors import BadInput
from songrec.core.padding import centred
from songrec.core.types import Floats, Ints, Spectrograms

ROWS_PER_READ = 32
"""At 128 bands and 1,292 frames 32 pictures are 21 MB."""


def area_weights(size: int, pooled: int) -> Floats:
    """Return the matrix that averages ``size`` cells to ``pooled``, float32 ``(pooled, size)``.

    Its rows add up to 1; the inverse direction, ``area_weights(pooled, size)``, repeats the means.
    """
    edges = np.linspace(0, size, pooled + 1)
    low, high = edges[:-1, None], edges[1:, None]
    cells = np.arange(size)
    shared = np.clip(np.minimum(high, cells + 1) - np.maximum(low, cells), 0, None)
    return (shared / shared.sum(axis=1, keepdims=True)).astype(np.float32)


def resized(pictures: Floats, bands: int, frames: int) -> Floats:
    """Resize ``(n, b, t)`` to float32 ``(n, bands, frames)`` by the means of areas."""
    across = area_weights(pictures.shape[2], frames)
    along = area_weights(pictures.shape[1], bands)
    return np.asarray(along @ (pictures @ across.T), dtype=np.float32)


def pooled_parts(
    spectrograms: Spectrograms, length: int, bands: int, frames: int
) -> Iterator[tuple[int, Floats]]:
    """Yield the first row and the pooled pictures of slices of the tracks, in decibels.

    Each picture is first cut or padded to ``length`` frames, the length of those of the training.
    """
    for first in range(0, spectrograms.shape[0], ROWS_PER_READ):
        rows = np.arange(first, min(first + ROWS_PER_READ, spectrograms.shape[0]))
        yield first, resized(centred(spectrograms.read(rows), length), bands, frames)


class PooledPictures:
    """All pooled pictures of a training, in a temporary file that disappears when it is closed.

    A picture of 64 × 128 takes 16 KiB as float16, so that an epoch reads 160 MB for 10,000 songs
    instead of 6.6 GB. They are read, not mapped: the process holds one batch in memory. The file
    is in ``folder``, which should be on a disk: the default, ``/tmp``, may be memory itself.
    """

    def __init__(
        self,
        spectrograms: Spectrograms,
        bands: int,
        frames: int,
        on_share: Callable[[float], None] = lambda share: None,
        folder: Path | None = None,
    ) -> None:
        n, seen, length = spectrograms.shape
        if not n:
            raise BadInput("There are no spectrograms to learn from.")
        self._shape = (n, bands, frames)
        self._file = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115 - closed by `close`
        total = np.zeros(bands)
        squares = 0.0
        try:
            for first, part in pooled_parts(spectrograms, length, bands, frames):
                if not np.isfinite(part).all():
                    raise BadInput(
                        "A spectrogram has values that are not finite: delete it from the feature "
                        "cache and analyse its file again."
                    )
                self._file.write(part.astype(np.float16).tobytes())
                total += part.sum(axis=(0, 2), dtype=np.float64)
                squares += float(np.square(part, dtype=np.float64).sum())
                on_share((first + len(part)) / n)
            self._file.flush()
        except BaseException:
            self.close()
            raise
        self.size = (seen, length)
        self.mean: Floats = (total / (n * frames)).astype(np.float32)[:, None]
        variance = squares / (n * bands * frames) - float(np.square(self.mean).mean())
        # Digital silence throughout: nothing to divide by.
        self.scale = float(np.sqrt(variance)) if variance > 1e-6 else 1.0

    def __len__(self) -> int:
        return self._shape[0]

    def read(self, rows: Ints) -> Floats:
        """Return standardised pictures of these rows, float32 ``(len(rows), bands, frames, 1)``."""
        part = np.empty((len(rows), *self._shape[1:]), dtype=np.float16)
        for at, row in enumerate(np.asarray(rows).tolist()):
            self._file.seek(row * part[at].nbytes)
            self._file.readinto(part[at].data)
        return ((part.astype(np.float32) - self.mean) / self.scale)[..., None]

    def close(self) -> None:
        """Delete the file."""
        self._file.close()
