"""``melspectrogram``: log-mel spectrogram for convolutional models."""

from __future__ import annotations

import numpy as np

from songrec.core.types import Audio, Floats
from songrec.features.audio.stft import Frames
from songrec.features.settings import DEFAULTS


class MelSpectrogram:
    """Mel spectrogram in decibels: 0 is a power of 1, at most 80 dB below the loudest."""

    version = 1

    def __init__(
        self,
        n_mels: int = DEFAULTS.n_mels,
        n_fft: int = DEFAULTS.n_fft,
        hop_length: int = DEFAULTS.hop_length,
    ) -> None:
        self.n_mels = n_mels
        self.n_fft = n_fft
        self.hop_length = hop_length

    def names(self) -> tuple[str, ...]:
        """Return a name per band, lowest first: ``mel_1``, …; each is a row."""
        return tuple(f"mel_{band}" for band in range(1, self.n_mels + 1))

    def extract(self, audio: Audio, frames: Frames | None = None) -> Floats:
        """Compute the spectrogram in decibels, float32 ``(n_mels, frames)``."""
        frames = frames or Frames(audio, self.n_fft, self.hop_length)
        return np.ascontiguousarray(frames.log_mel(self.n_mels).T)
