"""One question to ``taste``: the densities that likes and dislikes make, and the scores' terms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Space
from songrec.recommend.query import Query, Rows, top_rows
from songrec.recommend.space_statistics import statistics_of
from songrec.recommend.taste import prior as taste_prior
from songrec.recommend.taste import two_tower_scores
from songrec.recommend.taste.approximate_scores import Floats32, best_taste, log_densities
from songrec.recommend.taste.density import NormalInverseGamma, StudentT, split_into_tastes
from songrec.recommend.taste.prior import TastePrior

Array = NDArray[np.float64]
BACKGROUND = 0.8
"""How much of the catalogue's own density is taken off: all of it would favour the rarest songs."""
LOOKED = 2**14
"""Dislikes are asked of the most promising tracks; when of more than these, then of all."""
ROUNDING = 1e-3
"""More than float32 gets wrong of a score."""


class Settings(Protocol):
    """What the rule says of a question."""

    dislike_weight: float
    metadata: bool
    uses_track_factors: bool


@dataclass(frozen=True)
class TasteModel:
    """The taste model of a space: the prior and the catalogue's density; see ``model_for``."""

    space: Space
    prior: TastePrior

    @cached_property
    def belief(self) -> NormalInverseGamma:
        """Over the columns of the space."""
        return NormalInverseGamma([self.prior.column(name) for name in self.space.columns])

    @cached_property
    def about_popularity(self) -> NormalInverseGamma:
        """Over popularity alone."""
        return NormalInverseGamma([self.prior.column("popularity")])

    @cached_property
    def neutral(self) -> Floats32:
        """The log density of each track with nothing liked, ``(n,)``."""
        return self.over_all([self.belief.before])[0]

    @cached_property
    def popularity(self) -> Floats32 | None:
        """Popularity in normal scores as a column ``(n, 1)``; None where it counts for nothing."""
        scores = statistics_of(self.space).popularity
        if scores is None or "popularity" not in self.prior.columns:
            return None
        return scores.astype(np.float32)[:, None]

    @cached_property
    def neutral_popularity(self) -> Floats32:
        """The log density of each track's popularity with nothing liked, ``(n,)``."""
        assert self.popularity is not None
        return log_densities(self.popularity, np.ones(1), [self.about_popularity.before])[0]

    @cached_property
    def reference(self) -> Array:
        """What is not taken off of a song's own density is taken off of a usual one's, ``(d,)``.

        So a score is near 0 where the likes say nothing. A usual value is one deviation off.
        """
        one = np.ones((1, len(self.space.columns)))
        return (1 - BACKGROUND) * self.belief.before.log(one)[0]

    def points(self, rows: Rows) -> Array:
        """Tracks in units of the columns' standard deviations, ``(rows, d)``."""
        return self.space.matrix[rows] / statistics_of(self.space).scales

    def over_all(self, densities: Sequence[StudentT]) -> Floats32:
        """The log density of every track under each, ``(densities, n)``."""
        return log_densities(self.space.matrix, statistics_of(self.space).scales, densities)


def model_for(space: Space) -> TasteModel:
    """Made once as long as the space is open."""
    found: TasteModel | None = space.__dict__.get("_taste")
    if found is None:
        found = TasteModel(space, TastePrior.from_json(space.taste_prior))
        space.__dict__["_taste"] = found
    return found


@dataclass(frozen=True)
class Parts:
    """The terms of some rows' scores.

    ``features`` ``(rows, d)`` of the taste ``group`` ``(rows,)``; ``priors`` by name ``(rows,)``;
    ``dislikes`` ``(rows, dislikes)`` is what each takes away.
    """

    features: Array
    group: NDArray[np.int64]
    priors: dict[str, Array]
    dislikes: Array

    def total(self) -> Array:
        """The scores."""
        return self.features.sum(axis=1) + sum(self.priors.values()) - self.dislikes.sum(axis=1)


