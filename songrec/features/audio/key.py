"""Key and mode estimation by the correlation of pitch classes with 24 key profiles.

A profile alone cannot separate C major from A minor when a song uses the same notes for both; so
a key also gains by its dominant resolving into its tonic, and by its tonic opening the excerpt.

Written here because librosa estimates no key, and Essentia and madmom, which do, are large
compiled dependencies.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray
from scipy import fft, signal

from songrec.features.audio.stft import Frames

Classes = NDArray[np.float64]

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
"""Weight of each degree in a major and in a minor key.

Krumhansl and Kessler (1982): listeners' ratings; Temperley (2007): shares of the Kostka-Payne
corpus; Albrecht and Shanahan (2013): shares in 490 pieces.
"""
PROFILE = "albrecht-shanahan"
"""The most accurate on synthetic clips, and the most consistent for two excerpts of a track."""

WINDOW_S = 0.37
"""Window in seconds, which separates neighbouring semitones from 110 Hz on."""
LOWEST_HZ, HIGHEST_HZ = 80.0, 2000.0
FAINTEST = 0.01
"""Smallest share of the loudest peak of the window at which a peak counts."""
HARMONICS = 5
HARMONIC_DECAY = 0.5

RESOLUTION_GAIN, OPENING_GAIN = 5.0, 0.3
RESOLUTION_WINDOWS, OPENING_WINDOWS = 3, 5
CHORD_SHARPNESS = 16.0
_BLOCK = 128


@dataclass(frozen=True)
class Key:
    """Pitch class 0-11 (C is 0), mode 1 (major) or 0 (minor), correlation with the profile."""

    key: int
    mode: int
    strength: float


def pitch_classes(frames: Frames) -> Classes:
    """Estimate the strength of each pitch class over time, float64 ``(windows, 12)``, C first.

    A longer transform every half window resolves low semitones, which the shared one does not; only
    spectral peaks count, each for the fundamentals whose harmonic it may be (Gómez 2006), at the
    tuning that the peaks agree on. Zeros in windows without tones.
    """
    count, row, hertz, weight = _peaks(frames)
    classes = np.zeros((count, 12))
    if len(hertz) == 0:
        return classes
    pitch = 12.0 * np.log2(hertz / 440.0) + 9.0
    pitch -= np.angle(np.sum(weight * np.exp(2j * math.pi * pitch))) / (2.0 * math.pi)
    for harmonic in range(1, HARMONICS + 1):
        at = pitch - 12.0 * math.log2(harmonic)
        nearest = np.rint(at)
        near = np.cos(math.pi * (at - nearest)) ** 2
        share = weight * near * HARMONIC_DECAY ** (harmonic - 1)
        place = row * 12 + nearest.astype(np.int64) % 12
        classes += np.bincount(place, weights=share, minlength=count * 12).reshape(count, 12)
    return classes


def _peaks(frames: Frames) -> tuple[int, NDArray[np.int64], Classes, Classes]:
    """Return the number of windows; window, frequency in Hz and weight of each spectral peak.

    The square roots of a window's peaks are scaled to the square root of its loudness, so that
    neither one loud tone nor one loud window decides.
    """
    length = 2 ** max(8, round(math.log2(WINDOW_S * frames.sample_rate)))
    samples = frames.samples
    if len(samples) < length:
        samples = np.pad(samples, (0, length - len(samples)))
    spacing = frames.sample_rate / length
    first = max(1, int(LOWEST_HZ / spacing))
    last = min(int(HIGHEST_HZ / spacing), length // 2 - 1)
    window = signal.get_window("hann", length).astype(np.float32)
    rows = sliding_window_view(samples, length)[:: length // 2]
    blocks = []
    for start in range(0, len(rows), _BLOCK):
        spectra = np.abs(fft.rfft(rows[start : start + _BLOCK] * window, axis=1))
        spectra = spectra[:, first - 1 : last + 2]
        here = spectra[:, 1:-1]
        floor = FAINTEST * here.max(axis=1, keepdims=True) + 1e-9
        tops = (here > spectra[:, :-2]) & (here >= spectra[:, 2:]) & (here > floor)
        row, column = np.nonzero(tops)
        left, top, right = (np.log(spectra[row, column + at] + 1e-12) for at in (0, 1, 2))
        shift = 0.5 * (left - right) / np.minimum(left + right - 2.0 * top, -1e-9)
        hertz = (column + first + np.clip(shift, -0.5, 0.5)) * spacing
        level = np.sqrt(here[row, column], dtype=np.float64)
        total = np.bincount(row, weights=level, minlength=len(spectra))
        loudness = np.sqrt(np.sqrt((spectra**2).sum(axis=1)))
        blocks.append((row + start, hertz, level / total[row] * loudness[row]))
    row, hertz, weight = (np.concatenate(parts) for parts in zip(*blocks, strict=True))
    return len(rows), row, hertz.astype(np.float64), weight.astype(np.float64)


def find_key(classes: Classes, profiles: str = PROFILE, *, home: bool = True) -> Key | None:
    """Estimate the key of ``classes`` ``(windows, 12)``; None if no tone stands out.

    The score of a key is the correlation of the sum of ``classes`` with its profile plus (``home``)
    how often its dominant resolves into its tonic and the share of its tonic in the opening.
    """
    total = classes.sum(axis=0)
    if not np.isfinite(total).all() or np.ptp(total) <= 1e-6 * max(float(total.max()), 1e-9):
        return None
    references = np.array(
        [np.roll(PROFILES[profiles][minor], key) for minor in (0, 1) for key in range(12)]
    )
    fits = np.corrcoef(total, references)[0, 1:]
    best = int((fits + _home(classes) if home else fits).argmax())
    return Key(best % 12, 1 if best < 12 else 0, float(fits[best]))


def _home(classes: Classes) -> Classes:
    """Score cadences and the opening of each of the 24 keys, float64 ``(24,)``."""
    length = np.linalg.norm(classes, axis=1, keepdims=True)
    sounding = classes[length[:, 0] > 1e-9] / length[length[:, 0] > 1e-9]
    fits = sounding @ _TRIADS.T
    chords = np.exp(CHORD_SHARPNESS * (fits - fits.max(axis=1, keepdims=True)))
    chords /= chords.sum(axis=1, keepdims=True)
    gain = OPENING_GAIN * chords[:OPENING_WINDOWS].mean(axis=0)
    if len(chords) > RESOLUTION_WINDOWS:
        before, after = chords[:-RESOLUTION_WINDOWS], chords[RESOLUTION_WINDOWS:]
        # The dominant of both modes is the major triad a fifth above the tonic.
        dominant = (np.arange(24) + 7) % 12
        gain = gain + RESOLUTION_GAIN * (before[:, dominant] * after).mean(axis=0)
    return gain


def _triads() -> Classes:
    """Return the 12 major and 12 minor triads as unit vectors, float64 ``(24, 12)``."""
    triads = np.zeros((24, 12))
    for row in range(24):
        for part in (0, 4 if row < 12 else 3, 7):
            triads[row, (row + part) % 12] = 1.0 / math.sqrt(3.0)
    return triads


_TRIADS = _triads()
