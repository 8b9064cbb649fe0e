"""Onsets, beats, and the attack of notes."""

from __future__ import annotations

import itertools

import numpy as np
from scipy import ndimage

from songrec.core.types import Floats
from songrec.features.audio.stft import Frames

ENVELOPE_HOP_S = 0.003
ONSET_WAIT_S = 0.03
ONSET_RISE = 0.07
BEAT_TIGHTNESS = 100.0


def onset_envelope(frames: Frames) -> Floats:
    """Compute the mean rise of the mel bands in dB, float32 ``(frames,)``.

    As librosa's ``onset_strength``: delayed by half a window, so that a rise is where it is
    audible.
    """
    levels = frames.log_mel(128)
    later = 1 + frames.n_fft // (2 * frames.hop_length)
    rise = np.maximum(levels[1:] - levels[:-1], 0.0).mean(axis=1)
    return np.pad(rise, (later, 0))[: frames.count]


def onsets(envelope: Floats, rate: float) -> np.ndarray:
    """Detect the frames at which notes begin, int64 ``(k,)``.

    Peak picking after Böck et al. (2012) with librosa's windows: the largest within 30 ms, above
    the mean of the surrounding 100 ms by 0.07 of the loudest onset, and at least 30 ms after the
    previous one.
    """
    top = float(envelope.max(initial=0.0))
    if top <= 0:
        return np.empty(0, dtype=np.int64)
    level = envelope / top
    reach = max(1, round(ONSET_WAIT_S * rate))
    around = max(1, round(0.1 * rate))
    highest = ndimage.maximum_filter1d(level, 2 * reach + 1, mode="constant")
    mean = ndimage.uniform_filter1d(level, 2 * around + 1, mode="nearest")
    peaks = np.flatnonzero((level == highest) & (level >= mean + ONSET_RISE))
    if len(peaks) == 0:
        return peaks
    separate = np.concatenate([[True], np.diff(peaks) > reach])
    return peaks[separate]


def notes(frames: Frames, begins: np.ndarray) -> Floats:
    """Measure attack time and temporal centroid of each note in s, float32 ``(notes, 2)``.

    A note lasts from its onset to the next. Its attack (Peeters 2004) is the time from 20 % to 80
    % of the first peak of its amplitude, its temporal centroid the centre of its energy.
    """
    hop = max(1, round(ENVELOPE_HOP_S * frames.sample_rate))
    usable = len(frames.samples) // hop * hop
    if usable == 0 or len(begins) == 0:
        return np.empty((0, 2), dtype=np.float32)
    power = np.square(frames.samples[:usable]).reshape(-1, hop).mean(axis=1)
    # The filter keeps a running sum, whose rounding may end below zero after a loud passage.
    power = np.maximum(ndimage.uniform_filter1d(power, 5, mode="nearest"), 0.0)
    step = hop / frames.sample_rate
    # The envelope marks an onset up to a window late: the note is searched backwards from there.
    lead = frames.n_fft / 2 / frames.sample_rate
    at = np.maximum(0.0, begins / frames.rate - lead) / step
    edges = np.append(np.floor(at).astype(np.int64), len(power))
    rows = []
    for begin, end in itertools.pairwise(edges):
        note = power[begin:end]
        if len(note) < 4 or note.max() <= 0:
            continue
        rows.append((_attack(np.sqrt(note)) * step, _centroid(note) * step))
    return np.array(rows, dtype=np.float32).reshape(-1, 2)


def _attack(amplitude: np.ndarray) -> float:
    """Count the steps from 20 % to 80 % of the rise between the preceding minimum and the peak."""
    peak = int(amplitude.argmax())
    trough = int(amplitude[: peak + 1].argmin())
    rise = amplitude[trough : peak + 1] - amplitude[trough]
    low = int(np.argmax(rise >= 0.2 * rise[-1]))
    high = int(np.argmax(rise >= 0.8 * rise[-1]))
    return float(high - low + 1)


def _centroid(power: np.ndarray) -> float:
    return float((power * np.arange(len(power))).sum() / power.sum())


def beats(envelope: Floats, rate: float, tempo: float) -> np.ndarray:
    """Track the beats at about ``tempo`` BPM; their frames, int64 ``(k,)`` ascending.

    Dynamic programming (Ellis 2007): the sequence of beats that collects most onset strength while
    its intervals stay near the period.
    """
    if not np.isfinite(tempo) or tempo <= 0 or envelope.max(initial=0.0) <= 0:
        return np.empty(0, dtype=np.int64)
    period = 60.0 * rate / tempo
    level = ndimage.gaussian_filter1d(envelope / (envelope.std() or 1.0), period / 32.0)
    gaps = np.arange(round(period / 2), round(2 * period) + 1)
    gaps = gaps[gaps > 0]
    if len(gaps) == 0 or len(level) <= gaps[-1]:
        return np.empty(0, dtype=np.int64)
    costs = -BEAT_TIGHTNESS * np.log(gaps / period) ** 2
    reach = int(gaps[-1])
    total = np.concatenate([np.zeros(reach), level])
    came = np.full(len(level), -1, dtype=np.int64)
    offsets = reach - gaps
    started = False
    for frame in range(len(level)):
        through = total[frame + offsets] + costs
        best = int(through.argmax())
        total[frame + reach] = level[frame] + through[best]
        if not started and level[frame] < 0.01 * level.max():
            continue  # silence before the music holds no beats
        started = True
        came[frame] = frame - gaps[best]
    scores = total[reach:]
    frame = len(scores) - int(period) + int(scores[-int(period) :].argmax())
    path = []
    while frame >= 0:
        path.append(frame)
        frame = int(came[frame])
    return np.array(path[::-1], dtype=np.int64)
