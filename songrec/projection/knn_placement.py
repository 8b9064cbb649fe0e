"""What the maps by neighbours share: the rows they learn from, and the place of any other row."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from songrec.core.types import Floats, Ints

ROWS_AT_ONCE = 16_384
SAME = 1e-5
"""Nearer than this share of the rows' spread, a row is a learnt one, computed anew."""

Place = Callable[[Floats, Ints, NDArray[np.float64]], Floats]
"""Coordinates ``(m, 2)`` of rows ``(m, l)`` from their neighbours' numbers and distances."""


def rows_to_learn_from(latent: Floats, most: int, seed: int) -> Floats:
    """The distinct rows of ``latent``, or a seeded sample of ``most`` of them, in order."""
    rows = latent
    if len(latent) > 2 * most:
        # Sorting millions of rows to find a few thousand distinct ones would be wasteful.
        drawn = np.random.default_rng(seed).choice(len(latent), 2 * most, replace=False)
        rows = latent[np.sort(drawn)]
    _, first = np.unique(rows, axis=0, return_index=True)
    if len(first) > most:
        first = np.random.default_rng((seed, 1)).choice(first, most, replace=False)
    return np.ascontiguousarray(rows[np.sort(first)])


class Neighbours:
    """The learnt rows ``(m, l)`` and a tree over them: exact, the same answer every time."""

    def __init__(self, rows: Floats) -> None:
        self.rows = rows
        self._tree = cKDTree(rows)
        self._same = SAME * float(rows.std(dtype=np.float64))

    def of(self, latent: Floats, k: int) -> tuple[Ints, NDArray[np.float64]]:
        """Numbers and distances of each row's ``k`` nearest learnt rows, nearest first."""
        k = min(k, len(self.rows))
        distances, at = self._tree.query(latent, k=range(1, k + 1), workers=-1)
        return at.astype(np.int64), distances

    def place(self, latent: Floats, coordinates: Floats, k: int, place: Place) -> Floats:
        """Coordinates float32 ``(n, 2)``: a learnt row's own, for any other what ``place`` says."""
        found = np.empty((len(latent), 2), dtype=np.float32)
        for start in range(0, len(latent), ROWS_AT_ONCE):
            part = latent[start : start + ROWS_AT_ONCE]
            at, distances = self.of(part, k)
            found[start : start + len(part)] = coordinates[at[:, 0]]
            new = distances[:, 0] > self._same
            if new.any():
                found[start : start + len(part)][new] = place(part[new], at[new], distances[new])
        return found


def first_plane(rows: Floats) -> NDArray[np.float64]:
    """The rows' two principal components, where a map begins; always ``(m, 2)``."""
    centred = rows.astype(np.float64) - rows.mean(axis=0, dtype=np.float64)
    _, vectors = np.linalg.eigh(centred.T @ centred)
    axes = vectors[:, ::-1][:, :2]
    largest = axes[np.abs(axes).argmax(axis=0), np.arange(axes.shape[1])]
    plane = centred @ (axes * np.where(largest < 0, -1.0, 1.0))
    return np.column_stack([plane, np.zeros((len(rows), 2 - plane.shape[1]))])
