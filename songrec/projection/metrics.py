"""Trustworthiness of a map: whether neighbours on it are neighbours in the latent."""

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
    """Measure whether each track's nearest on the map are among its nearest in the latent.

    Tracks at one distance share the better rank. Above 3,000 tracks it is the mean over 500 drawn
    tracks (above 200,000 fewer, at least 100), each against all others.

    Parameters
    ----------
    latent
        float32 ``(n, l)``.
    coordinates
        float32 ``(n, 2)``.
    seed
        Of the drawn tracks.
    neighbours
        Size of a neighbourhood.

    Returns
    -------
    dict
        ``trustworthiness`` from 0 to 1, None below four tracks, and where tracks were drawn
        ``trustworthiness_sample``, their number.

    References
    ----------
    Venna & Kaski, "Neighborhood preservation in nonlinear projection methods", ICANN 2001.
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
    result: dict[str, Any] = {"trustworthiness": float(1 - cost / worst)}
    if len(rows) < n:
        result["trustworthiness_sample"] = len(rows)
    return result


def _cost(latent: Floats, coordinates: Floats, row: int, k: int) -> float:
    """Return by how much the latent ranks of the row's ``k`` nearest on the map exceed ``k``."""
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
