"""Paths of even steps in the latent space from one song to another."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from songrec.core.errors import NotReady
from songrec.core.types import Floats, Match, NameTracks, Reason, Space
from songrec.recommend.explain import phrases
from songrec.recommend.explain.attribute_ranks import AttributeTable, mask_unmentioned
from songrec.recommend.explain.contributions import build_matches
from songrec.recommend.method import Method
from songrec.recommend.query import NOT_IN_RUN, Query
from songrec.recommend.similarity.similar import audible_subspace
from songrec.recommend.top_k import Rows

CANDIDATES = 512
"""Candidate songs for each point of the line."""
LOOK = 4096
"""Songs that the method ranks for each end; all others share the next rank."""
SWEEPS = 50


@dataclass(frozen=True)
class SongPath:
    """Rows from one song to another, both included, and the lengths of the steps in the latent."""

    rows: Rows
    lengths: NDArray[np.float64]

    @property
    def unevenness(self) -> float:
        """Standard deviation of the step lengths over their mean; 0 is perfectly even."""
        mean = float(self.lengths.mean()) if len(self.lengths) else 0.0
        return float(self.lengths.std()) / mean if mean else 0.0


def find_path(
    recommender: Method,
    space: Space,
    start: int,
    end: int,
    between: int,
    *,
    excluded: Sequence[int] = (),
    withdrawn: Iterable[int] = (),
) -> SongPath:
    """Find ``between`` tracks that lead from track ``start`` to track ``end`` (ids) in even steps.

    1. The targets are the points A + t · (B − A) of the latent, t = i / (between + 1), i = 1 …
       between. The candidates of each are the ``CANDIDATES`` songs of smallest (1 − t) · log(a) +
       t · log(b), with a song's places a and b among what ``recommender`` ranks for either end.
    2. Each target in turn gets the nearest of its candidates whose song is not on the path yet.
    3. The steps are evened to their mean length L: each track in turn is exchanged for the one,
       among the candidates of any target, that lowers the sum of (length − L)² over its two steps
       most and whose song is unused, until a whole round changes nothing.

    ``excluded`` are ids whose songs must not be between the ends, ``withdrawn`` ids of the space
    that are no longer in the catalogue. Deterministic.

    Raises
    ------
    NotReady
        If an end is not in the space.
    """
    at = space.rows_of([start, end])
    if len(at) < 2:
        raise NotReady(NOT_IN_RUN)
    latent = space.latent
    ends = latent[at].astype(np.float64)
    shares = np.arange(1, between + 1) / (between + 1)
    used = set(space.song_keys[at].tolist())
    of_shares = _candidates(recommender, space, at, shares, withdrawn, excluded)
    candidates = [
        _by_distance(latent, rows, ends[0] + share * (ends[1] - ends[0]))
        for rows, share in zip(of_shares, shares, strict=True)
    ]
    path = [int(at[0])]
    for rows in candidates:
        free = next((row for row in rows if int(space.song_keys[row]) not in used), None)
        if free is not None:
            used.add(int(space.song_keys[free]))
            path.append(free)
    path.append(int(at[1]))
    # In a small catalogue a target may lack candidates; then there is nothing to exchange.
    if len(path) == between + 2:
        _even(space, path, sorted({row for rows in candidates for row in rows}), used)
    points = latent[path].astype(np.float64)
    return SongPath(np.array(path, dtype=np.int64), np.linalg.norm(np.diff(points, axis=0), axis=1))


def describe_path(space: Space, path: SongPath, names: NameTracks | None = None) -> list[Match]:
    """Describe the path's tracks: score, reasons, and the difference to the previous track.

    The score is 1 − (distance from the straight line) / (its length). The two reasons are its
    terms: the target on the line, and the distance from it. ``details["step"]`` of the first one is
    the main sentence.
    """
    latent = space.latent[path.rows].astype(np.float64)
    line = latent[-1] - latent[0]
    length = float(np.linalg.norm(line)) or 1.0
    last = max(len(latent) - 1, 1)
    table = AttributeTable.from_rows(audible_subspace(space), path.rows)
    ids = space.track_ids[path.rows[[0, -1]]].tolist()
    titles = names(ids) if names else {}
    one, other = (f"“{titles.get(i) or f'track {i}'}”" for i in ids)
    reasons = []
    for i, point in enumerate(latent):
        off = float(np.linalg.norm(point - (latent[0] + i / last * line))) / length
        where = f"{i / last:.0%} of the way from {one} to {other}"
        step = "Your first song" if i == 0 else _difference(table, i)
        if i == last:
            step = f"Your last song: {step[:1].lower()}{step[1:]}"
        reasons.append(
            (
                Reason("target", where, 1.0, "latent", {"step": step, "share": i / last}),
                Reason("target", f"{off:.0%} off the straight line", -off, "latent"),
            )
        )
    return build_matches(space, path.rows, reasons)


def describe_match(match: Match) -> str:
    """Return a step's main sentence."""
    return str(match.reasons[0].details["step"])


