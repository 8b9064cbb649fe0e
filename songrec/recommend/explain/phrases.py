"""Attributes in words: adjectives, units, comparisons of two values.

Only columns of the space are described, because other attributes do not affect the score.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from songrec.core.attribute_words import WORD_PAIRS
from songrec.core.attributes import BY_NAME, SHARES, format_attribute

ADJECTIVES: dict[str, tuple[str, str]] = {
    "variance": ("steady", "varied"),
    "tempo": ("slow", "fast"),
    "loudness": ("quiet", "loud"),
    "popularity": ("less played", "well known"),
    "energy": ("calm", "energetic"),
    "danceability": ("hard to dance to", "danceable"),
    "positiveness": ("dark", "happy"),
    "speechiness": ("sung", "spoken"),
    "liveness": ("without audience", "live"),
    "acousticness": ("electric", "acoustic"),
    "instrumentalness": ("vocal", "instrumental"),
    "duration": ("short", "long"),
    "year": ("old", "recent"),
}
"""Adjectives of the lower and the upper half of the catalogue; other columns go by their name."""
UNMENTIONED = frozenset({"duration", "loudness", "explicit", "popularity", "variance"})
"""Attributes that appear among the figures but never in the main sentence."""
ADJECTIVE_BOUNDS: dict[str, tuple[float, float]] = {
    name: pair.bounds for name, pair in WORD_PAIRS.items() if name != "explicit"
} | {"instrumentalness": (-math.inf, WORD_PAIRS["instrumentalness"].bounds[1])}
"""Highest value for the lower adjective and lowest value for the upper one.

Traits of nearly all songs (sung, recorded in a studio) are left out.
"""
SIMILAR_WITHIN: dict[str, float] = {
    **dict.fromkeys(SHARES, 0.2),
    "tempo": 25.0,
    "loudness": 4.0,
    "year": 8.0,
    "duration": 60_000.0,
}
"""Largest difference, in the attribute's unit, that counts as similar.

Ranks alone do not suffice: 1969 and 1992 are neighbours among the oldest tenth of a catalogue.
"""
INTEREST: dict[str, float] = {"duration": 0.6, "year": 0.8, "variance": 0.6}
"""Factors below 1 for attributes that are mentioned only if they are more unusual."""
COMPARATIVES: dict[str, tuple[str, str]] = {
    **{name: (attribute.less, attribute.more) for name, attribute in BY_NAME.items()},
    "duration": ("shorter", "longer"),
    "year": ("older", "newer"),
}
LABELS: dict[str, str] = {
    **{name: attribute.label for name, attribute in BY_NAME.items()},
    "duration": "Length",
    "year": "Year",
}
MIN_WEIGHT = 0.1
"""Smallest weight of a mentioned trait; a quarter of the catalogue exceeds 0.25."""
SAME_TEMPO = 0.04
SIMILAR_RANKS = 0.1
MAX_SENTENCE = 90
"""Limit of characters of the main sentence: one line of a page, two on a phone."""
MIN_TITLE = 16
"""Smallest number of characters of a shortened title."""
_NOTES = re.compile(
    r"\s*[(\[](?:feat|ft|featuring|with)\b[^)\]]*[)\]]"
    r"|\s*[(\[][^)\]]*\bremaster(?:ed)?\b[^)\]]*[)\]]|\s+-\s[^-]*\bremaster(?:ed)?\b.*",
    re.IGNORECASE,
)
"""Notes that catalogues add to titles: guests, remasters."""

# Adjectives that name their attribute: "as acoustic (0.95 and 0.91)" needs no "acousticness".
_SELF_EXPLANATORY = frozenset(
    {
        "energetic",
        "danceable",
        "acoustic",
        "instrumental",
        "fast",
        "slow",
        "loud",
        "quiet",
        "short",
        "long",
        "old",
        "recent",
        "well known",
    }
)


@dataclass(frozen=True)
class Trait:
    """One column of two tracks: values, and mid-ranks in the catalogue (0 to 1).

    A trait is notable if both songs share it *and* it is unusual: both values lie on the same side
    of the catalogue's median, far from it and close together. The smallest difference alone would
    call nearly any two songs "as dark". ``is_stored``: whether the values are the tracks' own
    rather than coordinates in the recommendation space.
    """

    name: str
    value: float
    other: float
    rank: float
    other_rank: float
    is_stored: bool = True

    @property
    def has_values(self) -> bool:
        """Whether both tracks have a value."""
        return not (math.isnan(self.rank) or math.isnan(self.other_rank))

    @cached_property
    def weight(self) -> float:
        """Unusualness of the shared trait: at most 0.5, negative if it is not shared.

        The nearer track's distance from the median less twice the gap between the two tracks.
        """
        # Same as ``trait_weights`` without numpy, which is fifty times slower for one pair.
        if not self.has_values:
            return -1.0
        a, b = self.rank - 0.5, self.other_rank - 0.5
        common = min(abs(a), abs(b)) if a * b > 0 else 0.0
        if not self.is_word_true:
            common = 0.0
        if self.is_stored and self.name in SIMILAR_WITHIN:
            near = abs(self.value - self.other) <= SIMILAR_WITHIN[self.name]
            common = common if near else 0.0
        return common * INTEREST.get(self.name, 1.0) - 2 * abs(a - b)

    @property
    def is_high(self) -> bool:
        """Whether the mean rank of the two is in the upper half of the catalogue."""
        return self.rank + self.other_rank >= 1

    @property
    def is_word_true(self) -> bool:
        """Whether the attribute's adjective applies to both values."""
        if not self.is_stored or self.name not in ADJECTIVE_BOUNDS:
            return True
        most, least = ADJECTIVE_BOUNDS[self.name]
        low, high = sorted((self.value, self.other))
        return low >= least if self.is_high else high <= most

    @property
    def word(self) -> str:
        """The trait in the main sentence, ``calm`` or ``from the 70s``; empty if not mentioned."""
        if not (is_mentionable(self.name) and self.has_values and self.is_word_true):
            return ""
        if self.name == "year" and self.is_stored:
            return _describe_years(round(self.value), round(self.other))
        return ADJECTIVES[self.name][self.is_high]

    @cached_property
    def pair(self) -> str:
        """Both values for a bracket: ``118 and 120 BPM``, ``both 0.71``.

        Ranks if values are not stored: ``longer than 81% and 78% of the catalogue``.
        """
        if not self.is_stored or (self.name not in BY_NAME and self.name not in LABELS):
            less, more = COMPARATIVES.get(self.name, ("lower", "higher"))
            ranks = [r if self.is_high else 1 - r for r in (self.rank, self.other_rank)]
            one, two = (f"{min(max(rank, 0.01), 0.99):.0%}" for rank in ranks)
            word = more if self.is_high else less
            if one == two:
                return f"both {word} than {one} of the catalogue"
            return f"{word} than {one} and {two} of the catalogue"
        one, two = format_value(self.name, self.value), format_value(self.name, self.other)
        if one == two:
            return f"both {one}"
        unit = f" {one.partition(' ')[2]}"
        return f"{one.removesuffix(unit) if two.endswith(unit) else one} and {two}"

    def to_json(self) -> dict[str, Any]:
        """Serialize the figures: values (null if unknown) and ranks in the catalogue.

        A length is in milliseconds.
        """
        return {
            "name": self.name,
            "label": attribute_label(self.name),
            "value": _finite(self.value) if self.is_stored else None,
            "other": _finite(self.other) if self.is_stored else None,
            "rank": _finite(self.rank),
            "other_rank": _finite(self.other_rank),
        }


