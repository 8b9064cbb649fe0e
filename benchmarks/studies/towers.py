"""Nearness learnt from playlists: alone, what it counts on top of taste, and by the sound alone.

Without artists and popularity the towers hear the sound only; their nearness is then put on top of
``taste_content``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.studies.playlists import FILE, HEADER, by_score, learnt, lines, taste_scores
from benchmarks.tables import table
from songrec.core.types import Floats, Space
from songrec.evaluation.playlists import Answer
from songrec.recommend.query import Query
from songrec.recommend.taste import two_tower_scores
from songrec.recommend.taste.prior import MIN_TRACKS
from songrec.services.evaluation.playlist_tasks import ContinuationTasks, Search, continuation_tasks
from songrec.services.training import two_tower
from songrec.services.training.two_tower import Towers

NEEDS = (FILE,)
SHARES = (0.25, 0.5, 1.0, 2.0)


def study(data: Path, seed: int = 0) -> list[str]:
    """P@10 of nearness in each way, and the shares that were chosen."""
    return measured(continuation_tasks(data / FILE, seed=seed), seed)


def measured(tasks: ContinuationTasks, seed: int = 0) -> list[str]:
    """The same for any questions."""
    found: dict[str, list[Answer]] = {}
    chosen = []
    for about, lists, known in learnt(tasks, seed):
        long = [np.unique(rows) for rows in lists]
        long = [rows for rows in long if len(rows) >= MIN_TRACKS]
        everything = two_tower.train_towers(tasks.space, long, seed=seed)
        heard = two_tower.train_towers(by_sound(tasks.space), long, seed=seed)
        ways = {
            "`taste_content`": by_score(taste_scores),
            "towers alone": nearest(everything),
            "towers by the sound alone": nearest(heard),
        }
        for share in SHARES:
            ways[f"the same on top of `taste_content`, {share:g} of their scale"] = on_top(
                heard, share
            )
        for name, search in ways.items():
            found.setdefault(name, []).extend(tasks.answers(search, known, about))
        _, told = two_tower.fit_track_factors(tasks.space, lists, seed=seed)
        chosen.append(max(told["ndcg"], key=told["ndcg"].get) if "ndcg" in told else "0")
    return [
        *table(("", *HEADER), lines(found, tasks, seed)),
        f"Shares chosen for `learned`, part by part: {', '.join(chosen)}.",
    ]


def by_sound(space: Space) -> Space:
    """The space without who made a song and how popular it is."""
    hidden = tuple("" if name == "popularity" else name for name in space.value_names)
    return replace(space, artists=None, albums=None, value_names=hidden)


def nearest(towers: Towers) -> Search:
    """The songs nearest to the middle of the likes."""
    return by_score(lambda query: towers.vectors @ _middle(towers, query))


def on_top(towers: Towers, share: float) -> Search:
    """Taste by content, and nearness at a share of the towers' scale."""
    weight = share * towers.scale
    return by_score(
        lambda query: taste_scores(query) + weight * (towers.vectors @ _middle(towers, query))
    )


def _middle(towers: Towers, query: Query) -> Floats:
    return two_tower_scores.likes_direction(
        replace(query, space=replace(query.space, track_factors=towers.vectors))
    )
