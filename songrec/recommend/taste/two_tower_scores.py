"""Nearness in vectors learnt from playlists (``services.training.two_tower``): numpy, no model."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Floats, Space
from songrec.recommend.query import Query
from songrec.recommend.space_statistics import statistics_of
from songrec.recommend.top_k import Rows, product

Array = NDArray[np.float64]


def playlist_weight(space: Space) -> float:
    """Return the weight of nearness beside the taste score.

    0 where it was not trained, or where it did not help.
    """
    prior = space.taste_prior or {}
    training: dict[str, Any] = prior.get("two_tower") or prior.get("tower") or {}  # older runs
    return float(training.get("weight", 0.0)) if space.track_factors is not None else 0.0


def likes_direction(space: Space, likes: Rows) -> NDArray[np.float32]:
    """Return the mean of the likes' vectors as a unit vector ``(t,)``."""
    mean = _factors(space)[likes].astype(np.float64).mean(axis=0)
    return (mean / (np.linalg.norm(mean) or 1.0)).astype(np.float32)


def nearness(space: Space, likes: Rows, rows: Rows) -> Array:
    """Compute the cosine to the likes' mean less that of the catalogue's mean, ``(rows,)``."""
    direction = likes_direction(space, likes)
    usual = float(statistics_of(space).mean_track_factors @ direction)
    # In float64: a row's score must not depend on the rows that are scored with it.
    return _factors(space)[rows].astype(np.float64) @ direction.astype(np.float64) - usual


def nearness_of_all(space: Space, likes: Rows) -> NDArray[np.float32]:
    """Compute ``nearness`` of every track in float32, ``(n,)``."""
    direction = likes_direction(space, likes)
    near = product(_factors(space), direction)
    near -= statistics_of(space).mean_track_factors @ direction
    return near


def nearness_per_like(space: Space, likes: Rows, rows: Rows) -> Array:
    """Split ``nearness`` over the likes, ``(rows, likes)``; exact, for their mean is a sum."""
    factors = _factors(space)
    liked = factors[likes].astype(np.float64)
    length = float(np.linalg.norm(liked.mean(axis=0))) or 1.0
    differences = factors[rows].astype(np.float64) - statistics_of(space).mean_track_factors
    return (differences @ liked.T) / (len(liked) * length)


def nearest_like(query: Query, row: int, members: Rows) -> int:
    """Return the liked row, of those at ``members``, that the song at ``row`` is nearest to."""
    factors, likes = _factors(query.space), query.likes[members]
    return int(likes[int(np.argmax(factors[likes] @ factors[row]))])


def _factors(space: Space) -> Floats:
    assert space.track_factors is not None
    return space.track_factors
