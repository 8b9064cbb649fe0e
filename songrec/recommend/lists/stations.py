"""Stations: orders of all songs around a few, without repeats, reproducible by a seed."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Match, NameTracks, Reason, Space
from songrec.recommend.explain.matches import explain_candidates
from songrec.recommend.lists.tastes import search_tastes, split_tastes
from songrec.recommend.method import Method
from songrec.recommend.query import Candidates, Query, check_comparable
from songrec.recommend.top_k import Rows, count_earlier

MAX_SEEDS = 24
"""Limit of songs that a station is around; of more, a sample by its seed."""
JITTER = 0.7
"""A song of rank r gets a position of about r / e^JITTER² to r · e^JITTER²."""
ARTIST_GAP = 5
"""An artist's k-th song has at least the rank ``ARTIST_GAP`` · k."""
SEED_GAP = 4
"""Several seeds are inserted at one per ``SEED_GAP`` ranks."""
FIRST_SONG = "The song this radio starts from"


def station_matches(
    recommender: Method,
    space: Space,
    seeds: Sequence[int],
    start: int,
    n: int,
    *,
    seed: int = 0,
    label: int | None = None,
    only: Iterable[int] | None = None,
    withdrawn: Iterable[int] = (),
    names: NameTracks | None = None,
) -> list[Match]:
    """Return places ``start`` to ``start + n`` of the station around the tracks ``seeds`` (ids).

    All songs of the space are sorted by ``station_order``, then reordered by ``jittered_order``.
    Every song comes once, including the seeds: a single seed comes first, and each of several
    seeds is explained by the others. Scores and reasons are those of ``recommender``.

    Parameters
    ----------
    seed
        Random seed of the order, and of the sample if there are more than ``MAX_SEEDS`` seeds.
    label
        A cluster whose songs come before all others.
    only
        Track ids to choose from, for example those with a playable file.
    withdrawn
        Track ids of the space that the catalogue has no longer.
    """
    check_comparable(space)
    query = Query.of(space, list(seeds), None, names, None, withdrawn, only, seeds=True)
    query = _few_seeds(query, seed)
    if not len(query.likes):
        return []
    return _explain(recommender, query, _places(recommender, query, start, n, seed, label))


def station_ids(
    recommender: Method,
    space: Space,
    seeds: Sequence[int],
    n: int,
    *,
    seed: int = 0,
    only: Iterable[int] | None = None,
    withdrawn: Iterable[int] = (),
) -> list[int]:
    """Return the first ``n`` track ids of ``station_matches``, without reasons."""
    check_comparable(space)
    query = Query.of(space, list(seeds), None, None, None, withdrawn, only, seeds=True)
    query = _few_seeds(query, seed)
    if not len(query.likes):
        return []
    return space.track_ids[_places(recommender, query, 0, n, seed, None).rows].tolist()


def _few_seeds(query: Query, seed: int) -> Query:
    """Return a query of at most ``MAX_SEEDS`` likes, drawn by ``seed``."""
    if len(query.likes) <= MAX_SEEDS:
        return query
    sample = np.random.default_rng(seed).choice(query.likes, MAX_SEEDS, replace=False)
    return replace(query, likes=np.sort(sample))


def _places(
    recommender: Method, query: Query, start: int, n: int, seed: int, label: int | None
) -> Candidates:
    """Return places ``start`` to ``start + n`` of a station."""
    order = station_order(recommender, query, candidates_needed(start + n), seed=seed, label=label)
    single = len(query.likes) == 1 and order.rows[:1].tolist() == query.likes.tolist()
    return order.take(jittered_order(len(order.rows), start, n, seed, fixed=single))


def station_order(
    recommender: Method, query: Query, places: int, *, seed: int = 0, label: int | None = None
) -> Candidates:
    """Return the first ``places`` songs of a station, or more; fewer only if there are no more.

    1. The method ranks all songs for each taste of the likes, which take turns (``tastes``). With
       ``label`` the songs of that cluster come before the others.
    2. The likes come in between, one in each ``SEED_GAP`` ranks, in an order that follows from
       ``seed``; a single one comes first.
    3. An artist's k-th song is moved down to the rank ``ARTIST_GAP`` · k.

    The order does not depend on ``places``.
    """
    queries = (query,) if label is not None else split_tastes(recommender, query)
    seeds = _seed_rows(query, seed)
    count = places
    while True:
        if label is None:
            ranked = search_tastes(recommender, queries, count)
        else:
            ranked = _cluster_first(recommender, query, label, count)
        rank = np.concatenate([SEED_GAP * np.arange(len(seeds)) - 0.5, np.arange(len(ranked.rows))])
        merged = replace(
            ranked,
            rows=np.concatenate([seeds, ranked.rows]),
            scores=np.concatenate([np.zeros(len(seeds)), ranked.scores]),
            group=np.concatenate([np.full(len(seeds), -1), ranked.group]),
        ).take(np.argsort(rank, kind="stable"))
        artists = query.statistics.artists[merged.rows]
        rank = np.arange(len(artists))
        rank = np.maximum(rank, np.where(artists > 0, ARTIST_GAP * count_earlier(artists), 0))
        n_ranked = len(ranked.rows)
        if not ranked.is_all:
            # A song outside the ranking may come before those of a later rank.
            merged, rank = merged.take(rank < n_ranked), rank[rank < n_ranked]
        if ranked.is_all or len(merged.rows) >= places:
            return merged.take(np.argsort(rank, kind="stable"))
        count *= 2


