"""Names a person understands: two adjectives for what sets a cluster apart, a genre as the noun.

"calm acoustic folk", "loud fast rap". The adjectives belong to the attributes whose median lies
furthest from the catalogue's, measured as the share of the catalogue below it; the noun is the
most over-represented genre.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

NOISE_NAME = "songs apart"


@dataclass(frozen=True, slots=True)
class Words:
    """What is said of an attribute when it is low or high, and how much a listener cares.

    ``place`` orders the adjectives of a name ("calm" before "acoustic"); of the attributes of one
    ``family`` a name uses only one, since they say nearly the same. ``low_weight`` is the weight
    of the low word where it differs: most songs have vocals, so "vocal" is said of a cluster only
    where hardly any other has them.
    """

    low: str | None
    high: str | None
    weight: float
    place: int
    family: str
    low_weight: float | None = None


WORDS: dict[str, Words] = {
    "energy": Words("calm", "energetic", 1.0, 0, "force"),
    "loudness": Words("quiet", "loud", 0.9, 0, "force"),
    "tempo": Words("slow", "fast", 0.9, 1, "tempo"),
    "positiveness": Words("melancholy", "cheerful", 1.0, 2, "mood"),
    "danceability": Words(None, "danceable", 0.9, 3, "dance"),
    "speechiness": Words(None, "wordy", 0.85, 4, "voice"),
    "explicit": Words(None, "explicit", 0.8, 5, "explicit"),
    "liveness": Words(None, "live", 0.85, 6, "live"),
    "acousticness": Words("electric", "acoustic", 0.95, 7, "sound", low_weight=0.8),
    "instrumentalness": Words("vocal", "instrumental", 0.95, 8, "voice", low_weight=0.25),
    "variance": Words(None, "varied", 0.4, 9, "variance"),
    "popularity": Words("little-known", "well-known", 0.4, 10, "popularity"),
}

# How far from the catalogue's middle (0.5), times its weight, a median has to be for a word.
WORTH_SAYING = 0.1
LEANS = 0.06
GENRE_SHARE = 0.08
GENRE_LIFT = 1.25
LONGEST_GENRE = 30


@dataclass(frozen=True)
class Portrait:
    """What naming knows of a cluster.

    ``shares``: per attribute the part of the catalogue below the cluster's median, ties counting
    half, 0..1. ``genres``: name, share of the cluster's tracks that carry it, lift over the
    catalogue.
    """

    shares: Mapping[str, float]
    genres: Sequence[tuple[str, float, float]] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class _Adjective:
    word: str
    strength: float
    place: int
    family: str


def name_clusters(portraits: Sequence[Portrait]) -> list[str]:
    """One lower-case name per portrait, all different; the same portraits give the same names.

    Where two clusters would be called the same, the one that the name fits better keeps it and
    the other takes its next best.
    """
    candidates = [_candidates(portrait) for portrait in portraits]
    best = [next(_candidates(portrait))[1] for portrait in portraits]
    order = sorted(range(len(portraits)), key=lambda at: (-best[at], at))
    names = [""] * len(portraits)
    taken: set[str] = set()
    for at in order:
        name = next(name for name, _ in candidates[at] if name not in taken)
        names[at] = name
        taken.add(name)
    return names


def _candidates(portrait: Portrait) -> Iterator[tuple[str, float]]:
    """Names from the most fitting on, without end, each with how well it fits."""
    nouns = [*_nouns(portrait)[:3], "songs"]
    for noun in nouns:
        adjectives = _adjectives(portrait, noun)
        for chosen in _choices(adjectives, 2):
            yield _joined(chosen, noun), sum(adjective.strength for adjective in chosen)
        if not adjectives:
            yield f"mixed {noun}", 0.0
    adjectives = _adjectives(portrait, nouns[0])
    for chosen in _choices(adjectives, 3):
        yield _joined(chosen, nouns[0]), sum(adjective.strength for adjective in chosen)
    base = _joined(next(_choices(adjectives, 2), ()), nouns[0])
    for number in itertools.count(2):
        yield f"{base} {number}", 0.0


def _choices(adjectives: list[_Adjective], size: int) -> Iterator[tuple[_Adjective, ...]]:
    """Combinations that say ``size`` different things, strongest first."""
    top = adjectives[:6]
    size = min(size, len({adjective.family for adjective in top}))
    if not size:
        return
    fitting = [
        chosen
        for chosen in itertools.combinations(top, size)
        if len({adjective.family for adjective in chosen}) == size
    ]
    yield from sorted(fitting, key=lambda chosen: -sum(a.strength for a in chosen))


def _joined(chosen: Sequence[_Adjective], noun: str) -> str:
    words = [adjective.word for adjective in sorted(chosen, key=lambda a: (a.place, a.word))]
    return " ".join([*words, noun]) if words else f"mixed {noun}"


def _adjectives(portrait: Portrait, noun: str) -> list[_Adjective]:
    found = []
    for name, share in portrait.shares.items():
        words = WORDS.get(name)
        if words is None or math.isnan(share):
            continue
        word, opposite = (words.high, words.low) if share > 0.5 else (words.low, words.high)
        if word is None or _echoes(word, noun) or (opposite and _echoes(opposite, noun)):
            continue
        weight = words.weight if share > 0.5 else words.low_weight or words.weight
        strength = abs(share - 0.5) * weight
        found.append(_Adjective(word, strength, words.place, words.family))
    found.sort(key=lambda a: (-a.strength, a.word))
    telling = [adjective for adjective in found if adjective.strength >= WORTH_SAYING]
    # Of a cluster in the middle of everything the one thing it leans to, if it leans at all.
    return telling or [a for a in found[:1] if a.strength >= LEANS]


def _echoes(word: str, noun: str) -> bool:
    """Whether the genre already says it (or its opposite): "danceable dance", "quiet acoustic"."""
    return any(
        part[:4] == word[:4] if min(len(part), len(word)) >= 4 else part == word
        for part in noun.replace("-", " ").split()
    )


def _nouns(portrait: Portrait) -> list[str]:
    fitting = [
        (share * math.log(lift), genre.strip().lower())
        for genre, share, lift in portrait.genres
        if share >= GENRE_SHARE and lift >= GENRE_LIFT and 0 < len(genre.strip()) <= LONGEST_GENRE
    ]
    return [genre for _, genre in sorted(fitting, key=lambda item: (-item[0], item[1]))]
