"""How attributes are spoken of: adjectives, units, and which traits are worth a word.

A trait is quoted when both songs share it *and* it is unusual: the two lie on the same side of
the catalogue's median, far from it and close together. The smallest difference alone would say
"as studio-like" of nearly any two songs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.attributes import BY_NAME, show
from songrec.core.types import Space
from songrec.recommend.figures import figures_of

# (adjective of the lower half, of the upper half). An attribute that is missing here is spoken of
# by its name alone.
ADJECTIVES: dict[str, tuple[str, str]] = {
    "variance": ("even", "varied"),
    "tempo": ("slow", "fast"),
    "loudness": ("quiet", "loud"),
    "popularity": ("little known", "well known"),
    "energy": ("calm", "energetic"),
    "danceability": ("unsuited to dancing", "danceable"),
    "positiveness": ("sad", "happy"),
    "speechiness": ("sung", "spoken"),
    "liveness": ("studio-like", "live"),
    "acousticness": ("electric", "acoustic"),
    "instrumentalness": ("vocal", "instrumental"),
    "duration_ms": ("short", "long"),
}

# Adjectives that name their attribute: "as acoustic (0.95 and 0.91)" needs no "acousticness".
_SPEAKING = {
    "energetic", "danceable", "acoustic", "instrumental", "fast", "slow", "loud", "quiet",
    "short", "long",
}  # fmt: skip

# Half the catalogue is within 0.25 of the median on either side; below this nothing stands out.
WORTH_SAYING = 0.1
SAME_TEMPO = 0.04


@dataclass(frozen=True)
class Trait:
    """One attribute of two tracks: stored values, and mid-ranks in the catalogue (0 to 1)."""

    name: str
    value: float
    other: float
    rank: float
    other_rank: float

    @property
    def weight(self) -> float:
        """How much the two share it and how unusual it is: at most 0.5, negative if not shared."""
        if math.isnan(self.rank) or math.isnan(self.other_rank):
            return -1.0
        one, other = self.rank - 0.5, self.other_rank - 0.5
        if one * other <= 0:
            return -abs(one - other)
        return min(abs(one), abs(other)) - abs(one - other)

    def as_json(self) -> dict[str, Any]:
        """The figures of a reason's details; unknown values are null."""
        return {
            "name": self.name,
            "label": label(self.name),
            "value": _number(self.value),
            "other": _number(self.other),
        }


@dataclass(frozen=True)
class Sheet:
    """Stored values of some rows and their mid-ranks in the catalogue, both ``(rows, f)``."""

    names: tuple[str, ...]
    values: NDArray[np.float64]
    ranks: NDArray[np.float64]

    @classmethod
    def of(cls, space: Space, rows: NDArray[np.int64]) -> Sheet:
        """The sheet of ``rows``."""
        return cls.of_values(space, np.asarray(space.values[rows], dtype=np.float64))

    @classmethod
    def of_values(cls, space: Space, values: NDArray[np.float64]) -> Sheet:
        """The sheet of made-up tracks, ``(rows, f)`` in the columns of ``space.values``."""
        spreads = figures_of(space).distributions
        ranks = np.empty_like(values)
        for column, name in enumerate(space.value_names):
            ranks[:, column] = spreads[name].percentile(values[:, column])
        return cls(space.value_names, values, ranks)

    def middle(self, space: Space) -> Sheet:
        """One row: the median of these rows per attribute, NaN where none of them knows it."""
        known = np.isfinite(self.values).any(axis=0)
        values = np.full((1, len(self.names)), np.nan)
        values[0, known] = np.nanmedian(self.values[:, known], axis=0)
        return Sheet.of_values(space, values)

    def trait(self, row: int, other: Sheet, other_row: int, column: int) -> Trait:
        """One attribute of a row beside the same attribute of another sheet's row."""
        return Trait(
            self.names[column],
            float(self.values[row, column]),
            float(other.values[other_row, column]),
            float(self.ranks[row, column]),
            float(other.ranks[other_row, column]),
        )


def weights(one: Sheet, other: Sheet) -> NDArray[np.float64]:
    """``Trait.weight`` of all pairs of rows and attributes, ``(rows, other rows, f)``."""
    a, b = one.ranks[:, None, :] - 0.5, other.ranks[None, :, :] - 0.5
    difference = np.abs(a - b)
    shared_side = np.where(a * b > 0, np.minimum(np.abs(a), np.abs(b)), 0.0)
    return np.nan_to_num(shared_side - difference, nan=-1.0)


