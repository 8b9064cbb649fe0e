"""Separation of likes into tastes, and the candidates of each taste.

The affinity of two likes is measured by the method itself: the rank of one among the songs of the
catalogue when only the other is liked. Likes of low mutual affinity are separate tastes, however
few they are. Each taste is a query of its own, so that its songs resemble its likes rather than the
mean of all likes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from songrec.recommend.method import Method, ScoresRows
from songrec.recommend.query import Candidates, Query, Sureness
from songrec.recommend.top_k import Rows, Scores

Array = NDArray[np.float64]

MAX_TASTES = 8
MAX_VOTERS = 24
"""Limit of likes that vote; of more, an evenly spaced sample; the others join the nearest taste."""
SAMPLE = 512
"""Sample size of the catalogue for estimating the rank of a like."""
SEED = 20_260
FIRST, SCALE, MIN_SCALE = 4, 0.25, 1e-6
"""Parameters of the comparison of tastes' scores; see ``_sureness``."""
TOGETHER = 2.0
"""Smallest mean surprisal of two groups of likes in one taste; two random songs have 1."""


def split_tastes(
    recommender: Method, query: Query, least: float = TOGETHER, most: int = MAX_TASTES
) -> tuple[Query, ...]:
    """Return a query for each taste of the likes, the largest first; often the query itself.

    Groups of likes are merged by average linkage while their mean ``affinities`` are at least
    ``least``, or while there are more than ``most`` groups.
    """
    likes = query.likes
    if len(likes) < 2 or not isinstance(recommender, ScoresRows):
        return (query,)
    step = -(-len(likes) // MAX_VOTERS)
    voters = np.arange(0, len(likes), step)
    votes = affinities(recommender, query, voters)
    groups = merge_groups(votes[:, voters], least, most)
    if len(groups) == 1:
        return (query,)
    joined = np.array([votes[group].mean(axis=0) for group in groups]).argmax(axis=0)
    for number, group in enumerate(groups):
        joined[voters[group]] = number
    parts = [np.flatnonzero(joined == number) for number in range(len(groups))]
    parts.sort(key=lambda part: (-len(part), int(part[0])))
    return tuple(query.narrowed(likes[part]) for part in parts)


def affinities(recommender: ScoresRows, query: Query, voters: Rows) -> Array:
    """Compute the affinity of some likes (voters) to each like, ``(voters, likes)``.

    The affinity is the surprisal −log(p), where p is the share of the catalogue's songs (in a fixed
    sample) that the method scores at least as high with the voter as the only like. A random song
    has 1 on average. Affinities of two voters are averaged over both directions.
    """
    sample = _sample(query)
    surprisal = np.zeros((len(voters), len(query.likes)))
    nothing = np.empty(0, dtype=np.int64)
    for at, voter in enumerate(voters.tolist()):
        alone = replace(query, likes=query.likes[[voter]], dislikes=nothing)
        scores = recommender.scores(alone, np.concatenate([query.likes, sample]))
        own, others = scores[: len(query.likes)], np.sort(scores[len(query.likes) :])
        above = len(others) - np.searchsorted(others, own)
        surprisal[at] = -np.log((above + 0.5) / (len(others) + 0.5))
    mutual = surprisal[:, voters]
    surprisal[:, voters] = (mutual + mutual.T) / 2
    return surprisal


def merge_groups(affinity: Array, least: float, most: int) -> list[NDArray[np.int64]]:
    """Merge items by average linkage; return the positions of each group's items.

    Parameters
    ----------
    affinity
        Symmetric ``(n, n)``; the diagonal is ignored.
    least
        Smallest mean affinity of two groups to merge.
    most
        Maximum number of groups; more are merged regardless of their affinity.
    """
    groups = [[item] for item in range(len(affinity))]
    between = np.array(affinity, dtype=np.float64)
    np.fill_diagonal(between, -np.inf)
    while len(groups) > 1:
        one, other = sorted(divmod(int(between.argmax()), len(groups)))
        if between[one, other] < least and len(groups) <= most:
            break
        sizes = len(groups[one]), len(groups[other])
        merged = (sizes[0] * between[one] + sizes[1] * between[other]) / sum(sizes)
        between[one], between[:, one] = merged, merged
        between[one, one] = -np.inf
        between = np.delete(np.delete(between, other, axis=0), other, axis=1)
        groups[one] += groups.pop(other)
    return [np.sort(np.array(group, dtype=np.int64)) for group in groups]


def search_tastes(
    recommender: Method,
    queries: tuple[Query, ...],
    count: int,
    *,
    in_proportion: bool = True,
    sureness: Sureness | None = None,
) -> Candidates:
    """Return the best rows of each query, the queries in turn.

    The k-th row of a query of l likes has the quotient l / (2 k + 1) · e^s, and the highest come
    first: Sainte-Laguë's method, times how sure the method is of the row (``Sureness``). Without
    ``in_proportion`` all k-th rows come before the next ones.

    A song of several queries comes at its first place. The result ends where the first of the
    queries would need more than ``count`` rows, so it is a prefix of the result for a larger
    ``count``. ``sureness`` is that of the result for another ``count``, which is the same.
    """
    results = [recommender.search(query, max(count, FIRST)) for query in queries]
    firsts = [scores[:FIRST] for _, scores in results]
    results = [(rows[:count], scores[:count]) for rows, scores in results]
    sizes = [len(rows) for rows, _ in results]
    is_all = max(sizes) < count
    if len(queries) == 1:
        ((rows, scores),) = results
        return Candidates(rows, scores, np.zeros(sizes[0], dtype=np.int64), queries, is_all)
    if sureness is None:
        sureness = _sureness(recommender, queries, firsts)
    keys = []
    for query, (_, scores) in zip(queries, results, strict=True):
        key = np.log(2 * np.arange(len(scores)) + 1)
        keys.append(key - np.log(len(query.likes)) - sureness.of(scores) if in_proportion else key)
    horizon = min((key[-1] for key in keys if len(key) == count and count), default=np.inf)
    key, rows, scores = map(np.concatenate, (keys, *zip(*results, strict=True)))
    group = np.repeat(np.arange(len(queries)), sizes)
    order = np.argsort(key, kind="stable")
    order = order[key[order] <= horizon]
    first = np.unique(queries[0].space.song_keys[rows[order]], return_index=True)[1]
    every = Candidates(rows, scores, group, queries, is_all, sureness)
    return every.take(order[np.sort(first)])


def _sureness(recommender: Method, queries: Sequence[Query], firsts: Sequence[Scores]) -> Sureness:
    """Compare queries by their first ``FIRST`` scores and by those of the sample.

    The centre is the mean of the first scores; the scale is ``SCALE`` times its distance from the
    mean of the medians over the sample.
    """
    if not isinstance(recommender, ScoresRows) or not any(map(len, firsts)):
        return Sureness()
    centre = float(np.mean([scores.mean() for scores in firsts if len(scores)]))
    usual = [np.median(recommender.scores(query, _sample(query))) for query in queries]
    return Sureness(centre, max(SCALE * (centre - float(np.mean(usual))), MIN_SCALE))


def _sample(query: Query) -> Rows:
    """Return the fixed sample of songs of the space (all songs of a small one)."""
    n = len(query.space.track_ids)
    if n <= SAMPLE:
        return np.arange(n, dtype=np.int64)
    rng = np.random.default_rng(SEED)
    return np.sort(rng.choice(n, SAMPLE, replace=False)).astype(np.int64)
