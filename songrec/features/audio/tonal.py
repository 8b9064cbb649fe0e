"""Chroma and tuning."""

from __future__ import annotations

import numpy as np

from songrec.core.types import Floats
from songrec.features.audio.filterbanks import chroma_filters
from songrec.features.audio.stft import Frames

PITCH_CLASSES: tuple[str, ...] = (
    "c",
    "c_sharp",
    "d",
    "d_sharp",
    "e",
    "f",
    "f_sharp",
    "g",
    "g_sharp",
    "a",
    "a_sharp",
    "b",
)
CHROMA: tuple[str, ...] = tuple(f"chroma_{name}" for name in PITCH_CLASSES)
_TUNING_HZ = (150.0, 4000.0)
_TUNING_SHARE = 0.1
_TUNING_STEPS = 100


def tuning(frames: Frames) -> float:
    """Estimate the deviation from A = 440 Hz, in semitones from -0.5 to below 0.5.

    As librosa's ``estimate_tuning`` of a power spectrogram: the most common deviation, to a
    hundredth, among the stronger half of the spectral peaks between 150 and 4000 Hz. 0 without
    peaks.
    """
    first = max(1, int(np.searchsorted(frames.frequencies, _TUNING_HZ[0])))
    last = int(np.searchsorted(frames.frequencies, _TUNING_HZ[1]))
    last = min(last, len(frames.frequencies) - 1)
    spacing = frames.sample_rate / frames.n_fft
    hertz, levels = [], []
    for _, _, _, magnitudes in frames.blocks():
        power = magnitudes**2
        floor = _TUNING_SHARE * power.max(axis=1, keepdims=True)
        part = power[:, first - 1 : last + 1]
        loud = np.where(part > floor, part, 0.0)
        here = loud[:, 1:-1]
        rows, columns = np.nonzero((here > loud[:, :-2]) & (here >= loud[:, 2:]))
        left, top, right = (part[rows, columns + shift] for shift in (0, 1, 2))
        bend, slope = left + right - 2.0 * top, 0.5 * (right - left)
        shift = np.where(np.abs(slope) < np.abs(bend), -slope / np.where(bend == 0, 1.0, bend), 0.0)
        hertz.append((columns + first + shift) * spacing)
        levels.append(top + 0.5 * slope * shift)
    pitch, level = np.concatenate(hertz), np.concatenate(levels)
    if len(pitch) == 0:
        return 0.0
    pitch = pitch[level >= np.median(level)]
    off = np.mod(12.0 * np.log2(pitch / 27.5), 1.0)
    off[off >= 0.5] -= 1.0
    counts, edges = np.histogram(off, np.linspace(-0.5, 0.5, _TUNING_STEPS + 1))
    return float(edges[counts.argmax()])


def chroma(frames: Frames, tuned: float) -> Floats:
    """Compute the power in the twelve pitch classes, frame maximum 1, float32 ``(frames, 12)``."""
    weights = chroma_filters(frames.sample_rate, frames.n_fft, tuned)
    rows = np.empty((frames.count, 12), dtype=np.float32)
    for start, stop, _, magnitudes in frames.blocks():
        np.matmul(magnitudes**2, weights.T, out=rows[start:stop])
    strongest = rows.max(axis=1, keepdims=True)
    return rows / np.where(strongest < np.finfo(np.float32).tiny, 1.0, strongest)
