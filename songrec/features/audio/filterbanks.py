"""Filter banks over the bins of a Fourier transform: mel bands and pitch classes."""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from songrec.core.types import Floats

_LINEAR_HZ = 200.0 / 3.0
_BREAK_HZ = 1000.0
_LOG_STEP = np.log(6.4) / 27.0


def _to_mel(hertz: np.ndarray) -> np.ndarray:
    """Convert Hz to Slaney's mel scale (Auditory Toolbox, 1998): linear to 1 kHz, then log."""
    above = np.log(np.maximum(hertz, _BREAK_HZ) / _BREAK_HZ) / _LOG_STEP
    return np.minimum(hertz, _BREAK_HZ) / _LINEAR_HZ + above


def _to_hertz(mel: np.ndarray) -> np.ndarray:
    at_break = _BREAK_HZ / _LINEAR_HZ
    above = np.exp(np.maximum(mel - at_break, 0.0) * _LOG_STEP)
    return np.minimum(mel, at_break) * _LINEAR_HZ * above


@lru_cache(maxsize=16)
def mel_filters(sample_rate: int, n_fft: int, n_mels: int) -> Floats:
    """Compute triangles of equal area from 0 Hz to Nyquist, float32 ``(n_mels, bins)``."""
    bins = np.fft.rfftfreq(n_fft, 1.0 / sample_rate)
    top = _to_mel(np.asarray(sample_rate / 2.0))
    edges = _to_hertz(np.linspace(0.0, top, n_mels + 2))
    width = np.diff(edges)[:, None]
    rising = (bins - edges[:-2, None]) / width[:-1]
    falling = (edges[2:, None] - bins) / width[1:]
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    filters = (triangles * 2.0 / (edges[2:] - edges[:-2])[:, None]).astype(np.float32)
    filters.setflags(write=False)
    return filters


@lru_cache(maxsize=32)
def chroma_filters(sample_rate: int, n_fft: int, tuning: float) -> Floats:
    """Compute Ellis' chroma weights (2007), float32 ``(12, bins)``, C first.

    Each bin is spread over the nearby pitch classes by a Gaussian as wide as the bin, and bins far
    from the fifth octave weigh less. ``tuning`` is in semitones from A = 440 Hz.
    """
    # The zeroth bin has no pitch; it is placed an octave and a half under the first.
    hertz = np.arange(1, n_fft) * (sample_rate / n_fft)
    octaves = np.log2(hertz / (27.5 * 2.0 ** (tuning / 12.0)))
    pitches = 12.0 * np.concatenate([[octaves[0] - 1.5], octaves])
    widths = np.append(np.maximum(np.diff(pitches), 1.0), 1.0)
    # Pitches count from A, and C is three semitones above it.
    classes = np.arange(12)[:, None] + 3.0
    away = np.remainder(pitches - classes + 6.0, 12.0) - 6.0
    weights = np.exp(-0.5 * (2.0 * away / widths) ** 2)
    weights /= np.sqrt((weights**2).sum(axis=0, keepdims=True))
    weights *= np.exp(-0.5 * ((pitches / 12.0 - 5.0) / 2.0) ** 2)
    filters = weights[:, : n_fft // 2 + 1].astype(np.float32)
    filters.setflags(write=False)
    return filters
