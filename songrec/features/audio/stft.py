"""Short-time Fourier transform of an excerpt, computed on first use and shared by feature sets.

The conventions are librosa's (centred frames over zero padding, periodic Hann window), so that
values equal librosa's; but frames are rows: ``(frames, bins)``. Long excerpts are processed in
blocks of frames, which bounds the memory.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from scipy import fft, signal

from songrec.core.types import Audio, Floats
from songrec.features.audio.filterbanks import mel_filters
from songrec.features.settings import DEFAULTS

BLOCK = 512
"""Frames per block: 2 MiB of spectra, which fit into a processor's cache."""
KEPT = 20_000
"""Frames whose spectra are cached (80 MiB); those of longer excerpts are recomputed."""
LOUDEST = 16.0
"""Samples are limited to this (24 dB above full scale), so that no sum overflows."""
SILENT = 10.0 ** (-90.0 / 20.0)
FLOOR = 1e-10
"""Smallest power that differs from silence (-100 dB)."""
RANGE_DB = 80.0
"""Dynamic range of log-mel spectra below the loudest band of the excerpt."""


class Frames:
    """Windows of ``n_fft`` samples every ``hop_length`` samples of an excerpt.

    Non-finite samples count as silence, an excerpt without samples as one silent frame.
    """

    def __init__(
        self,
        audio: Audio,
        n_fft: int = DEFAULTS.n_fft,
        hop_length: int = DEFAULTS.hop_length,
    ) -> None:
        self.sample_rate = int(audio.sample_rate)
        self.n_fft = n_fft
        self.hop_length = hop_length
        samples = np.asarray(audio.samples, dtype=np.float32).reshape(-1)
        if not np.isfinite(samples).all():
            samples = np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0)
        self.peak = max(float(samples.max(initial=0.0)), -float(samples.min(initial=0.0)))
        self.samples: Floats = (
            samples if self.peak <= LOUDEST else np.clip(samples, -LOUDEST, LOUDEST)
        )
        self.count = 1 + len(self.samples) // hop_length
        self._mel: dict[int, Floats] = {}

    @property
    def silent(self) -> bool:
        """Whether no sample reaches -90 dB, less than the last bit of 16-bit audio."""
        return self.peak < SILENT

    @property
    def rate(self) -> float:
        """Frames per second."""
        return self.sample_rate / self.hop_length

    @cached_property
    def frequencies(self) -> Floats:
        """Centre frequencies of the bins in Hz, float32 ``(n_fft // 2 + 1,)``."""
        return fft.rfftfreq(self.n_fft, 1.0 / self.sample_rate).astype(np.float32)

    @cached_property
    def plain(self) -> Floats:
        """Samples of each frame over zero padding, ``(frames, n_fft)``."""
        return self.windows()

    def windows(self, pad_mode: str = "constant") -> Floats:
        """Return the samples of each centred frame as a read-only view ``(frames, n_fft)``."""
        samples = self.samples if len(self.samples) else np.zeros(1, dtype=np.float32)
        padded = np.pad(samples, self.n_fft // 2, mode=pad_mode)  # type: ignore[call-overload]
        if len(padded) < self.n_fft:
            padded = np.pad(padded, (0, self.n_fft - len(padded)))
        return sliding_window_view(padded, self.n_fft)[:: self.hop_length]

    def blocks(self, context: int = 0) -> Iterator[tuple[int, int, int, Floats]]:
        """Yield the magnitudes in blocks of ``BLOCK`` frames: ``(start, stop, lead, magnitudes)``.

        ``magnitudes`` includes ``lead`` frames (at most ``context``) before frame ``start`` and at
        most ``context`` from frame ``stop`` on; read only.
        """
        for start in range(0, self.count, BLOCK):
            stop = min(start + BLOCK, self.count)
            low, high = max(0, start - context), min(self.count, stop + context)
            yield start, stop, start - low, self.magnitudes(low, high)

    def magnitudes(self, start: int, stop: int) -> Floats:
        """Return the magnitudes of frames ``start`` to before ``stop``, float32 ``(…, bins)``."""
        if self._kept is not None:
            return self._kept[start:stop]
        return self._transform(start, stop)

    @cached_property
    def _kept(self) -> Floats | None:
        if self.count > KEPT:
            return None
        spectra = np.empty((self.count, self.n_fft // 2 + 1), dtype=np.float32)
        for start in range(0, self.count, BLOCK):
            spectra[start : start + BLOCK] = self._transform(start, min(start + BLOCK, self.count))
        return spectra

    def _transform(self, start: int, stop: int) -> Floats:
        # Double precision, so that values 100 dB below the loudest bin are not rounding errors.
        window = signal.get_window("hann", self.n_fft, fftbins=True)
        return np.abs(fft.rfft(self.plain[start:stop] * window, axis=1)).astype(np.float32)

    def mel(self, n_mels: int = DEFAULTS.n_mels) -> Floats:
        """Return the power in ``n_mels`` mel bands, float32 ``(frames, n_mels)``."""
        if n_mels not in self._mel:
            filters = mel_filters(self.sample_rate, self.n_fft, n_mels)
            mel = np.empty((self.count, n_mels), dtype=np.float32)
            for start, stop, _, magnitudes in self.blocks():
                np.matmul(magnitudes**2, filters.T, out=mel[start:stop])
            self._mel[n_mels] = mel
        return self._mel[n_mels]

    def log_mel(self, n_mels: int = DEFAULTS.n_mels) -> Floats:
        """Return ``mel`` in dB, at most 80 dB below its loudest, float32 ``(frames, n_mels)``."""
        decibels = 10.0 * np.log10(np.maximum(self.mel(n_mels), FLOOR))
        return np.maximum(decibels, decibels.max() - RANGE_DB)


@dataclass(kw_only=True, eq=False)
class StftParameters:
    """Parameters of feature sets over short-time spectra; the base of their extractors."""

    n_fft: int = DEFAULTS.n_fft
    hop_length: int = DEFAULTS.hop_length

    def frames_of(self, audio: Audio, shared: Frames | None) -> Frames:
        """Return ``shared`` spectra, or those of ``audio`` with these parameters."""
        return shared or Frames(audio, self.n_fft, self.hop_length)


@dataclass(kw_only=True, eq=False)
class MelParameters(StftParameters):
    """Parameters of feature sets over mel bands."""

    n_mels: int = DEFAULTS.n_mels
