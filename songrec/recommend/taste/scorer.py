"""Taste scores: the densities that a query's likes and dislikes make, and the terms of a score."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Space
from songrec.recommend.query import Query
from songrec.recommend.space_statistics import statistics_of
from songrec.recommend.taste import prior as taste_prior
from songrec.recommend.taste import two_tower_scores
from songrec.recommend.taste.density import (
    Array,
    Floats32,
    NormalInverseGamma,
    StudentT,
    best_taste,
    log_densities,
    split_into_tastes,
)
from songrec.recommend.taste.prior import UNKNOWN, TastePrior, log_lift
from songrec.recommend.top_k import Ranking, Rows, Scores, attempt_top, rank, widen

BACKGROUND = 0.8
"""Weight of the catalogue's own log density: all of it would favour the rarest songs."""
MAX_LOOK = 2**14
"""Dislikes are evaluated for this number of the most promising tracks; all if there are more."""
ROUNDING = 1e-3
"""Bound of the error of a float32 score."""


@dataclass(frozen=True)
class TasteSettings:
    """What counts in a taste score.

    ``dislike_weight``: weight of a dislike, a like's is 1; ``metadata``: whether artist, album and
    popularity count; ``playlists``: whether nearness learnt from playlists does (with metadata).
    """

    dislike_weight: float = 1.0
    metadata: bool = True
    playlists: bool = False


@dataclass(frozen=True)
class TasteModel:
    """The taste model of a space: the prior and the catalogue's density; see ``model_for``."""

    space: Space
    prior: TastePrior

    @cached_property
    def columns(self) -> NormalInverseGamma:
        """The prior over the columns of the space."""
        return NormalInverseGamma([self.prior.column(name) for name in self.space.columns])

    @cached_property
    def popularity_column(self) -> NormalInverseGamma:
        """The prior over popularity alone."""
        return NormalInverseGamma([self.prior.column("popularity")])

    @cached_property
    def background(self) -> Floats32:
        """The log density of each track with nothing liked, ``(n,)``."""
        return self.log_densities([self.columns.prior_predictive])[0]

    @cached_property
    def popularity(self) -> Floats32 | None:
        """Popularity in normal scores as a column ``(n, 1)``; None where the prior has none."""
        scores = statistics_of(self.space).popularity
        if scores is None or "popularity" not in self.prior.columns:
            return None
        return scores.astype(np.float32)[:, None]

    @cached_property
    def popularity_background(self) -> Floats32:
        """The log density of each track's popularity with nothing liked, ``(n,)``."""
        assert self.popularity is not None
        prior = self.popularity_column.prior_predictive
        return log_densities(self.popularity, np.ones(1), [prior])[0]

    @cached_property
    def reference(self) -> Array:
        """The rest of the background's weight times a usual value's log density, ``(d,)``.

        It is taken off so that a score is near 0 where the likes say nothing. A usual value is one
        deviation off the mean.
        """
        one = np.ones((1, len(self.space.columns)))
        return (1 - BACKGROUND) * self.columns.prior_predictive.log_density(one)[0]

    @property
    def unknown(self) -> NDArray[np.bool_] | None:
        """Of which tracks each column is unknown, ``(n, d)``; None where all are known."""
        return statistics_of(self.space).unknown

    def mask_unknown(self, rows: Rows, terms: Array) -> Array:
        """Return terms ``(…, rows, d)`` with 0 where a row's value is unknown."""
        return terms if self.unknown is None else np.where(self.unknown[rows], 0.0, terms)

    def of_unknown(self, terms: Array, rows: Rows | slice = slice(None)) -> Floats32 | float:
        """Sum what terms ``(d,)`` of a value at 0 add to tracks for their unknown values."""
        if self.unknown is None:
            return 0.0
        return self.unknown[rows].astype(np.float32) @ terms.astype(np.float32)

    def without_value(self, likes: Rows) -> NDArray[np.bool_]:
        """Return which columns none of ``likes`` has a value of, ``(d,)``: they say nothing."""
        if self.unknown is None or not len(likes):
            return np.zeros(len(self.space.columns), dtype=bool)
        return self.unknown[likes].all(axis=0)

    def prior_ratio(
        self, columns: NDArray[np.bool_], rows: Rows | slice = slice(None)
    ) -> Floats32 | float:
        """Sum over some columns the log-likelihood ratio that tracks have with nothing liked.

        Unknown values count at 0, where they lie.
        """
        at = np.flatnonzero(columns)
        if not len(at):
            return 0.0
        every, scales = self.columns.prior_predictive, statistics_of(self.space).scales
        prior = StudentT(every.df[at], every.location[at], every.squared_scale[at])
        ratio = log_densities(self.space.matrix[rows][:, at], scales[at], [prior])[0]
        ratio *= np.float32(1 - BACKGROUND)
        ratio -= np.float32(self.reference[at].sum())
        return ratio

    def points(self, rows: Rows) -> Array:
        """Return tracks in standard deviations of the columns, ``(rows, d)``."""
        return self.space.matrix[rows] / statistics_of(self.space).scales

    def points_with_nan(self, rows: Rows) -> Array:
        """Return ``points`` with NaN where a value is unknown."""
        points = self.points(rows)
        return points if self.unknown is None else np.where(self.unknown[rows], np.nan, points)

    def log_densities(self, densities: Sequence[StudentT]) -> Floats32:
        """Compute the log density of every track under each density, ``(densities, n)``."""
        return log_densities(self.space.matrix, statistics_of(self.space).scales, densities)


