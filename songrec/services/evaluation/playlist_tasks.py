"""Tasks of playlist continuation: a part of each playlist is liked, the rest has to be found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from songrec.catalogue_files.artist_affinities import read_affinities
from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.core.errors import BadInput
from songrec.core.types import Ints, Progress, Space, no_progress
from songrec.evaluation import playlists as measures
from songrec.evaluation.playlists import Answer
from songrec.features.quantile_normalization import normal_space
from songrec.recommend.query import Query
from songrec.recommend.top_k import Rows
from songrec.services.evaluation import playlist_splits
from songrec.services.evaluation.listening import named_artists
from songrec.services.evaluation.playlist_catalogue import (
    Playlist,
    PlaylistCatalogue,
    read_playlists,
)
from songrec.services.evaluation.playlist_splits import Fold
from songrec.services.training.artifacts import EXTRA_COLUMNS
from songrec.services.training.artist_vectors import fit_artist_vectors

Search = Callable[[Space, Query, int], Rows]
"""Returns at most that number of rows of a space for a query, best first."""


@dataclass(frozen=True)
class ContinuationTasks:
    """Tasks of playlist continuation over the tracks of one or two files.

    Attributes
    ----------
    playlists
        The playlists that are tested.
    folds
        Numbers of tested playlists, with the playlists to train on before they are tested.
    likes
        Liked rows of each draw, for each of ``playlists``.
    """

    catalogue: PlaylistCatalogue
    space: Space
    playlists: tuple[Playlist, ...]
    folds: tuple[Fold, ...]
    likes: tuple[tuple[Ints, ...], ...]

    def answers(self, search: Search, space: Space, numbers: Sequence[int]) -> Iterator[Answer]:
        """Yield the answer of ``search`` to every draw of the playlists ``numbers``.

        ``space`` is that of the tasks, with what was trained on the fold's playlists.
        """
        for number in numbers:
            for likes in self.likes[number]:
                yield self._answer(search, space, number, likes)

    def _answer(self, search: Search, space: Space, number: int, likes: Ints) -> Answer:
        query = Query(space, likes, np.empty(0, dtype=np.int64))
        rows = search(space, query, measures.DEPTH)
        keys, artists = self.catalogue.song_keys, query.statistics.artists
        playlist = self.playlists[number].rows
        rest = np.setdiff1d(keys[playlist], keys[likes])
        discovery = None
        if artists[likes].any():
            results = search(space, _by_other_artists(query), measures.FIRST)
            discovery = np.isin(keys[results], rest)
        return Answer(
            number,
            rows,
            np.isin(keys[rows], rest),
            len(rest),
            artists[rows],
            artists[likes],
            np.unique(artists[playlist[np.isin(keys[playlist], rest)]]),
            discovery,
        )


def _by_other_artists(query: Query) -> Query:
    """Return the query without candidates that are by artists of the likes, or by unknown ones."""
    artists = query.statistics.artists
    excluded = np.isin(artists, np.append(artists[query.likes], measures.UNKNOWN))
    return replace(query, excluded=np.flatnonzero(excluded))


def continuation_tasks(
    file: Path,
    train: Path | None = None,
    *,
    likes: int = 10,
    draws: int = 3,
    seed: int = 0,
    listening: Path | None = None,
    on_progress: Progress = no_progress,
) -> ContinuationTasks:
    """Build the tasks of every playlist of ``file`` with more than ``likes`` songs.

    Training playlists are those of ``train``, or else the other playlists of ``file``. With
    ``listening``, listening counts that ``flask artists import`` reads, the space has artist
    vectors. Raises ``BadInput`` for a file without playlists, and if none is long enough.
    """
    paths = [file] if train is None else [file, train]
    catalogue = read_playlists(paths, on_progress)
    keys = catalogue.song_keys
    tested = tuple(
        p for p in catalogue.playlists if p.file == 0 and len(np.unique(keys[p.rows])) > likes
    )
    if not tested:
        raise BadInput(f"{file}: no playlist has over {likes} songs; like fewer (--likes).")
    folds = playlist_splits.leakage_free_folds(
        catalogue, tested, same_file=train is None, seed=seed
    )
    liked = []
    for number, playlist in enumerate(tested):
        rng = np.random.default_rng([seed, number])
        _, first = np.unique(keys[playlist.rows], return_index=True)
        rows = playlist.rows[np.sort(first)]
        liked.append(tuple(np.sort(rng.choice(rows, likes, replace=False)) for _ in range(draws)))
    space = recommendation_space(catalogue)
    if listening is not None:
        affinities = read_affinities(listening, on_progress).affinities
        vectors = fit_artist_vectors([affinities], [*named_artists(catalogue).items()], seed=seed)
        space = space if vectors is None else vectors.onto(space)
    return ContinuationTasks(catalogue, space, tested, tuple(folds), tuple(liked))


def recommendation_space(catalogue: PlaylistCatalogue) -> Space:
    """Build the recommendation space that a training would make of these tracks; labels are 0."""
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
