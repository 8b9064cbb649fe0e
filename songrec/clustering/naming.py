"""Names of clusters: up to two adjectives and a genre or "songs", each true of most members.

"calm acoustic folk", "fast explicit rap", "energetic songs". A word stands in a name only if it is
true of at least ``MIN_SHARE`` of the members, a genre only if at least ``MIN_GENRE_SHARE`` of them
carry it. Of the true words those are chosen that tell most: the share of the members that a word
is true of, less that of the catalogue.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

NOISE_NAME = "ungrouped songs"


@dataclass(frozen=True, slots=True)
class NameWord:
    """How a name uses an adjective.

    ``weight`` is how much a listener cares; ``place`` orders the adjectives of a name ("calm"
    before "acoustic"); of one ``family`` a name uses only one, since they mean nearly the same.
    """

    weight: float
    place: int
    family: str


WORDS: dict[str, NameWord] = {
    "calm": NameWord(1.0, 0, "force"),
    "energetic": NameWord(1.0, 0, "force"),
    "slow": NameWord(0.7, 1, "tempo"),
    "fast": NameWord(0.7, 1, "tempo"),
    "melancholy": NameWord(1.0, 2, "mood"),
    "dark": NameWord(0.9, 2, "mood"),
    "happy": NameWord(1.0, 2, "mood"),
    "danceable": NameWord(0.9, 3, "dance"),
    "explicit": NameWord(0.7, 4, "explicit"),
    "live": NameWord(1.0, 5, "live"),
    "electric": NameWord(0.6, 6, "sound"),
    "acoustic": NameWord(1.0, 6, "sound"),
    "spoken": NameWord(1.0, 7, "voice"),
    "vocal": NameWord(0.6, 7, "voice"),
    "instrumental": NameWord(1.0, 7, "voice"),
}
"""The adjectives of attributes; further ones are decades ("80s")."""
DECADE = NameWord(0.6, 8, "decade")
OPPOSITES = {"electric": "acoustic", "acoustic": "electric", "calm": "energetic"}

MIN_SHARE = 0.6
MIN_GENRE_SHARE = 0.5
MIN_LIFT = 0.1
"""How much more often than in the catalogue an adjective has to be true of the members."""
MIN_GENRE_LIFT = 1.1
MAX_GENRE_LENGTH = 30
MAX_ADJECTIVES = 6
"""Adjectives that are combined to names at most, the most telling ones."""


@dataclass(frozen=True, slots=True)
class WordShare:
    """The share of a cluster's members that an adjective is true of, and of the catalogue."""

    share: float
    overall: float


@dataclass(frozen=True)
class ClusterTraits:
    """The adjectives and genres by which a cluster is named.

    ``genres``: name, share of the cluster's tracks that carry it, lift over the catalogue.
    """

    words: Mapping[str, WordShare]
    genres: Sequence[tuple[str, float, float]] = field(default_factory=tuple)


@dataclass(frozen=True)
class ClusterName:
    """A name, and for each of its words that can be true or not the share it is true of."""

    text: str
    words: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class _Adjective:
    word: str
    share: float
    strength: float
    use: NameWord


@dataclass(frozen=True, slots=True)
class _Noun:
    word: str
    share: float | None = None


_SONGS = _Noun("songs")


def name_clusters(clusters: Sequence[ClusterTraits]) -> list[ClusterName]:
    """Return one lower-case name per cluster, all different; deterministic.

    Where two clusters have the same best name, the one that it fits better keeps it and the other
    takes its next best; where nothing true tells them apart, a number does.
    """
    candidates = [_candidates(traits) for traits in clusters]
    best = [next(_candidates(traits))[1] for traits in clusters]
    order = sorted(range(len(clusters)), key=lambda at: (-best[at], at))
    names = [ClusterName("")] * len(clusters)
    taken: set[str] = set()
    for at in order:
        names[at] = next(name for name, _ in candidates[at] if name.text not in taken)
        taken.add(names[at].text)
    return names


def mean_word_share(names: Sequence[ClusterName]) -> float | None:
    """Return the mean share of members that a word of their cluster's name is true of."""
    shares = [share for name in names for _, share in name.words]
    return math.fsum(shares) / len(shares) if shares else None


def _candidates(traits: ClusterTraits) -> Iterator[tuple[ClusterName, float]]:
    """Yield names from the most fitting on, without end, each with how well it fits."""
    nouns = [*_nouns(traits)[:3], _SONGS]
    for size in (2, 3, 1):
        for noun in nouns:
            adjectives = _adjectives(traits, noun.word)
            for chosen in _choices(adjectives, size):
                yield _joined(chosen, noun), sum(adjective.strength for adjective in chosen)
            if not adjectives:
                yield _joined((), noun), 0.0
    adjectives = _adjectives(traits, nouns[0].word)
    base = _joined(next(_choices(adjectives, 2), ()), nouns[0])
    for number in itertools.count(2):
        yield ClusterName(f"{base.text} {number}", base.words), 0.0


def _choices(adjectives: list[_Adjective], size: int) -> Iterator[tuple[_Adjective, ...]]:
    """Yield combinations of ``size`` adjectives of different families, strongest first."""
    top = adjectives[:MAX_ADJECTIVES]
    size = min(size, len({adjective.use.family for adjective in top}))
    if not size:
        return
    fitting = [
        chosen
        for chosen in itertools.combinations(top, size)
        if len({adjective.use.family for adjective in chosen}) == size
    ]
    yield from sorted(fitting, key=lambda chosen: -sum(a.strength for a in chosen))


def _joined(chosen: Sequence[_Adjective], noun: _Noun) -> ClusterName:
    ordered = sorted(chosen, key=lambda a: (a.use.place, a.word))
    words = [(adjective.word, adjective.share) for adjective in ordered]
    if noun.share is not None:
        words.append((noun.word, noun.share))
    before = [adjective.word for adjective in ordered] or ["mixed"]
    return ClusterName(" ".join([*before, noun.word]), tuple(words))


def _adjectives(traits: ClusterTraits, noun: str) -> list[_Adjective]:
    adjectives = []
    for word, figures in traits.words.items():
        use = WORDS.get(word, DECADE)
        lift = figures.share - figures.overall
        if figures.share < MIN_SHARE or lift < MIN_LIFT:
            continue
        if _echoes(word, noun) or _echoes(OPPOSITES.get(word, word), noun):
            continue
        adjectives.append(_Adjective(word, figures.share, lift * use.weight, use))
    return sorted(adjectives, key=lambda a: (-a.strength, a.word))


def _echoes(word: str, noun: str) -> bool:
    """Return whether the genre contains the word: "danceable dance"."""
    return any(
        part[:4] == word[:4] if min(len(part), len(word)) >= 4 else part == word
        for part in noun.replace("-", " ").split()
    )


def _nouns(traits: ClusterTraits) -> list[_Noun]:
    fitting = [
        (share * math.log(lift), genre.strip().lower(), share)
        for genre, share, lift in traits.genres
        if share >= MIN_GENRE_SHARE
        and lift >= MIN_GENRE_LIFT
        and 0 < len(genre.strip()) <= MAX_GENRE_LENGTH
    ]
    fitting.sort(key=lambda item: (-item[0], item[1]))
    return [_Noun(genre, share) for _, genre, share in fitting]
