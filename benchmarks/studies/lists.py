"""Lists that grow from songs: by the method that pages ask, and by the sound alone, as it was.

One song of a playlist, or of each of two, is given; songs of those playlists are right. Nothing is
learnt from a tested playlist. Similar artists are right if they are on a tested playlist with the
artist.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import numpy as np

from benchmarks.studies.playlists import FILE, with_priors
from benchmarks.tables import table
from songrec.core.types import Ints, Space
from songrec.recommend.lists import paths, stations
from songrec.recommend.lists.rerank import MAX_PER_ARTIST, Reranking, rerank
from songrec.recommend.method import Method
from songrec.recommend.query import Query
from songrec.recommend.ranking import find_candidates
from songrec.recommend.registry import METHODS
from songrec.recommend.similarity.similar import audible_subspace
from songrec.recommend.similarity.similar_artists import similar_artists
from songrec.recommend.space_statistics import statistics_of
from songrec.recommend.top_k import Rows, distances
from songrec.services.evaluation.playlist_tasks import ContinuationTasks, continuation_tasks

NEEDS = (FILE,)
METHOD = "taste"
FIRST, RADIO, BETWEEN, N_ARTISTS = 10, 20, 8, 8
PAIRS, ARTISTS = 30, 30
"""Pairs of playlists and artists drawn in each part."""
MIN_SONGS, MIN_PLAYLISTS = 3, 2
CAPPED = Reranking(per_artist=MAX_PER_ARTIST)


def study(data: Path, seed: int = 0) -> list[str]:
    """Build the table."""
    return measured(continuation_tasks(data / FILE, likes=1, draws=1, seed=seed), seed)


def measured(tasks: ContinuationTasks, seed: int = 0) -> list[str]:
    """Build the table for any tasks with one like."""
    found: dict[str, list[tuple[float, float]]] = defaultdict(list)
    method: Method = METHODS.create(METHOD)
    rng = np.random.default_rng(seed)
    for numbers, _, space in with_priors(tasks, seed):
        for name, pair in _answers(tasks, method, space, numbers, rng):
            found[name].append(pair)
    return table(
        ("list", "right, by the sound alone", f"right, by `{METHOD}`", "questions"),
        (
            (name, *(f"{value:.3f}" for value in np.mean(pairs, axis=0)), str(len(pairs)))
            for name, pairs in found.items()
        ),
    )


def _answers(
    tasks: ContinuationTasks,
    method: Method,
    space: Space,
    numbers: list[int],
    rng: np.random.Generator,
) -> Iterator[tuple[str, tuple[float, float]]]:
    """Yield the name of a list with the shares that are right, by the sound and by the method."""
    keys = tasks.catalogue.song_keys

    def right(rows: Rows, of: list[int], likes: Ints) -> float:
        songs = np.concatenate([keys[tasks.playlists[number].rows] for number in of])
        rest = np.setdiff1d(songs, keys[likes])
        return float(np.isin(keys[rows], rest).mean()) if len(rows) else 0.0

    for number in numbers:
        likes = tasks.likes[number][0]
        query = Query(space, likes, np.empty(0, dtype=np.int64), seeds=True)
        lists = _nearest(query, FIRST), _recommended(method, query, FIRST)
        yield "a song's page, first ten", (*(right(rows, [number], likes) for rows in lists),)
        lists = _old_radio(query), _radio(method, query)
        yield "radio of a song, first twenty", (*(right(rows, [number], likes) for rows in lists),)
    for _ in range(PAIRS):
        two = rng.choice(numbers, 2, replace=False).tolist()
        likes = np.union1d(*(tasks.likes[number][0] for number in two))
        if len(likes) < 2:
            continue
        query = Query(space, likes, np.empty(0, dtype=np.int64), seeds=True)
        lists = _by_cosine(query, FIRST), _recommended(method, query, FIRST)
        yield "blend of two songs, first ten", (*(right(rows, two, likes) for rows in lists),)
        ends = space.track_ids[likes].tolist()
        with patch.object(paths, "_candidates", _near_the_line):
            old = paths.find_path(method, space, *ends, BETWEEN).rows[1:-1]
        lists = old, paths.find_path(method, space, *ends, BETWEEN).rows[1:-1]
        yield "path over eight songs", (*(right(rows, two, likes) for rows in lists),)
    yield from _artists(tasks, method, space, numbers, rng)


def _artists(
    tasks: ContinuationTasks,
    method: Method,
    space: Space,
    numbers: list[int],
    rng: np.random.Generator,
) -> Iterator[tuple[str, tuple[float, float]]]:
    statistics = statistics_of(space)
    beside: dict[int, list[Ints]] = defaultdict(list)
    for number in numbers:
        artists = np.unique(statistics.artists[tasks.playlists[number].rows])
        for artist in artists[artists > 0].tolist():
            beside[artist].append(artists)
    known = [
        artist
        for artist, lists in beside.items()
        if len(lists) >= MIN_PLAYLISTS and statistics.sizes[0][artist] >= MIN_SONGS
    ]
    for artist in rng.choice(known, min(ARTISTS, len(known)), replace=False).tolist():
        together = np.unique(np.concatenate(beside[artist]))
        matches = similar_artists(method, space, statistics.rows_by(artist), N_ARTISTS)
        rows = space.rows_of([match.track_id for match in matches])
        lists = _nearest_artists(space, artist), statistics.artists[rows]
        yield "similar artists, first eight", (*(np.isin(of, together).mean() for of in lists),)


def _recommended(method: Method, query: Query, count: int) -> Rows:
    candidates = find_candidates(method, query, count, CAPPED)
    return candidates.rows[rerank(query, candidates, CAPPED, count).chosen]


def _radio(method: Method, query: Query) -> Rows:
    seeds = query.space.track_ids[query.likes].tolist()
    matches = stations.station_matches(method, query.space, seeds, 0, RADIO, seed=1)
    return query.space.rows_of([match.track_id for match in matches])[1:]


def _nearest(query: Query, count: int) -> Rows:
    matrix = audible_subspace(query.space).matrix
    return query.top(-distances(matrix, matrix[query.likes[0]]), count)[0]


def _old_radio(query: Query) -> Rows:
    near = np.append(query.likes, _nearest(query, stations.candidates_needed(RADIO)))
    return near[stations.jittered_order(len(near), 0, RADIO, 1, fixed=True)][1:]


def _by_cosine(query: Query, count: int) -> Rows:
    towards = query.space.matrix[query.likes].sum(axis=0)
    return query.top(query.space.matrix @ towards / query.statistics.norms, count)[0]


def _near_the_line(
    method: Method, space: Space, ends: Rows, shares: np.ndarray, *left_out: object
) -> list[Rows]:
    one, other = space.latent[ends].astype(np.float64)
    points = [one + share * (other - one) for share in shares.tolist()]
    return [np.argsort(distances(space.latent, p))[: paths.CANDIDATES] for p in points]


def _nearest_artists(space: Space, artist: int) -> Ints:
    statistics, matrix = statistics_of(space), audible_subspace(space).matrix
    sizes = statistics.sizes[0]
    sums = np.zeros((len(sizes), matrix.shape[1]))
    np.add.at(sums, statistics.artists, matrix)
    means = sums / np.maximum(sizes, 1)[:, None]
    apart = distances(means, means[artist])
    apart[(sizes < 2) | np.isin(np.arange(len(sizes)), [0, artist])] = np.inf
    return np.argsort(apart)[:N_ARTISTS]
