"""How attributes are spoken of: adjectives, units, comparisons of two values.

Only columns of the space are spoken of: what does not count for a score is no reason for it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from songrec.core.attributes import BY_NAME, SHARES, format_attribute

# (adjective of the lower half, of the upper half). A column that is missing here is spoken of by
# its name alone.
ADJECTIVES: dict[str, tuple[str, str]] = {
    "variance": ("even", "varied"),
    "tempo": ("slow", "fast"),
    "loudness": ("quiet", "loud"),
    "popularity": ("little known", "well known"),
    "energy": ("calm", "energetic"),
    "danceability": ("hard to dance to", "danceable"),
    "positiveness": ("sad", "happy"),
    "speechiness": ("sung", "wordy"),
    "liveness": ("studio-like", "live"),
    "acousticness": ("electric", "acoustic"),
    "instrumentalness": ("vocal", "instrumental"),
    "duration": ("short", "long"),
    "year": ("old", "recent"),
}
# An adjective is said of two songs only where both values bear it out: at most the first for the
# lower one, at least the second for the upper one. Beside a catalogue of silence 0.01 is not
# "instrumental"; and that a song is sung, in a studio, with a voice, is true of nearly all.
# Spotify's own bounds: above 0.33 speech and music, above 0.5 no vocals.
NEVER = -math.inf
ADJECTIVE_BOUNDS: dict[str, tuple[float, float]] = {
    "energy": (0.6, 0.4),
    "danceability": (0.45, 0.5),
    "positiveness": (0.5, 0.5),
    "speechiness": (NEVER, 0.15),
    "liveness": (NEVER, 0.5),
    "acousticness": (0.15, 0.4),
    "instrumentalness": (NEVER, 0.5),
}
# And only where a listener would call the values much the same: among the oldest tenth of a
# catalogue 1969 and 1992 are neighbours, and still not equally old.
SIMILAR_WITHIN: dict[str, float] = {
    **dict.fromkeys(SHARES, 0.2),
    "tempo": 25.0,
    "loudness": 4.0,
    "year": 8.0,
    "duration": 60_000.0,
}
# What listeners care less about has to be more unusual before it is said.
INTEREST: dict[str, float] = {"duration": 0.6, "year": 0.8, "variance": 0.6}
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

# Adjectives that name their attribute: "as acoustic (0.95 and 0.91)" needs no "acousticness".
_SPEAKING = frozenset(
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
        "little known",
    }
)

# A trait's weight from which it is worth a word; a quarter of the catalogue lies beyond 0.25.
MIN_WEIGHT = 0.1
SAME_TEMPO = 0.04
SIMILAR_RANKS = 0.1


@dataclass(frozen=True)
class Trait:
    """One column of two tracks: values, and mid-ranks in the catalogue (0 to 1).

    A trait is worth a word when both songs share it *and* it is unusual: the two lie on the same
    side of the catalogue's median, far from it and close together. The smallest difference alone
    would say "as studio-like" of nearly any two songs. ``is_stored`` says whether the values are
    the tracks' own, or only places in the recommendation space.
    """

    name: str
    value: float
    other: float
    rank: float
    other_rank: float
    is_stored: bool = True

    @property
    def is_known(self) -> bool:
        """Whether both tracks have a value."""
        return not (math.isnan(self.rank) or math.isnan(self.other_rank))

    @cached_property
    def weight(self) -> float:
        """How much the two share it and how unusual it is: at most 0.5, negative if not shared.

        The distance from the median of the one nearer to it, less twice what lies between them.
        """
        # As ``trait_weights`` has it, without numpy: for one pair that takes fifty times as long.
        if not self.is_known:
            return -1.0
        a, b = self.rank - 0.5, self.other_rank - 0.5
        common = min(abs(a), abs(b)) if a * b > 0 else 0.0
        if self.is_stored and self.name in ADJECTIVE_BOUNDS:
            most, least = ADJECTIVE_BOUNDS[self.name]
            one, two = sorted((self.value, self.other))
            if not (one >= least if a + b >= 0 else two <= most):
                common = 0.0
        if self.is_stored and self.name in SIMILAR_WITHIN:
            near = abs(self.value - self.other) <= SIMILAR_WITHIN[self.name]
            common = common if near else 0.0
        return common * INTEREST.get(self.name, 1.0) - 2 * abs(a - b)

    @property
    def is_high(self) -> bool:
        """Whether the two are, together, in the upper half of the catalogue."""
        return self.rank + self.other_rank >= 1

    def to_json(self) -> dict[str, Any]:
        """The figures of a reason's details: values (null if unknown) and shares of the catalogue.

        A length is in milliseconds.
        """
        return {
            "name": self.name,
            "label": attribute_label(self.name),
            "value": _number(self.value) if self.is_stored else None,
            "other": _number(self.other) if self.is_stored else None,
            "rank": _number(self.rank),
            "other_rank": _number(self.other_rank),
        }


def trait_weights(
    name: str, rank: Any, other_rank: Any, value: Any, other: Any, *, stored: bool = True
) -> Any:
    """``Trait.weight`` of one column for arrays of pairs; -1 where one of the two is unknown."""
    a, b = rank - 0.5, other_rank - 0.5
    common = np.where(a * b > 0, np.minimum(np.abs(a), np.abs(b)), 0.0)
    if stored and name in ADJECTIVE_BOUNDS:
        most, least = ADJECTIVE_BOUNDS[name]
        said = np.where(
            a + b >= 0, np.minimum(value, other) >= least, np.maximum(value, other) <= most
        )
        common = np.where(said, common, 0.0)
    if stored and name in SIMILAR_WITHIN:
        common = np.where(np.abs(value - other) <= SIMILAR_WITHIN[name], common, 0.0)
    weight = common * INTEREST.get(name, 1.0) - 2 * np.abs(a - b)
    return np.nan_to_num(weight, nan=-1.0)


def attribute_label(name: str) -> str:
    """The column's name as a person writes it."""
    return LABELS.get(name, name.replace("_", " ").capitalize())


