"""Playlist continuation: a part of a real playlist is liked, which of the rest is recommended?

Every method that the pages offer is asked through the very code that answers them. All tracks of
the files are candidates; the likes and other copies of them are out. What learns from playlists
never sees the one that it is asked about, nor one that shares half of its songs.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from songrec.clustering import CLUSTERINGS
from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.core.errors import BadInput, UnknownName
from songrec.core.types import Ints, Progress, Space, no_progress
from songrec.evaluation import playlists as measures
from songrec.evaluation.playlists import Answer
from songrec.features.space import normal_space
from songrec.pipeline import playlist_parts, two_tower
from songrec.pipeline.finished import BESIDES
from songrec.pipeline.playlist_catalogue import Playlist, PlaylistCatalogue, read_playlists
from songrec.recommend import taste_prior
from songrec.recommend.ranking import Method, candidates
from songrec.recommend.registry import METHODS
from songrec.recommend.rerank import MOST_PER_ARTIST, Reranking, rerank
from songrec.recommend.taste import Rows, Taste

Search = Callable[[Space, Taste, int], Rows]


@dataclass(frozen=True)
class Asked:
    """A method of the evaluation: a recommendation method with parameters, or a baseline."""

    method: str
    parameters: dict[str, Any]
    learns: bool = False
    per_artist: int = 0


ASKED: dict[str, Asked] = {
    "random": Asked("random", {}),
    "popularity": Asked("popularity", {}),
    "cluster": Asked("cluster", {}),
    "cosine": Asked("cosine", {}),
    "distance": Asked("distance", {}),
    "taste": Asked("taste", {"metadata": False}, learns=True),
    "taste_metadata": Asked("taste", {"metadata": True}, learns=True),
    "learned": Asked("learned", {}, learns=True),
    "taste_metadata_capped": Asked("taste", {}, learns=True, per_artist=MOST_PER_ARTIST),
    "learned_capped": Asked("learned", {}, learns=True, per_artist=MOST_PER_ARTIST),
}
"""Names of the evaluation; ``taste`` is by content alone, ``…_capped`` as pages show it."""

BASELINES = ("cosine", "distance")
"""What the others' P@10 is divided by."""


def parse(names: Sequence[str]) -> tuple[str, ...]:
    """Names of methods, parted by commas or given one by one; all without any. ``UnknownName``."""
    asked = [part.strip() for name in names for part in name.split(",") if part.strip()]
    for name in asked:
        if name not in ASKED:
            raise UnknownName("method", name, ASKED)
    return tuple(dict.fromkeys(asked)) or tuple(ASKED)


@dataclass(frozen=True)
class Request:
    """What to measure: ``likes`` songs of each playlist of ``file`` are liked, ``draws`` times.

    Methods that learn do so from the playlists of ``train``; without it from the other playlists of
    ``file``, see ``playlist_parts.parts``.
    """

    file: Path
    methods: tuple[str, ...]
    likes: int = 10
    train: Path | None = None
    draws: int = 3
    seed: int = 0


def evaluate_playlists(request: Request, on_progress: Progress = no_progress) -> dict[str, Any]:
    """``{"methods": {name: measures}, "p_at_10_times": {baseline: {name: ratio}}, …}``.

    See ``evaluation.playlists.measure`` and ``times``.

    Raises ``BadInput`` for a file without playlists, or none long enough.
    """
    paths = [request.file] if request.train is None else [request.file, request.train]
    catalogue = read_playlists(paths, lambda done, said, _=None: on_progress(0.1 * done, said))
    space = space_of(catalogue)
    asked = [
        p for p in catalogue.playlists
        if p.file == 0 and len(np.unique(catalogue.song_keys[p.rows])) > request.likes
    ]  # fmt: skip
    if not asked:
        raise BadInput(
            f"{request.file}: no playlist has over {request.likes} songs; like fewer (--likes)."
        )
    if "cluster" in request.methods:
        labels = CLUSTERINGS.create("kmeans").fit(space.matrix, seed=request.seed).labels
        space = replace(space, labels=labels)
    parts = playlist_parts.parts(catalogue, asked, own=request.train is None, seed=request.seed)
    questions = _questions(request, catalogue, asked)
    answers: dict[str, list[Answer]] = {name: [] for name in request.methods}
    learned: list[int] = []
    towers: list[dict[str, Any]] = []
    for number, (about, lists) in enumerate(parts):
        known = space
        if any(ASKED[name].learns for name in request.methods):
            prior = taste_prior.learn(space, [p.rows for p in lists], seed=request.seed)
            known = replace(space, learned=prior.to_json())
            learned.append(prior.playlists)
        if any(ASKED[name].method == "learned" for name in request.methods):
            tower, told = two_tower.learn(space, [p.rows for p in lists], seed=request.seed)
            known = replace(known, learned={**(known.learned or {}), "tower": told}, tower=tower)
            towers.append(told)
        for at, name in enumerate(request.methods):
            on_progress(
                0.1 + 0.8 * (number + at / len(request.methods)) / len(parts),
                f"Asking {name}, part {number + 1} of {len(parts)}",
            )
            search = _search(ASKED[name], request.seed)
            for playlist, liked in ((i, likes) for i in about for likes in questions[i]):
                answers[name].append(
                    _answer(catalogue, known, search, playlist, asked[playlist], liked)
                )
    songs = len(np.unique(catalogue.song_keys))
    on_progress(0.95, "Resampling")
    measured = {
        name: measures.measure(of, space.matrix, songs, seed=request.seed)
        for name, of in answers.items()
    }
    times = {
        baseline: {
            name: measures.times(of, answers[baseline], seed=request.seed)
            for name, of in answers.items()
            if name != baseline
        }
        for baseline in BASELINES
        if baseline in answers
    }
    on_progress(1.0, "Measured")
    return {
        "methods": measured,
        "p_at_10_times": times,
        "playlists": len(asked),
        "left_out": sum(p.file == 0 for p in catalogue.playlists) - len(asked),
        "questions": request.draws * len(asked),
        "likes": request.likes,
        "tracks": len(space.track_ids),
        "songs": songs,
        "columns": list(space.columns),
        "learned_from": learned,
        "towers": towers,
        "seed": request.seed,
    }