def _cluster_first(recommender: Method, query: Query, label: int, count: int) -> Candidates:
    """Rank the songs of a cluster, then all others."""
    inside = query.space.labels == label
    results = []
    for rows in (np.flatnonzero(inside), np.flatnonzero(~inside)):
        left = count - sum(len(part) for part, _ in results)
        if left > 0:
            results.append(recommender.search(query.among(rows), left))
    rows, scores = (np.concatenate(part) for part in zip(*results, strict=True))
    group = np.zeros(len(rows), dtype=np.int64)
    return Candidates(rows, scores, group, (query,), is_all=len(rows) < count)


def _seed_rows(query: Query, seed: int) -> Rows:
    """Return the allowed likes, each song once, in random order by ``seed``."""
    allowed = np.setdiff1d(query.likes, query.withdrawn)
    first = np.unique(query.space.song_keys[allowed], return_index=True)[1]
    return np.random.default_rng(seed).permutation(allowed[np.sort(first)])


def _explain(recommender: Method, query: Query, chosen: Candidates) -> list[Match]:
    """Explain the songs of a station: each seed by the other seeds, a single seed as the start."""
    queries, group = list(chosen.queries), chosen.group.copy()
    for at in np.flatnonzero(group < 0).tolist():
        group[at] = len(queries)
        others = query.likes[query.likes != chosen.rows[at]]
        queries.append(query.narrowed(others) if len(others) else query)
    matches = explain_candidates(recommender, replace(chosen, group=group, queries=tuple(queries)))
    if len(query.likes) > 1:
        return matches
    first = int(query.space.track_ids[query.likes[0]])
    return [
        replace(match, reasons=(Reason("seed", FIRST_SONG, match.score, first),), per_like=())
        if match.track_id == first
        else match
        for match in matches
    ]


def jittered_order(
    available: int, start: int, n: int, seed: int, *, fixed: bool = False
) -> NDArray[np.int64]:
    """Return the ranks, of 0 … ``available`` − 1, at places ``start`` to ``start + n``.

    The keys log(1 + r) + u of the ranks r, u uniform in ±``JITTER`` from ``seed`` and r alone, are
    sorted. Places are a permutation of the ranks, near songs still come early, and how far a song
    moves does not depend on the size of the catalogue.

    Parameters
    ----------
    available
        Number of all ranks, or at least ``candidates_needed(start + n)``.
    fixed
        Whether rank 0 stays in front.
    """
    keys = np.log1p(np.arange(available)) + np.random.default_rng(seed).uniform(
        -JITTER, JITTER, available
    )
    if fixed and available:
        keys[0] = -np.inf
    return np.argsort(keys, kind="stable")[start : start + n]


def candidates_needed(places: int) -> int:
    """Return the number of nearest songs that determine the first ``places`` of a station."""
    # Rank r may come among the first p places only if log(1 + r) − J ≤ log(p) + J.
    return math.ceil(places * math.exp(2 * JITTER)) + 1


def separate_artists(space: Space, matches: list[Match]) -> list[Match]:
    """Reorder matches so that, if possible, no artist comes twice in a row."""
    if space.artists is None:
        return matches
    rows = space.rows_of([match.track_id for match in matches])
    ids, numbers = space.track_ids[rows].tolist(), space.artists[rows].tolist()
    artist_of = dict(zip(ids, numbers, strict=True))
    left, ordered, last = list(matches), [], 0
    while left:
        place = next(
            (i for i, m in enumerate(left) if not last or artist_of.get(m.track_id) != last), 0
        )
        ordered.append(left.pop(place))
        last = artist_of.get(ordered[-1].track_id, 0)
    return ordered


def exclude_songs(space: Space, matches: list[Match], excluded: Sequence[int]) -> list[Match]:
    """Leave out the songs of ``excluded`` (track ids) and other tracks of the same songs."""
    keys = Query.of(space, list(excluded)).excluded_keys
    rows = space.rows_of([match.track_id for match in matches])
    keep = ~np.isin(space.song_keys[rows], keys)
    return [match for match, stays in zip(matches, keep.tolist(), strict=True) if stays]
