"""Settings of the audio analysis: excerpt, shared spectra, parameters of single feature sets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from typing import Any


@dataclass(frozen=True)
class AudioSettings:
    """What is read of a file, and the parameters of its feature sets.

    Parameters
    ----------
    sample_rate
        Hz, unless a set has a rate of its own.
    seconds, where
        Length of the excerpt (None: all of the file), from its ``"middle"`` or ``"start"``.
    n_fft, hop_length
        Samples of a spectrum, and from one spectrum to the next.
    n_mels, n_mfcc
        Mel bands, and cepstral coefficients.
    own
        Parameters of single feature sets that differ from their defaults, by the name that
        ``registry.FeatureSet.setting`` gives them: ``{"musicnn_model": "MTT_musicnn"}``.
    """

    sample_rate: int = 22_050
    seconds: float | None = 30.0
    where: str = "middle"
    n_fft: int = 2048
    hop_length: int = 512
    n_mels: int = 128
    n_mfcc: int = 13
    own: Mapping[str, Any] = field(default_factory=dict, hash=False)

    def updated(self, values: Mapping[str, Any]) -> AudioSettings:
        """Return a copy with other values, by name of a field or of an own parameter."""
        shared = {name: value for name, value in values.items() if name in SHARED}
        own = {name: value for name, value in values.items() if name not in SHARED}
        return replace(self, **shared, own={**self.own, **own})


SHARED = frozenset(setting.name for setting in fields(AudioSettings)) - {"own"}
"""Settings that several feature sets have in common."""
DEFAULTS = AudioSettings()
