"""Queries (likes and dislikes as rows of a space) and their candidates."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from songrec.core.errors import NotReady
from songrec.core.types import Cached, NameTracks, Space
from songrec.recommend import top_k
from songrec.recommend.space_statistics import SpaceStatistics, statistics_of
from songrec.recommend.top_k import Ranking, Rows, Scores

YOUR_LIKES, THESE_SONGS = "your likes", "these songs"
MAX_SURENESS = math.log(3)
WITHDRAWN = np.uint64(2**64 - 1)
"""Song key of withdrawn rows."""
NOT_IN_RUN = (
    "This track came into the catalogue after the published run was trained. "
    "Train again with `flask train`."
)


@dataclass(frozen=True, eq=False)
class Query(Cached):
    """Liked and disliked rows of a space, each once; a track that is both counts as disliked.

    ``excluded`` are further rows that are not feedback; neither these nor other tracks of the same
    songs are recommended. ``withdrawn`` rows are not recommended, but other tracks of the same
    songs may be: tracks that left the catalogue or are not to be chosen from. ``names`` looks up
    the titles in reasons. ``seeds``: whether the likes are seed songs of a request rather than
    liked songs, so that reasons say “these songs”.
    """

    space: Space
    likes: Rows
    dislikes: Rows
    names: NameTracks | None = None
    excluded: Rows = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    withdrawn: Rows = field(default_factory=lambda: np.empty(0, dtype=np.int64))
    seeds: bool = False

    @classmethod
    def of(
        cls,
        space: Space,
        likes: list[int],
        dislikes: list[int] | None = None,
        names: NameTracks | None = None,
        excluded: list[int] | None = None,
        withdrawn: Iterable[int] = (),
        only: Iterable[int] | None = None,
        seeds: bool = False,
    ) -> Query:
        """Create a query from track ids; ids outside the space are ignored.

        ``only`` are the ids to choose from, None for all.
        """
        disliked = np.unique(space.rows_of(list(dislikes or [])))
        liked = np.setdiff1d(space.rows_of(list(likes)), disliked)
        rows = [space.rows_of(list(ids or [])) for ids in (excluded, withdrawn)]
        query = cls(space, liked, disliked, names, *rows, seeds=seeds)
        if only is None:
            return query
        ids = only if isinstance(only, np.ndarray) else list(only)
        return query.among(space.rows_of(ids))

    def among(self, rows: Rows) -> Query:
        """Return the same query restricted to the candidates ``rows``."""
        closed = np.ones(len(self.space.track_ids), dtype=bool)
        closed[rows] = False
        closed[self.withdrawn] = True
        return replace(self, withdrawn=np.flatnonzero(closed))

    def narrowed(self, likes: Rows) -> Query:
        """Return the query with only these likes (rows); the other likes are excluded rows."""
        others = np.setdiff1d(self.likes, likes)
        excluded = np.concatenate([self.excluded, others])
        return replace(self, likes=likes, names=self._titles_of, excluded=excluded)

    @property
    def statistics(self) -> SpaceStatistics:
        """The statistics of the space."""
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
    def song_keys(self) -> NDArray[np.uint64]:
        """The song keys of the space, ``(n,)``; those of withdrawn rows are ``WITHDRAWN``."""
        if not len(self.withdrawn):
            return self.space.song_keys
        keys = np.array(self.space.song_keys)
        keys[self.withdrawn] = WITHDRAWN
        return keys

    @cached_property
    def excluded_keys(self) -> NDArray[np.uint64]:
        """Ascending keys in ``song_keys`` of all songs that must not be recommended."""
        rows = np.concatenate([self.likes, self.dislikes, self.excluded])
        keys = self.space.song_keys[rows]
        return np.unique(np.append(keys, WITHDRAWN) if len(self.withdrawn) else keys)

    @cached_property
    def titles(self) -> dict[int, str]:
        """Titles of the liked and disliked tracks by track id."""
        ids = self.space.track_ids[np.concatenate([self.likes, self.dislikes])].tolist()
        named = self.names(ids) if self.names else {}
        return {track_id: named.get(track_id) or f"track {track_id}" for track_id in ids}

    def _titles_of(self, ids: list[int]) -> dict[int, str]:
        return {track_id: self.titles[track_id] for track_id in ids if track_id in self.titles}

    @property
    def likes_phrase(self) -> str:
        """Name of all likes in reasons: the title of a single one, else “your likes”."""
        if len(self.likes) == 1:
            return f"“{self.title(int(self.likes[0]))}”"
        return THESE_SONGS if self.seeds else YOUR_LIKES

    @property
    def artists_phrase(self) -> str:
        """Name of the likes' artists in reasons."""
        if len(self.likes) == 1:
            return f"the artist of {self.likes_phrase}"
        return "the artists of these songs" if self.seeds else "artists you like"

    def title(self, row: int) -> str:
        """Return the title of a liked or disliked row."""
        return self.titles[int(self.space.track_ids[row])]

    def rank_distinct(self, rows: Rows, scores: Scores) -> Ranking:
        """Sort ``rows`` best first, each song once, without liked, disliked and excluded songs."""
        return top_k.rank_distinct(rows, scores, self.song_keys, self.excluded_keys)

    def top(
        self,
        bounds: NDArray,
        count: int,
        score: Callable[[Rows], Scores] | None = None,
        *,
        members: Rows | None = None,
        slack: float = 0.0,
    ) -> Ranking:
        """Return the best ``count`` rows and scores; see ``top_k.top_distinct``."""
        keys, excluded = self.song_keys, self.excluded_keys
        bounds = self.without_withdrawn(bounds, members)
        return top_k.top_distinct(
            bounds, count, keys, excluded, score, members=members, slack=slack
        )

    def without_withdrawn(self, bounds: NDArray, members: Rows | None = None) -> NDArray:
        """Return ``bounds`` with -inf at the withdrawn rows, which excludes them from a search.

        ``members`` are the rows of ``bounds``; all rows by default.
        """
        if not len(self.withdrawn):
            return bounds
        bounds = np.array(bounds)
        bounds[self.withdrawn if members is None else np.isin(members, self.withdrawn)] = -np.inf
        return bounds


