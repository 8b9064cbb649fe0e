"""Boosts: small changes of any method's ranking by weights of likes and by skips."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Reason
from songrec.recommend.query import Query
from songrec.recommend.top_k import Rows, Scores

LIKE_STEP = 0.5
"""Strength per step of a like's weight beyond the first, in spreads of the scores."""
SKIP_STRENGTH = 0.2
"""Penalty of a skip: less than half a step of weight, because a skip is weak evidence."""
BACKGROUND = 0.3
"""Total strength of all likes if they are only the background of a list."""
MAX_BACKGROUND = 50
WEIGHTS = {1: "a like", 2: "counts double", 3: "counts three times"}


@dataclass(frozen=True)
class Boost:
    """A track (id) that raises the scores of near songs, or lowers them with negative strength.

    ``kind`` becomes the kind of its reasons: ``"liked"``, ``"skipped"`` or ``"background"``.
    """

    track_id: int
    strength: float
    kind: str = "liked"

    @classmethod
    def of_weight(cls, track_id: int, weight: int) -> Boost:
        """Return the boost of a like that weighs 1 (none), 2 or 3."""
        return cls(track_id, LIKE_STEP * (weight - 1))

    @classmethod
    def of_skips(cls, track_id: int, times: int) -> Boost:
        """Return the boost of a skipped track; it grows with the logarithm of ``times``."""
        return cls(track_id, -SKIP_STRENGTH * (1 + math.log(max(times, 1))), "skipped")


@dataclass(frozen=True)
class AppliedBoosts:
    """Contributions of boosts to rows, ``shares`` ``(rows, boosts)``.

    A boost of strength s adds s · spread · max(0, 1 − distance / typical) to a candidate's score:
    s · spread at the track itself, nothing beyond the distance of two random tracks. The spread is
    the difference between the candidates' best and median scores, so that the effect of a boost
    does not depend on the scale of a method's scores.
    """

    query: Query
    boosts: tuple[Boost, ...]
    shares: NDArray[np.float64]

    @classmethod
    def of(cls, query: Query, boosts: Sequence[Boost], rows: Rows, scores: Scores) -> AppliedBoosts:
        """Apply boosts to ``rows`` with these scores; tracks outside the space are ignored."""
        space = query.space
        boosts = [one for one in boosts if one.strength and len(space.rows_of([one.track_id]))]
        if not boosts or not len(rows):
            return cls(query, (), np.zeros((len(rows), 0)))
        spread = float(scores.max() - np.median(scores))
        return cls(query, tuple(boosts), spread * _nearness(query, boosts, rows))

    @property
    def total(self) -> Scores:
        """The sum of all boosts for each row."""
        return self.shares.sum(axis=1)

    def reasons(self, positions: Rows) -> list[tuple[Reason, ...]]:
        """Return, for each of these positions, a reason per boost with an effect."""
        ids = [boost.track_id for boost in self.boosts]
        names = self.query.names(ids) if ids and self.query.names else {}
        titles = [names.get(track_id) or f"track {track_id}" for track_id in ids]
        return [
            tuple(
                _reason(boost, title, float(share))
                for boost, title, share in zip(self.boosts, titles, self.shares[at], strict=True)
                if share
            )
            for at in positions
        ]


def _nearness(query: Query, boosts: Sequence[Boost], rows: Rows) -> NDArray[np.float64]:
    """Strength · max(0, 1 − distance / typical) of each boost on each row, ``(rows, boosts)``."""
    others = query.space.rows_of([boost.track_id for boost in boosts])
    apart = query.statistics.distances_to_each(rows, others)
    strengths = np.array([boost.strength for boost in boosts])
    return strengths * np.maximum(0.0, 1 - apart / query.statistics.typical)


def background_boosts(likes: Sequence[int], weights: Mapping[int, int]) -> list[Boost]:
    """Return boosts that move a list towards the newest ``MAX_BACKGROUND`` of the likes.

    The likes (track ids, newest first) share the total strength ``BACKGROUND`` in proportion to
    their weights, regardless of their number.
    """
    weighted = [(like, weights.get(like, 1)) for like in likes[:MAX_BACKGROUND]]
    total = sum(weight for _, weight in weighted) or 1
    return [Boost(like, BACKGROUND * weight / total, "background") for like, weight in weighted]


def _reason(boost: Boost, title: str, share: float) -> Reason:
    if boost.kind == "skipped":
        after = ", which you skipped"
    elif boost.kind == "background":
        after = ", which you like" if share > 0 else ", which you dislike"
    else:
        weight = min(3, 1 + max(1, round(boost.strength / LIKE_STEP)))
        after = f", which {WEIGHTS[weight]}"
    details = {"title": title, "before": "Close to", "after": after, "features": []}
    return Reason(boost.kind, f"Close to “{title}”{after}", share, boost.track_id, details)
