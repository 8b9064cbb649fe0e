"""Two towers learnt from playlists: alone, on top of taste, and from the sound alone.

Without artists and popularity the towers hear the sound only; their nearness is then put on top of
``taste_content``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from benchmarks.studies.playlists import FILE, HEADER, by_score, lines, taste_scores, with_priors
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
    """Build the table of P@10 of each variant, and list the shares that were chosen."""
    return measured(continuation_tasks(data / FILE, seed=seed), seed)


def measured(tasks: ContinuationTasks, seed: int = 0) -> list[str]:
    """Build the tables for any tasks."""
    answers: dict[str, list[Answer]] = {}
    chosen = []
    for about, lists, space in with_priors(tasks, seed):
        long = [np.unique(rows) for rows in lists]
        long = [rows for rows in long if len(rows) >= MIN_TRACKS]
        everything = two_tower.train_towers(tasks.space, long, seed=seed)
        of_sound = two_tower.train_towers(by_sound(tasks.space), long, seed=seed)
        variants = {
            "`taste_content`": by_score(taste_scores),
            "towers alone": nearest(everything),
            "towers by the sound alone": nearest(of_sound),
        }
        for share in SHARES:
            variants[f"the same on top of `taste_content`, {share:g} of their scale"] = on_top(
                of_sound, share
            )
        for name, search in variants.items():
            answers.setdefault(name, []).extend(tasks.answers(search, space, about))
        _, model = two_tower.fit_track_factors(tasks.space, lists, seed=seed)
        chosen.append(max(model["ndcg"], key=model["ndcg"].get) if "ndcg" in model else "0")
    return [
        *table(("", *HEADER), lines(answers, tasks, seed)),
        f"Shares chosen for `learned`, part by part: {', '.join(chosen)}.",
    ]


def by_sound(space: Space) -> Space:
    """Return the space without artists, albums and popularity."""
    hidden = tuple("" if name == "popularity" else name for name in space.value_names)
    return replace(space, artists=None, albums=None, value_names=hidden)


def nearest(towers: Towers) -> Search:
    """Return a search for the songs nearest to the mean of the likes."""
    return by_score(lambda query: towers.vectors @ _middle(towers, query))


def on_top(towers: Towers, share: float) -> Search:
    """Return a search by taste from content plus nearness at a share of the towers' scale."""
    weight = share * towers.scale
    return by_score(
        lambda query: taste_scores(query) + weight * (towers.vectors @ _middle(towers, query))
    )


def _middle(towers: Towers, query: Query) -> Floats:
    space = replace(query.space, track_factors=towers.vectors)
    return two_tower_scores.likes_direction(space, query.likes)
