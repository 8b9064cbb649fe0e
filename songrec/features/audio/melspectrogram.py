"""``melspectrogram``: log-mel spectrogram for convolutional models."""

from __future__ import annotations

import numpy as np

from songrec.core.types import Audio, Floats
from songrec.features.audio.stft import Frames, MelParameters


class MelSpectrogram(MelParameters):
    """Mel spectrogram in decibels: 0 is a power of 1, at most 80 dB below the loudest."""

    version = 1

    def names(self) -> tuple[str, ...]:
        """Return a name per band, lowest first: ``mel_1``, …; each is a row."""
        return tuple(f"mel_{band}" for band in range(1, self.n_mels + 1))

    def extract(self, audio: Audio, frames: Frames | None = None) -> Floats:
        """Compute the spectrogram in decibels, float32 ``(n_mels, frames)``."""
        frames = self.frames_of(audio, frames)
        return np.ascontiguousarray(frames.log_mel(self.n_mels).T)
