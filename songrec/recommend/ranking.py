"""Ranking by any recommendation method: from likes and dislikes to matches with reasons."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any, NoReturn

import numpy as np

from songrec.core.errors import BadInput, NotReady
from songrec.core.types import Match, NameTracks, Space
from songrec.recommend.explain.matches import explain_candidates
from songrec.recommend.feedback_boosts import AppliedBoosts, Boost
from songrec.recommend.lists.rerank import NO_RERANKING, POOL_FACTOR, Reranking, has_enough, rerank
from songrec.recommend.lists.tastes import search_tastes, split_tastes
from songrec.recommend.method import Method
from songrec.recommend.query import NOT_IN_RUN, Candidates, Query, check_comparable
from songrec.recommend.registry import METHODS
from songrec.recommend.taste import two_tower_scores
from songrec.recommend.taste.artist_nearness import artist_vectors_of
from songrec.recommend.top_k import Rows, widen


def method_used(space: Space, method: str | None = None) -> str:
    """Return the method that ranks when ``method`` is requested.

    Without a request that is the one that recommended best from the catalogue's own playlists
    when the run was trained (``best_measured``). Without a measure it is ``additive_ranker`` where
    its training found it better than ``taste``, else ``learned`` where track factors were learned
    from playlists with success, else ``additive_ranker`` where there are artist vectors of
    listening counts, else ``taste``. Where a run lacks what a method needs another one
    answers: the best of the others for ``additive_ranker``, ``taste`` for ``learned``,
    ``distance`` for ``fragments``. Raises ``UnknownName``.
    """
    name = METHODS.entry(method).name if method is not None else best_measured(space)
    if name == "fragments" and space.segments is None:
        return "distance"
    if name not in (None, "learned", "additive_ranker"):
        return name
    if name != "learned" and space.ranker is not None:
        return "additive_ranker"
    if two_tower_scores.playlist_weight(space):
        return "learned"
    has_vectors = name != "learned" and artist_vectors_of(space) is not None
    return "additive_ranker" if has_vectors else "taste"


def has_discovery(method: str) -> bool:
    """Tell whether a method can go from familiar songs to artists that are new."""
    return any(parameter.name == "discovery" for parameter in METHODS.entry(method).parameters)


def create_method(space: Space, method: str | None = None, **parameters: Any) -> Method:
    """Create the method that ranks when ``method`` is requested; see ``method_used``."""
    return METHODS.create(method_used(space, method), **parameters)


def best_measured(space: Space) -> str | None:
    """Return the method that measured best when the run was trained; None if none was measured."""
    measured: dict[str, Any] = (space.taste_prior or {}).get("measured") or {}
    best = measured.get("best")
    return best if best in METHODS else None


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
    only: Iterable[int] | None = None,
    boosts: Sequence[Boost] = (),
    seeds: bool = False,
    pick_ranks: Callable[[int], Rows] | None = None,
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
    only
        Track ids to choose from; None for all.
    boosts
        Change the order a little for likes that weigh more and for skips, whatever the method.
    seeds
        Whether the likes are songs that somebody asks about, as on a song's page.
    pick_ranks
        Chooses ranks, from 0, of as many as there are; the others are left out, unexplained.
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
    recommender = create_method(space, method, **parameters)
    query = _query(space, likes, dislikes, names, excluded, withdrawn, only, seeds)
    candidates = find_candidates(recommender, query, n, by, boosted=bool(boosts))
    return _choose(recommender, query, candidates, n, by, boosts, pick_ranks)


def rank_ids(
    space: Space,
    likes: list[int],
    n: int,
    *,
    by: Reranking = NO_RERANKING,
    excluded: list[int] | None = None,
    withdrawn: Iterable[int] = (),
    only: Iterable[int] | None = None,
    seeds: bool = False,
) -> list[int]:
    """Return the track ids that ``rank`` recommends by the default method, without reasons.

    Most of the time that ``rank`` takes for a long list goes into its reasons.
    """
    recommender = create_method(space)
    query = _query(space, likes, None, None, excluded, withdrawn, only, seeds)
    candidates = find_candidates(recommender, query, n, by)
    rows = candidates.take(rerank(query, candidates, by, n).chosen).rows
    return space.track_ids[rows].tolist()


def _query(
    space: Space,
    likes: list[int],
    dislikes: list[int] | None,
    names: NameTracks | None,
    excluded: list[int] | None,
    withdrawn: Iterable[int],
    only: Iterable[int] | None,
    seeds: bool,
) -> Query:
    """Return the query of a request; raises what ``rank`` raises."""
    if not len(likes):
        raise BadInput("Recommendations need at least one liked song.")
    check_comparable(space)
    query = Query.of(space, likes, dislikes, names, excluded, withdrawn, only, seeds)
    if not len(query.likes):
        _explain_no_likes(space, likes, seeds)
    return query


@dataclass(frozen=True)
class MatchRow:
    """A row of recommendations for some of the likes (track ids)."""

    likes: tuple[int, ...]
    matches: list[Match]


def rank_rows(
    space: Space,
    likes: list[int],
    dislikes: list[int] | None = None,
    *,
    n_rows: int = 6,
    n: int = 10,
    method: str | None = None,
    by: Reranking = NO_RERANKING,
    names: NameTracks | None = None,
    excluded: list[int] | None = None,
    withdrawn: Iterable[int] = (),
    first: Iterable[int] | None = None,
    boosts: Sequence[Boost] = (),
) -> list[MatchRow]:
    """Recommend ``n`` tracks for each of at most ``n_rows`` groups of likes, no song twice.

    As long as there are rows enough each like has one of its own; beyond that the likes that call
    most for each other share one (``lists.tastes``). A song that suits several rows stands in the
    one where it comes first. Of each row the songs of ``first`` (track ids, if any are given) come
    before all others. The other parameters and the errors are those of ``rank``.
    """
    recommender = create_method(space, method)
    if not len(likes):
        raise BadInput("Recommendations need at least one liked song.")
    check_comparable(space)
    query = Query.of(space, likes, dislikes, names, excluded, withdrawn)
    if not len(query.likes):
        _explain_no_likes(space, likes, seeds=False)
    by = replace(by, every_taste=False)
    queries = split_tastes(recommender, query, least=np.inf, most=n_rows)
    parts = [queries]
    if first is not None:
        preferred = space.rows_of(list(first))
        parts.insert(0, tuple(one.among(preferred) for one in queries))
    matches: list[list[Match]] = [[] for _ in queries]
    taken = np.empty(0, dtype=np.uint64)
    for part in parts:
        if all(len(of_row) >= n for of_row in matches):
            break
        candidates = search_tastes(recommender, part, n * POOL_FACTOR, in_proportion=False)
        for number, of_row in enumerate(part):
            own = candidates.take(candidates.group == number)
            own = own.take(~np.isin(space.song_keys[own.rows], taken))
            own = replace(own, group=np.zeros(len(own.rows), dtype=np.int64), queries=(of_row,))
            chosen = _choose(recommender, of_row, own, n - len(matches[number]), by, boosts)
            matches[number] += chosen
            chosen_rows = space.rows_of([match.track_id for match in chosen])
            taken = np.append(taken, space.song_keys[chosen_rows])
    return [
        MatchRow(tuple(space.track_ids[one.likes].tolist()), matches[number])
        for number, one in enumerate(queries)
    ]


def _choose(
    recommender: Method,
    query: Query,
    candidates: Candidates,
    n: int,
    by: Reranking,
    boosts: Sequence[Boost],
    pick_ranks: Callable[[int], Rows] | None = None,
) -> list[Match]:
    """Boost, re-rank and explain candidates."""
    applied = AppliedBoosts.of(query, boosts, candidates.rows, candidates.scores)
    order = np.arange(len(candidates.rows))
    if applied.boosts:
        scores = candidates.scores + applied.total
        order = np.argsort(-scores, kind="stable")
        candidates = replace(candidates, scores=scores).take(order)
    reranked = rerank(query, candidates, by, n)
    of_boosts, of_reranking = applied.reasons(order[reranked.chosen]), reranked.reasons()
    added = [(*one, *other) for one, other in zip(of_boosts, of_reranking, strict=True)]
    chosen = reranked.chosen
    if pick_ranks is not None:
        ranks = pick_ranks(len(chosen))
        chosen, added = chosen[ranks], [added[rank] for rank in ranks.tolist()]
    return explain_candidates(recommender, candidates.take(chosen), added)


def _explain_no_likes(space: Space, likes: list[int], seeds: bool) -> NoReturn:
    """Raise the error that says why none of ``likes`` can be recommended from."""
    if len(space.rows_of(list(likes))):
        raise BadInput("All of the liked songs are disliked as well.")
    if seeds:
        raise NotReady(NOT_IN_RUN)
    raise NotReady(
        "None of the liked songs is part of the published run: they came after it. "
        "Train again with `flask train`."
    )


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
    queries = split_tastes(recommender, query) if by.every_taste else (query,)

    def attempt(count: int) -> Candidates | None:
        candidates = search_tastes(recommender, queries, count)
        # Where one artist has most of them there must be more for the cap to choose from.
        return (
            candidates if candidates.is_all or has_enough(query, candidates.rows, by, n) else None
        )

    return widen(attempt, n if by.is_plain and not boosted else n * POOL_FACTOR)
