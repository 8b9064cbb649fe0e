"""Extraction of several feature sets from one excerpt, over spectra that they share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from songrec.core.errors import BadInput
from songrec.core.types import Audio
from songrec.features.audio.stft import Frames
from songrec.features.registry import EXTRACTORS
from songrec.features.settings import DEFAULTS, AudioSettings


class Extractor(Protocol):
    """A feature set of audio.

    ``version`` is raised when the values change for the same settings. ``__init__`` takes the
    parameters of its registry entry and, if the entry has a ``model``, ``models``. An extractor
    with ``n_fft`` and ``hop_length`` is passed shared spectra. Several extractors that share one
    forward pass of a network have ``pass_key``, ``forward`` and ``from_pass`` (see
    ``audio.musicnn``); one that loads slowly has ``warm``.
    """

    version: int

    def names(self) -> tuple[str, ...]:
        """Return the name of each value."""

    def extract(self, audio: Audio, frames: Frames | None = None) -> np.ndarray:
        """Return the values, float32 ``(len(names()),)``, NaN where undefined.

        A set that is not a vector returns a matrix with a row per name.
        """


def make_extractors(
    names: Iterable[str], settings: AudioSettings = DEFAULTS, models: Path | None = None
) -> dict[str, Extractor]:
    """Create the extractors of audio feature sets.

    Parameters
    ----------
    models
        Folder of model files, with a folder per published network. Without it extractors of
        networks know their columns and cannot extract.

    Raises
    ------
    BadInput
        For a set that does not come from audio.
    """
    extractors: dict[str, Extractor] = {}
    for name in names:
        entry = EXTRACTORS.entry(name)
        if not entry.from_audio:
            raise BadInput(f"The feature set {name!r} comes from labels, not from audio.")
        arguments = entry.arguments(settings)
        if entry.model is not None:
            arguments["models"] = models
        extractors[name] = entry.load()(**arguments)
    return extractors


def extract_all(audio: Audio, extractors: Mapping[str, Extractor]) -> dict[str, np.ndarray]:
    """Extract the values of each set, by name.

    One ``Frames`` serves all extractors with the same ``n_fft`` and ``hop_length``, so with default
    settings there is one Fourier transform in all. One forward pass serves all extractors with the
    same ``pass_key``.
    """
    spectra: dict[tuple[int, int], Frames] = {}
    passes: dict[Any, Any] = {}
    values: dict[str, np.ndarray] = {}
    for name, each in extractors.items():
        extractor: Any = each
        if hasattr(extractor, "pass_key"):
            if extractor.pass_key not in passes:
                passes[extractor.pass_key] = extractor.forward(audio)
            values[name] = extractor.from_pass(passes[extractor.pass_key])
            continue
        frames = None
        if hasattr(extractor, "n_fft") and hasattr(extractor, "hop_length"):
            shape = (extractor.n_fft, extractor.hop_length)
            frames = spectra.setdefault(shape, Frames(audio, *shape))
        values[name] = extractor.extract(audio, frames)
    return values
