"""Artist vectors from listening counts, in which artists with the same listeners are near.

A row of a sparse matrix is a listener with listening counts, an account with likes and plays, or an
artist with its similar artists; each column is an artist. The vectors are those of a truncated
singular value decomposition.

References
----------
Deerwester et al., "Indexing by latent semantic analysis", JASIS 1990.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, vstack
from scipy.sparse.linalg import svds

from songrec.core.artist_affinities import SIMILAR, ArtistAffinities, NamedArtist
from songrec.core.types import Floats, Space

DIMENSIONS = 64
MIN_ROWS = 30
"""Fewer rows are too few: with three listeners every two artists are near or far."""


@dataclass(frozen=True)
class FittedVectors:
    """Vectors of some artists.

    Attributes
    ----------
    artist_ids
        uint64 ``(k,)``, ascending.
    vectors
        Float32 ``(k, d)``, unit vectors.
    """

    artist_ids: NDArray[np.uint64]
    vectors: Floats

    def onto(self, space: Space) -> Space:
        """Return the space with these vectors; ids are those of ``space.artists``."""
        return replace(space, artist_ids=self.artist_ids, artist_vectors=self.vectors)


def fit_artist_vectors(
    sources: Sequence[ArtistAffinities],
    artists: Sequence[tuple[int, NamedArtist]],
    *,
    dimensions: int = DIMENSIONS,
    min_rows: int = MIN_ROWS,
    seed: int = 0,
) -> FittedVectors | None:
    """Fit vectors to all sources together.

    Artists are matched by MusicBrainz id, else by name. Artists missing in the catalogue are
    included, because they show which listeners are similar.

    Parameters
    ----------
    artists
        The catalogue's artists with their ids, above 0.

    Returns
    -------
    vectors
        Vectors of the ``artists`` in any row; None without any, and below ``min_rows`` rows.
    """
    keys, names = _keys(artists)
    columns: dict[str, int] = {}
    blocks = [_weighted_rows(source, columns, names) for source in sources]
    if not columns or sum(block.shape[0] for block in blocks) < min_rows:
        return None
    rows = csr_array(vstack([_widened(block, len(columns)) for block in blocks]))
    named = np.bincount(rows.indices, minlength=rows.shape[1])
    vectors = _decompose(rows * _inverse_frequency(named, rows.shape[0]), dimensions, seed)
    norms = np.linalg.norm(vectors, axis=1)
    pairs = [
        (artist_id, columns[key])
        for artist_id, key in sorted(keys.items())
        if key in columns and norms[columns[key]] > 0
    ]
    if not pairs:
        return None
    ids, at = np.array(pairs, dtype=np.int64).T
    return FittedVectors(ids.astype(np.uint64), (vectors[at] / norms[at, None]).astype(np.float32))


def _keys(artists: Sequence[tuple[int, NamedArtist]]) -> tuple[dict[int, str], dict[str, str]]:
    """Return the key of each artist's id, and that of each MusicBrainz id."""
    keys = {artist_id: artist.key for artist_id, artist in artists if artist.key}
    by_musicbrainz = {
        artist.musicbrainz_id: artist.key for _, artist in artists if artist.musicbrainz_id
    }
    return keys, by_musicbrainz


def _weighted_rows(
    source: ArtistAffinities, columns: dict[str, int], by_musicbrainz: dict[str, str]
) -> csr_array:
    """Return a source's rows of unit length, adding new artists to ``columns``.

    The weight of a count is log(1 + count); that of a similar artist its score divided by the
    highest one, and that of the artist itself 1.
    """

    def column(artist: NamedArtist) -> int:
        key = by_musicbrainz.get(artist.musicbrainz_id or "", artist.key)
        return columns.setdefault(key, len(columns))

    numbers = np.array([column(artist) for artist in source.artists], dtype=np.int64)
    groups, at = source.groups, numbers[source.columns]
    weights = source.weights.astype(np.float64)
    n_groups = len(source.group_names)
    if source.kind == SIMILAR:
        best = np.zeros(n_groups)
        np.maximum.at(best, groups, weights)
        itself = [
            columns.setdefault(by_musicbrainz.get(key, key), len(columns))
            for key in source.group_names
        ]
        groups = np.append(groups, np.arange(n_groups))
        at = np.append(at, itself)
        weights = np.append(weights / best[source.groups], np.ones(n_groups))
    else:
        weights = np.log1p(weights)
    rows = csr_array((weights, (groups, at)), shape=(n_groups, len(columns)))
    lengths = np.sqrt((rows**2).sum(axis=1))
    return csr_array(rows / np.maximum(lengths, 1e-12)[:, None])


def _widened(rows: csr_array, n_columns: int) -> csr_array:
    return csr_array((rows.data, rows.indices, rows.indptr), shape=(rows.shape[0], n_columns))


def _inverse_frequency(named: NDArray[np.int64], n_rows: int) -> NDArray[np.float64]:
    """Return log(rows / rows that name the artist), which is low for artists that everybody has."""
    return np.log((1 + n_rows) / np.maximum(named, 1))


def _decompose(rows: csr_array, dimensions: int, seed: int) -> NDArray[np.float64]:
    """Return the right singular vectors times the singular values, ``(columns, d)``."""
    limit = min(rows.shape)
    if limit <= dimensions + 1:
        _, values, right = np.linalg.svd(rows.toarray(), full_matrices=False)
    else:
        start = np.random.default_rng(seed).normal(size=limit)
        _, values, right = svds(rows, k=dimensions, v0=start)
    return right.T * values
