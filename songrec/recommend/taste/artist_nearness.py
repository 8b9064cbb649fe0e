"""Nearness of artists: is a song by an artist whom the same people listen to as the likes' artists?

The vectors come from listening counts, from playlists or from likes
(``services.training.artist_vectors``). An artist without a vector is neither near nor far: its
nearness is 0, as that of an average song.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Floats, Ints, Space
from songrec.recommend.space_statistics import statistics_of
from songrec.recommend.top_k import Rows, product

Array = NDArray[np.float64]

MIN_VARIANCE = 1e-12
"""Below it all artists are as near to the likes, and nearness is 0."""


@dataclass(frozen=True)
class ArtistVectors:
    """Vectors of the artists of a space's n tracks.

    Attributes
    ----------
    vectors
        Float32 ``(n_artists, d)``: unit vectors, near for artists with the same listeners. Rows of
        artists that are not ``has_vector`` are not read.
    has_vector
        Bool ``(n_artists,)``: whether an artist has a vector.
    artists
        Int ``(n,)``: each track's artist, a row of ``vectors``.
    """

    vectors: Floats
    has_vector: NDArray[np.bool_]
    artists: Ints

    def similarities(self, likes: Rows, rows: Rows) -> Array:
        """Return the cosine of each row's artist to each like's, ``(rows, likes)``.

        NaN where one of the two has no vector.
        """
        cosines = self._vectors_of(rows) @ self._vectors_of(likes).T
        cosines[~self.has_vector_of(rows)] = np.nan
        cosines[:, ~self.has_vector_of(likes)] = np.nan
        return cosines

    def nearness(self, likes: Rows, rows: Rows) -> Array:
        """Return how near each row's artist is to those of the likes, ``(rows,)``.

        The mean cosine to the likes' artists, in standard deviations from that of the tracks whose
        artist has a vector: it is large only where few artists are as near. 0 where the row's
        artist has no vector, and everywhere if none of the likes' has one.
        """
        return self.nearness_per_like(likes, rows).sum(axis=1)

    def nearness_per_like(self, likes: Rows, rows: Rows) -> Array:
        """Split ``nearness`` over the likes, ``(rows, likes)``; it is their sum."""
        liked = self._vectors_of(likes)
        shares = (self._vectors_of(rows) - self._mean) @ liked.T * self._scale(liked.sum(axis=0))
        shares[~self.has_vector_of(rows)] = 0.0
        return shares

    def nearness_of_all(self, likes: Rows) -> NDArray[np.float32]:
        """Return ``nearness`` of every track in float32, ``(n,)``."""
        return self.nearness_of_artists(likes)[self.artists]

    def nearness_of_artists(self, likes: Rows) -> NDArray[np.float32]:
        """Return ``nearness`` of every artist in float32, ``(n_artists,)``."""
        liked = self._vectors_of(likes).sum(axis=0)
        direction = liked * self._scale(liked)
        by_artist = product(self.vectors, direction.astype(np.float32))
        by_artist -= np.float32(self._mean @ direction)
        return np.where(self.has_vector, by_artist, np.float32(0))

    def _scale(self, direction: Array) -> float:
        """Return 1 / the standard deviation of the tracks' vectors along ``direction``."""
        variance = float(direction @ self._covariance @ direction)
        return 1 / np.sqrt(variance) if variance > MIN_VARIANCE else 0.0

    def has_vector_of(self, rows: Rows) -> NDArray[np.bool_]:
        """Tell for each track whether its artist has a vector, ``(rows,)``."""
        return self.has_vector[self.artists[rows]]

    def _vectors_of(self, rows: Rows) -> Array:
        """Return the vectors of the tracks' artists ``(rows, d)``, zeros for unknown ones."""
        artists = self.artists[rows]
        return np.where(self.has_vector[artists, None], self.vectors[artists], 0.0).astype(
            np.float64
        )

    @cached_property
    def _mean(self) -> Array:
        """The mean vector of the tracks whose artist has one, ``(d,)``."""
        tracks, vectors = self._tracks, self.vectors[self.has_vector].astype(np.float64)
        return tracks @ vectors / max(tracks.sum(), 1)

    @cached_property
    def _covariance(self) -> Array:
        """The covariance of the vectors of the tracks whose artist has one, ``(d, d)``."""
        centred = self.vectors[self.has_vector].astype(np.float64) - self._mean
        return (centred * self._tracks[:, None]).T @ centred / max(self._tracks.sum(), 1)

    @cached_property
    def _tracks(self) -> Array:
        """The number of tracks of each artist that has a vector."""
        counts = np.bincount(self.artists, minlength=len(self.has_vector))
        return counts[self.has_vector].astype(np.float64)


def artist_vectors_of(space: Space) -> ArtistVectors | None:
    """Return the cached artist vectors of ``space``; None where no artist of it has one."""
    return space.cached("artist_vectors", lambda: _align(space))


def _align(space: Space) -> ArtistVectors | None:
    """Number the vectors like ``SpaceStatistics.artists``, whose 0 is the unknown artist."""
    if space.artists is None or space.artist_ids is None or space.artist_vectors is None:
        return None
    numbers = statistics_of(space).artists
    rows = np.flatnonzero(np.isin(space.artists, space.artist_ids) & (numbers > 0))
    if not len(rows):
        return None
    has_vector = np.zeros(int(numbers.max()) + 1, dtype=bool)
    has_vector[numbers[rows]] = True
    vectors = np.zeros((len(has_vector), space.artist_vectors.shape[1]), dtype=np.float32)
    at = np.searchsorted(space.artist_ids, space.artists[rows])
    vectors[numbers[rows]] = space.artist_vectors[at]
    return ArtistVectors(vectors, has_vector, numbers)
