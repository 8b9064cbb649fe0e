"""The waveform and cover of a sound, for the player."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from songrec.core import isolation
from songrec.core.errors import BadInput
from songrec.core.isolation import Limits, Stopped
from songrec.core.types import Floats
from songrec.store.sound import waveform_cache

PEAKS = 600
"""Number of bars of a waveform, enough for a wide browser window."""
RATE = 8_000
"""Hz. Enough for the outline of the loudness."""
LIMITS = Limits(seconds=300.0, memory_bytes=2 * 2**30)


def create(
    instance: Path, path: Path, content_hash: str, *, cover_of: Path | None = None
) -> waveform_cache.WaveformAndCover:
    """Decode the whole file in a child process, cache its waveform and cover and return them.

    ``cover_of`` is the file with the cover, if not ``path``: a part of an album file has no cover
    of its own. Raises ``BadInput`` for a file that cannot be decoded.
    """
    try:
        answer = isolation.call(_measure, str(path), str(cover_of or path), limits=LIMITS)
    except Stopped as error:
        raise BadInput(f"{path.name}: {error}.") from None
    created = waveform_cache.WaveformAndCover(answer["seconds"], answer["peaks"], answer["kind"])
    cover = answer["arrays"]["cover"].tobytes() if created.cover_type else None
    waveform_cache.write(instance, content_hash, created, cover)
    return created


def _measure(path: str, cover_of: str) -> dict[str, Any]:
    from songrec.audio_files.decoding import decode
    from songrec.audio_files.tags import read_cover

    samples = decode(Path(path), sample_rate=RATE, seconds=None).audio.samples
    cover = read_cover(Path(cover_of))
    return {
        "seconds": round(len(samples) / RATE, 3),
        "peaks": peaks(samples, PEAKS),
        "kind": cover.kind if cover else None,
        "arrays": {"cover": np.frombuffer(cover.data if cover else b"", dtype=np.uint8)},
    }


def peaks(samples: Floats, count: int) -> list[float]:
    """Return the peak magnitude (0 to 1) of ``count`` equal parts, fewer for very short sounds."""
    count = min(count, len(samples))
    if not count:
        return []
    starts = np.arange(count) * len(samples) // count
    loudest = np.maximum.reduceat(np.abs(samples), starts)
    return [round(float(peak), 3) for peak in np.clip(loudest, 0.0, 1.0)]