@dataclass(frozen=True)
class Sureness:
    """Confidence in a score relative to the method's other scores, as the log of a factor.

    0 for a score at ``centre``, 1 for one higher by ``scale``; at most ``MAX_SURENESS``.
    """

    centre: float = 0.0
    scale: float = 1.0

    def of(self, scores: Scores) -> Scores:
        """Compute the log factor of each score."""
        return np.clip((scores - self.centre) / self.scale, -MAX_SURENESS, MAX_SURENESS)


@dataclass(frozen=True)
class Candidates:
    """Candidate rows with their scores, each for one of ``queries``.

    ``group`` ``(rows,)`` is the number of each row's query. There is one query of all likes, or one
    per taste. The rows of a query are best first. ``is_all``: whether there are no further
    candidates; ``sureness`` makes scores of different queries comparable.
    """

    rows: Rows
    scores: Scores
    group: NDArray[np.int64]
    queries: tuple[Query, ...]
    is_all: bool = True
    sureness: Sureness = Sureness()

    @property
    def likes(self) -> tuple[int, ...]:
        """Number of likes of each taste."""
        return tuple(len(query.likes) for query in self.queries)

    def take(self, at: NDArray) -> Candidates:
        """Return the candidates at these positions."""
        return replace(self, rows=self.rows[at], scores=self.scores[at], group=self.group[at])


def check_comparable(space: Space) -> None:
    """Raise ``NotReady`` if the space has no columns to compare songs by."""
    if not space.columns:
        raise NotReady(
            "Too few tracks have attribute values to compare songs. "
            "Ingest a catalogue that has some and train again with `flask train`."
        )
