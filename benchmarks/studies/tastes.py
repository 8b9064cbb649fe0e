"""Several tastes: whether likes of two playlists are separated, and what a list then holds.

Pairs of playlists, ten likes of each, drawn within the parts of the evaluation: nothing is learnt
from either. The candidates are all tracks.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np

from benchmarks.studies.playlists import FILE, with_priors
from benchmarks.tables import table
from songrec.core.types import Ints, Space
from songrec.recommend.lists.rerank import Reranking, rerank
from songrec.recommend.query import Query
from songrec.recommend.ranking import find_candidates
from songrec.recommend.registry import METHODS
from songrec.recommend.taste import density
from songrec.recommend.taste.scorer import model_for
from songrec.recommend.top_k import Rows
from songrec.services.evaluation.playlist_continuation import EVALUATED_METHODS
from songrec.services.evaluation.playlist_tasks import ContinuationTasks, continuation_tasks

NEEDS = (FILE,)
MARGINS = (0.0, density.MARGIN, 3.0)
PAIRS = 30
"""Of each part."""
LIST = 20
LIST_KINDS = ("one taste", "the best of several", "several in turn")


def study(data: Path, seed: int = 0) -> list[str]:
    """Build tables: separated likes by margin, and lists of twenty for pairs of playlists."""
    return measured(continuation_tasks(data / FILE, draws=1, seed=seed), seed)


def measured(tasks: ContinuationTasks, seed: int = 0, pairs: int = PAIRS) -> list[str]:
    """Build the tables for any tasks."""
    single = dict.fromkeys(MARGINS, 0)
    double = dict.fromkeys(MARGINS, 0)
    n_pairs, lists = 0, []
    rng = np.random.default_rng(seed)
    for about, _, space in with_priors(tasks, seed):
        of = {number: tasks.likes[number][0] for number in about}
        drawn = [tuple(rng.choice(about, 2, replace=False).tolist()) for _ in range(pairs)]
        n_pairs += len(drawn)
        for margin in MARGINS:
            single[margin] += sum(_tastes(space, rows, margin) > 1 for rows in of.values())
            double[margin] += sum(
                _tastes(space, np.union1d(of[one], of[other]), margin) > 1 for one, other in drawn
            )
        for one, other in drawn:
            lists += _lists(tasks, space, one, other)
    return [
        *table(
            ("margin", "single playlists parted", "pairs parted"),
            (
                (
                    f"{margin:g}",
                    f"{single[margin]} of {len(tasks.playlists)}",
                    f"{double[margin]} of {n_pairs}",
                )
                for margin in MARGINS
            ),
        ),
        f"Twenty songs for ten likes of each of two playlists, {n_pairs} pairs:",
        "",
        *table(
            (
                "method",
                "the list is",
                "P@20, all pairs",
                "P@20, pairs parted",
                "songs of both, pairs parted",
            ),
            _rows(lists),
        ),
    ]


@dataclass(frozen=True)
class List:
    """A list for a pair: whether the likes were separated, the share right, and if of both."""

    method: str
    way: str
    parted: bool
    right: float
    both: bool


def _lists(tasks: ContinuationTasks, space: Space, one: int, other: int) -> list[List]:
    likes = np.union1d(tasks.likes[one][0], tasks.likes[other][0])
    keys = tasks.catalogue.song_keys
    rests = [np.setdiff1d(keys[tasks.playlists[n].rows], keys[likes]) for n in (one, other)]
    parted = _tastes(space, likes, density.MARGIN) > 1
    found = []
    for method in ("taste_content", "taste"):
        for way in LIST_KINDS:
            rows = _answer(space, likes, method, way)
            of = [np.isin(keys[rows], rest) for rest in rests]
            right = float((of[0] | of[1]).sum()) / LIST
            found.append(List(method, way, parted, right, bool(of[0].any() and of[1].any())))
    return found


def _answer(space: Space, likes: Ints, method: str, way: str) -> Rows:
    rule = METHODS.create("taste", **EVALUATED_METHODS[method].parameters)
    with patch.object(density, "MAX_TASTES", 1 if way == LIST_KINDS[0] else density.MAX_TASTES):
        query = Query(space, likes, np.empty(0, dtype=np.int64))
        if way != LIST_KINDS[2]:
            return rule.search(query, LIST)[0]
        by = Reranking(every_taste=True)
        found = find_candidates(rule, query, LIST, by)
        return found.rows[rerank(query, found, by, LIST).chosen]


def _tastes(space: Space, likes: Ints, margin: float) -> int:
    with patch.object(density, "MARGIN", margin):
        return len(
            density.split_into_tastes(
                model_for(space).columns, model_for(space).points_with_nan(likes)
            )
        )


def _rows(lists: Sequence[List]) -> list[tuple[str, ...]]:
    rows = []
    for method in dict.fromkeys(one.method for one in lists):
        for way in LIST_KINDS:
            of = [one for one in lists if (one.method, one.way) == (method, way)]
            parted = [one for one in of if one.parted]
            rows.append(
                (
                    f"`{method}`",
                    way,
                    f"{np.mean([one.right for one in of]):.3f}",
                    f"{np.mean([one.right for one in parted]):.3f}" if parted else "–",
                    f"{np.mean([one.both for one in parted]):.0%}" if parted else "–",
                )
            )
    return rows
