"""The additive ranker beside ``taste``: 1, 3 and 10 likes, familiar to new, with listening counts.

Curves and towers are fitted once per fold, for all numbers of likes, and used whether or not they
are better than ``taste`` in the training's own validation; the nearness of the towers counts half
their scale.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.studies.playlists import FILE, interval, with_priors
from benchmarks.tables import table
from songrec.core.types import Space
from songrec.evaluation import playlists as measures
from songrec.evaluation.playlists import Answer
from songrec.recommend.taste.additive_model import LEVELS
from songrec.recommend.taste.prior import MIN_TRACKS
from songrec.services.evaluation.playlist_continuation import EvaluatedMethod, search_for
from songrec.services.evaluation.playlist_tasks import ContinuationTasks, continuation_tasks
from songrec.services.training import additive_ranker, two_tower

LISTENING = "listening"
NEEDS = (FILE, LISTENING)
DISCOVERY = (0.0, 1.0)
HEADER = ("likes", "", "P@10", "P@10, new artists", "discovery P@10")
WITHOUT_TOWERS, WITH_COUNTS = ", without towers", ", listening counts"


def study(data: Path, seed: int = 0) -> list[str]:
    """Build the table of P@10 and discovery of each variant and number of likes."""
    tasks = continuation_tasks(
        data / FILE, likes=max(LEVELS), draws=1, seed=seed, listening=data / LISTENING
    )
    return measured(tasks, seed)


def measured(tasks: ContinuationTasks, seed: int = 0) -> list[str]:
    """Build the table for any tasks."""
    by_level = {n_likes: with_likes(tasks, n_likes, seed) for n_likes in LEVELS}
    answers: dict[tuple[int, str], list[Answer]] = {}
    for about, lists, space in with_priors(tasks, seed):
        bare = without_vectors(space)
        long = [rows for rows in map(np.unique, lists) if len(rows) >= MIN_TRACKS]
        towers = two_tower.train_towers(space, long, seed=seed)
        for space_used, of_space, label in (
            (bare, None, WITHOUT_TOWERS),
            (bare, towers, ""),
            (space, towers, WITH_COUNTS),
        ):
            trained = additive_ranker.fit_without_validation(space_used, lists, of_space, seed=seed)
            for name, method in variants(label):
                for n_likes, of_level in by_level.items():
                    found = of_level.answers(search_for(method, seed), trained, about)
                    answers.setdefault((n_likes, name), []).extend(found)
    songs = len(np.unique(tasks.catalogue.song_keys))
    rows = []
    for (n_likes, name), of in sorted(answers.items(), key=lambda item: item[0][0]):
        values = measures.measure(of, tasks.space.matrix, songs, seed=seed)
        cells = [
            interval((values[one], *values["intervals"][one]), 3)
            for one in ("p_at_10", "new_artist_p_at_10", "discovery_p_at_10")
        ]
        rows.append((str(n_likes), name, *cells))
    return table(HEADER, rows)


def variants(label: str) -> Iterator[tuple[str, EvaluatedMethod]]:
    """Yield the methods to measure, by name."""
    if label == WITHOUT_TOWERS:
        yield "`taste`", EvaluatedMethod("taste", {})
    for discovery in DISCOVERY if not label else (0.0,):
        at = f", discovery {discovery:g}" if discovery else ""
        method = EvaluatedMethod("additive_ranker", {"discovery": discovery})
        yield f"`additive_ranker`{at}{label}", method


def without_vectors(space: Space) -> Space:
    """Return the space without artist vectors."""
    return replace(space, artist_ids=None, artist_vectors=None)


def with_likes(tasks: ContinuationTasks, n_likes: int, seed: int) -> ContinuationTasks:
    """Return the same tasks and folds with the first ``n_likes`` of their likes, shuffled."""
    rng = np.random.default_rng(seed)
    likes = tuple(
        tuple(np.sort(rng.permutation(one)[:n_likes]) for one in draws) for draws in tasks.likes
    )
    return replace(tasks, likes=likes)
