"""Groups that lie far off on a map, drawn in so that they do not squeeze the rest.

Neighbour maps push unconnected groups apart as far as the number of steps takes them: the distance
says nothing, but the whole map has to fit in. A group is moved as a whole, so the neighbours on the
map stay what they are.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import label
from scipy.spatial import cKDTree

from songrec.core.types import Floats, Ints

GAP = 0.25
"""Widest gap between groups that is left, as a share of the side of a square of the area that the
tracks fill: it does not depend on how far apart the groups are."""
NEIGHBOUR = 5
LINK = 2.0
"""Two tracks nearer than this, in typical distances to the fifth neighbour, are of one group."""
MOST_GROUPS = 100
MOST_CELLS = 2_000
SAMPLE = 2_000
"""Tracks by which typical distances, and those of large groups, are measured."""

Points = NDArray[np.float64]


def draw_in(coordinates: Floats, seed: int) -> Floats:
    """Return coordinates ``(n, 2)`` without gaps of more than ``GAP`` between groups.

    The nearest two groups first, the smaller one is moved straight towards the larger one, after
    which they are one group. No group comes nearer to another than ``GAP`` by that, for none is
    nearer than those two. With more than ``MOST_GROUPS`` groups the map stays as it is: scattered
    tracks are no islands.

    Parameters
    ----------
    coordinates
        Float32 ``(n, 2)``.
    seed
        Of the tracks by which the distances of large groups are measured.
    """
    random = np.random.default_rng(seed)
    typical = _typical_distance(coordinates, random)
    if not typical:
        return coordinates
    side = typical * np.sqrt(np.pi * len(coordinates) / NEIGHBOUR)
    widest = GAP * side
    group = _groups(coordinates, max(widest / 2, LINK * typical))
    count = int(group.max()) + 1
    if not 1 < count <= MOST_GROUPS:
        return coordinates
    placed = coordinates.astype(np.float64)
    members = [np.flatnonzero(group == number) for number in range(count)]
    edges = [_sample(placed, rows, random) for rows in members]
    gaps = {pair: _gap(edges[pair[0]], edges[pair[1]]) for pair in combinations(range(count), 2)}
    for _ in range(count - 1):
        (a, b), (gap, towards) = min(gaps.items(), key=lambda item: item[1][0])
        if len(members[b]) > len(members[a]):
            a, b, towards = b, a, -towards
        # ``towards`` leads from the smaller group b to the larger group a.
        step = towards * max(0.0, 1 - widest / gap) if gap else np.zeros(2)
        placed[members[b]] += step
        edges[a] = np.concatenate([edges[a], edges[b] + step])
        members[a] = np.concatenate([members[a], members[b]])
        gaps = {pair: at for pair, at in gaps.items() if a not in pair and b not in pair} | {
            (min(a, other), max(a, other)): _gap(*_in_order(edges, a, other))
            for other in {one for pair in gaps for one in pair} - {a, b}
        }
    return placed.astype(np.float32)


def _typical_distance(coordinates: Floats, random: np.random.Generator) -> float:
    """Return the median distance of a track to its fifth neighbour, 0 for fewer tracks."""
    if len(coordinates) <= NEIGHBOUR:
        return 0.0
    rows = random.permutation(len(coordinates))[:SAMPLE]
    distances, _ = cKDTree(coordinates).query(coordinates[rows], k=[NEIGHBOUR + 1])
    return float(np.median(distances))


def _groups(coordinates: Floats, side: float) -> Ints:
    """Number the groups of tracks whose cells of a grid touch, int64 ``(n,)`` from 0."""
    # The grid is not endless: its last cells hold all that lies beyond.
    cells = np.floor((coordinates - np.median(coordinates, axis=0)) / side)
    cells = np.clip(cells, -MOST_CELLS // 2, MOST_CELLS // 2).astype(np.int64)
    cells -= cells.min(axis=0)
    filled = np.zeros(cells.max(axis=0) + 1, dtype=bool)
    filled[cells[:, 0], cells[:, 1]] = True
    numbers, _ = label(filled, structure=np.ones((3, 3)))
    return numbers[cells[:, 0], cells[:, 1]].astype(np.int64) - 1


def _sample(placed: Points, rows: Ints, random: np.random.Generator) -> Points:
    if len(rows) > SAMPLE:
        rows = random.choice(rows, SAMPLE, replace=False)
    return placed[rows]


def _in_order(edges: list[Points], a: int, b: int) -> tuple[Points, Points]:
    return edges[min(a, b)], edges[max(a, b)]


def _gap(a: Points, b: Points) -> tuple[float, Points]:
    """Return the distance of two groups, and the way from ``b`` to ``a`` between the nearest."""
    distances, at = cKDTree(a).query(b)
    nearest = int(distances.argmin())
    return float(distances[nearest]), a[at[nearest]] - b[nearest]
