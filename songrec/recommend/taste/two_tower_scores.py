"""Nearness in vectors learnt from playlists (``services.training.two_tower``): numpy, no model."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Floats, Space
from songrec.recommend.query import Query
from songrec.recommend.top_k import Rows, product

Array = NDArray[np.float64]


def playlist_weight(space: Space) -> float:
    """Return the weight of nearness; 0 where it was not trained, or where it did not help."""
    prior = space.taste_prior or {}
    training: dict[str, Any] = prior.get("two_tower") or prior.get("tower") or {}  # older runs
    return float(training.get("weight", 0.0)) if space.track_factors is not None else 0.0


def likes_direction(query: Query) -> NDArray[np.float32]:
    """Return the mean of the likes' vectors as a unit vector ``(t,)``."""
    mean = _factors(query)[query.likes].astype(np.float64).mean(axis=0)
    return (mean / (np.linalg.norm(mean) or 1.0)).astype(np.float32)


def nearness(query: Query, rows: Rows) -> Array:
    """Compute weight · (cosine to the likes' mean − that of the catalogue's mean), ``(rows,)``."""
    direction = likes_direction(query)
    usual = float(query.statistics.mean_track_factors @ direction)
    # In float64: a row's score must not depend on the rows that are scored with it.
    near = _factors(query)[rows].astype(np.float64) @ direction.astype(np.float64)
    return playlist_weight(query.space) * (near - usual)


def nearness_of_all(query: Query) -> NDArray[np.float32]:
    """Compute ``nearness`` of every track in float32, ``(n,)``."""
    direction = likes_direction(query)
    near = product(_factors(query), direction)
    near -= query.statistics.mean_track_factors @ direction
    near *= np.float32(playlist_weight(query.space))
    return near


def nearness_per_like(query: Query, rows: Rows) -> Array:
    """Split ``nearness`` over the likes, ``(rows, likes)``; exact, for their mean is a sum."""
    factors = _factors(query)
    liked = factors[query.likes].astype(np.float64)
    length = float(np.linalg.norm(liked.mean(axis=0))) or 1.0
    differences = factors[rows].astype(np.float64) - query.statistics.mean_track_factors
    return playlist_weight(query.space) * (differences @ liked.T) / (len(liked) * length)


def nearest_like(query: Query, row: int) -> int:
    """Return the liked row that the song at ``row`` is nearest to."""
    factors = _factors(query)
    return int(query.likes[int(np.argmax(factors[query.likes] @ factors[row]))])


def _factors(query: Query) -> Floats:
    assert query.space.track_factors is not None
    return query.space.track_factors
