"""Targets of the predictor, with the ensembles and report groups that they belong to.

An **ensemble** holds targets that one stack of models learns together, because they describe the
same side of a song. A **group** is what a report sums up: ``energy_mood`` (energy, valence,
danceability), ``production`` (loudness, acousticness, instrumentalness, liveness) and
``structure`` (speechiness, key, mode, tempo bin).
"""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.errors import BadInput
from songrec.core.types import Floats

TEMPO_EDGES = (70.0, 90.0, 110.0, 130.0, 150.0)
"""BPM at which the next of the six tempo bins begins."""

PITCHES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


@dataclass(frozen=True, slots=True)
class Target:
    """Predicted attribute.

    ``attribute`` is its name in the catalogue. ``classes`` are the names of the classes of a class
    target, numbered from 0; empty for a number from ``low`` to ``high``.
    """

    name: str
    label: str
    attribute: str
    low: float = 0.0
    high: float = 1.0
    classes: tuple[str, ...] = ()

    @property
    def is_class(self) -> bool:
        """Whether the target is a class instead of a number."""
        return bool(self.classes)

    def check(self, values: NDArray[Any]) -> Floats:
        """Convert values to float32, NaN where unknown; ``BadInput`` for a value out of range."""
        array = np.asarray(values, dtype=np.float32)
        high = len(self.classes) - 1 if self.is_class else self.high
        stated = array[~np.isnan(array)]
        wrong = stated[(stated < self.low) | (stated > high)]
        if self.is_class and not len(wrong):
            wrong = stated[stated != np.round(stated)]
        if len(wrong):
            what = "a whole number" if self.is_class else "a number"
            raise BadInput(
                f"{self.name} must be {what} from {self.low:g} to {high:g}; "
                f"one of its values is {wrong[0]:g}."
            )
        return array


@dataclass(frozen=True, slots=True)
class Group:
    """Targets that a report averages."""

    name: str
    label: str
    targets: tuple[str, ...]


_TEMPO_NAMES = (
    f"under {TEMPO_EDGES[0]:g}",
    *(f"{a:g} to {b:g}" for a, b in itertools.pairwise(TEMPO_EDGES)),
    f"{TEMPO_EDGES[-1]:g} and over",
)

TARGETS: dict[str, Target] = {
    target.name: target
    for target in (
        Target("energy", "Energy", "energy"),
        Target("valence", "Valence", "positiveness"),
        Target("danceability", "Danceability", "danceability"),
        Target("loudness", "Loudness", "loudness", -80.0, 20.0),
        Target("acousticness", "Acousticness", "acousticness"),
        Target("instrumentalness", "Instrumentalness", "instrumentalness"),
        Target("liveness", "Liveness", "liveness"),
        Target("speechiness", "Speechiness", "speechiness"),
        Target("key", "Key", "key", classes=PITCHES),
        Target("mode", "Mode", "mode", classes=("minor", "major")),
        Target("tempo_bin", "Tempo bin", "tempo", classes=_TEMPO_NAMES),
    )
}

ENSEMBLES: dict[str, tuple[str, ...]] = {
    "energy_mood": ("energy", "valence", "danceability"),
    "production": ("loudness", "acousticness", "instrumentalness", "liveness"),
    "speech": ("speechiness",),
    "key": ("key",),
    "mode": ("mode",),
    "tempo": ("tempo_bin",),
}

GROUPS: tuple[Group, ...] = (
    Group("energy_mood", "Energy and mood", ENSEMBLES["energy_mood"]),
    Group("production", "Production", ENSEMBLES["production"]),
    Group("structure", "Structure", ("speechiness", "key", "mode", "tempo_bin")),
)


def tempo_bins(tempo: NDArray[Any]) -> Floats:
    """Convert tempo in BPM to the number of its bin, 0 to 5; NaN if unknown or not positive."""
    values = np.asarray(tempo, dtype=np.float64)
    bins = np.searchsorted(TEMPO_EDGES, values, side="right").astype(np.float32)
    bins[~(values > 0)] = np.nan
    return bins
