"""The additive ranker beside ``taste``: 1, 3 and 10 likes, familiar to new, with listening counts.

Curves and towers are fitted once per fold, for all numbers of likes, and used whether or not they
are better than ``taste`` in the training's own validation; the nearness of the towers counts
``SHARE`` of their scale, and in the second table each of ``SHARES``. Tables of the folds so far are
logged after each fold, for the whole study takes long.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.studies.playlists import FILE, interval, with_priors
from benchmarks.tables import table
from songrec.core.types import Ints, Space
from songrec.evaluation import playlists as measures
from songrec.evaluation.playlists import Answer
from songrec.recommend.taste.additive_model import LEVELS, AdditiveModel
from songrec.recommend.taste.prior import MIN_TRACKS
from songrec.services.evaluation.playlist_continuation import EvaluatedMethod, search_for
from songrec.services.evaluation.playlist_tasks import ContinuationTasks, continuation_tasks
from songrec.services.training import additive_ranker, two_tower
from songrec.services.training.two_tower import Towers

LISTENING = "listening"
NEEDS = (FILE, LISTENING)
SHARE = 0.25
SHARES = (0.0, 0.1, 0.25, 0.5, 1.0)
HEADER = ("likes", "", "P@10", "P@10, new artists", "discovery P@10")
TASTE, WITHOUT_TOWERS, RANKER, NEW, WITH_COUNTS = (
    "`taste`",
    "`additive_ranker`, without towers",
    "`additive_ranker`",
    "`additive_ranker`, discovery 1",
    "`additive_ranker`, listening counts",
)
Answers = dict[tuple[int, str], list[Answer]]
log = logging.getLogger(__name__)


def study(data: Path, seed: int = 0) -> list[str]:
    """Build the tables of P@10 and discovery of each variant and number of likes."""
    logging.basicConfig(level=logging.WARNING)
    log.setLevel(logging.INFO)
    tasks = continuation_tasks(
        data / FILE, likes=max(LEVELS), draws=1, seed=seed, listening=data / LISTENING
    )
    return measured(tasks, seed)


def measured(tasks: ContinuationTasks, seed: int = 0) -> list[str]:
    """Build the tables for any tasks."""
    by_level = {n_likes: with_likes(tasks, n_likes, seed) for n_likes in LEVELS}
    answers: Answers = {}
    tables: list[str] = []
    n_playlists = 0
    for fold, (about, lists, space) in enumerate(with_priors(tasks, seed), start=1):
        for name, method, trained in variants(space, lists, seed):
            for n_likes, of_level in by_level.items():
                found = of_level.answers(search_for(method, seed), trained, about)
                answers.setdefault((n_likes, name), []).extend(found)
        n_playlists += len(about)
        tables = [
            f"{n_playlists} playlists, {fold} of {len(tasks.folds)} folds:",
            "",
            *_tables(answers, tasks, seed),
        ]
        if fold < len(tasks.folds):
            log.info("\n".join(tables))
    return tables


def variants(
    space: Space, lists: Sequence[Ints], seed: int
) -> Iterator[tuple[str, EvaluatedMethod, Space]]:
    """Yield name, method and trained space of each variant; ``lists`` are rows to train on."""
    bare = replace(space, artist_ids=None, artist_vectors=None)
    long = [rows for rows in map(np.unique, lists) if len(rows) >= MIN_TRACKS]
    towers = two_tower.train_towers(bare, long, seed=seed)
    fitted = additive_ranker.fit_without_validation(bare, lists, seed=seed)
    ranker = EvaluatedMethod("additive_ranker", {})
    yield TASTE, EvaluatedMethod("taste", {}), fitted
    for share in SHARES:
        yield named(share), ranker, at_share(fitted, towers, share)
    of_share = at_share(fitted, towers, SHARE)
    yield NEW, EvaluatedMethod("additive_ranker", {"discovery": 1.0}), of_share
    fitted = additive_ranker.fit_without_validation(space, lists, seed=seed)
    yield WITH_COUNTS, ranker, at_share(fitted, towers, SHARE)


def named(share: float) -> str:
    """Return the name of the variant with a share of the towers' scale."""
    return {0.0: WITHOUT_TOWERS, SHARE: RANKER}.get(share, f"{share:g}")


def at_share(fitted: Space, towers: Towers, share: float) -> Space:
    """Return the space whose ranker also counts nearness of the towers, at a share of the scale."""
    model = AdditiveModel.from_json(fitted.ranker or {})
    model = additive_ranker.with_towers(model, towers, share)
    return replace(fitted, ranker=model.to_json(), track_factors=towers.vectors)


def _tables(
    answers: Mapping[tuple[int, str], list[Answer]], tasks: ContinuationTasks, seed: int
) -> list[str]:
    songs = len(np.unique(tasks.catalogue.song_keys))
    cells = {}
    for key, of in answers.items():
        values = measures.measure(of, tasks.space.matrix, songs, seed=seed)
        cells[key] = [
            interval((values[one], *values["intervals"][one]), 3)
            for one in ("p_at_10", "new_artist_p_at_10", "discovery_p_at_10")
        ]
    names = (TASTE, WITHOUT_TOWERS, RANKER, NEW, WITH_COUNTS)
    rows = [(str(n), name, *cells[n, name]) for n in LEVELS for name in names]
    of_shares = [
        (f"{share:g}", *(_both(cells[n, named(share)]) for n in LEVELS)) for share in SHARES
    ]
    likes = [f"{n} like{'s' if n > 1 else ''}" for n in LEVELS]
    return [*table(HEADER, rows), "", *table(("share", *likes), of_shares)]


def _both(cells: Sequence[str]) -> str:
    """Return P@10 and discovery P@10 without their intervals."""
    return f"{cells[0].split()[0]}, {cells[2].split()[0]}"


def with_likes(tasks: ContinuationTasks, n_likes: int, seed: int) -> ContinuationTasks:
    """Return the same tasks and folds with the first ``n_likes`` of their likes, shuffled."""
    rng = np.random.default_rng(seed)
    likes = tuple(
        tuple(np.sort(rng.permutation(one)[:n_likes]) for one in draws) for draws in tasks.likes
    )
    return replace(tasks, likes=likes)