def is_mentionable(name: str) -> bool:
    """Return whether the main sentence may mention the attribute."""
    return name in ADJECTIVES and name not in UNMENTIONED


def trait_weights(
    name: str,
    rank: NDArray[np.float64],
    other_rank: NDArray[np.float64],
    value: ArrayLike,
    other: ArrayLike,
    *,
    stored: bool = True,
) -> NDArray[np.float64]:
    """Compute ``Trait.weight`` of one column for arrays of pairs; -1 where one is unknown."""
    a, b = rank - 0.5, other_rank - 0.5
    common = np.where(a * b > 0, np.minimum(np.abs(a), np.abs(b)), 0.0)
    if stored and name in ADJECTIVE_BOUNDS:
        most, least = ADJECTIVE_BOUNDS[name]
        fits = np.where(
            a + b >= 0, np.minimum(value, other) >= least, np.maximum(value, other) <= most
        )
        common = np.where(fits, common, 0.0)
    if stored and name in SIMILAR_WITHIN:
        common = np.where(np.abs(np.subtract(value, other)) <= SIMILAR_WITHIN[name], common, 0.0)
    weight = common * INTEREST.get(name, 1.0) - 2 * np.abs(a - b)
    return np.nan_to_num(weight, nan=-1.0)


def attribute_label(name: str) -> str:
    """Return the label of a column."""
    return LABELS.get(name, name.replace("_", " ").capitalize())


