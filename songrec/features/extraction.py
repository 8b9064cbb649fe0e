"""All feature sets of one excerpt, over spectra that they share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

import numpy as np

from songrec.core.errors import BadInput
from songrec.core.types import Audio
from songrec.features.audio.stft import Frames
from songrec.features.registry import EXTRACTORS
from songrec.features.settings import DEFAULTS, OWN_PARAMETERS, AudioSettings, parameters_of


class Extractor(Protocol):
    """A feature set: a version to be raised when its values change, names, and the values."""

    version: int

    def names(self) -> tuple[str, ...]:
        """A name for each value."""

    def extract(self, audio: Audio, frames: Frames | None = None) -> np.ndarray:
        """The values, float32 ``(len(names()),)``; ``melspectrogram`` has a row for each name."""


def make_extractors(
    names: Iterable[str], settings: AudioSettings = DEFAULTS
) -> dict[str, Extractor]:
    """The extractors called ``names``, as ``settings`` say; ``BadInput`` for what is no sound."""
    made: dict[str, Extractor] = {}
    for name in names:
        known = {parameter.name for parameter in EXTRACTORS.entry(name).parameters}
        values = {
            OWN_PARAMETERS.get(setting, setting): value
            for setting, value in parameters_of(name, settings).items()
        }
        extractor = EXTRACTORS.create(
            name, **{key: value for key, value in values.items() if key in known}
        )
        if not hasattr(extractor, "extract"):
            raise BadInput(f"The feature set {name!r} comes from labels, not from audio.")
        made[name] = extractor
    return made


def extract_all(audio: Audio, sets: Mapping[str, Extractor]) -> dict[str, np.ndarray]:
    """The values of each of ``sets`` (name to extractor).

    One ``Frames`` for each pair of ``n_fft`` and ``hop_length`` that the extractors ask for, so
    with the usual settings one Fourier transform in all. Extractors with the same ``same_pass``
    take what they give from one pass through their network.
    """
    shared: dict[tuple[int, int], Frames] = {}
    passes: dict[Any, Any] = {}
    found: dict[str, np.ndarray] = {}
    for name, extractor in sets.items():
        asked: Any = extractor
        if hasattr(asked, "same_pass"):
            if asked.same_pass not in passes:
                passes[asked.same_pass] = asked.listen(audio)
            found[name] = asked.of(passes[asked.same_pass])
            continue
        frames = None
        if hasattr(asked, "n_fft") and hasattr(asked, "hop_length"):
            shape = (asked.n_fft, asked.hop_length)
            frames = shared.setdefault(shape, Frames(audio, *shape))
        found[name] = extractor.extract(audio, frames)
    return found