def space_of(catalogue: PlaylistCatalogue) -> Space:
    """The recommendation space that a training would make of these tracks; labels are all 0."""
    normal = normal_space(
        catalogue.values,
        ATTRIBUTE_NAMES,
        {name: getattr(catalogue, source) for name, source in BESIDES.items()},
    )
    n = len(catalogue.values)
    return Space(
        run_id="evaluation",
        track_ids=np.arange(n, dtype=np.int64),
        matrix=normal.matrix,
        columns=normal.columns,
        values=np.column_stack([catalogue.values, catalogue.duration_ms, catalogue.year]),
        value_names=(*ATTRIBUTE_NAMES, *BESIDES),
        latent=normal.matrix,
        labels=np.zeros(n, dtype=np.int32),
        coordinates=np.zeros((n, 2), dtype=np.float32),
        song_keys=catalogue.song_keys,
        artists=catalogue.credits.artists,
        albums=catalogue.credits.albums,
    )


def _questions(
    request: Request, catalogue: PlaylistCatalogue, asked: Sequence[Playlist]
) -> list[list[Ints]]:
    """Rows that are liked, per playlist and draw: different songs, drawn for each playlist anew."""
    found = []
    for number, playlist in enumerate(asked):
        rng = np.random.default_rng([request.seed, number])
        _, first = np.unique(catalogue.song_keys[playlist.rows], return_index=True)
        rows = playlist.rows[np.sort(first)]
        found.append(
            [np.sort(rng.choice(rows, request.likes, replace=False)) for _ in range(request.draws)]
        )
    return found


def _answer(
    catalogue: PlaylistCatalogue,
    space: Space,
    search: Search,
    number: int,
    playlist: Playlist,
    likes: Ints,
) -> Answer:
    taste = Taste(space, likes, np.empty(0, dtype=np.int64))
    rows = search(space, taste, measures.LOOK)
    keys = catalogue.song_keys
    rest = np.setdiff1d(keys[playlist.rows], keys[likes])
    artists = taste.figures.artists
    return Answer(number, rows, np.isin(keys[rows], rest), len(rest), artists[rows], artists[likes])


def _search(asked: Asked, seed: int) -> Search:
    if asked.method == "random":
        return lambda space, taste, count: _at_random(taste, count, seed)
    if asked.method == "popularity":
        return _most_popular
    method: Method = METHODS.create(asked.method, **asked.parameters)
    by = Reranking(per_artist=asked.per_artist)

    def search(space: Space, taste: Taste, count: int) -> Rows:
        found = candidates(method, taste, count, by)
        return found.rows[rerank(taste, found, by, count).chosen]

    return search


def _at_random(taste: Taste, count: int, seed: int) -> Rows:
    rng = np.random.default_rng([seed, *taste.likes.tolist()])
    n = len(taste.space.track_ids)
    look = np.sort(rng.choice(n, min(n, 4 * count + len(taste.likes)), replace=False))
    return taste.in_order(look, rng.random(len(look)))[0][:count]


def _most_popular(space: Space, taste: Taste, count: int) -> Rows:
    popularity = np.nan_to_num(space.values[:, space.value_names.index("popularity")], nan=-1.0)
    rows = np.arange(len(popularity), dtype=np.int64)
    return taste.in_order(rows, popularity.astype(np.float64))[0][:count]
