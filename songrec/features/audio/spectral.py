"""Spectral descriptors, one row per frame."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from songrec.core.types import Floats
from songrec.features.audio.stft import FLOOR, RANGE_DB, Frames

ROLLOFF = 0.85
MEDIAN_FRAMES = 31
"""Length of the medians that separate harmonic from percussive sound."""
CONTRAST_FROM_HZ = 200.0
CONTRAST_BANDS = 7
CONTRAST_SHARE = 0.02
_TINY = float(np.finfo(np.float32).tiny)

SHAPE: tuple[str, ...] = (
    "spectral_centroid",
    "spectral_bandwidth",
    "spectral_rolloff",
    "spectral_flatness",
    "spectral_flux",
)
CONTRAST: tuple[str, ...] = tuple(
    f"spectral_contrast_{band}" for band in range(1, CONTRAST_BANDS + 1)
)
LEVEL: tuple[str, ...] = ("rms", "zero_crossing_rate")


def shape(frames: Frames) -> Floats:
    """Compute the columns ``SHAPE`` of each frame, float32 ``(frames, 5)``.

    Centroid, bandwidth and 85 % roll-off in Hz; flatness from 0 (a tone) to 1 (noise); flux is the
    share of the spectrum that is new since the previous frame, from 0 to 1. As in librosa, a silent
    frame has zeros, and flatness 1.
    """
    hertz = frames.frequencies
    rows = np.empty((frames.count, len(SHAPE)), dtype=np.float32)
    for start, stop, lead, spectra in frames.blocks(context=1):
        magnitudes = spectra[lead : lead + stop - start]
        total = magnitudes.sum(axis=1, keepdims=True)
        shares = magnitudes / np.where(total < _TINY, 1.0, total)
        centroid = shares @ hertz
        # The variance around the centroid, not E[f²] - E[f]², which loses digits in float32.
        away = hertz - centroid[:, None]
        rows[start:stop, 0] = centroid
        rows[start:stop, 1] = np.sqrt(np.einsum("fb,fb,fb->f", shares, away, away))
        running = np.cumsum(magnitudes, axis=1)
        rolled = (running < ROLLOFF * running[:, -1:]).sum(axis=1)
        rows[start:stop, 2] = hertz[np.minimum(rolled, len(hertz) - 1)]
        power = np.maximum(magnitudes**2, FLOOR)
        rows[start:stop, 3] = np.exp(np.log(power).mean(axis=1)) / power.mean(axis=1)
        rows[start:stop, 4] = _flux(spectra[: lead + stop - start], shares, lead)
    return rows


def _flux(spectra: Floats, shares: Floats, lead: int) -> Floats:
    """Sum the positive changes of ``shares``; the first frame has no predecessor."""
    if lead:
        total = max(float(spectra[0].sum()), _TINY)
        before = np.concatenate([spectra[:1] / total, shares[:-1]])
    else:
        before = np.concatenate([shares[:1], shares[:-1]])
    return np.maximum(shares - before, 0.0).sum(axis=1)


def contrast(frames: Frames) -> Floats:
    """Compute the decibels between peaks and valleys in octave bands, float32 ``(frames, 7)``.

    Jiang et al. (2002): below 200 Hz, then octaves, the last up to half the sample rate; the mean
    of the loudest and of the quietest 2 % of the bins. A band beyond half the sample rate is NaN.
    """
    hertz = frames.frequencies
    edges = np.concatenate([[0.0], CONTRAST_FROM_HZ * 2.0 ** np.arange(CONTRAST_BANDS)])
    peaks = np.full((frames.count, CONTRAST_BANDS), np.nan, dtype=np.float32)
    valleys = peaks.copy()
    bands = [_band(hertz, edges, band) for band in range(CONTRAST_BANDS)]
    for start, stop, _, magnitudes in frames.blocks():
        for band, (first, last, count) in enumerate(bands):
            if last <= first:
                continue
            count = min(count, last - first)
            ends = (count - 1, last - first - count)
            ordered = np.partition(magnitudes[:, first:last], ends, axis=1)
            valleys[start:stop, band] = ordered[:, :count].mean(axis=1)
            peaks[start:stop, band] = ordered[:, -count:].mean(axis=1)
    return _decibels(peaks) - _decibels(valleys)


def _decibels(values: Floats) -> Floats:
    """Convert to decibels, at most 80 dB below the loudest; NaN stays NaN."""
    decibels = 10.0 * np.log10(np.maximum(values, FLOOR))
    if np.isnan(decibels).all():
        return decibels
    return np.maximum(decibels, np.nanmax(decibels) - RANGE_DB)


def _band(hertz: Floats, edges: np.ndarray, band: int) -> tuple[int, int, int]:
    """Return first and last bin (exclusive) of an octave, and how many bins are 2 % of it.

    As in librosa, a band begins one bin below its edge and ends one bin before the next, and the
    share is that of the bins between, both ends included.
    """
    if edges[band] >= hertz[-1]:
        return 0, 0, 0
    inside = np.flatnonzero((hertz >= edges[band]) & (hertz <= edges[band + 1]))
    if len(inside) == 0:
        return 0, 0, 0
    first = int(inside[0]) - (1 if band else 0)
    top = band == len(edges) - 2
    last = len(hertz) if top else int(inside[-1])
    share = last - first + (0 if top else 1)
    return first, last, max(1, round(CONTRAST_SHARE * share))


def level(frames: Frames) -> Floats:
    """Compute the columns ``LEVEL``: RMS and sign changes per sample, ``(frames, 2)``."""
    rows = np.empty((frames.count, 2), dtype=np.float32)
    plain, edged = frames.plain, frames.windows("edge")
    for start in range(0, frames.count, 512):
        part = slice(start, min(start + 512, frames.count))
        rows[part, 0] = np.sqrt(np.einsum("fs,fs->f", plain[part], plain[part]) / frames.n_fft)
        # Like librosa, what is within 1e-10 of zero is zero, and zero is positive.
        negative = edged[part] < -FLOOR
        rows[part, 1] = (negative[:, 1:] != negative[:, :-1]).sum(axis=1) / frames.n_fft
    return rows


def harmonic_percussive(frames: Frames) -> tuple[Floats, Floats]:
    """Compute the harmonic and the percussive energy of each frame, two float32 ``(frames,)``.

    Fitzgerald (2010): medians over 31 frames against medians over 31 bins, and soft masks from
    their squares.
    """
    harmonic = np.empty(frames.count, dtype=np.float32)
    percussive = np.empty(frames.count, dtype=np.float32)
    reach = MEDIAN_FRAMES // 2
    for start, stop, lead, spectra in frames.blocks(context=reach):
        before = reach - lead
        after = reach - (spectra.shape[0] - lead - (stop - start))
        edged = np.pad(spectra, ((before, after), (0, 0)), mode="symmetric")
        over_time = _running_median(edged.T)[:, reach:-reach].T
        magnitudes = spectra[lead : lead + stop - start]
        over_bins = _running_median(np.pad(magnitudes, ((0, 0), (reach, reach)), mode="symmetric"))
        tonal = over_time**2
        both = tonal + over_bins[:, reach:-reach] ** 2
        mask = np.where(both < _TINY, 0.5, tonal / np.maximum(both, _TINY))
        harmonic[start:stop] = ((magnitudes * mask) ** 2).sum(axis=1)
        percussive[start:stop] = ((magnitudes * (1.0 - mask)) ** 2).sum(axis=1)
    return harmonic, percussive


def _running_median(rows: Floats) -> Floats:
    """Compute the median of 31 values around each along rows; the 15 at either end are invalid.

    All rows are filtered end to end as one signal by SciPy's one-dimensional filter, which is ten
    times as fast as the general one.
    """
    line = np.ascontiguousarray(rows, dtype=np.float32)
    filtered = ndimage.median_filter(line.reshape(-1), size=MEDIAN_FRAMES, mode="constant")
    return filtered.reshape(line.shape)
