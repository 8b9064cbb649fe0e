"""``chroma``: the distribution of an excerpt's pitch classes as one Gaussian."""

from __future__ import annotations

import numpy as np

from songrec.core.types import Audio, Floats
from songrec.features.audio.stft import Frames, StftParameters
from songrec.features.audio.tonal import PITCH_CLASSES, chroma
from songrec.features.gaussians import gaussian_names, gaussian_of

QUIETEST = 1e-4
"""Smallest share of a frame's strongest pitch class (-40 dB)."""


class Chroma(StftParameters):
    """Mean and covariance of the twelve pitch classes in dB: key and chords, and how they move.

    The level of a frame is left out. The covariance says which pitch classes sound together. Pitch
    classes are those of A = 440 Hz: a recording in another tuning is near to those in its own.
    Distances are those of Gaussians (``features.gaussians``), not of columns.
    """

    version = 1

    def names(self) -> tuple[str, ...]:
        """Return ``mean_c``, …, then the covariances ``cov_c_c``, ``cov_c_c_sharp``, … by rows."""
        return gaussian_names(PITCH_CLASSES)

    def extract(self, audio: Audio, frames: Frames | None = None) -> Floats:
        """Compute the vector of ``audio``, float32 ``(len(names()),)``; all NaN in silence."""
        frames = self.frames_of(audio, frames)
        if frames.silent:
            return np.full(len(self.names()), np.nan, dtype=np.float32)
        levels = 10 * np.log10(np.maximum(chroma(frames, 0.0), QUIETEST))
        return gaussian_of(levels - levels.mean(axis=1, keepdims=True))
