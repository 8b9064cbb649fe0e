"""Fundamental frequency by autocorrelation, and what stands on it: the harmonics.

Boersma (1993), the method of Praat: the autocorrelation of each windowed frame, divided by that
of the window, peaks at the period; the likeliest path through the peaks of all frames is taken
(Viterbi). The autocorrelations come from the shared spectra by one inverse transform, so that f0
costs a few hundredths of what librosa's probabilistic YIN costs, which is why it is written here.
"""

from __future__ import annotations

import numpy as np
from scipy import fft, signal

from songrec.core.types import Floats
from songrec.features.audio.stft import Frames

LOWEST_HZ, HIGHEST_HZ = 65.4, 2093.0
"""C2 to C7."""
CANDIDATES = 6
VOICING = 0.45
SILENCE = 0.03
OCTAVE_COST = 0.01
JUMP_COST = 0.35
VOICING_COST = 0.14
HARMONICS = 20
_COST_STEP_S = 0.01

HARMONIC: tuple[str, ...] = ("tristimulus_1", "tristimulus_2", "tristimulus_3", "inharmonicity")


def fundamental(frames: Frames) -> Floats:
    """Estimate f0 of each frame in Hz, float32 ``(frames,)``, NaN in unvoiced frames."""
    hertz, strength, peak = _candidates(frames)
    if frames.silent:
        return np.full(frames.count, np.nan, dtype=np.float32)
    loudness = peak / max(float(peak.max()), 1e-12)
    unvoiced = VOICING + np.maximum(0.0, 2.0 - (loudness / SILENCE) * (1.0 + VOICING))
    with np.errstate(divide="ignore"):
        octaves = np.log2(hertz / LOWEST_HZ)
    gains = np.where(hertz > 0, strength + OCTAVE_COST * octaves, -np.inf)
    gains = np.concatenate([unvoiced[:, None], gains], axis=1)
    pitches = np.concatenate([np.full((frames.count, 1), np.nan), octaves], axis=1)
    best = _likeliest(gains, pitches, frames.rate)
    hertz = np.concatenate([np.full((frames.count, 1), np.nan), hertz], axis=1)
    return hertz[np.arange(frames.count), best].astype(np.float32)


def _candidates(frames: Frames) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return candidate frequencies, strengths ``(frames, CANDIDATES)`` and levels; 0 if absent."""
    rate = 2 * frames.sample_rate  # the inverse transform is twice as long: lags of half a sample
    first = max(2, int(rate / HIGHEST_HZ))
    # Longer lags leave too little overlap of the window with itself.
    last = min(int(rate / LOWEST_HZ) + 2, frames.n_fft)
    window = signal.get_window("hann", frames.n_fft, fftbins=True)
    of_window = fft.irfft(np.abs(fft.rfft(window)) ** 2, 2 * frames.n_fft)
    of_window = (of_window / of_window[0])[: last + 1].astype(np.float32)
    octaves_down = np.log2(np.arange(first, last) / first)
    hertz = np.zeros((frames.count, CANDIDATES))
    strength = np.zeros((frames.count, CANDIDATES))
    peak = np.zeros(frames.count)
    for start, stop, _, magnitudes in frames.blocks():
        power = magnitudes**2
        power[:, :2] = 0.0  # remove the constant offset
        correlation = fft.irfft(power, 2 * frames.n_fft, axis=1)[:, : last + 1]
        peak[start:stop] = np.sqrt(np.maximum(correlation[:, 0], 0.0))
        correlation = correlation / np.maximum(correlation[:, :1], 1e-12) / of_window
        here = correlation[:, first:-1]
        tops = (
            (here > correlation[:, first - 1 : -2])
            & (here >= correlation[:, first + 1 :])
            & (here > 0)
        )
        rows, columns = np.nonzero(tops)
        # Fewer frames are voiced an octave down when short periods win near-ties.
        rank = here[rows, columns] - OCTAVE_COST * octaves_down[columns]
        rows, columns, places = _highest(rows, columns, rank)
        left, top, right = (correlation[rows, columns + first + shift] for shift in (-1, 0, 1))
        bend = left + right - 2.0 * top
        shift = np.where(bend < 0, 0.5 * (left - right) / np.where(bend < 0, bend, 1.0), 0.0)
        hertz[start + rows, places] = rate / (columns + first + shift)
        strength[start + rows, places] = top - 0.25 * (left - right) * shift
    # A strength beyond 1 is noise divided by a small window: it counts as its inverse, as in Praat.
    strength = np.where(strength > 1.0, 1.0 / np.maximum(strength, 1.0), strength)
    return hertz, strength, peak


def _highest(
    rows: np.ndarray, columns: np.ndarray, rank: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the ``CANDIDATES`` highest positive peaks of each row, and their places among them."""
    order = np.lexsort((-rank, rows))
    order = order[rank[order] > 0]
    rows, columns = rows[order], columns[order]
    places = np.arange(len(rows)) - np.searchsorted(rows, rows)
    kept = places < CANDIDATES
    return rows[kept], columns[kept], places[kept]