def _candidates(
    recommender: Method,
    space: Space,
    ends: Rows,
    shares: NDArray[np.float64],
    withdrawn: Iterable[int],
    excluded: Sequence[int] = (),
) -> list[Rows]:
    """Return the rows of the candidates at each share of the way, the best first."""
    queries = [
        Query.of(space, [track_id], excluded=list(excluded), withdrawn=withdrawn, seeds=True)
        for track_id in space.track_ids[ends].tolist()
    ]
    ranked = [recommender.search(query, LOOK)[0] for query in queries]
    pool = np.union1d(*ranked)
    places = np.full((2, len(pool)), np.log1p(LOOK))
    for place, rows in zip(places, ranked, strict=True):
        place[np.searchsorted(pool, rows)] = np.log1p(np.arange(len(rows)))
    mixed = (1 - shares[:, None]) * places[0] + shares[:, None] * places[1]
    return list(pool[np.argsort(mixed, axis=1, kind="stable")[:, :CANDIDATES]])


def _by_distance(latent: Floats, rows: Rows, point: NDArray[np.float64]) -> list[int]:
    """Sort rows by their distance to a point of the latent."""
    gaps = latent[rows] - point
    return rows[np.lexsort((rows, np.einsum("ij,ij->i", gaps, gaps)))].tolist()


def _even(space: Space, path: list[int], pool: list[int], used: set[int]) -> None:
    latent = space.latent[pool].astype(np.float64)
    keys = np.asarray(space.song_keys[pool]).tolist()
    steps = np.diff(space.latent[path].astype(np.float64), axis=0)
    mean = float(np.linalg.norm(steps, axis=1).mean())
    for _ in range(SWEEPS):
        changed = False
        for i in range(1, len(path) - 1):
            before, after, now = space.latent[[path[i - 1], path[i + 1], path[i]]].astype(
                np.float64
            )
            worth = _unevenness(latent, before, after, mean)
            held = float(_unevenness(now[None], before, after, mean)[0])
            own = int(space.song_keys[path[i]])
            better = np.flatnonzero(worth < held - 1e-9)
            for at in better[np.argsort(worth[better], kind="stable")].tolist():
                if keys[at] == own or keys[at] not in used:
                    used.discard(own)
                    path[i] = pool[at]
                    used.add(keys[at])
                    changed = True
                    break
        if not changed:
            return


def _unevenness(
    points: NDArray[np.float64],
    before: NDArray[np.float64],
    after: NDArray[np.float64],
    mean: float,
) -> NDArray[np.float64]:
    """Compute (‖x − before‖ − mean)² + (‖x − after‖ − mean)² for each point x."""
    steps = [np.linalg.norm(points - end, axis=1) - mean for end in (before, after)]
    return steps[0] ** 2 + steps[1] ** 2


def _difference(table: AttributeTable, row: int) -> str:
    """Describe the largest difference to the previous song: ``Calmer than the song before``."""
    gaps = mask_unmentioned(np.abs(table.ranks[row] - table.ranks[row - 1]), table.names, np.nan)
    if not np.isfinite(gaps).any():
        return "Much like the song before"
    trait = table.compare(row, table, row - 1, int(np.nanargmax(gaps)))
    if abs(trait.rank - trait.other_rank) <= phrases.SIMILAR_RANKS:
        return "Much like the song before"
    return phrases.capitalize(phrases.describe_comparison(trait, "the song before", figures=False))
