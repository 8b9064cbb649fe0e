"""How far a map can be trusted: whether neighbours on it are neighbours in the latent."""

from __future__ import annotations

from typing import Any

import numpy as np

from songrec.core.types import Floats, Ints

NEIGHBOURS = 15
MEASURED_ALL = 3_000
MEASURED = 500
FEWEST_MEASURED = 100
COMPARISONS = 100_000_000


def trustworthiness(
    latent: Floats, coordinates: Floats, *, seed: int, neighbours: int = NEIGHBOURS
) -> dict[str, Any]:
    """``{"trustworthiness": value}`` from 0 to 1 (Venna & Kaski 2001), None below four tracks.

    1 where each track's nearest 15 on the map are among its nearest 15 in the latent; a stranger
    costs the more the farther down the latent's order it is. Tracks at one distance share the
    better rank. Above 3,000 tracks it is the mean over 500 drawn tracks (above 200,000 fewer, at
    least 100), each against all others, and ``trustworthiness_sample`` says so.
    """
    n = len(latent)
    # The normalisation, by the worst case, holds for less than half of the others.
    k = min(neighbours, (n - 1) // 2)
    if k < 1:
        return {"trustworthiness": None}
    rows = np.arange(n)
    if n > MEASURED_ALL:
        few = min(MEASURED, max(FEWEST_MEASURED, COMPARISONS // n))
        rows = np.sort(np.random.default_rng(seed).choice(n, few, replace=False))
    cost = sum(_cost(latent, coordinates, int(row), k) for row in rows)
    worst = len(rows) * k * (2 * n - 3 * k - 1) / 2
    found: dict[str, Any] = {"trustworthiness": float(1 - cost / worst)}
    if len(rows) < n:
        found["trustworthiness_sample"] = len(rows)
    return found


def _cost(latent: Floats, coordinates: Floats, row: int, k: int) -> float:
    """How far beyond ``k`` the ranks in the latent of the row's ``k`` nearest on the map lie."""
    near = _nearest(coordinates, row, k)
    distances = _squared(latent, row)
    distances[row] = -1.0
    # The row itself is always nearer, so the count of nearer ones is the rank from 1.
    ranks = np.array([(distances < distances[other]).sum() for other in near])
    return float(np.maximum(ranks - k, 0).sum())


def _nearest(coordinates: Floats, row: int, k: int) -> Ints:
    distances = _squared(coordinates, row)
    distances[row] = np.inf
    return np.argpartition(distances, k - 1)[:k]


def _squared(values: Floats, row: int) -> np.ndarray:
    return np.square(values - values[row], dtype=np.float64).sum(axis=1)
