"""Integrated loudness by ITU-R BS.1770-4 with the gates of EBU R 128.

Written here because librosa has no loudness; it takes any sample rate and filters half a minute at
a time, so that a long recording fits into the memory, and needs no further dependency.
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import signal

from songrec.core.types import Floats

BLOCK_S = 0.4
OVERLAP = 4
"""Blocks of 400 ms begin every 100 ms."""
CHUNK_STEPS = 300
ABSOLUTE_GATE = -70.0
RELATIVE_GATE = -10.0
_OFFSET = -0.691

# The analogue filters behind the standard's table for 48 kHz: a shelf that stands for the head,
# and a high-pass (the "revised low-frequency B curve"). Their bilinear transforms at 48 kHz are
# the coefficients that the standard prints, so that at other rates they are the same filters.
_SHELF_HZ, _SHELF_DB, _SHELF_Q = 1681.974450955533, 3.999843853973347, 0.7071752369554196
_SHELF_BAND = 0.4996667741545416
_HIGH_PASS_HZ, _HIGH_PASS_Q = 38.13547087602444, 0.5003270373238773


def k_weighting(sample_rate: int) -> NDArray[np.float64]:
    """Return the two K-weighting filters as second-order sections ``(2, 6)`` for a rate in Hz."""
    turn = math.tan(math.pi * _SHELF_HZ / sample_rate)
    high = 10.0 ** (_SHELF_DB / 20.0)
    band = high**_SHELF_BAND
    a0 = 1.0 + turn / _SHELF_Q + turn**2
    shelf = [
        (high + band * turn / _SHELF_Q + turn**2) / a0,
        2.0 * (turn**2 - high) / a0,
        (high - band * turn / _SHELF_Q + turn**2) / a0,
        1.0,
        2.0 * (turn**2 - 1.0) / a0,
        (1.0 - turn / _SHELF_Q + turn**2) / a0,
    ]
    turn = math.tan(math.pi * _HIGH_PASS_HZ / sample_rate)
    a0 = 1.0 + turn / _HIGH_PASS_Q + turn**2
    high_pass = [
        1.0,
        -2.0,
        1.0,
        1.0,
        2.0 * (turn**2 - 1.0) / a0,
        (1.0 - turn / _HIGH_PASS_Q + turn**2) / a0,
    ]
    return np.array([shelf, high_pass])


def integrated_loudness(samples: Floats, sample_rate: int) -> float:
    """Measure the integrated loudness in LUFS of ``samples`` ``(n,)`` or ``(n, channels)``.

    Samples must be finite; each channel has weight 1. NaN for less than one block of 400 ms, and if
    every block is below the absolute gate of -70 LUFS. The average of two equal channels measures
    3 dB less than the two channels.
    """
    channels = np.atleast_2d(np.asarray(samples, dtype=np.float32).T)
    step = round(BLOCK_S / OVERLAP * sample_rate)
    count = channels.shape[1] // step
    if count < OVERLAP:
        return math.nan
    energies = np.concatenate(list(_energies(channels[:, : count * step], sample_rate, step)))
    blocks = np.convolve(energies, np.ones(OVERLAP), mode="valid")
    power = blocks / (OVERLAP * step)
    audible = power[power > 10.0 ** ((ABSOLUTE_GATE - _OFFSET) / 10.0)]
    if len(audible) == 0:
        return math.nan
    gate = audible.mean() * 10.0 ** (RELATIVE_GATE / 10.0)
    return _OFFSET + 10.0 * math.log10(audible[audible > gate].mean())


def _energies(channels: Floats, sample_rate: int, step: int) -> Iterator[NDArray[np.float64]]:
    """Return the K-weighted energy per ``step`` samples, computed half a minute at a time."""
    sections = k_weighting(sample_rate)
    state = np.zeros((len(sections), len(channels), 2))
    for start in range(0, channels.shape[1], CHUNK_STEPS * step):
        part = channels[:, start : start + CHUNK_STEPS * step]
        weighted, state = signal.sosfilt(sections, part, axis=1, zi=state)
        yield np.square(weighted).reshape(len(channels), -1, step).sum(axis=(0, 2))