def _likeliest(gains: np.ndarray, pitches: np.ndarray, rate: float) -> np.ndarray:
    """Find the path ``(frames,)`` of greatest gain less the cost of its jumps."""
    scale = _COST_STEP_S * rate
    count, states = gains.shape
    voiced = ~np.isnan(pitches) & np.isfinite(pitches)
    pitch = np.where(voiced, pitches, 0.0)
    jumps = JUMP_COST * np.abs(pitch[1:, None, :] - pitch[:-1, :, None])
    both = voiced[1:, None, :] & voiced[:-1, :, None]
    one = voiced[1:, None, :] ^ voiced[:-1, :, None]
    costs = scale * np.where(both, jumps, np.where(one, VOICING_COST, 0.0))
    best = gains[0]
    came = np.zeros((count, states), dtype=np.int64)
    for frame in range(1, count):
        through = best[:, None] - costs[frame - 1]
        came[frame] = through.argmax(axis=0)
        best = through.max(axis=0) + gains[frame]
    path = np.empty(count, dtype=np.int64)
    path[-1] = int(best.argmax())
    for frame in range(count - 1, 0, -1):
        path[frame - 1] = came[frame, path[frame]]
    return path


def harmonics(frames: Frames, f0: Floats) -> Floats:
    """Compute the columns ``HARMONIC`` of each frame, float32 ``(frames, 4)``, NaN where f0 is NaN.

    Tristimulus (Pollard and Jansson 1982): the shares of the first harmonic, of the second to the
    fourth, and of those from the fifth on, in the sum of their amplitudes. Inharmonicity (Peeters
    2004): deviation of the harmonics from multiples of f0, weighted by energy, from 0 to 1.
    """
    rows = np.full((frames.count, len(HARMONIC)), np.nan, dtype=np.float32)
    spacing = frames.sample_rate / frames.n_fft
    number = np.arange(1, HARMONICS + 1)
    for start, stop, _, magnitudes in frames.blocks():
        voiced = np.flatnonzero(np.isfinite(f0[start:stop]))
        if len(voiced) == 0:
            continue
        base = f0[start:stop][voiced].astype(np.float64)[:, None]
        bins = base * number / spacing
        # Needs two bins on either side and the neighbours of the outermost.
        inside = (bins > 3) & (bins < magnitudes.shape[1] - 4)
        centre = np.where(inside, np.rint(bins), 3).astype(np.int64)
        around = centre[:, :, None] + np.arange(-2, 3)
        near = magnitudes[voiced[:, None, None], around]
        at = np.take_along_axis(around, near.argmax(axis=2)[:, :, None], axis=2)[:, :, 0]
        left, top, right = (magnitudes[voiced[:, None], at + shift] for shift in (-1, 0, 1))
        bend = left + right - 2.0 * top
        shift = np.where(bend < 0, 0.5 * (left - right) / np.where(bend < 0, bend, 1.0), 0.0)
        amplitude = np.where(inside, top, 0.0).astype(np.float64)
        total = np.maximum(amplitude.sum(axis=1), 1e-12)
        off = np.abs((at + np.clip(shift, -0.5, 0.5)) * spacing - base * number)
        energy = amplitude**2
        spread = (off * energy).sum(axis=1) / np.maximum(energy.sum(axis=1), 1e-12)
        values = np.stack(
            [
                amplitude[:, 0] / total,
                amplitude[:, 1:4].sum(axis=1) / total,
                amplitude[:, 4:].sum(axis=1) / total,
                2.0 * spread / base[:, 0],
            ],
            axis=1,
        )
        # Wider bins do not resolve the harmonics of a low tone.
        rows[start + voiced[inside[:, 0]]] = values[inside[:, 0]]
    return rows
