"""Audio for networks that take a few seconds at a time: resampled and split into equal chunks."""

from __future__ import annotations

import numpy as np

from songrec.core.types import Audio, Floats


def at_rate(audio: Audio, rate: int) -> Floats:
    """Return the samples of ``audio`` resampled to ``rate`` Hz, float32 ``(n,)``."""
    if audio.sample_rate == rate:
        return audio.samples
    import soxr

    return soxr.resample(audio.samples, audio.sample_rate, rate, quality="HQ")


def chunks(samples: Floats, longest: int, shortest: int) -> list[Floats]:
    """Split ``samples`` into as few chunks as possible, none longer than ``longest`` samples.

    Chunks are equally long to a sample, so that a short rest does not weigh as much as a whole
    chunk. Fewer than ``shortest`` samples in all are padded with silence.
    """
    if len(samples) < shortest:
        samples = np.pad(samples, (0, shortest - len(samples)))
    return np.array_split(samples, -(-len(samples) // longest))