class TasteScorer:
    """The densities that the likes and dislikes of one question make."""

    def __init__(self, query: Query, rule: Settings) -> None:
        self.query, self.rule = query, rule
        self.model = model_for(query.space)
        belief = self.model.belief
        liked = self.model.points(query.likes)
        self.groups = split_into_tastes(belief, liked)
        self.densities = [belief.after(liked[group]) for group in self.groups]
        self.shares = np.log([len(group) / len(liked) for group in self.groups])
        bad = self.model.points(query.dislikes)
        self.beside = [belief.beside(point) for point in bad] if rule.dislike_weight else []
        self.harm = rule.dislike_weight / len(liked)

    @classmethod
    def of(cls, query: Query, rule: Settings) -> TasteScorer:
        """The question that ``rule`` makes of ``query``, made once."""
        asked: dict[Any, TasteScorer] = query.__dict__.setdefault("_questions", {})
        key = (rule.dislike_weight, rule.metadata, rule.uses_track_factors)
        if key not in asked:
            asked[key] = cls(query, rule)
        return asked[key]

    def told(self, group: int) -> str:
        """Whose values a song of this taste is compared with."""
        likes = self.query.likes
        if len(likes) == 1:
            return f"“{self.query.title(int(likes[0]))}”"
        if len(self.groups) == 1:
            return "your likes"
        return f"{len(self.groups[group])} of your likes"

    def best(self, count: int, of: int | None = None) -> Rows:
        """Rows of the ``count`` highest scores and of all that equal the last, unordered.

        Of the tracks of one taste (its number) only, if it is given. Exact: dislikes only take
        away, so a track that would not be among the best without them is not with them.
        """
        everything = None if of is None else np.flatnonzero(self._rough[1] == of)
        # A first look without dislikes, then a wider one; then what they do is known of all.
        look = count
        while self.beside and look < LOOKED:
            near, bound = self._front(self._rough[0], everything, look)
            scores = self.parts(near).total()
            chosen = top_rows(scores, count)
            if bound is None or (len(scores) >= count and scores[chosen].min() >= bound):
                return near[chosen]
            look *= 4
        return self._front(self._harmed if self.beside else self._rough[0], everything, count)[0]

    def _front(
        self, scores: Floats32, members: Rows | None, look: int
    ) -> tuple[Rows, float | None]:
        """The ``look`` most promising rows, and what no other reaches; None if there is none."""
        if members is not None:
            scores = scores[members]
        at = top_rows(scores, look)
        bound = None if len(at) == len(scores) else float(scores[at].min()) + ROUNDING
        return (at if members is None else members[at]), bound

    @cached_property
    def _rough(self) -> tuple[Floats32, NDArray[np.int8]]:
        """All scores but for what dislikes take away, and which taste each track fits."""
        best, group = best_taste(self.model.over_all(self.densities), self.shares)
        best -= np.float32(BACKGROUND) * self.model.neutral
        best -= np.float32(self.model.reference.sum())
        if self.rule.metadata:
            self._add_metadata(best)
        return best, group

    @cached_property
    def _harmed(self) -> Floats32:
        """All scores, dislikes included."""
        harm = np.zeros(len(self._rough[0]), dtype=np.float32)
        for density in self.beside:
            harm += np.exp(self.model.over_all([density])[0] - self.model.neutral)
        harm *= np.float32(self.harm)
        return self._rough[0] - np.log1p(harm)

    def parts(self, rows: Rows) -> Parts:
        """The terms of the scores of ``rows``, in float64."""
        points = self.model.points(rows)
        neutral = self.model.belief.before.log(points)
        under = np.array([density.log(points) for density in self.densities])
        group = (under.sum(axis=2) + self.shares[:, None]).argmax(axis=0)
        features = under[group, np.arange(len(rows))] - BACKGROUND * neutral - self.model.reference
        priors = {"taste": self.shares[group]} if len(self.groups) > 1 else {}
        if self.rule.metadata:
            priors |= self._metadata(rows)
        harm = np.zeros((len(rows), len(self.query.dislikes)))
        for column, density in enumerate(self.beside):
            harm[:, column] = self.harm * np.exp((density.log(points) - neutral).sum(axis=1))
        total = harm.sum(axis=1, keepdims=True)
        share = harm / np.where(total == 0, 1.0, total)
        return Parts(features, group, priors, share * np.log1p(total))

    def _metadata(self, rows: Rows) -> dict[str, Array]:
        """What artist, album and popularity add, ``(rows,)`` each; what is unknown adds nothing."""
        statistics = self.query.statistics
        found: dict[str, Array] = {}
        if self._artists:
            of = statistics.artists[rows]
            related = np.flatnonzero(np.isin(of, self._artists))
            found["artist"] = np.where(of == taste_prior.UNKNOWN, 0.0, self._apart)
            found["album"] = np.zeros(len(rows))
            found["artist"][related], found["album"][related] = self._of_artists(rows[related])
        if self.model.popularity is not None:
            asked = statistics.popularity[rows][:, None]
            above = self._popularity.log(
                asked
            ) - BACKGROUND * self.model.about_popularity.before.log(asked)
            found["popularity"] = above[:, 0]
        if self.rule.uses_track_factors:
            found |= two_tower_scores.nearness(self.query, rows)
        return found

    def _add_metadata(self, best: Floats32) -> None:
        """Add what ``_metadata`` says of every track to ``best``."""
        statistics, space = self.query.statistics, self.query.space
        if self._artists:
            # Nearly all are by artists whom none of the likes is by: one value for them all.
            best += np.float32(self._apart) * (statistics.artists != taste_prior.UNKNOWN)
            related = np.concatenate([statistics.rows_by(artist) for artist in self._artists])
            by, on = self._of_artists(related)
            best[related] += (by + on - self._apart).astype(np.float32)
        if self.model.popularity is not None:
            best += log_densities(self.model.popularity, np.ones(1), [self._popularity])[0]
            best -= np.float32(BACKGROUND) * self.model.neutral_popularity
        if self.rule.uses_track_factors and two_tower_scores.weight(space):
            best += two_tower_scores.rough_nearness(self.query)

    @cached_property
    def _artists(self) -> list[int]:
        """The known artists of the likes."""
        artists = np.unique(self.query.statistics.artists[self.query.likes])
        return artists[artists != taste_prior.UNKNOWN].tolist()

    @cached_property
    def _apart(self) -> float:
        """What it adds that none of the likes is by a song's artist."""
        statistics, likes = self.query.statistics, self.query.likes
        counts = taste_prior.artist_counts(
            statistics.artists, likes, likes[:0], statistics.sizes[0]
        )
        none = np.zeros(1)
        other = taste_prior.Counts(none, none + 1, counts.known, counts.names, counts.total)
        return float(taste_prior.log_lift(self.model.prior.artist, other)[0])

    def _of_artists(self, related: Rows) -> tuple[Array, Array]:
        """What artist and album add to tracks by artists of the likes."""
        statistics, prior, likes = self.query.statistics, self.model.prior, self.query.likes
        artists, albums, sizes = statistics.artists, statistics.albums, statistics.sizes
        by = taste_prior.artist_counts(artists, likes, related, sizes[0])
        on = taste_prior.album_counts(artists, albums, likes, related, sizes)
        return taste_prior.log_lift(prior.artist, by), taste_prior.log_lift(prior.album, on)

    @cached_property
    def _popularity(self) -> StudentT:
        """What the likes say of popularity."""
        assert self.model.popularity is not None
        liked = self.query.statistics.popularity[self.query.likes]
        return self.model.about_popularity.after(liked[:, None])