def model_for(space: Space) -> TasteModel:
    """Return the cached taste model of ``space``."""
    return space.cached(
        "taste_model", lambda: TasteModel(space, TastePrior.from_json(space.taste_prior))
    )


@dataclass(frozen=True)
class ScoreTerms:
    """The terms of some rows' scores.

    ``features`` ``(rows, d)`` of the taste number ``group`` ``(rows,)``; ``priors`` by name
    ``(rows,)``; ``dislikes`` ``(rows, dislikes)``: what each takes away.
    """

    features: Array
    group: NDArray[np.int64]
    priors: dict[str, Array]
    dislikes: Array

    def total(self) -> Array:
        """Return the scores."""
        return self.features.sum(axis=1) + sum(self.priors.values()) - self.dislikes.sum(axis=1)


def log_density_at_middle(density: StudentT) -> Array:
    """Return the log density of each column at 0, where unknown values lie, ``(d,)``."""
    return density.log_density(np.zeros((1, len(density.df))))[0]


class TasteScorer:
    """The densities that the likes and dislikes of a query make.

    ``groups`` are the positions of the likes of each taste.
    """

    rounding = ROUNDING

    def __init__(self, query: Query, settings: TasteSettings) -> None:
        self.query, self.settings = query, settings
        self.model = model_for(query.space)
        columns = self.model.columns
        liked = self.model.points_with_nan(query.likes)
        self.groups = split_into_tastes(columns, liked)
        self.densities = [columns.posterior_predictive(liked[group]) for group in self.groups]
        self.without_value = np.array(
            [self.model.without_value(query.likes[group]) for group in self.groups]
        )
        self.log_shares = np.log([len(group) / len(liked) for group in self.groups])
        disliked = self.model.points_with_nan(query.dislikes) if settings.dislike_weight else []
        self.disliked_densities = [columns.density_around(point) for point in disliked]
        self.weight_per_dislike = settings.dislike_weight / len(liked)

    @classmethod
    def of(cls, query: Query, settings: TasteSettings) -> TasteScorer:
        """Return the cached scorer of a query."""
        return query.cached(f"scorer of {settings}", lambda: cls(query, settings))

    def describe_likes(self, group: int) -> str:
        """Name the likes that a song of this taste is compared with."""
        phrase = self.query.likes_phrase
        return phrase if len(self.groups) == 1 else f"{len(self.groups[group])} of {phrase}"

    def top(
        self,
        count: int,
        order: Callable[[Rows, Scores], Ranking] = rank,
    ) -> Ranking:
        """Return the ``count`` highest scores, best first.

        Exact: dislikes only take away, so the score without them is a bound.
        """

        def search(bounds: Floats32, limit: int | None = None) -> Ranking | None:
            bounds = self.query.without_withdrawn(bounds)

            def attempt(look: int) -> Ranking | None:
                return attempt_top(bounds, look, count, self.scores, order, slack=self.rounding)

            first = 2 * count + len(self.query.excluded_keys) + 16
            return widen(attempt, first, limit=limit)

        if self.disliked_densities:
            ranking = search(self._without_dislikes[0], MAX_LOOK)
            if ranking is None:
                ranking = search(self._with_dislikes)
        else:
            ranking = search(self._without_dislikes[0])
        assert ranking is not None
        return ranking

    def scores(self, rows: Rows) -> Scores:
        """Compute the scores of ``rows`` in float64."""
        return self.terms(rows).total()

    def terms(self, rows: Rows) -> ScoreTerms:
        """Compute the terms of the scores of ``rows`` in float64."""
        points = self.model.points(rows)
        background = self.model.columns.prior_predictive.log_density(points)
        common = BACKGROUND * background + self.model.reference
        by_taste = np.array([density.log_density(points) for density in self.densities])
        # Unknown values add nothing.
        by_taste = self.model.mask_unknown(rows, by_taste - common)
        by_taste = np.where(self.without_value[:, None], 0.0, by_taste)
        group = (by_taste.sum(axis=2) + self.log_shares[:, None]).argmax(axis=0)
        features = by_taste[group, np.arange(len(rows))]
        priors = {"taste": self.log_shares[group]} if len(self.groups) > 1 else {}
        if self.settings.metadata:
            priors |= self._metadata(rows)
        return ScoreTerms(features, group, priors, self.dislike_terms(rows))

    def dislike_terms(self, rows: Rows) -> Array:
        """Compute what each dislike takes away from the scores of rows, ``(rows, dislikes)``."""
        ratios = np.zeros((len(rows), len(self.query.dislikes)))
        if not self.disliked_densities:
            return ratios
        points = self.model.points(rows)
        background = self.model.columns.prior_predictive.log_density(points)
        for column, density in enumerate(self.disliked_densities):
            terms = self.model.mask_unknown(rows, density.log_density(points) - background)
            ratio = np.exp(terms.sum(axis=1))
            ratios[:, column] = self.weight_per_dislike * ratio
        total = ratios.sum(axis=1, keepdims=True)
        share = ratios / np.where(total == 0, 1.0, total)
        return share * np.log1p(total)

    def playlists_per_like(self, rows: Rows, group: NDArray[np.int64]) -> Array:
        """Split the term ``playlists`` of rows over the likes, ``(rows, likes)``.

        ``group`` ``(rows,)`` is the number of each row's taste.
        """
        space = self.query.space
        split = two_tower_scores.nearness_per_like(space, self.query.likes, rows)
        return two_tower_scores.playlist_weight(space) * split

    @cached_property
    def _without_dislikes(self) -> tuple[Floats32, NDArray[np.int8]]:
        """All scores without what dislikes take away, and the taste that each track fits."""
        log_density = self.model.log_densities(self.densities)
        for number, density in enumerate(self.densities):
            without_value = self.without_value[number]
            at_middle = (
                log_density_at_middle(density)
                - BACKGROUND * log_density_at_middle(self.model.columns.prior_predictive)
                - self.model.reference
            )
            log_density[number] -= self.model.of_unknown(np.where(without_value, 0.0, at_middle))
            log_density[number] -= self.model.prior_ratio(without_value)
        best, group = best_taste(log_density, self.log_shares)
        best -= np.float32(BACKGROUND) * self.model.background
        best -= np.float32(self.model.reference.sum())
        if self.settings.metadata:
            self._add_metadata(best)
        return best, group

    @cached_property
    def _with_dislikes(self) -> Floats32:
        """All scores."""
        ratios = np.zeros(len(self._without_dislikes[0]), dtype=np.float32)
        for density in self.disliked_densities:
            terms = log_density_at_middle(density) - log_density_at_middle(
                self.model.columns.prior_predictive
            )
            ratios += np.exp(
                self.model.log_densities([density])[0]
                - self.model.background
                - self.model.of_unknown(terms)
            )
        ratios *= np.float32(self.weight_per_dislike)
        return self._without_dislikes[0] - np.log1p(ratios)

    @property
    def _uses_playlists(self) -> bool:
        space = self.query.space
        return self.settings.playlists and two_tower_scores.playlist_weight(space) != 0

    def _metadata(self, rows: Rows) -> dict[str, Array]:
        """Compute the terms of artist, album, popularity, playlists; unknown values add nothing."""
        statistics = self.query.statistics
        terms: dict[str, Array] = {}
        if self._artists:
            artists = statistics.artists[rows]
            related = np.flatnonzero(np.isin(artists, self._artists))
            terms["artist"] = np.where(artists == UNKNOWN, 0.0, self._other_artist)
            terms["album"] = np.zeros(len(rows))
            terms["artist"][related], terms["album"][related] = self._same_artist(rows[related])
        if self._likes_have_popularity:
            values = statistics.popularity[rows][:, None]
            prior = self.model.popularity_column.prior_predictive
            lift = self._popularity.log_density(values) - BACKGROUND * prior.log_density(values)
            terms["popularity"] = np.where(statistics.unknown_popularity[rows], 0.0, lift[:, 0])
        if self._uses_playlists:
            near = two_tower_scores.nearness(self.query.space, self.query.likes, rows)
            terms["playlists"] = two_tower_scores.playlist_weight(self.query.space) * near
        return terms

    def _add_metadata(self, scores: Floats32) -> None:
        """Add the terms of ``_metadata`` to the scores of all tracks."""
        statistics = self.query.statistics
        if self._artists:
            # Nearly all are by artists whom none of the likes is by: one value for them all.
            scores += np.float32(self._other_artist) * (statistics.artists != UNKNOWN)
            related = np.concatenate([statistics.rows_by(artist) for artist in self._artists])
            artist, album = self._same_artist(related)
            scores[related] += (artist + album - self._other_artist).astype(np.float32)
        if self._likes_have_popularity:
            lift = log_densities(self.model.popularity, np.ones(1), [self._popularity])[0]
            lift -= np.float32(BACKGROUND) * self.model.popularity_background
            lift[statistics.unknown_popularity] = 0.0
            scores += lift
        if self._uses_playlists:
            near = two_tower_scores.nearness_of_all(self.query.space, self.query.likes)
            scores += np.float32(two_tower_scores.playlist_weight(self.query.space)) * near

    @cached_property
    def _artists(self) -> list[int]:
        """The known artists of the likes."""
        artists = np.unique(self.query.statistics.artists[self.query.likes])
        return artists[artists != UNKNOWN].tolist()

    @cached_property
    def _other_artist(self) -> float:
        """The term of a song whose artist none of the likes is by."""
        statistics, likes = self.query.statistics, self.query.likes
        counts = taste_prior.artist_counts(
            statistics.artists, likes, likes[:0], statistics.sizes[0]
        )
        none = np.zeros(1)
        other = taste_prior.NameCounts(none, none + 1, counts.n_liked, counts.names, counts.total)
        return float(log_lift(self.model.prior.artist, other)[0])

    def _same_artist(self, related: Rows) -> tuple[Array, Array]:
        """The terms of artist and album of tracks by artists of the likes."""
        statistics, prior, likes = self.query.statistics, self.model.prior, self.query.likes
        artists, albums, sizes = statistics.artists, statistics.albums, statistics.sizes
        by_artist = taste_prior.artist_counts(artists, likes, related, sizes[0])
        by_album = taste_prior.album_counts(artists, albums, likes, related, sizes)
        return log_lift(prior.artist, by_artist), log_lift(prior.album, by_album)

    @property
    def _likes_have_popularity(self) -> bool:
        """Whether the prior has popularity, and it is known of any of the likes."""
        unknown = self.query.statistics.unknown_popularity[self.query.likes]
        return self.model.popularity is not None and not bool(unknown.all())

    @cached_property
    def _popularity(self) -> StudentT:
        """The predictive density of the likes' popularity."""
        assert self.model.popularity is not None
        statistics, likes = self.query.statistics, self.query.likes
        liked = np.where(statistics.unknown_popularity[likes], np.nan, statistics.popularity[likes])
        return self.model.popularity_column.posterior_predictive(liked[:, None])