def standing_out(pair_weights: NDArray[np.float64], names: tuple[str, ...]) -> NDArray[np.int64]:
    """Columns of the two traits most worth a word, per pair, ``(…, 2)``; -1 where there is none.

    ``pair_weights`` is what ``weights`` gives, ``(…, f)``.
    """
    telling = pair_weights.copy()
    if "explicit" in names:
        # Whether a song is explicit says little of how it sounds.
        telling[..., names.index("explicit")] = -1.0
    best = np.argsort(-telling, axis=-1, kind="stable")[..., :2]
    worth = np.take_along_axis(telling, best, axis=-1) > WORTH_SAYING
    return np.where(worth, best, -1)


def label(name: str) -> str:
    """The attribute's name as a person writes it; unknown ones without underscores."""
    return BY_NAME[name].label if name in BY_NAME else name.replace("_", " ").capitalize()


def number(name: str, value: float) -> str:
    """A stored value with its unit."""
    if name in BY_NAME:
        return show(name, value)
    if name == "duration_ms":
        minutes, seconds = divmod(round(value / 1000), 60)
        return f"{minutes}:{seconds:02d}"
    if name == "year":
        return f"{value:.0f}"
    return f"{value:.2f}"


def pair(name: str, value: float, other: float) -> str:
    """Two values as a bracket holds them: ``118 and 120 BPM``, ``both 0.71``."""
    one, two = number(name, value), number(name, other)
    if one == two:
        return f"both {one}"
    unit = one.rpartition(" ")[2]
    if " " in one and two.endswith(f" {unit}"):
        one = one.removesuffix(f" {unit}")
    return f"{one} and {two}"


def shared(trait: Trait) -> str:
    """A clause on a trait that two tracks share: ``as calm (energy 0.28 and 0.31)``."""
    figures = pair(trait.name, trait.value, trait.other)
    if trait.name == "tempo":
        if abs(trait.value - trait.other) <= SAME_TEMPO * max(trait.value, trait.other):
            same = "the same" if figures.startswith("both") else "almost the same"
            return f"{same} tempo ({figures})"
        return f"as {_adjective(trait)} ({figures})"
    if trait.name == "year":
        return f"from the same time ({figures})"
    if trait.name not in ADJECTIVES:
        return f"alike in {label(trait.name).lower()} ({figures})"
    word = _adjective(trait)
    if word in _SPEAKING:
        return f"as {word} ({figures})"
    return f"as {word} ({label(trait.name).lower()} {figures})"


def differing(trait: Trait) -> str:
    """A clause on a trait that tells two tracks apart: ``calmer (energy 0.20 and 0.91)``."""
    figures = pair(trait.name, trait.value, trait.other)
    higher = trait.value > trait.other
    if trait.name not in BY_NAME:
        return f"{'higher' if higher else 'lower'} {label(trait.name).lower()} ({figures})"
    word = BY_NAME[trait.name].more if higher else BY_NAME[trait.name].less
    return f"{word} ({label(trait.name).lower()} {figures})"


def compared(trait: Trait, theirs: str) -> str:
    """A clause on any trait, shared or not: ``calmer than your likes (energy 0.20 and 0.91)``.

    ``theirs`` says whose the other value is, for example ``"your likes"``.
    """
    name = trait.name
    if name == "explicit":
        one, two = trait.value >= 0.5, trait.other >= 0.5
        if one == two:
            return "explicit, too" if one else f"not explicit, like {theirs}"
        return f"explicit, unlike {theirs}" if one else f"not explicit, unlike {theirs}"
    if math.isnan(trait.value) or math.isnan(trait.other):
        return f"{label(name).lower()} unknown, taken as the catalogue's middle"
    figures = pair(name, trait.value, trait.other)
    if trait.weight > WORTH_SAYING and name in ADJECTIVES:
        word = _adjective(trait)
        quoted = figures if word in _SPEAKING else f"{label(name).lower()} {figures}"
        return f"as {word} as {theirs} ({quoted})"
    if abs(trait.rank - trait.other_rank) <= 0.1:
        return f"{label(name).lower()} like {theirs} ({figures})"
    if name in BY_NAME:
        more = BY_NAME[name].more if trait.value > trait.other else BY_NAME[name].less
        return f"{more} than {theirs} ({label(name).lower()} {figures})"
    side = "higher" if trait.value > trait.other else "lower"
    return f"{label(name).lower()} {side} than {theirs} ({figures})"


def joined(clauses: list[str]) -> str:
    """Clauses as a list in a sentence: ``a, b and c``."""
    if len(clauses) < 2:
        return "".join(clauses)
    return f"{', '.join(clauses[:-1])} and {clauses[-1]}"


def capital(text: str) -> str:
    """The text with its first letter in upper case and the rest untouched."""
    return text[:1].upper() + text[1:]


def _adjective(trait: Trait) -> str:
    low, high = ADJECTIVES[trait.name]
    return high if trait.rank + trait.other_rank >= 1 else low


def _number(value: float) -> float | None:
    return round(value, 6) if math.isfinite(value) else None
