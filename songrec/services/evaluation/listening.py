"""Artist vectors for an evaluation: from others' listening counts, and from playlists."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from songrec.catalogue_files.artist_affinities import read_affinities
from songrec.core.artist_affinities import COUNTS, ArtistAffinities, NamedArtist
from songrec.core.types import Ints, Progress, Space, no_progress
from songrec.recommend.query import Query
from songrec.recommend.taste.artist_nearness import artist_vectors_of
from songrec.recommend.taste.scorer import TasteScorer, TasteSettings
from songrec.recommend.top_k import Rows
from songrec.services.evaluation.playlist_catalogue import PlaylistCatalogue
from songrec.services.training.artist_vectors import FittedVectors, fit_artist_vectors

NEARNESS_WEIGHT = 6.0
"""Factor from nearness to log-likelihood ratio in ``search_by_nearness``."""


def named_artists(catalogue: PlaylistCatalogue) -> list[tuple[int, NamedArtist]]:
    """Return the artists of the catalogue by their numbers."""
    return [(number, NamedArtist(name)) for number, name in enumerate(catalogue.artist_names, 1)]


def playlist_affinities(
    catalogue: PlaylistCatalogue, playlists: Sequence[Ints]
) -> ArtistAffinities:
    """Return how many songs of each artist are in each of ``playlists`` (rows of the catalogue)."""
    groups, columns, counts = [], [], []
    for group, rows in enumerate(playlists):
        artists, songs = np.unique(catalogue.artists[rows], return_counts=True)
        known = artists > 0
        groups.append(np.full(known.sum(), group))
        columns.append(artists[known].astype(np.int64) - 1)
        counts.append(songs[known])
    return ArtistAffinities(
        COUNTS,
        tuple(NamedArtist(name) for name in catalogue.artist_names),
        np.concatenate([np.zeros(0, dtype=np.int64), *groups]),
        np.concatenate([np.zeros(0, dtype=np.int64), *columns]),
        np.concatenate([np.zeros(0), *counts]).astype(np.float32),
        tuple(str(group) for group in range(len(playlists))),
    )


def listening_vectors(
    path: Path, catalogue: PlaylistCatalogue, *, seed: int = 0, on_progress: Progress = no_progress
) -> FittedVectors | None:
    """Fit vectors of the catalogue's artists to the listening counts of ``path``.

    Raises ``BadInput`` where ``path`` holds none; None where it names no artist of the catalogue.
    """
    affinities = read_affinities(path, on_progress).affinities
    return fit_artist_vectors([affinities], named_artists(catalogue), seed=seed)


def search_by_nearness(space: Space, query: Query, count: int) -> Rows:
    """Return the best rows by content and nearness of artists, without any other metadata.

    It shows what artist vectors are worth by themselves. Without vectors it is ``taste_content``.
    """
    everything = np.arange(len(space.track_ids), dtype=np.int64)
    scores = TasteScorer.of(query, TasteSettings(metadata=False)).scores(everything)
    vectors = artist_vectors_of(space)
    if vectors is not None:
        scores = scores + NEARNESS_WEIGHT * vectors.nearness_of_all(query.likes)
    return query.rank_distinct(everything, scores)[0][:count]


def coverage(space: Space) -> dict[str, Any]:
    """Return for how many artists and tracks of the space there are vectors."""
    if space.artist_ids is None or space.artists is None:
        return {"artists": 0, "tracks": 0}
    return {
        "artists": len(space.artist_ids),
        "tracks": int(np.isin(space.artists, space.artist_ids).sum()),
    }