def format_value(name: str, value: float) -> str:
    """One value as a person reads it: ``"118 BPM"``, ``"0.31"``, ``"3:47"``, ``"1975"``."""
    if name == "duration":
        seconds = round(value / 1000)
        hours, minutes = divmod(seconds // 60, 60)
        clock = f"{minutes:02d}:{seconds % 60:02d}"
        return f"{hours}:{clock}" if hours else clock.removeprefix("0")
    return f"{value:.0f}" if name == "year" else format_attribute(name, value)


def format_pair(trait: Trait) -> str:
    """Two values as a bracket holds them: ``118 and 120 BPM``, ``both 0.71``.

    Where values are not stored, their place in the catalogue: ``longer than 81% and 78% of the
    catalogue``.
    """
    if not trait.is_stored or (trait.name not in BY_NAME and trait.name not in LABELS):
        less, more = COMPARATIVES.get(trait.name, ("lower", "higher"))
        ranks = [r if trait.is_high else 1 - r for r in (trait.rank, trait.other_rank)]
        one, two = (f"{min(max(rank, 0.01), 0.99):.0%}" for rank in ranks)
        word = more if trait.is_high else less
        if one == two:
            return f"both {word} than {one} of the catalogue"
        return f"{word} than {one} and {two} of the catalogue"
    one, two = format_value(trait.name, trait.value), format_value(trait.name, trait.other)
    if one == two:
        return f"both {one}"
    unit = f" {one.partition(' ')[2]}"
    return f"{one.removesuffix(unit) if two.endswith(unit) else one} and {two}"


def describe_shared(trait: Trait) -> str:
    """A clause on a trait that two tracks share: ``as calm (energy 0.28 and 0.31)``."""
    if trait.name == "tempo" and _same_tempo(trait):
        figures = format_pair(trait)
        same = "the same" if figures.startswith("both") else "almost the same"
        return f"{same} tempo ({figures})"
    if trait.name == "year" and trait.is_stored:
        if format_value("year", trait.value) == format_value("year", trait.other):
            return f"from the same year ({format_value('year', trait.value)})"
        return f"from about the same time ({format_pair(trait)})"
    if trait.name not in ADJECTIVES:
        return f"alike in {attribute_label(trait.name).lower()} ({format_pair(trait)})"
    word = ADJECTIVES[trait.name][trait.is_high]
    return f"as {word} ({_quoted(trait, word)})"


def describe_difference(trait: Trait) -> str:
    """A clause on a trait that tells two tracks apart: ``calmer (energy 0.20 and 0.91)``."""
    if not trait.is_known:
        return f"{attribute_label(trait.name).lower()} unknown"
    word = COMPARATIVES.get(trait.name, ("lower", "higher"))[trait.rank > trait.other_rank]
    return f"{word} ({_quoted(trait)})"


def describe_comparison(trait: Trait, theirs: str) -> str:
    """A clause on any trait, shared or not: ``calmer than your likes (energy 0.20 and 0.91)``.

    ``theirs`` says whose the other value is, for example ``"your likes"``.
    """
    if trait.name == "explicit":
        one, two = trait.value >= 0.5, trait.other >= 0.5
        word = "explicit" if one else "not explicit"
        return f"{word}, {'like' if one == two else 'unlike'} {theirs}"
    if not trait.is_known:
        return (
            f"{attribute_label(trait.name).lower()} unknown, taken as the middle of the catalogue"
        )
    if trait.name == "tempo" and _same_tempo(trait):
        return f"almost the tempo of {theirs} ({format_pair(trait)})"
    if trait.weight > MIN_WEIGHT and trait.name in ADJECTIVES:
        word = ADJECTIVES[trait.name][trait.is_high]
        return f"as {word} as {theirs} ({_quoted(trait, word)})"
    if abs(trait.rank - trait.other_rank) <= SIMILAR_RANKS or format_pair(trait).startswith(
        "both "
    ):
        return f"{attribute_label(trait.name).lower()} like {theirs} ({format_pair(trait)})"
    word = COMPARATIVES.get(trait.name, ("lower", "higher"))[trait.rank > trait.other_rank]
    return f"{word} than {theirs} ({_quoted(trait)})"


def join_clauses(clauses: list[str]) -> str:
    """Clauses as a list in a sentence: ``a, b and c``."""
    if len(clauses) < 2:
        return "".join(clauses)
    return f"{', '.join(clauses[:-1])} and {clauses[-1]}"


def capitalize(text: str) -> str:
    """The text with its first letter in upper case and the rest untouched."""
    return text[:1].upper() + text[1:]


def _quoted(trait: Trait, word: str = "") -> str:
    """The pair of values, with the attribute's name unless ``word`` or the values tell it."""
    tells = (
        word in _SPEAKING or trait.name not in BY_NAME or BY_NAME[trait.name].unit in ("BPM", "dB")
    )
    return (
        format_pair(trait)
        if tells
        else f"{attribute_label(trait.name).lower()} {format_pair(trait)}"
    )


def _same_tempo(trait: Trait) -> bool:
    return abs(trait.value - trait.other) <= SAME_TEMPO * max(trait.value, trait.other)


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None
