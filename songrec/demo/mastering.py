"""Room, echo and loudness of a mix: float32 ``(n, 2)`` at ``RATE``."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from songrec.demo.clips_sounds import RATE, Samples

LUFS = -16.0
"""The loudness of every piece, as streaming services level theirs."""
PEAK = 0.89
"""The highest sample, one decibel below full scale."""


def reverberate(mix: Samples, seconds: float) -> Samples:
    """Return the reverberation of a room that takes ``seconds`` to lose 60 dB, alone."""
    from scipy.signal import oaconvolve

    return oaconvolve(mix, _room(seconds), axes=0)[: len(mix)].astype(np.float32)


@lru_cache(maxsize=16)
def _room(seconds: float) -> Samples:
    from scipy.signal import butter, sosfilt

    t = np.arange(int(seconds * RATE)) / RATE
    rng = np.random.default_rng(5)
    response = rng.normal(size=(len(t), 2)) * np.exp(-6.9 * t / seconds)[:, None]
    # Walls swallow the highs, and what comes from below would boom.
    bandpass = butter(1, [220.0, 5_200.0], "bandpass", fs=RATE, output="sos")
    response = sosfilt(bandpass, response, axis=0)
    delay = int(0.018 * RATE)
    response = np.concatenate([np.zeros((delay, 2)), response])
    return (response / np.sqrt(np.square(response).sum(axis=0))).astype(np.float32)


def amplify(track: Samples, gain: float) -> Samples:
    """Return a part as an overdriven amplifier and its loudspeaker sound: float32 ``(n,)``."""
    from scipy.signal import butter, sosfilt

    driven = gain * track / max(float(np.abs(track).max()), 1e-9)
    # Tubes bend one side more than the other, which gives even harmonics.
    bent = np.tanh(driven + 0.2) - np.tanh(0.2)
    loudspeaker = butter(2, [90.0, 5_200.0], "bandpass", fs=RATE, output="sos")
    return (0.6 * sosfilt(loudspeaker, bent)).astype(np.float32)


def echo(mix: Samples, delay: int, repeats: int = 3) -> Samples:
    """Return the echoes of ``mix``, each softer and on the other side."""
    out = np.zeros_like(mix)
    source = mix
    for number in range(1, repeats + 1):
        source = source[:, ::-1] * np.float32(0.55)
        at = number * delay
        if at < len(mix):
            out[at:] += source[: len(mix) - at]
    return out


def master(mix: Samples) -> Samples:
    """Return the mix at ``LUFS`` with soft peaks and faded ends."""
    from scipy.signal import butter, sosfilt

    mix = sosfilt(butter(2, 30.0, "highpass", fs=RATE, output="sos"), mix, axis=0)
    for _ in range(2):  # limiting makes it softer again
        mix = _limit(mix * 10.0 ** ((LUFS - loudness(mix)) / 20.0))
    mix[: RATE // 100] *= np.linspace(0.0, 1.0, RATE // 100)[:, None]
    fade = np.linspace(1.0, 0.0, RATE)[:, None] ** 2
    mix[-RATE:] *= fade
    return mix.astype(np.float32)


def _limit(mix: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bend what is above 0.6 so that nothing exceeds ``PEAK``."""
    knee = 0.6
    above = np.abs(mix) > knee
    out = mix.copy()
    room = PEAK - knee
    out[above] = np.sign(mix[above]) * (knee + room * np.tanh((np.abs(mix[above]) - knee) / room))
    return out


def loudness(mix: NDArray[np.floating]) -> float:
    """Return the integrated loudness in LUFS, after ITU-R BS.1770-4 with both of its gates."""
    from scipy.signal import lfilter

    weighted = np.asarray(mix, dtype=np.float64)
    for b, a in (_shelf(), _highpass()):
        weighted = lfilter(b, a, weighted, axis=0)
    block, hop = int(0.4 * RATE), int(0.1 * RATE)
    energy = np.concatenate([[0.0], np.cumsum(np.square(weighted).sum(axis=1))])
    starts = np.arange(0, max(1, len(weighted) - block), hop)
    power = (energy[np.minimum(starts + block, len(weighted))] - energy[starts]) / block
    level = -0.691 + 10.0 * np.log10(np.maximum(power, 1e-12))
    audible = level > -70.0
    if not audible.any():
        return -70.0
    relative = -0.691 + 10.0 * np.log10(power[audible].mean()) - 10.0
    return float(-0.691 + 10.0 * np.log10(power[audible & (level > relative)].mean()))


def _shelf() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the high-shelf filter of ITU-R BS.1770, which models the head."""
    gain, q, hertz = 10.0 ** (4.0 / 40.0), 1.0 / np.sqrt(2.0), 1_500.0
    w = 2.0 * np.pi * hertz / RATE
    alpha, cos = np.sin(w) / (2.0 * q), np.cos(w)
    root = 2.0 * np.sqrt(gain) * alpha
    b = gain * np.array(
        [
            (gain + 1) + (gain - 1) * cos + root,
            -2.0 * ((gain - 1) + (gain + 1) * cos),
            (gain + 1) + (gain - 1) * cos - root,
        ]
    )
    a = np.array(
        [
            (gain + 1) - (gain - 1) * cos + root,
            2.0 * ((gain - 1) - (gain + 1) * cos),
            (gain + 1) - (gain - 1) * cos - root,
        ]
    )
    return b / a[0], a / a[0]


def _highpass() -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the filter by which the lowest tones count less."""
    w = 2.0 * np.pi * 38.0 / RATE
    alpha, cos = np.sin(w) / (2.0 * 0.5), np.cos(w)
    b = np.array([(1 + cos) / 2, -(1 + cos), (1 + cos) / 2])
    a = np.array([1 + alpha, -2 * cos, 1 - alpha])
    return b / a[0], a / a[0]
