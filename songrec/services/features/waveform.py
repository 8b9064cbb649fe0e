"""The waveform and cover of a sound, for the player."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from songrec.core.types import Floats
from songrec.store.sound import waveform_cache

PEAKS = 600
"""Bars of a waveform: as many as a wide browser window shows."""
RATE = 8_000
"""Hz. The outline of the loudness needs no more."""


def create(
    instance: Path, path: Path, content_hash: str, *, cover_of: Path | None = None
) -> waveform_cache.WaveformAndCover:
    """Decode the whole file, cache its waveform and cover and return them.

    ``cover_of`` is the file with the cover, if another one: a part has none of its own. Raises
    ``BadInput`` for a file that cannot be decoded.
    """
    from songrec.audio_files.decoding import decode
    from songrec.audio_files.tags import read_cover

    samples = decode(path, sample_rate=RATE, seconds=None).audio.samples
    cover = read_cover(cover_of or path)
    waveform = waveform_cache.WaveformAndCover(
        round(len(samples) / RATE, 3), peaks(samples, PEAKS), cover.kind if cover else None
    )
    waveform_cache.write(instance, content_hash, waveform, cover.data if cover else None)
    return waveform


def peaks(samples: Floats, count: int) -> list[float]:
    """Return the largest magnitude (0 to 1) of each of ``count`` equal parts, fewer if shorter."""
    count = min(count, len(samples))
    if not count:
        return []
    starts = np.arange(count) * len(samples) // count
    loudest = np.maximum.reduceat(np.abs(samples), starts)
    return [round(float(peak), 3) for peak in np.clip(loudest, 0.0, 1.0)]
