"""Traits of songs: the attributes in which a song differs most from the catalogue, and words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.clustering.naming import WORDS
from songrec.core.attribute_words import ATTRIBUTES_OF, WORD_PAIRS, words_true_of
from songrec.core.attributes import BY_NAME, format_attribute
from songrec.core.types import Space
from songrec.recommend.explain import phrases
from songrec.recommend.space_statistics import Distribution, statistics_of

N_TRAITS = 3
NOT_TRAITS = phrases.UNMENTIONED
N_WORDS = 2
NOT_TELLING = frozenset({"vocal", "electric"})
"""Words that are true of most songs."""
MIN_RANK_GAP = 0.2
"""Smallest distance of a value's rank from the catalogue's median to be described."""
MAX_CACHED = 10_000
"""Songs of each space whose words are cached: lists name those of fifty songs at once."""
_NAMES = tuple(sorted(WORD_PAIRS.keys() - NOT_TRAITS))


@dataclass(frozen=True, slots=True)
class Trait:
    """A notable attribute of a song.

    ``share`` (0 to 1) of the catalogue is below its value; ``text`` describes that: "calmer than
    83% of the catalogue".
    """

    name: str
    label: str
    value: str
    text: str
    share: float


def song_traits(space: Space, rows: NDArray[np.int64]) -> list[list[dict[str, Any]]]:
    """Return for each of ``rows`` its three most unusual attributes as JSON, best first."""
    names = [name for name in space.value_names if name in BY_NAME and name not in NOT_TRAITS]
    if not names or not len(rows):
        return [[] for _ in rows]
    distributions = statistics_of(space).distributions
    values = np.asarray(space.values[rows])[:, [space.value_names.index(n) for n in names]]
    shares = np.column_stack(
        [distributions[n].percentile(values[:, i]) for i, n in enumerate(names)]
    )
    distance = np.nan_to_num(np.abs(shares - 0.5), nan=-1.0)
    best = np.argsort(-distance, axis=1, kind="stable")[:, :N_TRAITS]
    return [
        [
            asdict(_trait(names[column], float(values[row, column]), float(shares[row, column])))
            for column in columns
            if distance[row, column] >= 0
        ]
        for row, columns in enumerate(best.tolist())
    ]


def telling_words(space: Space, attributes: Mapping[str, float | None]) -> tuple[str, ...]:
    """Return adjectives for a song's most unusual attributes in the catalogue.

    At most ``N_WORDS``, the most unusual first; ``attributes`` are the song's values. They are
    ranked among the songs of ``space``, even if the song is not in the run.
    """
    words_of = space.cached(
        "telling_words",
        lambda: lru_cache(MAX_CACHED)(partial(_words_of, statistics_of(space).distributions)),
    )
    return words_of(tuple(attributes.get(name) for name in _NAMES))


def _words_of(
    distributions: Mapping[str, Distribution], attributes: tuple[float | None, ...]
) -> tuple[str, ...]:
    """Return ``telling_words`` of the values of ``_NAMES``."""
    values: dict[str, float] = {}
    ranks: dict[str, float] = {}
    for name, value in zip(_NAMES, attributes, strict=True):
        if name in distributions and value is not None:
            values[name] = value
            ranks[name] = float(distributions[name].percentile(value))
    gap = {name: abs(rank - 0.5) for name, rank in ranks.items()}
    strength = {
        word: min(gap[name] for name in names) * WORDS[word].weight
        for word, names in ATTRIBUTES_OF.items()
        if all(gap.get(name, 0.0) >= MIN_RANK_GAP for name in names)
    }
    truth = words_true_of(values, ranks)
    words = [word for word in strength if truth[word] and word not in NOT_TELLING]
    words.sort(key=lambda word: -strength[word])
    # Of words with nearly the same meaning only the strongest is used.
    best = {WORDS[word].family: word for word in reversed(words)}
    return tuple(word for word in words if word in best.values())[:N_WORDS]


def _trait(name: str, value: float, share: float) -> Trait:
    attribute = BY_NAME[name]
    above = share >= 0.5
    # 100% would mean that the song exceeds itself.
    percent = min(99, round(100 * (share if above else 1 - share)))
    comparative = attribute.more if above else attribute.less
    return Trait(
        name,
        attribute.label,
        format_attribute(name, value),
        f"{comparative} than {percent}% of the catalogue",
        round(share, 4),
    )
