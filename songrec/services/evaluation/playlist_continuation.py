"""Playlist continuation: a part of a real playlist is liked, which of the rest is recommended?

Every method that the pages offer is asked through the very code that answers them. All tracks of
the files are candidates; the likes and other copies of them are out. What learns from playlists
never sees the one that it is asked about, nor one that shares half of its songs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from songrec.clustering import CLUSTERINGS
from songrec.core.errors import UnknownName
from songrec.core.types import Progress, Space, no_progress
from songrec.evaluation import playlists as measures
from songrec.evaluation.playlists import Answer
from songrec.recommend.lists.rerank import MAX_PER_ARTIST, Reranking, rerank
from songrec.recommend.query import Query
from songrec.recommend.ranking import Method, find_candidates
from songrec.recommend.registry import METHODS
from songrec.recommend.taste import prior as taste_prior
from songrec.recommend.top_k import Rows
from songrec.services.evaluation.playlist_catalogue import Playlist
from songrec.services.evaluation.playlist_tasks import Search, questions
from songrec.services.training import two_tower


@dataclass(frozen=True)
class EvaluatedMethod:
    """A method of the evaluation: a recommendation method with parameters, or a baseline."""

    method: str
    parameters: dict[str, Any]
    learns: bool = False
    per_artist: int = 0


EVALUATED: dict[str, EvaluatedMethod] = {
    "random": EvaluatedMethod("random", {}),
    "popularity": EvaluatedMethod("popularity", {}),
    "cluster": EvaluatedMethod("cluster", {}),
    "cosine": EvaluatedMethod("cosine", {}),
    "distance": EvaluatedMethod("distance", {}),
    "taste_content": EvaluatedMethod("taste", {"metadata": False}, learns=True),
    "taste": EvaluatedMethod("taste", {}, learns=True),
    "learned": EvaluatedMethod("learned", {}, learns=True),
    "taste_capped": EvaluatedMethod("taste", {}, learns=True, per_artist=MAX_PER_ARTIST),
    "learned_capped": EvaluatedMethod("learned", {}, learns=True, per_artist=MAX_PER_ARTIST),
}
"""Methods by name: a recommender's name means that recommender with its default parameters,
``…_content`` without metadata, ``…_capped`` with as many songs by one artist as pages show."""
FORMER_NAMES = {"taste_metadata": "taste", "taste_metadata_capped": "taste_capped"}

BASELINES = ("cosine", "distance")
"""What the others' P@10 is divided by."""


def parse(names: Sequence[str]) -> tuple[str, ...]:
    """Parse names of methods, separated by commas or one by one; all methods without any.

    Raises ``UnknownName``.
    """
    requested = [part.strip() for name in names for part in name.split(",") if part.strip()]
    requested = [FORMER_NAMES.get(name, name) for name in requested]
    for name in requested:
        if name not in EVALUATED:
            raise UnknownName("method", name, EVALUATED)
    return tuple(dict.fromkeys(requested)) or tuple(EVALUATED)


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
    asking = questions(
        request.file,
        request.train,
        likes=request.likes,
        draws=request.draws,
        seed=request.seed,
        on_progress=lambda done, said, _=None: on_progress(0.1 * done, said),
    )
    catalogue, space = asking.catalogue, asking.space
    if "cluster" in request.methods:
        labels = CLUSTERINGS.create("kmeans").fit(space.matrix, seed=request.seed).labels
        space = replace(space, labels=labels)
    answers: dict[str, list[Answer]] = {name: [] for name in request.methods}
    lessons: list[dict[str, Any]] = []
    for number, (about, lists) in enumerate(asking.parts):
        known = learn(space, lists, request)
        lessons.append(known.taste_prior or {})
        for at, name in enumerate(request.methods):
            on_progress(
                0.1 + 0.8 * (number + at / len(request.methods)) / len(asking.parts),
                f"Asking {name}, part {number + 1} of {len(asking.parts)}",
            )
            search = search_of(EVALUATED[name], request.seed)
            answers[name] += asking.answers(search, known, about)
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
        "playlists": len(asking.asked),
        "left_out": sum(p.file == 0 for p in catalogue.playlists) - len(asking.asked),
        "questions": request.draws * len(asking.asked),
        "likes": request.likes,
        "tracks": len(space.track_ids),
        "songs": songs,
        "columns": list(space.columns),
        "learned_from": [told["playlists"] for told in lessons if told],
        "towers": [told["two_tower"] for told in lessons if "two_tower" in told],
        "seed": request.seed,
    }


def learn(space: Space, lists: Sequence[Playlist], request: Request) -> Space:
    """The space with what the methods asked for learn from ``lists``."""
    asked = [EVALUATED[name] for name in request.methods]
    rows = [playlist.rows for playlist in lists]
    if any(one.learns for one in asked):
        prior = taste_prior.fit_prior(space, rows, seed=request.seed)
        space = replace(space, taste_prior=prior.to_json())
    if any(one.method == "learned" for one in asked):
        track_factors, told = two_tower.fit_track_factors(space, rows, seed=request.seed)
        space = replace(
            space,
            taste_prior={**(space.taste_prior or {}), "two_tower": told},
            track_factors=track_factors,
        )
    return space


def search_of(asked: EvaluatedMethod, seed: int = 0) -> Search:
    """What answers as the pages do; ``seed`` is for what is drawn."""
    if asked.method == "random":
        return lambda space, query, count: _at_random(query, count, seed)
    if asked.method == "popularity":
        return _most_popular
    method: Method = METHODS.create(asked.method, **asked.parameters)
    by = Reranking(per_artist=asked.per_artist)

    def search(space: Space, query: Query, count: int) -> Rows:
        found = find_candidates(method, query, count, by)
        return found.rows[rerank(query, found, by, count).chosen]

    return search


def _at_random(query: Query, count: int, seed: int) -> Rows:
    rng = np.random.default_rng([seed, *query.likes.tolist()])
    n = len(query.space.track_ids)
    look = np.sort(rng.choice(n, min(n, 4 * count + len(query.likes)), replace=False))
    return query.rank_distinct(look, rng.random(len(look)))[0][:count]


def _most_popular(space: Space, query: Query, count: int) -> Rows:
    popularity = np.nan_to_num(space.values[:, space.value_names.index("popularity")], nan=-1.0)
    rows = np.arange(len(popularity), dtype=np.int64)
    return query.rank_distinct(rows, popularity.astype(np.float64))[0][:count]
