"""Artists whose songs a method recommends to somebody who likes the songs of one artist."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Ints, Space
from songrec.recommend.explain import phrases
from songrec.recommend.explain.phrases import NEVER_SAID, Trait
from songrec.recommend.method import Method
from songrec.recommend.query import Query
from songrec.recommend.similarity.similar import audible_subspace
from songrec.recommend.space_statistics import statistics_of
from songrec.recommend.taste.playlist_evidence import PlaylistEvidence
from songrec.recommend.top_k import count_earlier

MAX_LIKED = 24
"""Songs of an artist that stand for it; of more, evenly spaced ones."""
LOOK = 1000
"""Recommended songs among which artists are looked for."""
N_BEST = 2
"""An artist's best songs that count: one song says little about its artist."""
NOT_SAID = NEVER_SAID | {"year"}
MAX_TRAITS = 2
MIN_SHARED, FAR_MORE = 3, 3.0
"""Playlists with both artists, also as a multiple of chance, from which on they are together."""
CLOSE = 0.75
"""Distance of two artists' means up to which they sound close."""


@dataclass(frozen=True)
class ArtistMatch:
    """An artist like another one, by one of its tracks.

    ``score`` is the method's, ``distance`` that of the means of both artists' songs by audible
    attributes, in units of the distance of two random tracks. ``traits`` are the attributes that
    both share, the most unusual first: means over the songs of the matched artist and of the other.
    ``are_together`` tells whether playlists hold both artists far more often than by chance.
    """

    track_id: int
    score: float
    distance: float
    traits: tuple[Trait, ...]
    are_together: bool = False

    @property
    def sentence(self) -> str:
        """What both share, in words."""
        words = [phrases.ADJECTIVES[trait.name][trait.is_high] for trait in self.traits]
        if words:
            both = f"Both {phrases.join_clauses(words)}"
            return f"{both}, often in the same playlists" if self.are_together else both
        if self.are_together:
            return "Often in the same playlists"
        return "Similar sound" if self.distance < CLOSE else "For the same listeners"

    @property
    def figures(self) -> str:
        """The figures behind the sentence."""
        clauses = [phrases.describe_shared(trait) for trait in self.traits]
        return "; ".join([*clauses, f"score {self.score:.2f}", f"distance {self.distance:.2f}"])


def similar_artists(
    recommender: Method, space: Space, rows: Ints, n: int, *, withdrawn: Sequence[int] = ()
) -> list[ArtistMatch]:
    """Return the ``n`` artists that ``recommender`` comes upon when an artist's songs are liked.

    Parameters
    ----------
    recommender
        Its ``LOOK`` best songs by other artists decide.
    space
        A run's space; one that knows no artists gives no matches.
    rows
        Rows of the artist's tracks, as first artist or as a guest.
    n
        Number of matches at most, best first.
    withdrawn
        Ids of tracks that must not be recommended: an artist without others is no match.

    Notes
    -----
    An artist's score is the mean score of its ``N_BEST`` best songs; one that is missing counts as
    the last of all. An artist's tracks are those that credit it first.
    """
    artists = statistics_of(space).artists
    own = rows[np.isin(artists[rows], _numbers_of(artists, rows))]
    if not len(own) or not space.columns:
        return []
    mine = np.unique(artists[own])
    liked = own[:: -(-len(own) // MAX_LIKED)]
    query = Query(space, liked, np.empty(0, dtype=np.int64), excluded=own, seeds=True)
    query = replace(query, withdrawn=space.rows_of(list(withdrawn)))
    query = query.among(np.flatnonzero(~np.isin(artists, [0, *mine.tolist()])))
    ranked, scores = recommender.search(query, LOOK)
    if not len(ranked):
        return []
    numbers, of = np.unique(artists[ranked], return_inverse=True)
    counted = count_earlier(artists[ranked]) < N_BEST
    counts = np.bincount(of[counted], minlength=len(numbers))
    totals = np.bincount(of[counted], weights=scores[counted], minlength=len(numbers))
    means = (totals + (N_BEST - counts) * scores[-1]) / N_BEST
    together = _in_same_playlists(space, mine)
    matches = []
    for at in np.argsort(-means, kind="stable")[:n].tolist():
        tracks = statistics_of(space).rows_by(int(numbers[at]))
        matches.append(
            ArtistMatch(
                int(space.track_ids[tracks[0]]),
                float(means[at]),
                _distance(space, tracks, own),
                _shared_traits(space, tracks, own),
                are_together=bool(together[numbers[at]]),
            )
        )
    return matches


def _in_same_playlists(space: Space, mine: Ints) -> NDArray[np.bool_]:
    """Tell whether playlists hold an artist and ``mine`` far more often than by chance, of each."""
    evidence = PlaylistEvidence.of(space)
    mine_in = np.zeros(evidence.n_playlists, dtype=bool)
    mine_in[evidence.playlist[np.isin(evidence.artist, mine)]] = True
    counts = np.bincount(evidence.artist, minlength=evidence.n_artists)
    shared = np.bincount(
        evidence.artist, weights=mine_in[evidence.playlist], minlength=evidence.n_artists
    )
    by_chance = counts * mine_in.mean() if len(mine_in) else counts
    return (shared >= MIN_SHARED) & (shared >= FAR_MORE * by_chance)


def _distance(space: Space, rows: Ints, others: Ints) -> float:
    """The distance of two means by audible attributes, 1 for two random tracks."""
    subspace = audible_subspace(space)
    one, other = (subspace.matrix[some].mean(axis=0, dtype=np.float64) for some in (rows, others))
    return float(np.linalg.norm(one - other)) / statistics_of(subspace).typical


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
