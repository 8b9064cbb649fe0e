"""From likes and dislikes to matches with reasons: the one door to the methods."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from songrec.core.errors import BadInput, NotReady
from songrec.core.types import Match, NameTracks, Reason, Space
from songrec.recommend.explain import contributions
from songrec.recommend.feedback_boosts import AppliedBoosts, Boost
from songrec.recommend.lists.rerank import (
    NO_RERANKING,
    POOL_FACTOR,
    Candidates,
    Reranking,
    has_enough,
    rerank,
)
from songrec.recommend.query import Query, Rows, Scores, check_comparable, distances
from songrec.recommend.registry import METHODS
from songrec.recommend.taste import two_tower_scores


class Method(Protocol):
    """What an entry of ``METHODS`` does."""

    def search(self, query: Query, count: int) -> tuple[Rows, Scores]:
        """The best ``count`` rows, best first, without known songs, every song once."""
        ...

    def reasons(self, query: Query, rows: Rows) -> list[tuple[Reason, ...]]:
        """Per row the reasons; their contributions add up to the row's score."""
        ...


@runtime_checkable
class TellsTastes(Protocol):
    """A method that keeps several tastes apart."""

    def candidates(self, query: Query, count: int) -> Candidates:
        """The best ``count`` rows of each taste, best first."""
        ...


@runtime_checkable
class TellsLikes(Protocol):
    """A method whose scores can be split over the likes."""

    def per_like(self, query: Query, rows: Rows) -> NDArray[np.float64]:
        """``(rows, likes)``: what the score is without what the dislikes take away."""
        ...


def method_used(space: Space, method: str | None = None) -> str:
    """The method that answers: without any asked for, the one that measures best and is there.

    That is ``learned`` where the run has learnt from playlists with success, ``taste`` elsewhere;
    elsewhere ``learned`` is ``taste``, too, and ``segments`` without any is ``distance``.
    ``UnknownName`` for a method that does not exist.
    """
    if method is not None:
        method = METHODS.entry(method).name
    if method == "fragments" and space.segments is None:
        return "distance"
    if method not in (None, "learned"):
        return method
    return "learned" if two_tower_scores.weight(space) else "taste"


def rank(
    space: Space,
    likes: list[int],
    dislikes: list[int] | None = None,
    n: int = 20,
    *,
    method: str | None = None,
    by: Reranking = NO_RERANKING,
    names: NameTracks | None = None,
    heard: list[int] | None = None,
    boosts: Sequence[Boost] = (),
    **parameters: Any,
) -> list[Match]:
    """The ``n`` best tracks for these likes and dislikes (track ids), each with its reasons.

    Nothing liked or disliked comes back, nor another track of the same song (``song_keys``), and
    every song comes once; nor does anything of ``heard``, track ids that count for nothing else.
    Without ``method`` it is ``method_used``'s. ``by`` re-ranks (see ``rerank``), ``boosts`` change
    the order a little for likes that weigh more and for skips (see ``feedback_boosts``), both
    whatever the method; their shares are part of the scores, which fall along the list. ``names``
    gives the titles that reasons quote. Deterministic.

    Raises ``UnknownName`` for the method, ``BadInput`` without likes, ``NotReady`` when no liked
    track is part of the space or it has no columns.
    """
    recommender: Method = METHODS.create(method_used(space, method), **parameters)
    if not len(likes):
        raise BadInput("Recommendations need at least one liked song.")
    check_comparable(space)
    query = Query.of(space, likes, dislikes, names, heard)
    if not len(query.likes):
        if not len(space.rows_of(list(likes))):
            raise NotReady(
                "None of the liked songs is part of the published run: they came after it. "
                "Train again with `flask train`."
            )
        raise BadInput("All of the liked songs are disliked as well.")
    found = candidates(recommender, query, n, by, boosted=bool(boosts))
    rows = found.rows
    applied = AppliedBoosts.of(query, boosts, rows, found.scores)
    if applied.boosts:
        scores = found.scores + applied.total
        order = np.argsort(-scores, kind="stable")
        found = replace(found, rows=rows[order], scores=scores[order], group=found.group[order])
    else:
        order = np.arange(len(rows))
    again = rerank(query, found, by, n)
    rows, chosen = found.rows[again.chosen], order[again.chosen]
    besides = [
        (*boosted, *moved)
        for boosted, moved in zip(
            applied.added([()] * len(chosen), chosen), again.reasons(), strict=True
        )
    ]
    own = recommender.reasons(query, rows)
    told = [(*why, *more) for why, more in zip(own, besides, strict=True)]
    found_matches = contributions.build_matches(space, rows, told)
    if not isinstance(recommender, TellsLikes):
        return found_matches
    split = _per_like(query, rows, recommender)
    return [
        replace(match, per_like=(*likes_of, *(r for r in why if r.kind == "disliked"), *more))
        for match, likes_of, why, more in zip(found_matches, split, own, besides, strict=True)
    ]


def candidates(
    recommender: Method,
    query: Query,
    n: int,
    by: Reranking = NO_RERANKING,
    *,
    boosted: bool = False,
) -> Candidates:
    """Enough of the best to choose ``n`` from under ``by``; ``boosted`` if pulls move them, too."""
    count = n if by.is_plain and not boosted else n * POOL_FACTOR
    while True:
        if by.every_taste and isinstance(recommender, TellsTastes):
            found = recommender.candidates(query, count)
        else:
            rows, scores = recommender.search(query, count)
            nowhere = np.zeros(len(rows), dtype=np.int64)
            found = Candidates(rows, scores, nowhere, (len(query.likes),))
        # Where one artist has most of them there must be more for the cap to choose from.
        if has_enough(query, found.rows, by, n) or len(found.rows) < count:
            return found
        count *= 4


def _per_like(query: Query, rows: Rows, recommender: TellsLikes) -> list[tuple[Reason, ...]]:
    vectors = query.space.matrix[rows].astype(np.float64)
    apart = np.array([distances(vectors, point) for point in query.liked_vectors]).T
    shares = recommender.per_like(query, rows)
    told = contributions.reasons_per_like(query, rows, shares, apart.reshape(shares.shape))
    return [
        tuple(_with_artist(query, int(row), reason) for reason in why)
        for row, why in zip(rows, told, strict=True)
    ]


def _with_artist(query: Query, row: int, reason: Reason) -> Reason:
    """The reason of a like that says so where both songs are by the same artist."""
    if not isinstance(reason.about, int):
        return reason
    artists = query.statistics.artists
    (like,) = query.space.rows_of([reason.about])
    if not artists[row] or artists[row] != artists[like]:
        return reason
    details = {**reason.details, "before": "By the artist of"}
    text = f"{details['before']} “{details['title']}”{details['after']}"
    return replace(reason, text=text, details=details)
