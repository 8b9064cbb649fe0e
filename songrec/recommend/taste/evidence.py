"""Evidence for candidates, given the likes of one taste: the inputs of the additive ranking model.

Every input is a logarithm of how much likelier a song is than usual, or behaves like one: higher
speaks for the song, and 0 where nothing is known. Most inputs depend on a song's artist, year or
popularity alone; they are computed once per value of those, whatever the number of songs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Ints, Space
from songrec.recommend.space_statistics import SpaceStatistics, statistics_of
from songrec.recommend.taste import prior as taste_prior
from songrec.recommend.taste import two_tower_scores
from songrec.recommend.taste.artist_nearness import artist_vectors_of
from songrec.recommend.taste.density import Array, Floats32, StudentT, log_densities
from songrec.recommend.taste.playlist_evidence import PlaylistEvidence
from songrec.recommend.taste.prior import UNKNOWN, NameCounts, PitmanYor
from songrec.recommend.taste.scorer import (
    BACKGROUND,
    TasteModel,
    log_density_at_middle,
    model_for,
)
from songrec.recommend.top_k import Rows

USUAL_GAP = 1.0
"""Distance of two years, in deviations, that says nothing."""
PARTIAL_SHARE = 0.25
"""Up to this share of the catalogue, artists' songs are scored for themselves."""
USUAL_SAMPLE = 2048
SOUND_LIMIT = 10.0
"""A song counts no more than this in the mean of an artist's songs."""

CONTENT, ALBUM = "content", "album"
YEAR, NEAREST_YEAR, POPULARITY = "year", "nearest_year", "popularity"
ARTIST, ARTIST_SOUND, LIKED_ARTIST = "artist", "artist_sound", "liked_artist"
PAIRS, MIXTURE, LISTENERS = "artist_playlists", "similar_playlists", "artist_listeners"
TOWERS = "playlists"

INPUTS = (
    CONTENT,
    YEAR,
    NEAREST_YEAR,
    ARTIST_SOUND,
    ARTIST,
    ALBUM,
    POPULARITY,
    PAIRS,
    MIXTURE,
    LISTENERS,
)
"""Names of the inputs that have trained curves.

``LIKED_ARTIST`` has a fixed one and ``TOWERS`` a line, whose slope is selected.
"""


@dataclass(frozen=True)
class Grouped:
    """Inputs that depend on a song's group alone (its artist, its year, …).

    ``group`` ``(n,)`` is the number of each song's group, ``inputs`` ``(groups,)`` by name.
    """

    group: Ints
    inputs: dict[str, Array]


