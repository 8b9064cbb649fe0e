"""Evaluation of recommendation methods on held-out playlists of the catalogue.

A part of each held-out playlist is liked, and the rest has to be recommended: the task of ``flask
evaluate playlists`` on a small sample, so that it takes little of the training's time. The result
determines the default method (``recommend.ranking.method_used``) and is shown on a run's page.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Ints, Progress, Space, no_progress
from songrec.recommend import ranking
from songrec.recommend.method import Method
from songrec.recommend.query import Query
from songrec.recommend.registry import METHODS
from songrec.recommend.taste.prior import MIN_TRACKS
from songrec.services.training.playlist_split import without_overlap

LIKES = (1, 10)
"""Songs of a playlist that are liked: one, as on a song's page, and several, as in For you."""
FIRST = 10
MIN_PLAYLISTS = 30
"""With fewer playlists nothing is measured."""
MAX_HELD_OUT = 50
HELD_OUT_SHARE = 0.2
RESAMPLES = 1000
LEVEL = 0.95

Fit = Callable[[Space, Sequence[Ints], Sequence[Ints]], Space]
"""Returns the space with everything that methods learn from playlists, validated on others."""
Values = NDArray[np.float64]


def measure_methods(
    space: Space,
    playlists: Sequence[Ints],
    fit: Fit,
    *,
    seed: int = 0,
    on_progress: Progress = no_progress,
) -> dict[str, Any]:
    """Train on most playlists and measure all available methods on some of the others.

    As many further playlists are left out of the training for validation.

    Parameters
    ----------
    space
        With artists and song keys, and without what playlists teach.
    playlists
        Rows of ``space``, one array per playlist.
    fit
        What a training does with playlists.

    Returns
    -------
    dict
        ``{"playlists", "trained_on", "methods": {name: {measure: [value, low, high]}}, "best"}``:
        numbers of playlists measured and trained on, and for each method ``p_at_10_of_1`` and
        ``p_at_10_of_10`` (share of the first ten songs that are on the playlist, with 1 and 10
        likes) and ``discovery_p_at_10`` (with 10 likes, where songs by artists of the likes are no
        candidates; None where artists are unknown), with 95% bootstrap intervals over playlists.
        ``best`` has the greatest mean of the first two, or is the method that answers without
        measures where no other is better beyond chance. With fewer than
        ``MIN_PLAYLISTS`` playlists only ``{"playlists": 0, "available", "needed", "songs"}``: the
        number that there are, the number that it takes, and of how many songs each.
    """
    lists = [rows for rows in map(np.unique, playlists) if len(rows) >= MIN_TRACKS]
    if len(lists) < MIN_PLAYLISTS:
        return {
            "playlists": 0,
            "available": len(lists),
            "needed": MIN_PLAYLISTS,
            "songs": MIN_TRACKS,
        }
    order = np.random.default_rng(seed).permutation(len(lists))
    count = min(MAX_HELD_OUT, round(HELD_OUT_SHARE * len(lists)))
    tested = [lists[at] for at in order[:count]]
    validation = without_overlap(space, [lists[at] for at in order[count : 2 * count]], tested)
    others = [lists[at] for at in order[2 * count :]]
    training = without_overlap(space, others, [*tested, *validation])
    trained = fit(space, training, validation)
    tasks = _tasks(trained, tested, seed)
    names = [name for name in METHODS.names() if ranking.method_used(trained, name) == name]
    values: dict[str, dict[str, Values]] = {}
    for at, name in enumerate(names):
        on_progress(at / len(names), f"measuring {METHODS.entry(name).label}")
        values[name] = _measure(METHODS.create(name), trained, tasks)
    draws = np.random.default_rng(seed).integers(0, count, (RESAMPLES, count))
    return {
        "playlists": count,
        "trained_on": len(training),
        "methods": {
            name: {measure: _interval(of, draws) for measure, of in measures.items()}
            for name, measures in values.items()
        },
        "best": _best(values, ranking.method_used(trained), draws),
    }


@dataclass(frozen=True)
class _Task:
    """Likes of a held-out playlist, and the song keys of the rest."""

    likes: Ints
    rest: NDArray[np.uint64]


def _tasks(space: Space, held_out: Sequence[Ints], seed: int) -> list[_Task]:
    tasks = []
    for number, rows in enumerate(held_out):
        random = np.random.default_rng([seed, number])
        for count in LIKES:
            likes = np.sort(random.choice(rows, min(count, len(rows) // 2), replace=False))
            rest = np.setdiff1d(space.song_keys[rows], space.song_keys[likes])
            tasks.append(_Task(likes, rest))
    return tasks


def _measure(method: Method, space: Space, tasks: Sequence[_Task]) -> dict[str, Values]:
    """Return each measure of each held-out playlist, ``(playlists,)``, NaN where unknown."""
    values: dict[str, list[float]] = {f"p_at_10_of_{count}": [] for count in LIKES}
    values["discovery_p_at_10"] = []
    for at, task in enumerate(tasks):
        query = Query(space, task.likes, np.empty(0, dtype=np.int64))
        count = LIKES[at % len(LIKES)]
        values[f"p_at_10_of_{count}"].append(_precision(method, query, task.rest))
        if count != LIKES[-1]:
            continue
        artists = query.statistics.artists
        liked = artists[task.likes]
        discovery = float("nan")
        if liked.any():
            excluded = np.flatnonzero(np.isin(artists, np.append(liked, 0)))
            discovery = _precision(method, replace(query, excluded=excluded), task.rest)
        values["discovery_p_at_10"].append(discovery)
    return {name: np.array(of) for name, of in values.items()}


def _precision(method: Method, query: Query, rest: NDArray[np.uint64]) -> float:
    rows = method.search(query, FIRST)[0][:FIRST]
    return float(np.isin(query.space.song_keys[rows], rest).sum()) / FIRST


def _best(values: dict[str, dict[str, Values]], default: str, draws: Ints) -> str:
    """Return the method of the best mean; not the default only if it is better beyond chance."""
    score = {
        name: np.mean([of[f"p_at_10_of_{count}"] for count in LIKES], axis=0)
        for name, of in values.items()
    }
    best = max(score, key=lambda name: float(score[name].mean()))
    if default not in score or best == default:
        return best
    interval = _interval(score[best] - score[default], draws)
    return best if interval is not None and interval[1] > 0 else default


def _interval(values: Values, draws: Ints) -> list[float] | None:
    """Return mean, low and high of the known values; None without any."""
    is_finite = np.isfinite(values)
    if not is_finite.any():
        return None
    sums, counts = np.where(is_finite, values, 0.0)[draws].sum(axis=1), is_finite[draws].sum(axis=1)
    means = np.where(counts > 0, sums / np.maximum(counts, 1), np.nan)
    tail = (1 - LEVEL) / 2
    low, high = np.nanquantile(means, [tail, 1 - tail])
    return [round(float(each), 4) for each in (np.nanmean(values), low, high)]
