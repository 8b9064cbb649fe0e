"""``mfcc``: statistics of mel-frequency cepstral coefficients and their differences."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import fft, signal

from songrec.core.types import Audio, Floats
from songrec.features.audio.stft import Frames, MelParameters
from songrec.features.audio.summary import summarise, summary_names
from songrec.features.settings import DEFAULTS

DELTA_FRAMES = 9
"""Frames over which a difference is fitted, as librosa's ``delta``."""


@dataclass(kw_only=True, eq=False)
class Mfcc(MelParameters):
    """``n_mfcc`` coefficients, their first and second differences, seven statistics of each.

    Davis and Mermelstein (1980), on a log-mel spectrum. With 13 coefficients 273 columns. The
    differences of a clip shorter than three frames are NaN: nothing can move in it.
    """

    n_mfcc: int = DEFAULTS.n_mfcc
    version = 1

    def names(self) -> tuple[str, ...]:
        """Return ``mfcc_1_mean``, …, ``mfcc_1_delta_mean``, …, ``mfcc_13_delta2_q75``."""
        return summary_names(
            tuple(
                f"mfcc_{number}{order}"
                for order in ("", "_delta", "_delta2")
                for number in range(1, self.n_mfcc + 1)
            )
        )

    def extract(self, audio: Audio, frames: Frames | None = None) -> Floats:
        """Compute the vector of ``audio``, float32 ``(len(names()),)``."""
        frames = self.frames_of(audio, frames)
        cepstra = coefficients(frames, self.n_mfcc, self.n_mels)
        tracks = [cepstra, delta(cepstra, 1), delta(cepstra, 2)]
        return summarise(np.concatenate(tracks, axis=1)).reshape(-1)


def coefficients(frames: Frames, n_mfcc: int, n_mels: int) -> Floats:
    """Compute the first ``n_mfcc`` coefficients of each frame, float32 ``(frames, n_mfcc)``.

    With fewer mel bands than coefficients the last ones are zero.
    """
    cepstrum = fft.dct(frames.log_mel(n_mels), type=2, norm="ortho", axis=1)[:, :n_mfcc]
    return np.pad(cepstrum, ((0, 0), (0, n_mfcc - cepstrum.shape[1])))


def delta(values: Floats, order: int) -> Floats:
    """Compute the local derivative of each column by Savitzky and Golay (1964) over nine frames.

    A shorter clip uses the largest odd number of frames, and is NaN if they do not fit a parabola.
    """
    width = min(DELTA_FRAMES, len(values) - 1 + len(values) % 2)
    if width <= order or width < 3:
        return np.full_like(values, np.nan)
    return signal.savgol_filter(values, width, polyorder=order, deriv=order, axis=0)
