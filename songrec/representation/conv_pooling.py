"""Spectrograms made small: a picture of 128 bands and 30 s says what a song sounds like at less.

Pooling is the mean over areas, by two small matrices, so that any size goes to any other: where a
boundary falls inside a band or a frame, that one counts by the part that lies within.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator

import numpy as np

from songrec.core.config import instance_path
from songrec.core.errors import BadInput
from songrec.core.padding import centred
from songrec.core.types import Floats, Ints, Spectrograms

ROWS_PER_READ = 32
"""At 128 bands and 1,292 frames 32 pictures are 21 MB."""


def area_weights(size: int, pooled: int) -> Floats:
    """float32 ``(pooled, size)``: each row the share of ``size`` cells in one larger cell's mean.

    Its rows add up to 1; the way back, ``area_weights(pooled, size)``, repeats the means.
    """
    edges = np.linspace(0, size, pooled + 1)
    low, high = edges[:-1, None], edges[1:, None]
    cells = np.arange(size)
    shared = np.clip(np.minimum(high, cells + 1) - np.maximum(low, cells), 0, None)
    return (shared / shared.sum(axis=1, keepdims=True)).astype(np.float32)


def resized(pictures: Floats, bands: int, frames: int) -> Floats:
    """``(n, b, t)`` as float32 ``(n, bands, frames)``, by the means of areas."""
    across = area_weights(pictures.shape[2], frames)
    along = area_weights(pictures.shape[1], bands)
    return np.asarray(along @ (pictures @ across.T), dtype=np.float32)


def pooled_parts(
    spectrograms: Spectrograms, length: int, bands: int, frames: int
) -> Iterator[tuple[int, Floats]]:
    """The first row and the pooled pictures of one part after the other, in decibels.

    Each picture is first brought to ``length`` frames, as long as those the model has learnt from.
    """
    for first in range(0, spectrograms.shape[0], ROWS_PER_READ):
        rows = np.arange(first, min(first + ROWS_PER_READ, spectrograms.shape[0]))
        yield first, resized(centred(spectrograms.read(rows), length), bands, frames)


class PooledPictures:
    """All pictures of a training, pooled, in a file without a name that is gone when it is closed.

    A picture of 64 × 128 takes 16 KiB as float16, so that an epoch reads 160 MB for 10,000 songs
    instead of 6.6 GB. They are read, not mapped: in the memory of the process is one batch. The
    file lies in the instance folder, where the pictures came from: ``/tmp`` may be memory itself.
    """

    def __init__(
        self,
        spectrograms: Spectrograms,
        bands: int,
        frames: int,
        on_share: Callable[[float], None] = lambda share: None,
    ) -> None:
        n, seen, length = spectrograms.shape
        if not n:
            raise BadInput("There are no spectrograms to learn from.")
        self._shape = (n, bands, frames)
        instance = instance_path()
        self._file = tempfile.TemporaryFile(  # noqa: SIM115 - closed by `close`
            dir=instance if instance.is_dir() else None
        )
        total = np.zeros(bands)
        squares = 0.0
        try:
            for first, part in pooled_parts(spectrograms, length, bands, frames):
                if not np.isfinite(part).all():
                    raise BadInput(
                        "A spectrogram holds something that is no number: delete it from the "
                        "feature cache and analyse its file again."
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
        """Standardised pictures of these rows, float32 ``(len(rows), bands, frames, 1)``."""
        part = np.empty((len(rows), *self._shape[1:]), dtype=np.float16)
        for at, row in enumerate(np.asarray(rows).tolist()):
            self._file.seek(row * part[at].nbytes)
            self._file.readinto(part[at].data)
        return ((part.astype(np.float32) - self.mean) / self.scale)[..., None]

    def close(self) -> None:
        """Give the file's place on the disk back."""
        self._file.close()
