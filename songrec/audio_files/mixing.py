"""Mixing of channels to mono without cancelling channels of opposite polarity.

One channel is the mean of all (as in librosa), at the loudness of the file. FFmpeg's own mixing
scales by 1/2 or by 1/sqrt(2), depending on the sample format that the codec uses.

Where the mean loses the sound because channels carry it with opposite signs (a swapped cable, a
wrong rip, karaoke effects), the channels are aligned first: those that oppose the others are
inverted. A channel that is delayed or unrelated is not inverted, so that the mean of ordinary
stereo stays what it is.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from av.audio.frame import AudioFrame
from av.audio.resampler import AudioResampler
from numpy.typing import NDArray
from scipy import fft

from songrec.core.types import Floats

BLOCK_S = 0.1
"""Length in seconds of the blocks in which covariances and levels are measured."""
WINDOW_BLOCKS, HOP_BLOCKS = 30, 10
"""Channels must cancel over windows of 3 s, with a hop of 1 s."""
CANCELLED = 0.2
"""Power of the mean relative to that of aligned channels (-7 dB) below which channels cancel.

In 354 recordings no second with sound is below 0.2.
"""
LEAST_POWER = 1e-8
"""Mean power (-80 dB relative to full scale) below which channels are silent."""
LONGEST_DELAY_S = 0.05
DELAY_MARGIN = 0.05
"""A delay explains opposite signs if it raises the channels' correlation by this much."""
_LAG_SAMPLES = 2**16

_FULL_SCALE = {"u8": 128.0, "s16": 2.0**15, "s32": 2.0**31, "flt": 1.0, "dbl": 1.0}


def samples_of(frame: AudioFrame) -> tuple[NDArray[np.generic], float, type]:
    """Return the samples of a frame by channel.

    Returns
    -------
    values
        ``(channels, samples)`` in the sample format's own type, 8-bit samples centred.
    full_scale
        The sample value of full scale.
    precision
        Floating-point type for sums of samples.
    """
    name = frame.format.name
    packed = name.removesuffix("p")
    if packed not in _FULL_SCALE:
        frame = AudioResampler(format="fltp").resample(frame)[0]
        name, packed = "fltp", "flt"
    values = frame.to_ndarray()
    if name == packed:  # interleaved
        values = values.reshape(-1, len(frame.layout.channels)).T
    if packed == "u8":
        values = values.astype(np.float32) - 128.0
    return values, _FULL_SCALE[packed], np.float64 if packed in ("s32", "dbl") else np.float32


def mono(values: NDArray[np.generic], full_scale: float, precision: type) -> Floats:
    """Average channels (``samples_of``) to float32 ``(samples,)``, full scale ±1."""
    with np.errstate(over="ignore", invalid="ignore"):  # checked by the caller
        return (values.mean(axis=0, dtype=precision) / full_scale).astype(np.float32)


@dataclass(frozen=True)
class Blocks:
    """Statistics of blocks of ``BLOCK_S`` seconds.

    ``starts_s`` (s) and ``powers`` (mean square of the samples less their mean, averaged over
    channels) are float64 ``(blocks,)``; ``covariances`` float64 ``(blocks, channels, channels)``,
    None if the number of channels changes or covariances were not requested.
    """

    starts_s: NDArray[np.float64]
    powers: NDArray[np.float64]
    covariances: NDArray[np.float64] | None = None