@dataclass(frozen=True)
class Evidence:
    """The inputs of all songs of a space for the likes of one taste.

    Parameters
    ----------
    space
        With its playlists, if there are any.
    likes
        Rows.
    allowed
        Bool ``(playlists,)``: the playlists that may be used; all by default.
    """

    space: Space
    likes: Ints
    allowed: NDArray[np.bool_] | None = None

    @property
    def statistics(self) -> SpaceStatistics:
        """The statistics of the space."""
        return statistics_of(self.space)

    @property
    def model(self) -> TasteModel:
        """The taste model of the space."""
        return model_for(self.space)

    @cached_property
    def density(self) -> StudentT:
        """The density of the taste."""
        return self.model.columns.posterior_predictive(self.model.points_with_nan(self.likes))

    def by_column(self, rows: Rows) -> Array:
        """Compute the log-likelihood ratio of rows by column of the space, ``(rows, d)``.

        It is 0 where a row's value is unknown, or that of every like.
        """
        points = self.model.points(rows)
        background = self.model.columns.prior_predictive.log_density(points)
        ratio = self.density.log_density(points) - BACKGROUND * background - self.model.reference
        return np.where(self.without_value, 0.0, self.model.mask_unknown(rows, ratio))

    @cached_property
    def without_value(self) -> NDArray[np.bool_]:
        """Which columns none of the likes has a value of, ``(d,)``."""
        return self.model.without_value(self.likes)

    def of_rows(self, rows: Rows) -> dict[str, Array]:
        """Compute the inputs of rows in float64, ``(rows,)`` by name."""
        columns = self.by_column(rows)
        if self.year_column is not None:
            columns = np.delete(columns, self.year_column, axis=1)
        inputs = {CONTENT: columns.sum(axis=1)}
        if self.statistics.artists.any():
            inputs[ARTIST_SOUND] = self._artist_sound_of(rows)
        if self.space.track_factors is not None:
            inputs[TOWERS] = two_tower_scores.nearness(self.space, self.likes, rows)
        for grouped in self._groups:
            group = grouped.group[rows]
            inputs |= {name: values[group] for name, values in grouped.inputs.items()}
        for name, (some, values) in self.of_few_songs.items():
            dense = np.zeros(len(self.space.track_ids))
            dense[some] = values
            inputs[name] = dense[rows]
        return inputs

    @cached_property
    def towers(self) -> Floats32:
        """Nearness of every song to the likes in the track factors, ``(n,)``."""
        return two_tower_scores.nearness_of_all(self.space, self.likes)

    def matrix(self) -> Floats32:
        """Compute the inputs of all songs, float32 ``(n, len(INPUTS))``."""
        inputs = np.zeros((len(self.space.track_ids), len(INPUTS)), dtype=np.float32)
        columns = {name: inputs[:, number] for number, name in enumerate(INPUTS)}
        columns[CONTENT][:] = self.content
        for grouped in self.of_groups:
            for name, values in grouped.inputs.items():
                if name in columns:
                    columns[name][:] = values[grouped.group]
        for name, (rows, some) in self.of_few_songs.items():
            columns[name][rows] = some
        return inputs

    @cached_property
    def content(self) -> Floats32:
        """The log-likelihood ratio of all songs by the columns without the year, ``(n,)``."""
        return self._content(slice(None))

    def _content(self, rows: Rows | slice) -> Floats32:
        """Return ``content`` of some songs, alike to the last digit."""
        matrix, scales = self.space.matrix[rows], self.statistics.scales
        total = log_densities(matrix, scales, [self.density])[0]
        total -= np.float32(BACKGROUND) * self.model.background[rows]
        total -= np.float32(self.model.reference.sum())
        if self.model.unknown is not None:
            total -= self.model.of_unknown(self._ratio_at_middle, rows)
            total -= self.model.prior_ratio(self.without_value, rows)
        if self._years is not None:
            total -= self._years.inputs[YEAR].astype(np.float32)[self._years.group[rows]]
        return total

    @cached_property
    def _ratio_at_middle(self) -> Array:
        """The log-likelihood ratio of each column at 0, where unknown values lie, ``(d,)``.

        0 for columns that no like has a value of.
        """
        background = log_density_at_middle(self.model.columns.prior_predictive)
        ratio = log_density_at_middle(self.density) - BACKGROUND * background - self.model.reference
        return np.where(self.without_value, 0.0, ratio)

    @cached_property
    def of_groups(self) -> list[Grouped]:
        """The inputs that depend on the year, the popularity or the artist alone."""
        artists = self.statistics.artists
        if not artists.any():
            return self._groups
        return [*self._groups, Grouped(artists, {ARTIST_SOUND: self._artist_sound})]

    @cached_property
    def _groups(self) -> list[Grouped]:
        """Those of them that do not need every song's content."""
        groups = [self._years, self._popularity, self._artists]
        return [grouped for grouped in groups if grouped is not None]

    @cached_property
    def _years(self) -> Grouped | None:
        column = self.year_column
        if column is None:
            return None
        values, group = self._distinct("year", lambda: self._column_with_nan(column))
        scaled = values / self.statistics.scales[column]
        density = _column(self.density, column)
        background = _column(self.model.columns.prior_predictive, column)
        ratio = _log_density(density, scaled) - BACKGROUND * _log_density(background, scaled)
        ratio -= self.model.reference[column]
        if self.without_value[column]:
            ratio = np.zeros(len(scaled))
        liked = np.unique(scaled[group[self.likes]])
        liked = liked[~np.isnan(liked)]
        gap = np.full(len(scaled), USUAL_GAP)
        if len(liked):
            after = np.searchsorted(liked, scaled)
            gap = np.minimum(
                np.abs(scaled - liked[np.maximum(after - 1, 0)]),
                np.abs(scaled - liked[np.minimum(after, len(liked) - 1)]),
            )
        inputs = {YEAR: ratio, NEAREST_YEAR: USUAL_GAP - gap}
        return Grouped(group, {name: np.nan_to_num(of) for name, of in inputs.items()})

    def _column_with_nan(self, column: int) -> NDArray:
        """A column of the space with NaN where it is unknown, ``(n,)``."""
        values, unknown = self.space.matrix[:, column], self.model.unknown
        return values if unknown is None else np.where(unknown[:, column], np.nan, values)

    @cached_property
    def _popularity(self) -> Grouped | None:
        if self.model.popularity is None:
            return None
        scores, group = self._distinct("popularity", self._popularity_with_nan)
        prior, liked = self.model.popularity_column, scores[group[self.likes]]
        ratio = _log_density(prior.posterior_predictive(liked[:, None]), scores)
        ratio -= BACKGROUND * _log_density(prior.prior_predictive, scores)
        if np.isnan(liked).all():
            ratio = np.zeros(len(scores))
        return Grouped(group, {POPULARITY: np.nan_to_num(ratio)})

    def _popularity_with_nan(self) -> NDArray:
        """The popularity as normal scores with NaN where it is unknown, ``(n,)``."""
        statistics = self.statistics
        return np.where(statistics.unknown_popularity, np.nan, statistics.popularity)

    def _distinct(self, name: str, column: Callable[[], NDArray]) -> tuple[Array, Ints]:
        """Return the distinct values of a column and each song's number among them; cached."""

        def compute() -> tuple[Array, Ints]:
            values, numbers = np.unique(column(), return_inverse=True)
            return values.astype(np.float64), numbers.astype(np.int64)

        return self.space.cached(f"distinct {name}", compute)

    @cached_property
    def _artists(self) -> Grouped | None:
        artists = self.statistics.artists
        if not artists.any():
            return None
        inputs: dict[str, Array] = {}
        liked = artists[self.likes]
        liked = liked[liked != UNKNOWN]
        if len(liked):
            inputs[ARTIST] = self._artist_lift(liked)
            inputs[LIKED_ARTIST] = np.isin(np.arange(len(inputs[ARTIST])), liked)
            vectors = artist_vectors_of(self.space)
            if vectors is not None:
                inputs[LISTENERS] = vectors.nearness_of_artists(self.likes)
        if self.space.playlists:
            playlists = PlaylistEvidence.of(self.space)
            inputs[PAIRS] = playlists.pair_lift(liked, self.allowed)
            inputs[MIXTURE] = playlists.mixture_lift(self.likes, self.allowed)
        inputs = {name: values.astype(np.float64) for name, values in inputs.items()}
        for values in inputs.values():
            values[UNKNOWN] = 0.0
        return Grouped(artists, inputs)

    @cached_property
    def of_few_songs(self) -> dict[str, tuple[Ints, Array]]:
        """The inputs that are 0 for most songs: rows and their values by name."""
        statistics = self.statistics
        artists, albums = statistics.artists, statistics.albums
        liked = np.unique(artists[self.likes])
        related = statistics.rows_by_each(liked[liked != UNKNOWN])
        if not len(related):
            return {}
        counts = taste_prior.album_counts(artists, albums, self.likes, related, statistics.sizes)
        return {ALBUM: (related, taste_prior.log_lift(_fitted(self.model.prior.album), counts))}

    @cached_property
    def year_column(self) -> int | None:
        """The column of the year; None in a space without it."""
        columns = self.space.columns
        return columns.index("year") if "year" in columns and len(columns) > 1 else None

    @cached_property
    def _artist_sound(self) -> Array:
        """Mean log-likelihood ratio of each artist's songs beyond the catalogue's, shrunk to 0."""
        beyond = self._sound(slice(None), self.content) - self._usual_sound
        sums = np.bincount(self.statistics.artists, weights=beyond)
        sums[UNKNOWN] = 0.0
        return sums / (self.statistics.sizes[0] + 1.0)

    def _artist_sound_of(self, rows: Rows) -> Array:
        """Return ``_artist_sound`` of the rows' artists, from their songs alone where few."""
        artists, place = np.unique(self.statistics.artists[rows], return_inverse=True)
        sizes = self.statistics.sizes[0][artists]
        if "content" in self.__dict__ or sizes.sum() > PARTIAL_SHARE * len(self.space.track_ids):
            return self._artist_sound[artists][place]
        songs = self.statistics.rows_by_each(artists)
        beyond = self._sound(songs, self._content(songs)) - self._usual_sound
        sums = np.bincount(np.repeat(np.arange(len(artists)), sizes), weights=beyond)
        sums[artists == UNKNOWN] = 0.0
        return (sums / (sizes + 1.0))[place]

    def _sound(self, rows: Rows | slice, content: Floats32) -> Floats32:
        """The log-likelihood ratio of songs by all columns, within ``SOUND_LIMIT``."""
        if self._years is not None:
            content = content + self._years.inputs[YEAR].astype(np.float32)[self._years.group[rows]]
        return np.clip(content, -SOUND_LIMIT, SOUND_LIMIT)

    @cached_property
    def _usual_sound(self) -> np.float32:
        """The mean of ``_sound`` over a sample of the catalogue."""
        n = len(self.space.track_ids)
        rows = np.arange(0, n, max(n // USUAL_SAMPLE, 1))
        return self._sound(rows, self._content(rows)).mean()

    def _artist_lift(self, liked: Ints) -> Array:
        """How much likelier than chance each artist is to come again (``prior.PitmanYor``)."""
        sizes = self.statistics.sizes[0]
        same = np.bincount(liked, minlength=len(sizes)).astype(np.float64)
        left = np.maximum(sizes - same, 1.0)
        names = float((same > 0).sum())
        counts = NameCounts(same, left, float(len(liked)), names, float(len(self.space.track_ids)))
        return taste_prior.log_lift(_fitted(self.model.prior.artist), counts)


def _column(density: StudentT, column: int) -> StudentT:
    """Return the density of one column alone."""
    one = slice(column, column + 1)
    return StudentT(density.df[one], density.location[one], density.squared_scale[one])


def _log_density(density: StudentT, points: Array) -> Array:
    """Return the log density of one column at ``points`` ``(k,)``, ``(k,)``."""
    return density.log_density(points[:, None])[:, 0]


def _fitted(process: PitmanYor) -> PitmanYor:
    """Return the process at full strength: the model's curves weight it."""
    return PitmanYor(process.concentration, process.discount, 1.0)
