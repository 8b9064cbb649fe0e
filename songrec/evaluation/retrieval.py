"""Retrieval among excerpts of tracks: a test of what a measure of similarity captures.

Each track's excerpt a is a query, the excerpts b of all tracks are the candidates. By *track*, the
right candidate is the excerpt b of the same track. By *artist*, the query's own track is left out
and every other track by its artist is right; tracks whose artist has no other ask nothing. With the
album filter (Flexer and Schnitzer 2010) the tracks of the query's album are left out, too, where
the artist has tracks of other albums, so that the production of one album is no success.

Candidates exactly as similar as a right one are ranked before it, so that a measure that cannot
tell them apart does not look as if it could.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.standardization import ColumnMoments
from songrec.core.types import Floats

FIRST = 5


EQUAL = 1e-12
"""Similarities that differ by less, relative to their size, are equal: they differ by rounding."""


@dataclass(frozen=True)
class Retrieval:
    """Ranks from 1 of each query's first right candidate, ``ranks`` int64 ``(queries,)``."""

    ranks: NDArray[np.int64]

    @property
    def pairs(self) -> int:
        """Number of queries."""
        return len(self.ranks)

    def to_json(self) -> dict[str, float]:
        """Return the number of queries and three measures, rounded to four places.

        The share of queries for which a right candidate is first (``top1``) or among the first
        five (``top5``), and the mean reciprocal rank (``mrr``).
        """
        return {
            "pairs": self.pairs,
            "top1": round(float((self.ranks == 1).mean()), 4),
            "top5": round(float((self.ranks <= FIRST).mean()), 4),
            "mrr": round(float((1 / self.ranks).mean()), 4),
        }


def cosine_similarities(queries: Floats, candidates: Floats) -> NDArray[np.float64]:
    """Return the cosines of standardised vectors, ``(queries, candidates)``.

    Columns are standardised over queries and candidates together (mean 0, standard deviation 1);
    an unknown value lies at the mean, a constant column is left out.

    Parameters
    ----------
    queries, candidates
        float ``(pairs, d)``; row i of both is of the same track.

    Raises
    ------
    ValueError
        If the shapes differ.
    """
    if queries.shape != candidates.shape:
        raise ValueError(
            f"queries and candidates must have one shape, got {queries.shape} and "
            f"{candidates.shape}"
        )
    clips = np.concatenate([queries, candidates])
    moments = ColumnMoments.of(clips)
    unit = _unit(moments.standardize(clips)[:, moments.varies()])
    return unit[: len(queries)] @ unit[len(queries) :].T


def retrieve_track(similarities: NDArray[np.float64]) -> Retrieval:
    """Rank the candidate of the query's own track, ``similarities`` ``(tracks, tracks)``.

    Row i is query i, column i the candidate of the same track.
    """
    return Retrieval(_rank(similarities, np.eye(len(similarities), dtype=bool)))


def retrieve_artist(
    similarities: NDArray[np.float64], artists: Sequence[str], albums: Sequence[str] | None = None
) -> Retrieval:
    """Rank the best candidate of another track by the query's artist.

    Parameters
    ----------
    similarities
        ``(tracks, tracks)``: row i is query i, column i the candidate of the same track.
    artists, albums
        One each per track; empty where unknown. With ``albums`` the album filter is applied.

    Raises
    ------
    ValueError
        If no artist has two tracks.
    """
    artist, album = np.array(artists), np.array(albums or [""] * len(artists))
    right = (artist[:, None] == artist) & (artist != "") & ~np.eye(len(artist), dtype=bool)
    same_album = (album[:, None] == album) & (album != "")
    is_filtered = (right & (album != "") & (album[:, None] != "") & ~same_album).any(axis=1)
    left_out = np.eye(len(artist), dtype=bool) | (same_album & is_filtered[:, None])
    right &= ~left_out
    asking = right.any(axis=1)
    if not asking.any():
        raise ValueError("no artist has two tracks")
    allowed = np.where(left_out, -np.inf, similarities)
    return Retrieval(_rank(allowed[asking], right[asking]))


def evaluate_artist(
    similarities: NDArray[np.float64], artists: Sequence[str], albums: Sequence[str]
) -> dict[str, Any]:
    """Return the measures of ``retrieve_artist``, and with the album filter as ``album_filter``.

    ``album_filter`` is there only if an artist has tracks of several albums.
    """
    plain = retrieve_artist(similarities, artists)
    filtered = retrieve_artist(similarities, artists, albums)
    result: dict[str, Any] = plain.to_json()
    of_artist = {(artist, album) for artist, album in zip(artists, albums, strict=True) if album}
    if len(of_artist) > len({artist for artist, _ in of_artist}):
        result["album_filter"] = filtered.to_json()
    return result


def _rank(similarities: NDArray[np.float64], right: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Return the rank from 1 of the best right candidate of each row, after those equal to it."""
    best = np.where(right, similarities, -np.inf).max(axis=1, keepdims=True)
    as_good = similarities >= best - EQUAL * np.maximum(np.abs(best), 1.0)
    return 1 + (as_good & ~right).sum(axis=1).astype(np.int64)


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    return vectors / np.where(lengths == 0, 1.0, lengths)
