"""Key and mode: which of the 24 key profiles the pitch classes follow."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft, signal

from songrec.core.types import Floats
from songrec.features.audio.frames import Frames

PROFILES: dict[str, tuple[tuple[float, ...], tuple[float, ...]]] = {
    "krumhansl-kessler": (
        (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88),
        (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17),
    ),
    "temperley": (
        (0.748, 0.060, 0.488, 0.082, 0.670, 0.460, 0.096, 0.715, 0.104, 0.366, 0.057, 0.400),
        (0.712, 0.084, 0.474, 0.618, 0.049, 0.460, 0.105, 0.747, 0.404, 0.067, 0.133, 0.330),
    ),
    "albrecht-shanahan": (
        (0.238, 0.006, 0.111, 0.006, 0.137, 0.094, 0.016, 0.214, 0.009, 0.080, 0.008, 0.081),
        (0.220, 0.006, 0.104, 0.123, 0.019, 0.103, 0.012, 0.214, 0.062, 0.022, 0.061, 0.052),
    ),
}
"""How much each degree belongs to a major and to a minor key.

Krumhansl and Kessler (1982): listeners' ratings; Temperley (2007): shares of the Kostka-Payne
corpus; Albrecht and Shanahan (2013): shares in 490 pieces.
"""
PROFILE = "albrecht-shanahan"

WINDOW_S = 0.37
"""Seconds a window: two neighbouring semitones are apart from 110 Hz on."""
LOWEST_HZ, HIGHEST_HZ = 55.0, 2000.0
HARMONICS = 4
HARMONIC_DECAY = 0.6


@dataclass(frozen=True)
class Key:
    """Pitch class 0-11 (C is 0), mode 1 (major) or 0 (minor), the correlation with the profile."""

    key: int
    mode: int
    strength: float


def pitch_profile(frames: Frames) -> NDArray[np.float64]:
    """How much of each pitch class is heard, float64 ``(12,)`` adding up to 1; NaN for none.

    A second, longer transform every half window tells low semitones apart, which the shared one
    cannot; only spectral peaks count, each for the fundamentals whose harmonic it may be (Gómez
    2006), at the tuning that the peaks agree on.
    """
    hertz, weight = _peaks(frames)
    if len(hertz) == 0:
        return np.full(12, np.nan)
    pitch = 12.0 * np.log2(hertz / 440.0) + 9.0
    turn = np.sum(weight * np.exp(2j * math.pi * pitch))
    pitch = pitch - np.angle(turn) / (2.0 * math.pi)
    profile = np.zeros(12)
    for harmonic in range(1, HARMONICS + 1):
        at = pitch - 12.0 * math.log2(harmonic)
        nearest = np.rint(at)
        near = np.cos(0.5 * math.pi * np.clip((at - nearest) / 0.5, -1.0, 1.0)) ** 2
        share = weight * near * HARMONIC_DECAY ** (harmonic - 1)
        profile += np.bincount(nearest.astype(np.int64) % 12, weights=share, minlength=12)
    return profile / profile.sum()


def _peaks(frames: Frames) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Frequencies in Hz and weights of the spectral peaks of all long windows."""
    length = 2 ** max(8, round(math.log2(WINDOW_S * frames.sample_rate)))
    samples = frames.samples
    if len(samples) < length:
        samples = np.pad(samples, (0, length - len(samples)))
    spacing = frames.sample_rate / length
    first, last = int(LOWEST_HZ / spacing), int(HIGHEST_HZ / spacing)
    last = min(last, length // 2 - 1)
    window = signal.get_window("hann", length).astype(np.float32)
    rows = np.lib.stride_tricks.sliding_window_view(samples, length)[:: length // 2]
    hertz, weights = [], []
    for start in range(0, len(rows), 128):
        spectra = np.abs(fft.rfft(rows[start : start + 128] * window, axis=1))
        spectra = spectra[:, first - 1 : last + 2]
        here = spectra[:, 1:-1]
        floor = 0.01 * here.max(axis=1, keepdims=True) + 1e-9
        tops = (here > spectra[:, :-2]) & (here >= spectra[:, 2:]) & (here > floor)
        row, column = np.nonzero(tops)
        left, top, right = (np.log(spectra[row, column + at] + 1e-12) for at in (0, 1, 2))
        shift = 0.5 * (left - right) / np.minimum(left + right - 2.0 * top, -1e-9)
        hertz.append((column + first + np.clip(shift, -0.5, 0.5)) * spacing)
        level = np.sqrt(here[row, column])
        total = np.bincount(row, weights=level, minlength=len(spectra))
        loud = np.sqrt(np.sqrt((spectra**2).sum(axis=1)))
        weights.append(level / total[row] * loud[row])
    return np.concatenate(hertz).astype(np.float64), np.concatenate(weights).astype(np.float64)


def find_key(profile: NDArray[np.float64] | Floats, profiles: str = PROFILE) -> Key | None:
    """The key whose profile correlates best with ``profile`` ``(12,)``; None where it is NaN."""
    if not np.isfinite(profile).all() or np.ptp(profile) < 1e-9:
        return None
    best = Key(0, 1, -math.inf)
    for mode, degrees in ((1, PROFILES[profiles][0]), (0, PROFILES[profiles][1])):
        for key in range(12):
            found = float(np.corrcoef(profile, np.roll(degrees, key))[0, 1])
            if found > best.strength:
                best = Key(key, mode, found)
    return best
