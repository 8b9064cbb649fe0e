"""Names of clusters: two adjectives for their distinctive attributes, a genre as the noun.

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
class AttributeWords:
    """The adjectives for a low and a high attribute, and how much a listener cares.

    ``place`` orders the adjectives of a name ("calm" before "acoustic"); of the attributes of one
    ``family`` a name uses only one, since they mean nearly the same. ``low_weight`` is the weight
    of the low word where it differs: most songs have vocals, so "vocal" is used only where hardly
    any other cluster has them.
    """

    low: str | None
    high: str | None
    weight: float
    place: int
    family: str
    low_weight: float | None = None


WORDS: dict[str, AttributeWords] = {
    "energy": AttributeWords("calm", "energetic", 1.0, 0, "force"),
    "loudness": AttributeWords("quiet", "loud", 0.9, 0, "force"),
    "tempo": AttributeWords("slow", "fast", 0.9, 1, "tempo"),
    "positiveness": AttributeWords("melancholy", "cheerful", 1.0, 2, "mood"),
    "danceability": AttributeWords(None, "danceable", 0.9, 3, "dance"),
    "speechiness": AttributeWords(None, "wordy", 0.85, 4, "voice"),
    "explicit": AttributeWords(None, "explicit", 0.8, 5, "explicit"),
    "liveness": AttributeWords(None, "live", 0.85, 6, "live"),
    "acousticness": AttributeWords("electric", "acoustic", 0.95, 7, "sound", low_weight=0.8),
    "instrumentalness": AttributeWords("vocal", "instrumental", 0.95, 8, "voice", low_weight=0.25),
    "variance": AttributeWords(None, "varied", 0.4, 9, "variance"),
    "popularity": AttributeWords("little-known", "well-known", 0.4, 10, "popularity"),
}

# How far from the catalogue's middle (0.5), times its weight, a median has to be for a word.
MIN_STRENGTH = 0.1
MIN_STRENGTH_ALONE = 0.06
GENRE_SHARE = 0.08
GENRE_LIFT = 1.25
MAX_GENRE_LENGTH = 30


@dataclass(frozen=True)
class ClusterTraits:
    """The attributes and genres by which a cluster is named.

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


def name_clusters(clusters: Sequence[ClusterTraits]) -> list[str]:
    """Return one lower-case name per cluster, all different; deterministic.

    Where two clusters have the same best name, the one that it fits better keeps it and the other
    takes its next best.
    """
    candidates = [_candidates(traits) for traits in clusters]
    best = [next(_candidates(traits))[1] for traits in clusters]
    order = sorted(range(len(clusters)), key=lambda at: (-best[at], at))
    names = [""] * len(clusters)
    taken: set[str] = set()
    for at in order:
        name = next(name for name, _ in candidates[at] if name not in taken)
        names[at] = name
        taken.add(name)
    return names


def _candidates(traits: ClusterTraits) -> Iterator[tuple[str, float]]:
    """Yield names from the most fitting on, without end, each with how well it fits."""
    nouns = [*_nouns(traits)[:3], "songs"]
    for noun in nouns:
        adjectives = _adjectives(traits, noun)
        for chosen in _choices(adjectives, 2):
            yield _joined(chosen, noun), sum(adjective.strength for adjective in chosen)
        if not adjectives:
            yield f"mixed {noun}", 0.0
    adjectives = _adjectives(traits, nouns[0])
    for chosen in _choices(adjectives, 3):
        yield _joined(chosen, nouns[0]), sum(adjective.strength for adjective in chosen)
    base = _joined(next(_choices(adjectives, 2), ()), nouns[0])
    for number in itertools.count(2):
        yield f"{base} {number}", 0.0


def _choices(adjectives: list[_Adjective], size: int) -> Iterator[tuple[_Adjective, ...]]:
    """Yield combinations of ``size`` adjectives of different families, strongest first."""
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


def _adjectives(traits: ClusterTraits, noun: str) -> list[_Adjective]:
    found = []
    for name, share in traits.shares.items():
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
    distinctive = [adjective for adjective in found if adjective.strength >= MIN_STRENGTH]
    # A cluster without distinctive attributes is named by the strongest, if it is strong enough.
    return distinctive or [a for a in found[:1] if a.strength >= MIN_STRENGTH_ALONE]


def _echoes(word: str, noun: str) -> bool:
    """Return whether the genre contains the word: "danceable dance"."""
    return any(
        part[:4] == word[:4] if min(len(part), len(word)) >= 4 else part == word
        for part in noun.replace("-", " ").split()
    )


def _nouns(traits: ClusterTraits) -> list[str]:
    fitting = [
        (share * math.log(lift), genre.strip().lower())
        for genre, share, lift in traits.genres
        if share >= GENRE_SHARE
        and lift >= GENRE_LIFT
        and 0 < len(genre.strip()) <= MAX_GENRE_LENGTH
    ]
    return [genre for _, genre in sorted(fitting, key=lambda item: (-item[0], item[1]))]
