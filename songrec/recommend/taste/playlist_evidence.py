"""What playlists say about artists and songs, given some likes.

Lifts are logarithms of how much likelier than usual, 0 for artists in no playlist. Playlists can be
left out of a computation by ``allowed``: a model is trained on playlists that do not know
themselves.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Ints, Space
from songrec.recommend.space_statistics import statistics_of
from songrec.recommend.taste.density import Array
from songrec.recommend.taste.prior import UNKNOWN
from songrec.recommend.taste.scorer import model_for

PAIR_PSEUDO_COUNT = 0.5
"""Added to counted and to expected shared playlists: a single one says little."""
MIXTURE_PSEUDO_SONGS = 1.0
"""The same in songs of an artist in all playlists."""
SOUND_WEIGHT, ARTISTS_WEIGHT = 0.6, 1.2
"""Weights of the evidence for a playlist: columns are correlated, and so are likes."""
SMOOTHING = 0.3
"""Share of an artist's frequency in a playlist that is taken from all playlists."""


@dataclass(frozen=True)
class PlaylistEvidence:
    """The playlists of a space as counts of artists and as densities over its columns.

    Attributes
    ----------
    playlist, artist, share
        ``(e,)``, an entry for each artist of each playlist, sorted by playlist: the playlist's
        number, the artist's, and its share of the playlist's songs.
    """

    space: Space
    playlist: Ints
    artist: Ints
    share: Array

    @classmethod
    def of(cls, space: Space) -> PlaylistEvidence:
        """Return the cached evidence of the playlists of ``space``."""
        return space.cached("playlist_evidence", lambda: cls._count(space))

    @classmethod
    def _count(cls, space: Space) -> PlaylistEvidence:
        artists = statistics_of(space).artists
        playlist, artist, share = [], [], []
        for number, rows in enumerate(space.playlists):
            names, counts = np.unique(artists[rows], return_counts=True)
            is_named = names != UNKNOWN
            playlist.append(np.full(is_named.sum(), number))
            artist.append(names[is_named])
            share.append(counts[is_named] / len(rows))
        empty = np.zeros(0)
        return cls(
            space,
            np.concatenate([*playlist, empty]).astype(np.int64),
            np.concatenate([*artist, empty]).astype(np.int64),
            np.concatenate([*share, empty]),
        )

    @property
    def n_playlists(self) -> int:
        """Number of playlists."""
        return len(self.space.playlists)

    @cached_property
    def n_artists(self) -> int:
        """Number of artists of the space, the unknown one included."""
        return len(statistics_of(self.space).sizes[0])

    def pair_lift(self, artists: Ints, allowed: NDArray[np.bool_] | None = None) -> Array:
        """Compute how much more often than by chance artists share playlists with ``artists``.

        Parameters
        ----------
        artists
            Known artists of the likes, one per like.
        allowed
            ``(playlists,)``: playlists that count; all by default.

        Returns
        -------
        ``(n_artists,)``, the log of (shared playlists + pseudo count) / (expected ones + pseudo
        count), both summed over the likes.
        """
        weights = np.ones(self.n_playlists) if allowed is None else allowed.astype(np.float64)
        total = self._per_artist(weights[self.playlist])
        liked = np.bincount(artists, minlength=self.n_artists).astype(np.float64)
        liked_in_playlist = np.bincount(
            self.playlist, weights=liked[self.artist], minlength=self.n_playlists
        )
        shared = self._per_artist((weights * liked_in_playlist)[self.playlist])
        expected = total * (total * liked).sum() / max(weights.sum(), 1.0)
        lift = np.log((shared + PAIR_PSEUDO_COUNT) / (expected + PAIR_PSEUDO_COUNT))
        return np.where(total > 0, lift, 0.0)

    def mixture_lift(self, likes: Ints, allowed: NDArray[np.bool_] | None = None) -> Array:
        """Compute how much more often than usual artists are in playlists like the likes.

        Each playlist is weighted by how likely the likes are in it, by its density over the columns
        and its artists: a mixture whose components are the playlists. So there is an answer, too,
        for likes whose artists are in no playlist.

        Returns
        -------
        ``(n_artists,)``, the log of (frequency in the weighted playlists + pseudo count) /
        (frequency in all + pseudo count).
        """
        weights = np.ones(self.n_playlists) if allowed is None else allowed.astype(np.float64)
        n = max(weights.sum(), 1.0)
        usual = self._per_artist((weights / n)[self.playlist] * self.share)
        pseudo = MIXTURE_PSEUDO_SONGS / (self._usual_length * n)
        log_weights = SOUND_WEIGHT * self._sound_evidence(likes)
        artists = statistics_of(self.space).artists[likes]
        for artist in artists[artists != UNKNOWN].tolist():
            at = self._entries_of(artist)
            lift = (1 - SMOOTHING) * self.share[at] / (usual[artist] + pseudo) + SMOOTHING
            log_weights += ARTISTS_WEIGHT * np.log(SMOOTHING)
            log_weights[self.playlist[at]] += ARTISTS_WEIGHT * np.log(lift / SMOOTHING)
        log_weights /= np.sqrt(len(likes))
        posterior = weights * np.exp(log_weights - log_weights[weights > 0].max(initial=-np.inf))
        posterior /= posterior.sum() or 1.0
        weighted = self._per_artist(posterior[self.playlist] * self.share)
        lift = np.log((weighted + pseudo) / (usual + pseudo))
        return np.where(usual > 0, lift, 0.0)

    def _per_artist(self, entries: Array) -> Array:
        """Sum values of entries ``(e,)`` by artist, ``(n_artists,)``."""
        return np.bincount(self.artist, weights=entries, minlength=self.n_artists)

    def _entries_of(self, artist: int) -> Ints:
        order, ends = self._by_artist
        return order[ends[artist] : ends[artist + 1]]

    @cached_property
    def _by_artist(self) -> tuple[Ints, Ints]:
        order = np.argsort(self.artist, kind="stable")
        return order, np.searchsorted(self.artist[order], np.arange(self.n_artists + 1))

    @cached_property
    def _usual_length(self) -> float:
        return float(np.mean([len(rows) for rows in self.space.playlists] or [1.0]))

    @cached_property
    def _densities(self) -> tuple[Array, Array, Array, Array]:
        """The density of each playlist's songs, arrays ``(playlists, d)``.

        Location, squared scale times degrees of freedom, exponent, log height.
        """
        model = model_for(self.space)
        densities = [
            model.columns.posterior_predictive(model.points_with_nan(rows))
            for rows in self.space.playlists
        ]
        return (
            np.array([density.location for density in densities]),
            np.array([density.df * density.squared_scale for density in densities]),
            np.array([(density.df + 1) / 2 for density in densities]),
            np.array([density.log_height for density in densities]),
        )

    def _sound_evidence(self, likes: Ints) -> Array:
        """Log likelihood of the likes under each playlist's density, ``(playlists,)``."""
        location, width, power, height = self._densities
        total = np.zeros(self.n_playlists)
        for point in model_for(self.space).points_with_nan(likes):
            terms = height - power * np.log1p((point - location) ** 2 / width)
            total += np.nansum(terms, axis=1)  # unknown values say nothing
        return total
