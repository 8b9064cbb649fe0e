"""Ranking by any recommendation method: from likes and dislikes to matches with reasons."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from songrec.core.errors import BadInput, NotReady
from songrec.core.types import Match, NameTracks, Reason, Space
from songrec.recommend.explain import contributions
from songrec.recommend.explain.contributions import build_matches
from songrec.recommend.feedback_boosts import AppliedBoosts, Boost
from songrec.recommend.lists.rerank import NO_RERANKING, POOL_FACTOR, Reranking, has_enough, rerank
from songrec.recommend.query import Candidates, Query, check_comparable
from songrec.recommend.registry import METHODS
from songrec.recommend.taste import two_tower_scores
from songrec.recommend.top_k import Rows, Scores, distances, widen


class Method(Protocol):
    """A recommendation method, the contract of an entry of ``METHODS``."""

    def search(self, query: Query, count: int) -> tuple[Rows, Scores]:
        """Return the best ``count`` rows and their scores, best first, each song once.

        Liked, disliked and excluded songs are left out; ``Query.top`` does all of that.
        """
        ...

    def reasons(self, query: Query, rows: Rows) -> list[tuple[Reason, ...]]:
        """Return the reasons of each row; their contributions add up to the row's score."""
        ...


@runtime_checkable
class SeparatesTastes(Protocol):
    """A method that finds candidates for each of several tastes."""

    def candidates(self, query: Query, count: int) -> Candidates:
        """Return about ``count`` best rows of each taste, best first."""
        ...


@runtime_checkable
class ExplainsLikes(Protocol):
    """A method whose scores can be split over the likes."""

    def per_like(self, query: Query, rows: Rows) -> NDArray[np.float64]:
        """Split the score without what the dislikes take away, ``(rows, likes)``."""
        ...


def method_used(space: Space, method: str | None = None) -> str:
    """Return the method that ranks when ``method`` is requested.

    Without a request that is the best measured one that the run has: ``learned`` where track
    factors were learnt from playlists with success, else ``taste``. Where a run lacks what a
    method needs another one answers: ``taste`` for ``learned``, ``distance`` for ``fragments``.
    Raises ``UnknownName``.
    """
    if method is not None:
        method = METHODS.entry(method).name
    if method == "fragments" and space.segments is None:
        return "distance"
    if method not in (None, "learned"):
        return method
    return "learned" if two_tower_scores.playlist_weight(space) else "taste"


def rank(
    space: Space,
    likes: list[int],
    dislikes: list[int] | None = None,
    n: int = 20,
    *,
    method: str | None = None,
    by: Reranking = NO_RERANKING,
    names: NameTracks | None = None,
    excluded: list[int] | None = None,
    withdrawn: Iterable[int] = (),
    boosts: Sequence[Boost] = (),
    **parameters: Any,
) -> list[Match]:
    """Recommend the ``n`` best tracks for these likes and dislikes, each with its reasons.

    Nothing liked or disliked comes back, nor another track of the same song (``song_keys``), and
    each song comes once. Deterministic.

    Parameters
    ----------
    likes, dislikes
        Track ids.
    method
        Name of the method; see ``method_used``.
    by
        How to re-rank, whatever the method.
    names
        Looks up the titles that reasons quote.
    excluded
        Track ids that must not come back either but say nothing about the taste.
    withdrawn
        Track ids that the catalogue has no longer; another track of the same song may come.
    boosts
        Change the order a little for likes that weigh more and for skips, whatever the method.
    parameters
        Parameters of the method.

    Returns
    -------
    Matches by falling score. A score is the sum of its reasons' contributions, those of re-ranking
    and boosts included.

    Raises
    ------
    UnknownName
        For the method.
    BadInput
        Without likes.
    NotReady
        When no liked track is part of the space or the space has no columns.
    """
    recommender: Method = METHODS.create(method_used(space, method), **parameters)
    if not len(likes):
        raise BadInput("Recommendations need at least one liked song.")
    check_comparable(space)
    query = Query.of(space, likes, dislikes, names, excluded, withdrawn)
    if not len(query.likes):
        if not len(space.rows_of(list(likes))):
            raise NotReady(
                "None of the liked songs is part of the published run: they came after it. "
                "Train again with `flask train`."
            )
        raise BadInput("All of the liked songs are disliked as well.")
    candidates = find_candidates(recommender, query, n, by, boosted=bool(boosts))
    applied = AppliedBoosts.of(query, boosts, candidates.rows, candidates.scores)
    order = np.arange(len(candidates.rows))
    if applied.boosts:
        scores = candidates.scores + applied.total
        order = np.argsort(-scores, kind="stable")
        candidates = replace(
            candidates,
            rows=candidates.rows[order],
            scores=scores[order],
            group=candidates.group[order],
        )
    reranked = rerank(query, candidates, by, n)
    rows, chosen = candidates.rows[reranked.chosen], order[reranked.chosen]
    by_method = recommender.reasons(query, rows)
    of_boosts, of_reranking = applied.reasons(chosen), reranked.reasons()
    added = [(*one, *other) for one, other in zip(of_boosts, of_reranking, strict=True)]
    matches = build_matches(
        space, rows, [(*why, *more) for why, more in zip(by_method, added, strict=True)]
    )
    if not isinstance(recommender, ExplainsLikes):
        return matches
    per_like = _reasons_per_like(query, rows, recommender)
    return [
        replace(match, per_like=(*likes_of, *(r for r in why if r.kind == "disliked"), *more))
        for match, likes_of, why, more in zip(matches, per_like, by_method, added, strict=True)
    ]


def find_candidates(
    recommender: Method,
    query: Query,
    n: int,
    by: Reranking = NO_RERANKING,
    *,
    boosted: bool = False,
) -> Candidates:
    """Find enough of the best rows to choose ``n`` from.

    There are more of them where ``by`` or boosts (``boosted``) change the order.
    """

    def attempt(count: int) -> Candidates | None:
        if by.every_taste and isinstance(recommender, SeparatesTastes):
            candidates = recommender.candidates(query, count)
        else:
            rows, scores = recommender.search(query, count)
            one_taste = np.zeros(len(rows), dtype=np.int64)
            candidates = Candidates(rows, scores, one_taste, (len(query.likes),))
        # Where one artist has most of them there must be more for the cap to choose from.
        is_all = len(candidates.rows) < count
        return candidates if is_all or has_enough(query, candidates.rows, by, n) else None

    return widen(attempt, n if by.is_plain and not boosted else n * POOL_FACTOR)


def _reasons_per_like(
    query: Query, rows: Rows, recommender: ExplainsLikes
) -> list[tuple[Reason, ...]]:
    vectors = query.space.matrix[rows].astype(np.float64)
    to_likes = np.array([distances(vectors, point) for point in query.liked_vectors]).T
    shares = recommender.per_like(query, rows)
    reasons = contributions.reasons_per_like(query, rows, shares, to_likes.reshape(shares.shape))
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
