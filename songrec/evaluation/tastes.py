"""Measures of lists for several tastes: is each of them served, and is the list good?

One song of each of several playlists is liked. A song of the list is right if it is on any of the
playlists. The list is compared with those that each like alone gets: the best of these, chosen with
the playlists known, is what a list would be that gave all but one taste up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.evaluation.bootstrap import interval, resamples

Hits = NDArray[np.bool_]

LIST = 20


@dataclass(frozen=True)
class TastesAnswer:
    """The lists for one song of each of several playlists.

    Attributes
    ----------
    hits
        Bool ``(songs, playlists)``: whether a song of the list, best first, is on a playlist.
    alone
        The same for the list of each like alone, in the order of the playlists.
    """

    hits: Hits
    alone: tuple[Hits, ...]


def measure(answers: Sequence[TastesAnswer], *, seed: int = 0) -> dict[str, Any]:
    """Compute every measure with its bootstrap interval over the answers.

    Returns
    -------
    dict
        ``tastes_served``: share of the playlists that have a song among the first twenty.
        ``p_at_20``: right ones among the first twenty, by twenty. ``best_single_p_at_20``: the
        highest one of the lists for a like alone. ``of_best_single``: the ratio of the two means.
        ``served_alone``: share of the likes that have a song of their own playlist among the first
        twenty of the list for them alone; sharing the twenty with other likes leaves fewer.
        ``served_at_most``: the largest share that twenty places can serve, filled with the
        beginnings of these lists in view of the right songs.
        ``intervals``: 95% intervals of the same names.
    """
    served = np.array([answer.hits[:LIST].any(axis=0).mean() for answer in answers])
    precision = np.array([answer.hits[:LIST].any(axis=1).sum() / LIST for answer in answers])
    best = np.array(
        [max(one[:LIST].any(axis=1).sum() / LIST for one in answer.alone) for answer in answers]
    )
    alone = np.array(
        [
            np.mean([one[:LIST, own].any() for own, one in enumerate(answer.alone)])
            for answer in answers
        ]
    )
    at_most = np.array([_served_at_most(answer.alone) for answer in answers])
    draws = resamples(len(answers), seed)

    def ratio(at: NDArray[np.int64]) -> float:
        below = float(best[at].mean())
        return float(precision[at].mean()) / below if below else float("nan")

    everything = np.arange(len(answers))
    means = {
        "tastes_served": served,
        "served_alone": alone,
        "served_at_most": at_most,
        "p_at_20": precision,
        "best_single_p_at_20": best,
    }
    values: dict[str, Any] = {name: round(float(of.mean()), 4) for name, of in means.items()}
    intervals: dict[str, Any] = {
        name: interval(lambda at, of=of: float(of[at].mean()), draws) for name, of in means.items()
    }
    values["of_best_single"] = round(ratio(everything), 4) if best.any() else None
    intervals["of_best_single"] = interval(ratio, draws) if best.any() else None
    return {**values, "intervals": intervals}


def _served_at_most(alone: Sequence[Hits]) -> float:
    """Return the largest share of likes that ``LIST`` places can serve, each by its own list.

    A like needs as many places as its list has songs down to the first one of its playlist; those
    that need the fewest are served first.
    """
    of_own = [one[:LIST, own] for own, one in enumerate(alone)]
    needed = sorted(int(hits.argmax()) + 1 for hits in of_own if hits.any())
    return float((np.cumsum(needed) <= LIST).sum()) / len(alone)
