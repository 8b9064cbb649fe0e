"""Nearness of artists in an evaluation: what artist vectors are worth by themselves."""

from __future__ import annotations

from typing import Any

import numpy as np

from songrec.core.artist_affinities import NamedArtist
from songrec.core.types import Space
from songrec.recommend.query import Query
from songrec.recommend.taste.artist_nearness import artist_vectors_of
from songrec.recommend.taste.scorer import TasteScorer, TasteSettings
from songrec.recommend.top_k import Rows
from songrec.services.evaluation.playlist_catalogue import PlaylistCatalogue

NEARNESS_WEIGHT = 1.5
"""Factor from nearness to log-likelihood ratio in ``search_by_nearness``."""


def named_artists(catalogue: PlaylistCatalogue) -> dict[int, NamedArtist]:
    """Return the artists of the catalogue by their numbers."""
    return {number: NamedArtist(name) for number, name in enumerate(catalogue.artist_names, 1)}


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