class BlockMeter:
    """Measurement of ``Blocks`` in a stream; ``loudest`` is the greatest power so far."""

    def __init__(self, *, covariances: bool = True) -> None:
        self._wanted = covariances
        self.loudest = 0.0
        self._waiting: list[Floats] = []
        self._count = 0
        self._waiting_start_s = 0.0
        self._rate = 0
        self._starts: list[NDArray[np.float64]] = []
        self._powers: list[NDArray[np.float64]] = []
        self._covariances: list[NDArray[np.float64]] = []

    def add(self, at_s: float, values: NDArray[np.generic], full_scale: float, rate: int) -> None:
        """Add samples (``samples_of``) that begin at ``at_s``."""
        scaled = np.asarray(values, dtype=np.float32)
        if full_scale != 1.0:
            scaled = scaled / np.float32(full_scale)
        if self._waiting and (rate != self._rate or len(scaled) != len(self._waiting[0])):
            self._measure(whole=False)
        if not self._waiting:
            self._waiting_start_s, self._rate = at_s, rate
        self._waiting.append(scaled)
        self._count += scaled.shape[1]
        if self._count >= 10 * self._block:
            self._measure()

    def finish(self) -> Blocks:
        """Return the statistics of all blocks; the last block may be shorter."""
        self._measure(whole=False)
        if not self._starts:
            return Blocks(np.empty(0), np.empty(0))
        same = len({part.shape[1:] for part in self._covariances}) == 1
        return Blocks(
            np.concatenate(self._starts),
            np.concatenate(self._powers),
            np.concatenate(self._covariances) if same else None,
        )

    @property
    def _block(self) -> int:
        return max(1, round(BLOCK_S * self._rate))

    def _measure(self, *, whole: bool = True) -> None:
        """Measure the buffered samples, with ``whole`` only complete blocks."""
        if not self._waiting:
            return
        pieces = self._waiting
        waiting = pieces[0] if len(pieces) == 1 else np.concatenate(pieces, axis=1)
        count = waiting.shape[1] // self._block
        used = count * self._block
        if count:
            self._append(waiting[:, :used], count)
        rest = waiting[:, used:]
        self._waiting, self._count = [], 0
        self._waiting_start_s += used / self._rate
        if rest.shape[1] and whole:
            self._waiting, self._count = [rest], rest.shape[1]
        elif rest.shape[1]:
            self._append(rest, 1)

    def _append(self, samples: Floats, count: int) -> None:
        channels, length = len(samples), samples.shape[1] // count
        with np.errstate(over="ignore", invalid="ignore"):  # non-finite samples are rejected later
            blocks = samples.reshape(channels, count, length).transpose(1, 0, 2)
            means = blocks.mean(axis=2, dtype=np.float64)
            if self._wanted:
                products = (blocks @ blocks.transpose(0, 2, 1)).astype(np.float64) / length
                covariances = products - means[:, :, None] * means[:, None, :]
                self._covariances.append(covariances)
                powers = np.trace(covariances, axis1=1, axis2=2) / channels
            else:
                squares = np.einsum("ijk,ijk->ij", blocks, blocks).astype(np.float64) / length
                powers = (squares - means**2).mean(axis=1)
        self._powers.append(np.maximum(powers, 0.0))
        self.loudest = max(self.loudest, float(powers.max()))
        self._starts.append(self._waiting_start_s + np.arange(count) * length / self._rate)


def opposing_channels(blocks: Blocks) -> NDArray[np.float32] | None:
    """Find the channels that cancel others, per block.

    Returns
    -------
    signs
        float32 ``(blocks, channels)``: -1 for channels to invert in a block, else 1; None if no
        channels cancel.
    """
    covariances = blocks.covariances
    if covariances is None or covariances.shape[1] < 2:
        return None
    count, channels = covariances.shape[:2]
    sums = np.concatenate([np.zeros((1, channels, channels)), np.cumsum(covariances, axis=0)])
    cancelled = np.zeros(count, dtype=bool)
    for start in range(0, max(1, count - WINDOW_BLOCKS + HOP_BLOCKS), HOP_BLOCKS):
        stop = min(count, start + WINDOW_BLOCKS)
        total = sums[stop] - sums[start]
        power, energy = total.sum(), np.trace(total)
        if (
            energy > LEAST_POWER * channels * (stop - start)
            # Channels cannot add up to more than this, whatever their signs.
            and power < CANCELLED * channels * energy
            and power < CANCELLED * _aligned_power(total, _signs(total))
        ):
            cancelled[start:stop] = True
    if not cancelled.any():
        return None
    signs = np.ones((count, channels), dtype=np.float32)
    edges = np.flatnonzero(np.diff(cancelled, prepend=False, append=False))
    for start, stop in zip(edges[::2], edges[1::2], strict=True):
        signs[start:stop] = _signs(sums[stop] - sums[start])
    return signs


