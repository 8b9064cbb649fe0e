"""What bends a ranking a little, whatever the method: likes that weigh more, songs skipped."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Match, Reason
from songrec.recommend.query import Query, Rows, Scores, distances

STAR = 0.5
"""What each step of weight beyond the first adds, in spreads of the candidates' scores."""
SKIP = 0.2
"""What a skip takes away: less than half a step of weight, for a skip may mean anything."""
WEIGHTS = {1: "a like", 2: "counts double", 3: "counts three times"}


@dataclass(frozen=True)
class Boost:
    """A track (id) that draws the songs near it up or, with a negative strength, down."""

    track_id: int
    strength: float
    kind: str = "liked"

    @classmethod
    def of_weight(cls, track_id: int, weight: int) -> Boost:
        """The pull of a like that weighs 1 (none), 2 or 3."""
        return cls(track_id, STAR * (weight - 1))

    @classmethod
    def of_skips(cls, track_id: int, times: int) -> Boost:
        """The pull of a skipped track: it grows with the logarithm of how often."""
        return cls(track_id, -SKIP * (1 + math.log(max(times, 1))), "skipped")


@dataclass(frozen=True)
class AppliedBoosts:
    """Contributions of pulls to rows, ``(rows, pulls)``.

    A pull of strength s adds s · spread · max(0, 1 − distance / typical) to a candidate's score:
    all of s · spread at the track itself, nothing from the distance of two random tracks on. The
    spread is that of the candidates, from the best score to their median, so that a pull means the
    same whatever scale a method's scores have.
    """

    query: Query
    boosts: tuple[Boost, ...]
    shares: NDArray[np.float64]

    @classmethod
    def of(cls, query: Query, boosts: Sequence[Boost], rows: Rows, scores: Scores) -> AppliedBoosts:
        """What the pulls do to ``rows`` with these scores; tracks of no row pull nothing."""
        space = query.space
        known = [
            boost for boost in boosts if boost.strength and len(space.rows_of([boost.track_id]))
        ]
        if not known or not len(rows):
            return cls(query, (), np.zeros((len(rows), 0)))
        spread = float(scores.max() - np.median(scores))
        return cls(query, tuple(known), spread * nearness(query, known, rows))

    @property
    def total(self) -> Scores:
        """What all pulls together add to each row."""
        return self.shares.sum(axis=1)

    def added(self, reasons: list[tuple[Reason, ...]], chosen: Rows) -> list[tuple[Reason, ...]]:
        """The reasons of the ``chosen`` positions with one more for each pull that moves them."""
        if not self.boosts:
            return reasons
        names = self.query.names
        titles = names([boost.track_id for boost in self.boosts]) if names else {}
        answers = []
        for why, at in zip(reasons, chosen, strict=True):
            more = [
                _reason(
                    boost, titles.get(boost.track_id) or f"track {boost.track_id}", float(share)
                )
                for boost, share in zip(self.boosts, self.shares[at], strict=True)
                if share
            ]
            answers.append((*why, *more))
        return answers


def nearness(query: Query, boosts: Sequence[Boost], rows: Rows) -> NDArray[np.float64]:
    """Strength · max(0, 1 − distance / typical) of each pull on each row, ``(rows, pulls)``."""
    space, typical = query.space, query.statistics.typical
    vectors = space.matrix[rows].astype(np.float64)
    at = space.rows_of([boost.track_id for boost in boosts])
    near = [
        boost.strength * np.maximum(0.0, 1 - distances(vectors, point) / typical)
        for boost, point in zip(boosts, space.matrix[at].astype(np.float64), strict=True)
    ]
    return np.array(near).T.reshape(len(rows), len(boosts))


def apply_boosts(
    query: Query, found: Sequence[Match], boosts: Sequence[Boost], n: int
) -> list[Match]:
    """Matches re-ranked under ``boosts``; the reasons still add up to the scores."""
    rows = query.space.rows_of([match.track_id for match in found])
    applied = AppliedBoosts.of(query, boosts, rows, np.array([match.score for match in found]))
    reasons = applied.added([match.reasons for match in found], np.arange(len(found)))
    again = [
        replace(match, score=math.fsum(r.contribution for r in why), reasons=why)
        for match, why in zip(found, reasons, strict=True)
    ]
    return sorted(again, key=lambda match: -match.score)[:n]


def _reason(boost: Boost, title: str, share: float) -> Reason:
    if boost.kind == "skipped":
        text, after = f"Close to “{title}”, which you skipped", ", which you skipped"
    elif boost.kind == "background":
        after = ", which you like" if share > 0 else ", which you do not like"
        text = f"Close to “{title}”{after}"
    else:
        weight = min(3, 1 + max(1, round(boost.strength / STAR)))
        after = f", which {WEIGHTS[weight]}"
        text = f"Close to “{title}”{after}"
    details = {"title": title, "before": "Close to", "after": after, "features": []}
    return Reason(boost.kind, text, share, boost.track_id, details)
