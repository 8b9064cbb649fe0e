"""Evaluation of recommendation methods by playlist continuation.

A part of a real playlist is liked, and the rest has to be recommended. Methods run through the
code that answers pages. All tracks of the files are candidates, except the likes and their copies.
Methods that learn from playlists are never trained on a tested playlist, nor on one that shares
half of its songs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from songrec.clustering import CLUSTERINGS
from songrec.core.errors import UnknownName
from songrec.core.types import Progress, Space, no_progress, part_of
from songrec.evaluation import playlists as measures
from songrec.evaluation.playlists import Answer
from songrec.recommend.lists.rerank import MAX_PER_ARTIST, Reranking, rerank
from songrec.recommend.method import Method
from songrec.recommend.query import Query
from songrec.recommend.ranking import find_candidates
from songrec.recommend.registry import METHODS
from songrec.recommend.similarity.similar import audible_subspace
from songrec.recommend.taste import prior as taste_prior
from songrec.recommend.top_k import Rows, distances
from songrec.services.evaluation.listening import coverage, search_by_nearness
from songrec.services.evaluation.playlist_catalogue import Playlist
from songrec.services.evaluation.playlist_tasks import Search, continuation_tasks
from songrec.services.training.playlist_models import fit_playlist_models


@dataclass(frozen=True)
class EvaluatedMethod:
    """A recommendation method with parameters, or a baseline.

    ``trained`` methods use what playlists teach; ``per_artist`` limits songs by one artist;
    ``every_taste`` serves several tastes in turn.
    """

    method: str
    parameters: dict[str, Any]
    trained: bool = False
    per_artist: int = 0
    every_taste: bool = False


EVALUATED_METHODS: dict[str, EvaluatedMethod] = {
    "random": EvaluatedMethod("random", {}),
    "popularity": EvaluatedMethod("popularity", {}),
    "sound": EvaluatedMethod("sound", {}),
    "cluster": EvaluatedMethod("cluster", {}),
    "cosine": EvaluatedMethod("cosine", {}),
    "distance": EvaluatedMethod("distance", {}),
    "taste_content": EvaluatedMethod("taste", {"metadata": False}, trained=True),
    "artist_nearness": EvaluatedMethod("artist_nearness", {}, trained=True),
    "taste": EvaluatedMethod("taste", {}, trained=True),
    "learned": EvaluatedMethod("learned", {}, trained=True),
    "additive_ranker": EvaluatedMethod("additive_ranker", {}, trained=True),
    "additive_ranker_new": EvaluatedMethod("additive_ranker", {"discovery": 1.0}, trained=True),
    "taste_capped": EvaluatedMethod("taste", {}, trained=True, per_artist=MAX_PER_ARTIST),
    "learned_capped": EvaluatedMethod("learned", {}, trained=True, per_artist=MAX_PER_ARTIST),
    "additive_ranker_capped": EvaluatedMethod(
        "additive_ranker", {}, trained=True, per_artist=MAX_PER_ARTIST
    ),
}
"""Methods by their names in the evaluation.

A recommendation method has the name and the parameters that it has on pages. ``sound`` is a song's
page compared by sound alone: the songs that sound nearest to one of the likes. ``taste_content`` is
``taste`` without artist, album and popularity; ``artist_nearness`` is that with artist vectors of
listening counts; ``…_new`` is the end of the scale where artists are new; ``…_capped`` limits songs
by an artist, as pages do.
"""

FORMER_NAMES = {"taste_metadata": "taste", "taste_metadata_capped": "taste_capped"}
"""Former names of methods, which ``parse_methods`` still reads."""

BASELINES = ("cosine", "distance")
"""Methods whose P@10 the others' P@10 is divided by."""


def parse_methods(names: Sequence[str]) -> tuple[str, ...]:
    """Parse names of methods, single or separated by commas; all methods if there are none.

    Raises ``UnknownName`` for an unknown method.
    """
    methods = [part.strip() for name in names for part in name.split(",") if part.strip()]
    methods = [FORMER_NAMES.get(name, name) for name in methods]
    for name in methods:
        if name not in EVALUATED_METHODS:
            raise UnknownName("method", name, EVALUATED_METHODS)
    return tuple(dict.fromkeys(methods)) or tuple(EVALUATED_METHODS)


@dataclass(frozen=True)
class ContinuationRequest:
    """What to evaluate: ``likes`` songs of each playlist of ``file`` are liked, ``draws`` times.

    Methods are trained on the playlists of ``train``, or else on the other playlists of ``file``
    (``playlist_splits.leakage_free_folds``). ``listening`` holds listening counts of others, for
    artist vectors.
    """

    file: Path
    methods: tuple[str, ...]
    likes: int = 10
    train: Path | None = None
    draws: int = 3
    seed: int = 0
    listening: Path | None = None


