"""Matches of chosen candidates, with the method's reasons for each candidate's query."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from songrec.core.types import Match, Reason
from songrec.recommend.explain import contributions
from songrec.recommend.explain.contributions import build_matches
from songrec.recommend.method import ExplainsLikes, Method
from songrec.recommend.query import Candidates, Query
from songrec.recommend.top_k import Rows


def explain_candidates(
    recommender: Method, chosen: Candidates, added: Sequence[tuple[Reason, ...]] | None = None
) -> list[Match]:
    """Explain chosen rows, each by its own query.

    Parameters
    ----------
    added
        Per row, reasons of terms added to the method's own score.
    """
    added = added or [()] * len(chosen.rows)
    matches: dict[int, Match] = {}
    for number, query in enumerate(chosen.queries):
        at = np.flatnonzero(chosen.group == number)
        if not len(at):
            continue
        rows, extra = chosen.rows[at], [added[i] for i in at]
        by_method = recommender.reasons(query, rows)
        of_query = build_matches(
            query.space, rows, [(*why, *more) for why, more in zip(by_method, extra, strict=True)]
        )
        if isinstance(recommender, ExplainsLikes):
            per_like = _reasons_per_like(query, rows, recommender)
            of_query = [
                replace(
                    match,
                    per_like=(*likes_of, *(r for r in why if r.kind == "disliked"), *more),
                )
                for match, likes_of, why, more in zip(
                    of_query, per_like, by_method, extra, strict=True
                )
            ]
        matches.update(zip(at.tolist(), of_query, strict=True))
    return [matches[at] for at in range(len(chosen.rows))]


def _reasons_per_like(
    query: Query, rows: Rows, recommender: ExplainsLikes
) -> list[tuple[Reason, ...]]:
    to_likes = query.statistics.distances_to_each(rows, query.likes)
    shares = recommender.per_like(query, rows)
    reasons = contributions.reasons_per_like(query, rows, shares, to_likes)
    return [
        tuple(_name_artist(query, int(row), reason) for reason in why)
        for row, why in zip(rows, reasons, strict=True)
    ]


def _name_artist(query: Query, row: int, reason: Reason) -> Reason:
    """Begin a like's reason with "Same artist as" where both songs are by the same artist."""
    if not isinstance(reason.about, int):
        return reason
    artists = query.statistics.artists
    (like,) = query.space.rows_of([reason.about])
    if not artists[row] or artists[row] != artists[like]:
        return reason
    details = {**reason.details, "before": "Same artist as"}
    text = f"{details['before']} “{details['title']}”{details['after']}"
    return replace(reason, text=text, details=details)
