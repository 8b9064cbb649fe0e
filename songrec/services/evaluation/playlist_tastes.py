"""Evaluation of recommendations for several tastes: one like from each of five playlists.

Methods run through the code that answers pages, with every taste in turn as there. What is learnt
from playlists is never learnt from a tested one (``playlist_splits``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from songrec.core.errors import BadInput
from songrec.core.types import Ints, Progress, Space, no_progress, part_of
from songrec.evaluation import tastes as measures
from songrec.evaluation.tastes import Hits, TastesAnswer
from songrec.recommend.query import Query
from songrec.services.evaluation import playlist_splits
from songrec.services.evaluation.listening import coverage
from songrec.services.evaluation.playlist_continuation import (
    EVALUATED_METHODS,
    ContinuationRequest,
    search_for,
    train_space,
)
from songrec.services.evaluation.playlist_tasks import (
    ContinuationTasks,
    Search,
    continuation_tasks,
)

TASTES = 5


def evaluate_tastes(
    request: ContinuationRequest, on_progress: Progress = no_progress
) -> dict[str, Any]:
    """Evaluate methods on sets of five playlists, of each of which one song is liked.

    ``request.likes`` is not read. Returns ``{"methods": {name: measures}, …}``, see
    ``evaluation.tastes.measure``. Raises ``BadInput`` for a file without five playlists that do not
    overlap.
    """
    tasks = continuation_tasks(
        request.file,
        request.train,
        likes=1,
        draws=request.draws,
        seed=request.seed,
        listening=request.listening,
        on_progress=part_of(on_progress, 0.0, 0.1),
    )
    answers: dict[str, list[TastesAnswer]] = {name: [] for name in request.methods}
    for fold, (numbers, training) in enumerate(tasks.folds):
        sets = list(_sets(tasks, numbers, request))
        if not sets:
            continue
        trained = train_space(tasks.space, training, request)
        for at, name in enumerate(request.methods):
            on_progress(
                0.1 + 0.85 * (fold + at / len(request.methods)) / len(tasks.folds),
                f"Evaluating {name}, fold {fold + 1} of {len(tasks.folds)}",
            )
            search = search_for(
                replace(EVALUATED_METHODS[name], every_taste=True), seed=request.seed
            )
            answers[name] += [
                _answer(tasks, search, trained, chosen, draw) for draw, chosen in sets
            ]
    if not all(answers.values()):
        raise BadInput(
            f"{request.file}: too few playlists for sets of {TASTES} that do not overlap."
        )
    on_progress(0.97, "Resampling")
    measured = {name: measures.measure(of, seed=request.seed) for name, of in answers.items()}
    on_progress(1.0, "Measured")
    return {
        "methods": measured,
        "tastes": TASTES,
        "list": measures.LIST,
        "sets": len(next(iter(answers.values()))),
        "playlists": len(tasks.playlists),
        "tracks": len(tasks.space.track_ids),
        "artist_vectors": coverage(tasks.space),
        "seed": request.seed,
    }


def _sets(
    tasks: ContinuationTasks, numbers: Sequence[int], request: ContinuationRequest
) -> Iterator[tuple[int, list[int]]]:
    """Yield draws with five playlists that do not overlap; each is in one set of a draw at most."""
    playlists = [tasks.playlists[number] for number in numbers]
    overlaps = playlist_splits.overlapping(tasks.catalogue, playlists, playlists)
    for draw in range(request.draws):
        rng = np.random.default_rng([request.seed, draw, *numbers[:1]])
        left = rng.permutation(len(numbers)).tolist()
        while len(left) >= TASTES:
            chosen: list[int] = []
            for at in left:
                if len(chosen) < TASTES and not overlaps[at, chosen].any():
                    chosen.append(at)
            if len(chosen) < TASTES:
                break
            left = [at for at in left if at not in chosen]
            yield draw, [numbers[at] for at in chosen]


def _answer(
    tasks: ContinuationTasks, search: Search, space: Space, chosen: Sequence[int], draw: int
) -> TastesAnswer:
    keys = tasks.catalogue.song_keys
    own = [tasks.likes[number][draw] for number in chosen]
    likes = np.unique(np.concatenate(own))
    rests = [np.setdiff1d(keys[tasks.playlists[number].rows], keys[likes]) for number in chosen]

    def found(liked: Ints) -> Ints:
        # The other likes are no candidates of the single lists either, nor right in them.
        others = np.setdiff1d(likes, liked)
        query = Query(space, liked, np.empty(0, dtype=np.int64), excluded=others)
        return keys[search(space, query, measures.LIST)]

    def hits(liked: Ints) -> Hits:
        songs = found(liked)
        return np.column_stack([np.isin(songs, rest) for rest in rests])

    return TastesAnswer(hits(likes), tuple(hits(liked) for liked in own))
