"""Tempo estimation: the rate at which a listener taps.

Written here because librosa estimates it from the autocorrelation alone, which also peaks at half
and twice the tempo, and because importing librosa brings numba into each worker process.
"""

from __future__ import annotations

import math

import numpy as np

from songrec.core.types import Floats
from songrec.features.audio.stft import Frames

SLOWEST, FASTEST = 50.0, 210.0
"""BPM."""
BANDS = 8
CENTRE = 115.0
WIDTH_OCTAVES = 0.9
_GRID = SLOWEST * (FASTEST / SLOWEST) ** np.linspace(0.0, 1.0, 600)


def rhythm_envelope(frames: Frames) -> Floats:
    """Sum the rises in loudness of eight bands with equal weights, float32 ``(frames,)``."""
    levels = np.log1p(1e3 * frames.mel(128) / max(float(frames.mel(128).max()), 1e-12))
    rise = np.maximum(levels[1:] - levels[:-1], 0.0)
    bands = rise.reshape(len(rise), BANDS, levels.shape[1] // BANDS).mean(axis=2)
    return np.pad(bands.sum(axis=1), (1, 0))


def find_tempo(envelope: Floats, rate: float) -> float:
    """Estimate the tempo in BPM; NaN if nothing is periodic.

    The autocorrelation of the envelope peaks at multiples of the period and its spectrum at
    fractions; their product (Peeters 2007) is high at the period alone. Tempi are weighted by how
    often people tap them (Moelants 2002).
    """
    if len(envelope) < 2.0 * rate or envelope.max(initial=0.0) <= 0:
        return math.nan
    level = envelope - envelope.mean()
    size = 8 * 2 ** math.ceil(math.log2(2 * len(level)))
    spectrum = np.abs(np.fft.rfft(level * np.hanning(len(level)), size))
    lags = np.fft.irfft(np.abs(np.fft.rfft(level, size)) ** 2, size)[: len(level)]
    lags = lags / (lags[0] or 1.0) / (1.0 - np.arange(len(level)) / len(level))

    def at_rate(bpm: np.ndarray) -> np.ndarray:
        return np.interp(bpm / 60.0 / rate * size, np.arange(len(spectrum)), spectrum)

    def at_period(beats: float, bpm: np.ndarray) -> np.ndarray:
        return np.interp(
            beats * 60.0 * rate / bpm,
            np.arange(len(lags) * 3 // 4),
            lags[: len(lags) * 3 // 4],
            right=0.0,
        )

    period = sum(at_period(beats, _GRID) for beats in (1, 2, 3, 4)) / 4
    comb = at_rate(_GRID) + 0.5 * at_rate(2 * _GRID) + 0.25 * at_rate(4 * _GRID)
    taste = np.exp(-0.5 * (np.log2(_GRID / CENTRE) / WIDTH_OCTAVES) ** 2)
    score = np.maximum(period, 0.0) * comb / (spectrum.max() or 1.0) * taste
    best = float(_GRID[score.argmax()])
    if score.max() <= 0:
        return math.nan
    fine = best * np.linspace(0.97, 1.03, 241)
    return float(fine[(at_rate(fine) + at_rate(2 * fine) + at_rate(4 * fine)).argmax()])
