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
from songrec.recommend.query import NOT_IN_RUN, Candidates, Query, Sureness, check_comparable
from songrec.recommend.registry import METHODS
from songrec.recommend.taste import two_tower_scores
from songrec.recommend.taste.artist_nearness import artist_vectors_of
from songrec.recommend.top_k import Rows, widen


def method_used(space: Space, method: str | None = None) -> str:
    """Return the method to use for the requested ``method``.

    The default is the method that scored best on the catalogue's own playlists when the run was
    trained (``best_measured``). Without such a measurement it is ``additive_ranker`` if its
    training improved on ``taste``, else ``learned`` with track factors that improved on ``taste``,
    else ``additive_ranker`` with artist vectors of listening counts, else ``taste``. If the run
    lacks the inputs of a requested method, a fallback is used: the best other method for
    ``additive_ranker``, ``taste`` for ``learned``, ``distance`` for ``fragments``. Raises
    ``UnknownName``.
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
    """Return whether a method has a scale from familiar songs to new artists."""
    return any(parameter.name == "discovery" for parameter in METHODS.entry(method).parameters)


def create_method(space: Space, method: str | None = None, **parameters: Any) -> Method:
    """Create the method to use for the requested ``method``; see ``method_used``."""
    return METHODS.create(method_used(space, method), **parameters)


def best_measured(space: Space) -> str | None:
    """Return the method with the best score when the run was trained; None without measurement."""
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

    Liked and disliked songs, including other tracks of them (``song_keys``), are left out, and each
    song comes once. Deterministic.

    Parameters
    ----------
    likes, dislikes
        Track ids.
    method
        Name of the method; see ``method_used``.
    by
        Reranking options, for any method.
    names
        Function to look up the titles in reasons.
    excluded
        Further track ids to leave out that are not feedback.
    withdrawn
        Track ids to leave out although other tracks of the same songs may be recommended.
    only
        Track ids to choose from; None for all.
    boosts
        Small changes of scores for weights of likes and for skips, for any method.
    seeds
        Whether the likes are seed songs of a request, as on a song's page.
    pick_ranks
        Given the number of ranked tracks, returns the ranks to keep; the others are not explained.
    parameters
        Parameters of the method.

    Returns
    -------
    Matches by descending score. A score is the sum of its reasons' contributions, including those
    of re-ranking and boosts.

    Raises
    ------
    UnknownName
        For an unknown method.
    BadInput
        Without likes.
    NotReady
        If no liked track is in the space, or the space has no columns.
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

    Faster than ``rank``, which spends most of its time on reasons.
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
    """Return the query of a request, with the errors of ``rank``."""
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

    Each like has a row of its own if there are enough rows; otherwise likes of high mutual affinity
    share one (``lists.tastes``). A song of several rows is in the one where it ranks first. In each
    row the songs of ``first`` (track ids, if any are given) come before all others. The other
    parameters and the errors are those of ``rank``.
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
    used_keys = np.empty(0, dtype=np.uint64)
    for part in parts:
        if all(len(of_row) >= n for of_row in matches):
            break
        candidates = search_tastes(recommender, part, n * POOL_FACTOR, in_proportion=False)
        for number, of_row in enumerate(part):
            own = candidates.take(candidates.group == number)
            own = own.take(~np.isin(space.song_keys[own.rows], used_keys))
            own = replace(own, group=np.zeros(len(own.rows), dtype=np.int64), queries=(of_row,))
            chosen = _choose(recommender, of_row, own, n - len(matches[number]), by, boosts)
            matches[number] += chosen
            chosen_rows = space.rows_of([match.track_id for match in chosen])
            used_keys = np.append(used_keys, space.song_keys[chosen_rows])
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
    """Raise the error that explains why none of ``likes`` can be used."""
    if len(space.rows_of(list(likes))):
        raise BadInput("All of the liked songs are disliked as well.")
    if seeds:
        raise NotReady(NOT_IN_RUN)
    raise NotReady(
        "The liked songs are new: recommendations follow after the next training (`flask train`)."
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

    More are needed if ``by`` or boosts (``boosted``) change the order.
    """
    queries = split_tastes(recommender, query) if by.every_taste else (query,)
    sureness: Sureness | None = None

    def attempt(count: int) -> Candidates | None:
        nonlocal sureness
        candidates = search_tastes(recommender, queries, count, sureness=sureness)
        sureness = candidates.sureness
        # If one artist dominates, the artist cap needs more candidates.
        return (
            candidates if candidates.is_all or has_enough(query, candidates.rows, by, n) else None
        )

    return widen(attempt, n if by.is_plain and not boosted else n * POOL_FACTOR)