def format_value(name: str, value: float) -> str:
    """Format one value: ``"118 BPM"``, ``"0.31"``, ``"3:47"``, ``"1975"``."""
    if name == "duration":
        seconds = round(value / 1000)
        hours, minutes = divmod(seconds // 60, 60)
        clock = f"{minutes:02d}:{seconds % 60:02d}"
        return f"{hours}:{clock}" if hours else clock.removeprefix("0")
    return f"{value:.0f}" if name == "year" else format_attribute(name, value)


def describe_shared(trait: Trait) -> str:
    """Describe a trait that two tracks share, with figures: ``as calm (energy 0.28 and 0.31)``."""
    if trait.name == "tempo" and _same_tempo(trait):
        same = "the same" if trait.pair.startswith("both") else "almost the same"
        return f"{same} tempo ({trait.pair})"
    if trait.name == "year" and trait.is_stored:
        if format_value("year", trait.value) == format_value("year", trait.other):
            return f"from the same year ({format_value('year', trait.value)})"
        return f"from about the same time ({trait.pair})"
    if trait.name not in ADJECTIVES or not trait.is_word_true:
        return f"alike in {attribute_label(trait.name).lower()} ({trait.pair})"
    word = ADJECTIVES[trait.name][trait.is_high]
    return f"as {word} ({_figures(trait, word)})"


def describe_difference(trait: Trait) -> str:
    """Describe how one track differs, with figures: ``calmer (energy 0.20 and 0.91)``."""
    if not trait.has_values:
        return f"{attribute_label(trait.name).lower()} unknown"
    return f"{_comparative(trait)} ({_figures(trait)})"


def describe_comparison(trait: Trait, other: str, *, figures: bool = True) -> str:
    """Compare a trait with ``other``: ``calmer than your likes (energy 0.20 and 0.91)``.

    ``other`` names the owner of the second value, for example ``"your likes"``.
    """
    if trait.name == "explicit":
        is_explicit, as_other = trait.value >= 0.5, (trait.value >= 0.5) == (trait.other >= 0.5)
        return (
            f"{'' if is_explicit else 'not '}explicit, {'like' if as_other else 'unlike'} {other}"
        )
    label = attribute_label(trait.name).lower()
    if not trait.has_values:
        return f"{label} unknown, counted as average"
    word = ""
    if trait.name == "tempo" and _same_tempo(trait):
        text, is_named = f"almost the same tempo as {other}", True
    elif trait.weight > MIN_WEIGHT and trait.name in ADJECTIVES:
        word = ADJECTIVES[trait.name][trait.is_high]
        text, is_named = f"as {word} as {other}", False
    elif abs(trait.rank - trait.other_rank) <= SIMILAR_RANKS or trait.pair.startswith("both "):
        text, is_named = f"{label} like {other}", True
    else:
        text, is_named = f"{_comparative(trait)} than {other}", False
    if not figures:
        return text
    return f"{text} ({trait.pair if is_named else _figures(trait, word)})"


def join_clauses(clauses: Sequence[str]) -> str:
    """Join clauses to a list: ``a, b and c``."""
    if len(clauses) < 2:
        return "".join(clauses)
    return f"{', '.join(clauses[:-1])} and {clauses[-1]}"


def capitalize(text: str) -> str:
    """Return the text with its first letter in upper case and the rest unchanged."""
    return text[:1].upper() + text[1:]


def shorten(sentence: str, limit: int = MAX_SENTENCE) -> str:
    """Shorten a sentence to ``limit`` characters, within its quoted title if it has one.

    Removed in this order: the title's notes (“(feat. …)”, “- 2011 Remaster”), the text after the
    title, the end of the title.
    """
    start, end = sentence.find("“") + 1, sentence.rfind("”")
    if 0 < start < end:
        plain = _NOTES.sub("", sentence[start:end]) or sentence[start:end]
        sentence = f"{sentence[:start]}{plain}{sentence[end:]}"
        end = start + len(plain)
    if len(sentence) <= limit:
        return sentence
    room = limit - (len(sentence) - (end - start))
    if 0 < start < end and room >= MIN_TITLE:
        return f"{sentence[:start]}{_shorten_title(sentence[start:end], room)}{sentence[end:]}"
    # For an artist with a long name the song's traits are dropped first.
    sentence = sentence.partition(", also ")[0]
    return sentence if len(sentence) <= limit else _cut(sentence, limit)


def decade(year: int) -> str:
    """Name the decade of a year: ``"70s"``, ``"2010s"``."""
    start = year // 10 * 10
    return f"{start % 100}s" if 1920 <= start < 2000 else f"{start}s"


def _shorten_title(title: str, room: int) -> str:
    name = re.split(r" - | [(\[]", title, maxsplit=1)[0]
    return name if len(name) <= room else _cut(name, room)


def _cut(text: str, room: int) -> str:
    """Cut a text to ``room`` characters with an ellipsis, at a word boundary near the end."""
    shortened = text[: room - 1]
    if " " in shortened[room // 2 :]:
        shortened = shortened.rpartition(" ")[0]
    return f"{shortened.rstrip()}…"


def _describe_years(one: int, other: int) -> str:
    if one == other:
        return f"from {one}"
    return f"from the {decade(one)}" if one // 10 == other // 10 else "from the same years"


def _comparative(trait: Trait) -> str:
    return COMPARATIVES.get(trait.name, ("lower", "higher"))[trait.rank > trait.other_rank]


def _figures(trait: Trait, word: str = "") -> str:
    """Format the pair of values, with the attribute's name unless ``word`` or the unit tells it."""
    name = trait.name
    if word in _SELF_EXPLANATORY or name not in BY_NAME or BY_NAME[name].unit in ("BPM", "dB"):
        return trait.pair
    return f"{attribute_label(name).lower()} {trait.pair}"


def _same_tempo(trait: Trait) -> bool:
    return abs(trait.value - trait.other) <= SAME_TEMPO * max(trait.value, trait.other)


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None
