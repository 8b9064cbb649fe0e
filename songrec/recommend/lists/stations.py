"""Stations: an endless order of all songs around a few, without repeats, the same for a seed."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from songrec.core.blas import single_threaded_blas
from songrec.core.types import Match, NameTracks, Space
from songrec.recommend.explain import contributions
from songrec.recommend.explain.attribute_ranks import AttributeTable
from songrec.recommend.explain.contributions import build_matches, split_distance
from songrec.recommend.query import Query, check_comparable
from songrec.recommend.similarity.similar import audible_subspace
from songrec.recommend.space_statistics import statistics_of
from songrec.recommend.top_k import Rows, top_distinct

MAX_SEEDS = 24
"""A station around more songs than this draws as many of them, by its seed."""
JITTER = 0.7
"""A song of rank r is played at about a place between r / e^JITTER² and r · e^JITTER²."""
SLICE = 2**17


def station_matches(
    space: Space,
    seeds: Sequence[int],
    start: int,
    n: int,
    *,
    seed: int = 0,
    label: int | None = None,
    only: Sequence[int] | None = None,
    names: NameTracks | None = None,
) -> list[Match]:
    """Return places ``start`` to ``start + n`` of the station around the tracks ``seeds`` (ids).

    All songs of the space are ordered by their distance to the nearest seed in the audible
    subspace, then reordered by ``jittered_order``. A seed is measured against the other seeds, so
    that an artist's own songs come in between the others; a single seed comes first. Every song
    comes once. Scores and reasons are those of ``similar_tracks``.

    Parameters
    ----------
    seed
        Decides the order, and which seeds are used if there are more than ``MAX_SEEDS``.
    label
        A cluster whose songs come before all others.
    only
        Track ids to choose from, for example those with a playable file.
    """
    space = audible_subspace(space)
    check_comparable(space)
    rows = space.rows_of(list(dict.fromkeys(seeds)))
    if len(rows) > MAX_SEEDS:
        sample = np.random.default_rng(seed).choice(len(rows), MAX_SEEDS, replace=False)
        rows = rows[np.sort(sample)]
    if not len(rows):
        return []
    order = _seed_distances(space, rows)
    if label is not None:
        # Nothing outside the cluster comes before the last of it.
        order += np.where(space.labels == label, 0.0, float(order.max()) + 1.0).astype(np.float32)
    if only is not None:
        closed = np.ones(len(order), dtype=bool)
        closed[space.rows_of(list(only))] = False
        order[closed] = np.inf
    chosen, _ = top_distinct(-order, candidates_needed(start + n), space.song_keys)
    chosen = chosen[jittered_order(len(chosen), start, n, seed, fixed=len(rows) == 1)]
    return _describe(space, chosen, rows, _nearest_seed(space, rows, chosen), names)


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
    """Return how many of the nearest songs decide the first ``places`` of a station."""
    # Rank r may come among the first p places only if log(1 + r) − J ≤ log(p) + J.
    return math.ceil(places * math.exp(2 * JITTER)) + 1


def separate_artists(space: Space, matches: list[Match]) -> list[Match]:
    """Reorder matches so that, where it can be avoided, no artist comes twice in a row."""
    if space.artists is None:
        return matches
    ids = [match.track_id for match in matches]
    artist_of = dict(zip(ids, space.artists[space.rows_of(ids)].tolist(), strict=True))
    left, ordered, last = list(matches), [], 0
    while left:
        place = next(
            (i for i, m in enumerate(left) if not last or artist_of[m.track_id] != last), 0
        )
        ordered.append(left.pop(place))
        last = artist_of[ordered[-1].track_id]
    return ordered


def _seed_distances(space: Space, seeds: Rows) -> NDArray[np.float32]:
    """Compute every track's distance to the nearest seed, ``(n,)``; a seed's to another one."""
    points = space.matrix[seeds].astype(np.float32)
    squares = np.einsum("ij,ij->i", points, points)[:, None]
    doubled = -2 * points
    apart = np.empty(len(space.track_ids), dtype=np.float32)
    # In slices that stay in the processor's cache.
    step = max(1, SLICE // points.size)
    with single_threaded_blas():
        for at in range(0, len(apart), step):
            part = space.matrix[at : at + step]
            squared = doubled @ part.T
            squared += squares
            if len(seeds) > 1:
                own = np.flatnonzero((seeds >= at) & (seeds < at + len(part)))
                squared[own, seeds[own] - at] = np.inf
            squared.min(axis=0, out=apart[at : at + len(part)])
    apart += statistics_of(space).square_norms
    np.maximum(apart, 0.0, out=apart)
    np.sqrt(apart, out=apart)
    if len(seeds) == 1:
        apart[seeds[0]] = -1.0  # before a copy of it
    return apart


def _nearest_seed(space: Space, seeds: Rows, rows: Rows) -> NDArray[np.int64]:
    """Return the position of the seed that each row is nearest to; a seed's is another one."""
    gaps = space.matrix[rows].astype(np.float64)[:, None] - space.matrix[seeds]
    squared = np.einsum("ijk,ijk->ij", gaps, gaps)
    if len(seeds) > 1:
        squared[rows[:, None] == seeds] = np.inf
    return squared.argmin(axis=1)


def _describe(
    space: Space, rows: Rows, seeds: Rows, nearest: NDArray[np.int64], names: NameTracks | None
) -> list[Match]:
    typical = statistics_of(space).typical
    ids = space.track_ids[seeds].tolist()
    titles = names(ids) if names else {}
    gaps = space.matrix[rows].astype(np.float64) - space.matrix[seeds[nearest]]
    theirs = [f"“{titles.get(ids[at]) or f'track {ids[at]}'}”" for at in nearest]
    reasons = contributions.reasons_per_feature(
        space,
        rows,
        split_distance(gaps, typical) / typical,
        AttributeTable.from_rows(space, seeds),
        nearest,
        theirs,
    )
    return build_matches(space, rows, reasons)


def exclude_songs(space: Space, matches: list[Match], excluded: Sequence[int]) -> list[Match]:
    """Leave out the songs of ``excluded`` (track ids) and other tracks of the same songs."""
    keys = Query.of(space, list(excluded)).excluded_keys
    rows = space.rows_of([match.track_id for match in matches])
    keep = ~np.isin(space.song_keys[rows], keys)
    return [match for match, stays in zip(matches, keep.tolist(), strict=True) if stays]
