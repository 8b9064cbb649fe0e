"""``timbre``: the distribution of an excerpt's MFCC frames as one Gaussian with full covariance."""

from __future__ import annotations

import numpy as np

from songrec.core.types import Audio, Floats
from songrec.features.audio.mfcc import coefficients
from songrec.features.audio.stft import Frames, MelParameters
from songrec.features.gaussians import gaussian_names, gaussian_of

COEFFICIENTS = 25
"""Mel-frequency cepstral coefficients, the first of which is the level; as many as Musly takes."""


class Timbre(MelParameters):
    """Mean and covariance of the MFCC of all frames: how an excerpt sounds, and how much it varies.

    A mean alone says nothing of the spread that tells a steady drone from a changing mix with the
    same average. Distances are those of Gaussians (``features.gaussians``), not of columns.

    References
    ----------
    Mandel and Ellis, "Song-level features and support vector machines for music classification",
    ISMIR 2005. Pohle and Schnitzer, "Striving for an improved audio similarity measure", MIREX
    2007.
    """

    version = 1

    def names(self) -> tuple[str, ...]:
        """Return ``mean_01``, …, then the covariances ``cov_01_01``, ``cov_01_02``, … by rows."""
        return gaussian_names([f"{at:02d}" for at in range(1, COEFFICIENTS + 1)])

    def extract(self, audio: Audio, frames: Frames | None = None) -> Floats:
        """Compute the vector of ``audio``, float32 ``(len(names()),)``; all NaN in silence."""
        frames = self.frames_of(audio, frames)
        if frames.silent:
            return np.full(len(self.names()), np.nan, dtype=np.float32)
        return gaussian_of(coefficients(frames, COEFFICIENTS, self.n_mels))
