"""What a listener asks for, in rows of a space, and what may be answered."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from songrec.core.blas import single_threaded_blas
from songrec.core.errors import NotReady
from songrec.core.types import NameTracks, Space
from songrec.recommend.space_statistics import SpaceStatistics, statistics_of

Rows = NDArray[np.int64]
Scores = NDArray[np.float64]
ROUNDING = 1e-6
"""float32 gets no more wrong of a squared distance s to p than this · columns · (‖p‖² + s)."""


@dataclass(frozen=True)
class Query:
    """Liked and disliked rows of a space (each once, a track that is both counts as disliked).

    ``heard`` are further rows that say nothing about the taste but must not come back.
    """

    space: Space
    likes: Rows
    dislikes: Rows
    names: NameTracks | None = None
    heard: Rows = field(default_factory=lambda: np.empty(0, dtype=np.int64))

    @classmethod
    def of(
        cls,
        space: Space,
        likes: list[int],
        dislikes: list[int] | None = None,
        names: NameTracks | None = None,
        heard: list[int] | None = None,
    ) -> Query:
        """From track ids; those that the space does not hold are left out."""
        disliked = np.unique(space.rows_of(list(dislikes or [])))
        liked = np.setdiff1d(space.rows_of(list(likes)), disliked)
        return cls(space, liked, disliked, names, space.rows_of(list(heard or [])))

    @property
    def statistics(self) -> SpaceStatistics:
        """The space's own figures."""
        return statistics_of(self.space)

    @cached_property
    def liked_vectors(self) -> NDArray[np.float64]:
        """The likes in the space, ``(likes, d)``."""
        return self.space.matrix[self.likes].astype(np.float64)

    @cached_property
    def disliked_vectors(self) -> NDArray[np.float64]:
        """The dislikes in the space, ``(dislikes, d)``."""
        return self.space.matrix[self.dislikes].astype(np.float64)

    @cached_property
    def known_songs(self) -> NDArray[np.uint64]:
        """The song keys of everything liked, disliked or heard, ascending."""
        rows = np.concatenate([self.likes, self.dislikes, self.heard])
        return np.unique(self.space.song_keys[rows])

    @cached_property
    def titles(self) -> dict[int, str]:
        """Titles of the liked and disliked tracks by track id."""
        ids = self.space.track_ids[np.concatenate([self.likes, self.dislikes])].tolist()
        named = self.names(ids) if self.names else {}
        return {track_id: named.get(track_id) or f"track {track_id}" for track_id in ids}

    def title(self, row: int) -> str:
        """The title of a liked or disliked row."""
        return self.titles[int(self.space.track_ids[row])]

    def rank_distinct(self, rows: Rows, scores: Scores) -> tuple[Rows, Scores]:
        """``rows`` best first, without what is known already and every song once.

        Equal scores keep the order of the catalogue, so that the answer is always the same.
        """
        keys = self.space.song_keys[rows]
        fresh = ~np.isin(keys, self.known_songs)
        rows, scores, keys = rows[fresh], scores[fresh], keys[fresh]
        order = np.lexsort((rows, -scores))
        first = np.unique(keys[order], return_index=True)[1]
        order = order[np.sort(first)]
        return rows[order], scores[order]


def check_comparable(space: Space) -> None:
    """Raise ``NotReady`` where the space has no column to compare songs by."""
    if not space.columns:
        raise NotReady(
            "Of no attribute that songs could be compared by do enough tracks have a value. "
            "Ingest a catalogue that has some and train again with `flask train`."
        )


def distances(vectors: NDArray, point: NDArray) -> NDArray:
    """L2 distances of ``(n, d)`` vectors to one point, ``(n,)``, in the vectors' own precision."""
    apart = vectors - point.astype(vectors.dtype)
    return np.sqrt(np.einsum("ij,ij->i", apart, apart))


def split_distance(apart: NDArray[np.float64], typical: float) -> NDArray[np.float64]:
    """Split ``typical`` − ‖apart‖ over the features: rows ``(n, d)`` that add up to it.

    A distance is the sum of Δ_f² / ‖Δ‖ over the features; ``typical`` is shared out equally.
    """
    lengths = np.linalg.norm(apart, axis=1, keepdims=True)
    return typical / apart.shape[1] - apart**2 / np.where(lengths == 0, 1.0, lengths)


def product(matrix: NDArray[np.float32], vector: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return ``matrix @ vector`` for a long, narrow ``(n, d)`` matrix, in this thread alone."""
    with single_threaded_blas():
        return matrix @ vector


def top_rows(scores: NDArray, count: int) -> Rows:
    """Rows of the ``count`` highest scores and of all that equal the last of them, unordered."""
    if count >= len(scores):
        return np.arange(len(scores), dtype=np.int64)
    worst = np.partition(scores, -count)[-count]
    return np.flatnonzero(scores >= worst).astype(np.int64)


def nearest_rows(space: Space, point: NDArray, count: int) -> Rows:
    """Rows of the ``count`` nearest tracks to ``point`` ``(d,)``, of all as near as the last, and
    of some more, unordered: what float32 may have got wrong is no reason to leave a track out.
    """
    if count >= len(space.track_ids):
        return np.arange(len(space.track_ids), dtype=np.int64)
    point = point.astype(np.float32)
    squares = product(space.matrix, -2 * point)
    squares += statistics_of(space).square_norms
    last = np.partition(squares, count - 1)[count - 1]
    length = float(point @ point)
    slack = ROUNDING * len(point) * (length + max(float(last) + length, 0.0))
    return np.flatnonzero(squares <= last + np.float32(slack)).astype(np.int64)