def _signs(covariance: NDArray[np.float64]) -> NDArray[np.float64]:
    """Invert channels greedily, each time the one that increases the power of the sum most.

    Among equal gains the last channel is inverted, so the first of a pair keeps its sign.
    """
    signs = np.ones(len(covariance))
    smallest = 1e-6 * np.trace(covariance)
    while True:
        # Power of the signed sum: sᵀCs. Inverting channel i changes it by -4 s_i (Cs)_i + 4 C_ii.
        gains = -signs * (covariance @ signs) + np.diag(covariance)
        if gains.max() <= smallest:
            return signs
        best = np.flatnonzero(gains >= gains.max() - smallest)[-1]
        signs[best] = -signs[best]


def _aligned_power(covariance: NDArray[np.float64], signs: NDArray[np.float64]) -> float:
    return float(signs @ covariance @ signs)


class AlignedMix:
    """Mono mix of an excerpt whose opposing channels are inverted.

    Between blocks of different signs the weights are interpolated over one block.

    Parameters
    ----------
    blocks, signs
        Statistics of the excerpt and the result of ``opposing_channels``.
    """

    def __init__(self, blocks: Blocks, signs: NDArray[np.float32]) -> None:
        self._centres = blocks.starts_s + BLOCK_S / 2
        self._signs = signs
        self._constant = bool((signs == signs[0]).all())
        self._delay = _DelayMeter()

    def mono(
        self, at_s: float, values: NDArray[np.generic], full_scale: float, rate: int
    ) -> Floats:
        """Average the aligned channels of samples that begin at ``at_s``."""
        scaled = np.asarray(values, dtype=np.float64) / full_scale
        if len(scaled) != self._signs.shape[1]:
            return scaled.mean(axis=0).astype(np.float32)
        if self._constant:
            weights = self._signs[0][:, None]
        else:
            times = at_s + np.arange(scaled.shape[1]) / rate
            weights = np.stack(
                [np.interp(times, self._centres, column) for column in self._signs.T]
            )
        opposing = weights[:, 0] < 0
        if opposing.any() and not opposing.all():
            self._delay.add(scaled[~opposing].mean(axis=0), scaled[opposing].mean(axis=0), rate)
        with np.errstate(over="ignore", invalid="ignore"):
            return (weights * scaled).mean(axis=0).astype(np.float32)

    @property
    def explained_by_delay(self) -> bool:
        """Whether a delay between the channels explains the opposite signs."""
        return self._delay.explains_signs


class _DelayMeter:
    """Correlation of two signals over short delays, averaged over 1.5 s at a time."""

    def __init__(self) -> None:
        self._waiting: list[Floats] = []
        self._count = 0
        self._spectrum: NDArray[np.complex128] | None = None
        self._rate = 0

    def add(self, first: Floats, second: Floats, rate: int) -> None:
        self._rate = rate
        self._waiting.append(np.stack([first, second]))
        self._count += len(first)
        if self._count >= _LAG_SAMPLES:
            self._measure()

    def _measure(self) -> None:
        pair = np.concatenate(self._waiting, axis=1)
        self._waiting, self._count = [], 0
        for start in range(0, pair.shape[1], _LAG_SAMPLES):
            spectra = fft.rfft(pair[:, start : start + _LAG_SAMPLES], 2 * _LAG_SAMPLES, axis=1)
            cross = spectra[0] * np.conj(spectra[1])
            self._spectrum = cross if self._spectrum is None else self._spectrum + cross

    @property
    def explains_signs(self) -> bool:
        if self._count:
            self._measure()
        if self._spectrum is None:
            return False
        correlation = fft.irfft(self._spectrum, 2 * _LAG_SAMPLES)
        longest = min(_LAG_SAMPLES - 1, round(LONGEST_DELAY_S * self._rate))
        greatest = max(correlation[: longest + 1].max(), correlation[-longest:].max())
        return bool(greatest > (1 + DELAY_MARGIN) * abs(correlation[0]))
