"""Adjectives for attributes of songs, and of which songs each is true.

A word is true of a song whose value lies on the word's side of the catalogue's median *and* beyond
a fixed bound: among songs with vocals 0.01 is a high instrumentalness, and yet not "instrumental".
The bounds follow Spotify's own: an audience above 0.8, no vocals above 0.5, hardly anything but
speech above 0.66.
Of an unknown value no word is true.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Figures = NDArray[np.float64] | float
Truth = NDArray[np.bool_] | bool

NEVER = math.inf
AUDIENCE = 0.8001
"""Smallest liveness of a recording with an audience: above 0.8, which float32 stores as more."""
SPOKEN = 0.6601
"""Smallest speechiness of a recording that probably is speech alone: more than 0.66."""


@dataclass(frozen=True, slots=True)
class WordPair:
    """The adjectives of the lower and the upper end of an attribute, and where they begin.

    ``low`` fits values up to ``at_most``, ``high`` values from ``at_least`` on; an empty word fits
    none.
    """

    low: str
    high: str
    at_most: float = NEVER
    at_least: float = -NEVER

    @property
    def bounds(self) -> tuple[float, float]:
        """The largest value that ``low`` fits and the smallest that ``high`` fits."""
        return (self.at_most if self.low else -NEVER, self.at_least if self.high else NEVER)


WORD_PAIRS: dict[str, WordPair] = {
    "energy": WordPair("calm", "energetic", 0.5, 0.5),
    "tempo": WordPair("slow", "fast", 110.0, 110.0),
    "positiveness": WordPair("dark", "happy", 0.45, 0.55),
    "danceability": WordPair("", "danceable", at_least=0.6),
    "acousticness": WordPair("electric", "acoustic", 0.15, 0.5),
    "instrumentalness": WordPair("vocal", "instrumental", 0.1, 0.5),
    "liveness": WordPair("", "live", at_least=AUDIENCE),
    "speechiness": WordPair("", "spoken", at_least=SPOKEN),
    "explicit": WordPair("", "explicit", at_least=0.5),
}
"""The words by attribute. Loudness says how a record was mastered and popularity how often it is
played: neither has a word for the sound."""
MELANCHOLY = "melancholy"
"""Said of songs that are dark and calm; low positiveness alone may as well be anger."""

ATTRIBUTES_OF: dict[str, tuple[str, ...]] = {
    word: (name,) for name, pair in WORD_PAIRS.items() for word in (pair.low, pair.high) if word
} | {MELANCHOLY: ("positiveness", "energy")}
"""The attributes that each word rests on."""


def is_high_true(name: str, values: Figures, ranks: Figures) -> Truth:
    """Return of which values the upper word of attribute ``name`` is true.

    ``ranks`` are the shares of the catalogue below the values, 0 to 1, ties counting half.
    """
    least = WORD_PAIRS[name].bounds[1]
    return (ranks >= 0.5) & (values >= least)


def is_low_true(name: str, values: Figures, ranks: Figures) -> Truth:
    """Return of which values the lower word of attribute ``name`` is true."""
    most = WORD_PAIRS[name].bounds[0]
    return (ranks <= 0.5) & (values <= most)


def words_true_of(values: Mapping[str, Figures], ranks: Mapping[str, Figures]) -> dict[str, Truth]:
    """Return for each word of which songs it is true.

    Parameters
    ----------
    values, ranks
        By attribute, of the same n songs, NaN where unknown; ``ranks`` as in ``is_high_true``.
        Numbers for one song: a list of songs asks for each, and arrays of one value are slow.

    Returns
    -------
    Arrays ``(n,)`` by word, or truth values, of the attributes that ``values`` has.
    """
    truth: dict[str, Truth] = {}
    for name, pair in WORD_PAIRS.items():
        if name not in values:
            continue
        if pair.low:
            truth[pair.low] = is_low_true(name, values[name], ranks[name])
        if pair.high:
            truth[pair.high] = is_high_true(name, values[name], ranks[name])
    if "dark" in truth and "calm" in truth:
        truth[MELANCHOLY] = truth["dark"] & truth["calm"]
    return truth
