"""Questions about playlists: a part of each is liked, the rest is to be found among all tracks."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.core.errors import BadInput
from songrec.core.types import Ints, Progress, Space, no_progress
from songrec.evaluation import playlists as measures
from songrec.evaluation.playlists import Answer
from songrec.features.quantile_normalization import normal_space
from songrec.recommend.query import Query
from songrec.recommend.top_k import Rows
from songrec.services.evaluation import playlist_splits
from songrec.services.evaluation.playlist_catalogue import (
    Playlist,
    PlaylistCatalogue,
    read_playlists,
)
from songrec.services.evaluation.playlist_splits import Part
from songrec.services.training.artifacts import EXTRA_COLUMNS

Search = Callable[[Space, Query, int], Rows]
"""The best rows of a space for a taste, best first, so many at most."""


@dataclass(frozen=True)
class Questions:
    """What is asked, of which catalogue, after learning from what.

    ``likes`` are the liked rows of each draw, for each of the ``asked`` playlists; ``parts`` number
    those and hold the playlists to learn from before they are answered.
    """

    catalogue: PlaylistCatalogue
    space: Space
    asked: tuple[Playlist, ...]
    parts: tuple[Part, ...]
    likes: tuple[tuple[Ints, ...], ...]

    def answers(self, search: Search, known: Space, about: Sequence[int]) -> Iterator[Answer]:
        """What ``search`` says of every draw of the playlists ``about``; ``known`` is the space
        with what was learnt.
        """
        for number in about:
            for likes in self.likes[number]:
                yield self._answer(search, known, number, likes)

    def _answer(self, search: Search, known: Space, number: int, likes: Ints) -> Answer:
        query = Query(known, likes, np.empty(0, dtype=np.int64))
        rows = search(known, query, measures.LOOK)
        keys = self.catalogue.song_keys
        rest = np.setdiff1d(keys[self.asked[number].rows], keys[likes])
        right = np.isin(keys[rows], rest)
        artists = query.statistics.artists
        return Answer(number, rows, right, len(rest), artists[rows], artists[likes])


def questions(
    file: Path,
    train: Path | None = None,
    *,
    likes: int = 10,
    draws: int = 3,
    seed: int = 0,
    on_progress: Progress = no_progress,
) -> Questions:
    """Those of every playlist of ``file`` with more than ``likes`` songs.

    Raises ``BadInput`` for a file without playlists, or none long enough.
    """
    paths = [file] if train is None else [file, train]
    catalogue = read_playlists(paths, on_progress)
    keys = catalogue.song_keys
    asked = tuple(
        p for p in catalogue.playlists if p.file == 0 and len(np.unique(keys[p.rows])) > likes
    )
    if not asked:
        raise BadInput(f"{file}: no playlist has over {likes} songs; like fewer (--likes).")
    parts = playlist_splits.parts(catalogue, asked, own=train is None, seed=seed)
    liked = []
    for number, playlist in enumerate(asked):
        rng = np.random.default_rng([seed, number])
        _, first = np.unique(keys[playlist.rows], return_index=True)
        rows = playlist.rows[np.sort(first)]
        liked.append(tuple(np.sort(rng.choice(rows, likes, replace=False)) for _ in range(draws)))
    return Questions(catalogue, space_of(catalogue), asked, tuple(parts), tuple(liked))


def space_of(catalogue: PlaylistCatalogue) -> Space:
    """The recommendation space that a training would make of these tracks; labels are all 0."""
    normal = normal_space(
        catalogue.values,
        ATTRIBUTE_NAMES,
        {name: getattr(catalogue, source) for name, source in EXTRA_COLUMNS.items()},
    )
    n = len(catalogue.values)
    return Space(
        run_id="evaluation",
        track_ids=np.arange(n, dtype=np.int64),
        matrix=normal.matrix,
        columns=normal.columns,
        values=np.column_stack([catalogue.values, catalogue.duration_ms, catalogue.year]),
        value_names=(*ATTRIBUTE_NAMES, *EXTRA_COLUMNS),
        latent=normal.matrix,
        labels=np.zeros(n, dtype=np.int32),
        coordinates=np.zeros((n, 2), dtype=np.float32),
        song_keys=catalogue.song_keys,
        artists=catalogue.artists,
        albums=catalogue.albums,
    )
