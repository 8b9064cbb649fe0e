"""Similar artists: those whose songs are recommended when the songs of an artist are liked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Ints, Space
from songrec.recommend.explain import phrases
from songrec.recommend.explain.phrases import UNMENTIONED, Trait
from songrec.recommend.method import Method
from songrec.recommend.query import Query
from songrec.recommend.similarity.similar import audible_subspace
from songrec.recommend.space_statistics import statistics_of
from songrec.recommend.taste.playlist_evidence import PlaylistEvidence
from songrec.recommend.top_k import count_earlier

MAX_LIKED = 24
"""Limit of an artist's songs used as likes; of more, an evenly spaced sample."""
LOOK = 1000
"""Number of recommended songs whose artists are considered."""
N_BEST = 2
"""Number of an artist's best songs in its score: one song says little about its artist."""
UNMENTIONED_TRAITS = UNMENTIONED | {"year"}
MAX_TRAITS = 2
MIN_SHARED, FAR_MORE = 3, 3.0
"""Smallest number of playlists with both artists, absolute and as a multiple of chance."""
CLOSE = 0.75
"""Largest distance between the means of two artists that sound close."""


@dataclass(frozen=True)
class ArtistMatch:
    """A similar artist, identified by one of its tracks.

    ``score`` is the method's, ``distance`` that between the means of both artists' songs by audible
    attributes, in units of the distance of two random tracks. ``traits`` are the shared attributes,
    the most unusual first: means over the songs of both artists. ``are_together``: whether
    playlists contain both artists far more often than by chance.
    """

    track_id: int
    score: float
    distance: float
    traits: tuple[Trait, ...]
    are_together: bool = False

    @property
    def sentence(self) -> str:
        """Sentence about the shared traits."""
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
    """Return the ``n`` artists of the songs recommended when an artist's songs are liked.

    Parameters
    ----------
    recommender
        Method whose ``LOOK`` best songs by other artists are used.
    space
        A run's space; without artists there are no matches.
    rows
        Rows of the artist's tracks, as first artist or as a guest.
    n
        Maximum number of matches, best first.
    withdrawn
        Ids of tracks that must not be recommended; artists without other tracks are left out.

    Notes
    -----
    An artist's score is the mean score of its ``N_BEST`` best songs; a missing song counts as the
    lowest score. An artist's tracks are those that credit it first.
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
    """Return, per artist, whether it shares playlists with ``mine`` far more than by chance."""
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
    """Return the distance of two means by audible attributes, 1 for two random tracks.

    Where no track of one of the two has a value, they differ as two random tracks do.
    """
    subspace = audible_subspace(space)
    statistics = statistics_of(subspace)
    means = []
    for some in (rows, others):
        # Unknown values are 0 and add nothing to a sum.
        total = subspace.matrix[some].sum(axis=0, dtype=np.float64)
        unknown = statistics.unknown
        n_values = len(some) - (0 if unknown is None else unknown[some].sum(axis=0))
        means.append(
            np.divide(total, n_values, out=np.full_like(total, np.nan), where=n_values > 0)
        )
    differences = means[0] - means[1]
    differences = np.where(np.isnan(differences), np.sqrt(statistics.chance_squares), differences)
    return float(np.linalg.norm(differences)) / statistics.typical


def _numbers_of(artists: Ints, rows: Ints) -> Ints:
    """Return the most frequent number: tracks with the artist as a guest have another one."""
    credited = artists[rows][artists[rows] > 0]
    if not len(credited):
        return credited
    numbers, counts = np.unique(credited, return_counts=True)
    return numbers[counts == counts.max()][:1]


def _shared_traits(space: Space, rows: Ints, others: Ints) -> tuple[Trait, ...]:
    spreads = statistics_of(space).distributions
    traits = []
    for column, name in enumerate(space.value_names):
        if name not in phrases.ADJECTIVES or name in UNMENTIONED_TRAITS:
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
