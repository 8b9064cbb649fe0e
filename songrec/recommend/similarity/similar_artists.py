"""Artists whose songs sound alike: the distance between the means of their songs."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from songrec.core.types import Ints, Space
from songrec.recommend.explain import phrases
from songrec.recommend.explain.phrases import NEVER_SAID, Trait
from songrec.recommend.similarity.similar import audible_subspace
from songrec.recommend.space_statistics import statistics_of

MIN_SONGS = 2
"""The mean of a single song says little about its artist; such artists come only if none else."""
NOT_SAID = NEVER_SAID | {"year"}
MAX_TRAITS = 2


@dataclass(frozen=True)
class ArtistMatch:
    """An artist like another one, by one of its tracks.

    ``distance`` is in units of the distance of two random tracks. ``traits`` are what both share,
    the most unusual first: means over the songs of the matched artist and of the other.
    """

    track_id: int
    distance: float
    traits: tuple[Trait, ...]

    @property
    def sentence(self) -> str:
        """What both share, in words."""
        words = [phrases.ADJECTIVES[trait.name][trait.is_high] for trait in self.traits]
        return f"Both {phrases.join_clauses(words)}" if words else "Close overall"

    @property
    def figures(self) -> str:
        """The figures behind the sentence."""
        clauses = [phrases.describe_shared(trait) for trait in self.traits]
        return "; ".join([*clauses, f"distance {self.distance:.2f}"])


def similar_artists(space: Space, rows: Ints, n: int) -> list[ArtistMatch]:
    """Return the ``n`` artists whose songs are on average nearest to those of one artist.

    Parameters
    ----------
    space
        A run's space; one that knows no artists gives no matches.
    rows
        Rows of the artist's tracks, as first artist or as a guest.
    n
        Number of matches at most, nearest first.

    Notes
    -----
    Distances are Euclidean between mean vectors of the columns that can be heard, divided by the
    typical distance of two tracks. An artist's tracks are those that credit it first.
    """
    subspace = audible_subspace(space)
    statistics = statistics_of(subspace)
    own = rows[np.isin(statistics.artists[rows], _numbers_of(statistics.artists, rows))]
    if not len(own):
        return []
    counts = statistics.sizes[0]
    mine = np.unique(statistics.artists[own])
    centre = subspace.matrix[own].mean(axis=0, dtype=np.float64)
    distances = np.linalg.norm(statistics.artist_means - centre, axis=1) / statistics.typical
    is_candidate = counts > 0
    is_candidate[[0, *mine.tolist()]] = False
    for fewest in (MIN_SONGS, 1):
        numbers = np.flatnonzero(is_candidate & (counts >= fewest))
        if len(numbers) >= n:
            break
    nearest = numbers[np.argsort(distances[numbers], kind="stable")[:n]]
    matches = []
    for number in nearest.tolist():
        tracks = statistics.rows_by(number)
        traits = _shared_traits(space, tracks, own)
        matches.append(
            ArtistMatch(int(space.track_ids[tracks[0]]), float(distances[number]), traits)
        )
    return matches


def _numbers_of(artists: Ints, rows: Ints) -> Ints:
    """The number that most of the rows have: tracks where the artist is a guest are another's."""
    credited = artists[rows][artists[rows] > 0]
    if not len(credited):
        return credited
    numbers, counts = np.unique(credited, return_counts=True)
    return numbers[counts == counts.max()][:1]


def _shared_traits(space: Space, rows: Ints, others: Ints) -> tuple[Trait, ...]:
    spreads = statistics_of(space).distributions
    traits = []
    for column, name in enumerate(space.value_names):
        if name not in phrases.ADJECTIVES or name in NOT_SAID:
            continue
        values = [_mean(space.values[some, column]) for some in (rows, others)]
        ranks = spreads[name].percentile(np.array(values))
        trait = Trait(name, *values, float(ranks[0]), float(ranks[1]))
        if trait.weight > phrases.MIN_WEIGHT:
            traits.append(trait)
    traits.sort(key=lambda trait: -trait.weight)
    return tuple(traits[:MAX_TRAITS])


def _mean(values: np.ndarray) -> float:
    present = values[np.isfinite(values)]
    return float(present.mean(dtype=np.float64)) if len(present) else float("nan")
