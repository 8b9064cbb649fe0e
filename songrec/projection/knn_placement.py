"""Rows that a neighbour map is learnt from, and the place of any other row among them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from songrec.core.types import Floats, Ints

ROWS_AT_ONCE = 16_384
SAME = 1e-5
"""Nearer than this share of the rows' spread, a row is one that the map was learnt from."""

Place = Callable[[Floats, Ints, NDArray[np.float64]], Floats]
"""``place(rows, neighbours, distances)`` gives coordinates ``(m, 2)`` of rows ``(m, l)``."""


def rows_to_learn_from(latent: Floats, most: int, seed: int) -> Floats:
    """Return the distinct rows of ``latent``, or a seeded sample of ``most`` of them, in order."""
    rows = latent
    if len(latent) > 2 * most:
        # Sorting millions of rows to find a few thousand distinct ones would be wasteful.
        sample = np.random.default_rng(seed).choice(len(latent), 2 * most, replace=False)
        rows = latent[np.sort(sample)]
    _, first = np.unique(rows, axis=0, return_index=True)
    if len(first) > most:
        first = np.random.default_rng((seed, 1)).choice(first, most, replace=False)
    return np.ascontiguousarray(rows[np.sort(first)])


class NeighbourIndex:
    """An exact search tree over the rows ``(m, l)`` that a map was learnt from."""

    def __init__(self, rows: Floats) -> None:
        self.rows = rows
        self._tree = cKDTree(rows)
        self._same = SAME * float(rows.std(dtype=np.float64))

    def nearest(self, latent: Floats, k: int) -> tuple[Ints, NDArray[np.float64]]:
        """Return numbers and distances of each row's ``k`` nearest fitted rows, nearest first."""
        k = min(k, len(self.rows))
        distances, at = self._tree.query(latent, k=range(1, k + 1), workers=-1)
        return at.astype(np.int64), distances

    def place(self, latent: Floats, coordinates: Floats, k: int, place: Place) -> Floats:
        """Return coordinates float32 ``(n, 2)``: a learnt row's own, any other's by ``place``."""
        placed = np.empty((len(latent), 2), dtype=np.float32)
        for start in range(0, len(latent), ROWS_AT_ONCE):
            part = latent[start : start + ROWS_AT_ONCE]
            nearest, distance = self.nearest(part, 1)
            placed[start : start + len(part)] = coordinates[nearest[:, 0]]
            new = distance[:, 0] > self._same
            if new.any():
                at, distances = self.nearest(part[new], k)
                placed[start : start + len(part)][new] = place(part[new], at, distances)
        return placed
