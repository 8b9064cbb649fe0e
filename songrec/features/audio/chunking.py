"""Sound for networks that take a few seconds at a time: resampled, and cut evenly."""

from __future__ import annotations

import numpy as np

from songrec.core.types import Audio, Floats


def at_rate(audio: Audio, rate: int) -> Floats:
    """The samples of ``audio`` at ``rate`` Hz, float32 ``(n,)``."""
    if audio.sample_rate == rate:
        return audio.samples
    import soxr

    return soxr.resample(audio.samples, audio.sample_rate, rate, quality="HQ")


def windows(samples: Floats, longest: int, shortest: int) -> list[Floats]:
    """``samples`` in as few pieces as it takes for none to be longer than ``longest``.

    The pieces are equally long to a sample, so that no short rest weighs as much as a whole
    window. Fewer than ``shortest`` samples in all are followed by silence.
    """
    if len(samples) < shortest:
        samples = np.pad(samples, (0, shortest - len(samples)))
    return np.array_split(samples, -(-len(samples) // longest))