def evaluate_playlists(
    request: ContinuationRequest, on_progress: Progress = no_progress
) -> dict[str, Any]:
    """Evaluate methods on playlist continuation.

    Returns ``{"methods": {name: measures}, "p_at_10_times": {baseline: {name: ratio}}, …}``, see
    ``evaluation.playlists.measure`` and ``times``. Raises ``BadInput`` for a file without playlists
    and if none is long enough.
    """
    tasks = continuation_tasks(
        request.file,
        request.train,
        likes=request.likes,
        draws=request.draws,
        seed=request.seed,
        listening=request.listening,
        on_progress=part_of(on_progress, 0.0, 0.1),
    )
    catalogue, space = tasks.catalogue, tasks.space
    if "cluster" in request.methods:
        labels = CLUSTERINGS.create("kmeans").fit(space.matrix, seed=request.seed).labels
        space = replace(space, labels=labels)
    answers: dict[str, list[Answer]] = {name: [] for name in request.methods}
    taste_models: list[dict[str, Any]] = []
    for fold, (numbers, training) in enumerate(tasks.folds):
        trained = train_space(space, training, request)
        taste_models.append(trained.taste_prior or {})
        for at, name in enumerate(request.methods):
            on_progress(
                0.1 + 0.8 * (fold + at / len(request.methods)) / len(tasks.folds),
                f"Evaluating {name}, fold {fold + 1} of {len(tasks.folds)}",
            )
            search = search_for(EVALUATED_METHODS[name], request.seed)
            answers[name] += tasks.answers(search, trained, numbers)
    songs = len(np.unique(catalogue.song_keys))
    on_progress(0.95, "Resampling")
    measured = {
        name: measures.measure(one, space.matrix, songs, seed=request.seed)
        for name, one in answers.items()
    }
    times = {
        baseline: {
            name: measures.times(one, answers[baseline], seed=request.seed)
            for name, one in answers.items()
            if name != baseline
        }
        for baseline in BASELINES
        if baseline in answers
    }
    on_progress(1.0, "Measured")
    return {
        "methods": measured,
        "p_at_10_times": times,
        "playlists": len(tasks.playlists),
        "left_out": sum(p.file == 0 for p in catalogue.playlists) - len(tasks.playlists),
        "questions": request.draws * len(tasks.playlists),
        "likes": request.likes,
        "tracks": len(space.track_ids),
        "songs": songs,
        "columns": list(space.columns),
        "learned_from": [model["playlists"] for model in taste_models if model],
        "artist_vectors": coverage(space),
        "towers": [model["two_tower"] for model in taste_models if "two_tower" in model],
        "seed": request.seed,
    }


def train_space(space: Space, playlists: Sequence[Playlist], request: ContinuationRequest) -> Space:
    """Return the space with what the requested methods learn from ``playlists``."""
    methods = [EVALUATED_METHODS[name] for name in request.methods]
    rows = [playlist.rows for playlist in playlists]
    if any(one.method in ("learned", "additive_ranker") for one in methods):
        return fit_playlist_models(space, rows, seed=request.seed)
    if any(one.trained for one in methods):
        prior = taste_prior.fit_prior(space, rows, seed=request.seed)
        space = replace(space, taste_prior=prior.to_json())
    return space


def search_for(evaluated: EvaluatedMethod, seed: int = 0) -> Search:
    """Return the search of a method through the code that answers pages; ``seed`` for chance."""
    if evaluated.method == "random":
        return lambda space, query, count: _at_random(query, count, seed)
    if evaluated.method == "popularity":
        return _most_popular
    if evaluated.method == "artist_nearness":
        return search_by_nearness
    if evaluated.method == "sound":
        return _nearest_in_sound
    method: Method = METHODS.create(evaluated.method, **evaluated.parameters)
    reranking = Reranking(per_artist=evaluated.per_artist, every_taste=evaluated.every_taste)

    def search(space: Space, query: Query, count: int) -> Rows:
        candidates = find_candidates(method, query, count, reranking)
        return candidates.rows[rerank(query, candidates, reranking, count).chosen]

    return search


def _at_random(query: Query, count: int, seed: int) -> Rows:
    rng = np.random.default_rng([seed, *query.likes.tolist()])
    n = len(query.space.track_ids)
    rows = np.sort(rng.choice(n, min(n, 4 * count + len(query.excluded_keys)), replace=False))
    return query.rank_distinct(rows, rng.random(len(rows)))[0][:count]


def _nearest_in_sound(space: Space, query: Query, count: int) -> Rows:
    matrix = audible_subspace(space).matrix
    apart = [distances(matrix, point) for point in matrix[query.likes]]
    return query.top(-np.min(apart, axis=0), count)[0]


def _most_popular(space: Space, query: Query, count: int) -> Rows:
    popularity = np.nan_to_num(space.values[:, space.value_names.index("popularity")], nan=-1.0)
    rows = np.arange(len(popularity), dtype=np.int64)
    return query.rank_distinct(rows, popularity.astype(np.float64))[0][:count]
