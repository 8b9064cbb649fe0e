"""Nearness that was learnt from playlists: vectors of the songs, made by ``pipeline.two_tower``.

Ranking needs the vectors alone: numpy, no model.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Space
from songrec.recommend.query import Query, Rows, product


def weight(space: Space) -> float:
    """What nearness counts; 0 where nothing was learnt, or where it did not help."""
    told: dict[str, Any] = (space.taste_prior or {}).get("tower") or {}
    return float(told.get("weight", 0.0)) if space.track_factors is not None else 0.0


def likes_direction(query: Query) -> NDArray[np.float32]:
    """The middle of the likes, a unit vector."""
    assert query.space.track_factors is not None
    middle = query.space.track_factors[query.likes].astype(np.float64).mean(axis=0)
    return (middle / (np.linalg.norm(middle) or 1.0)).astype(np.float32)


def nearness(query: Query, rows: Rows) -> dict[str, NDArray[np.float64]]:
    """``{"playlists": (rows,)}``: weight · (cosine to the likes' middle − that of a usual song)."""
    factor = weight(query.space)
    track_factors = query.space.track_factors
    if not factor or track_factors is None:
        return {}
    direction = likes_direction(query)
    usual = float(query.statistics.mean_track_factors @ direction)
    near = product(np.ascontiguousarray(track_factors[rows]), direction).astype(np.float64)
    return {"playlists": factor * (near - usual)}


def rough_nearness(query: Query) -> NDArray[np.float32]:
    """What ``nearness`` adds to every track, ``(n,)``, as well as float32 tells it."""
    track_factors = query.space.track_factors
    assert track_factors is not None
    direction = likes_direction(query)
    near = product(track_factors, direction)
    near -= query.statistics.mean_track_factors @ direction
    near *= np.float32(weight(query.space))
    return near


def per_like(query: Query, rows: Rows) -> NDArray[np.float64]:
    """What ``nearness`` adds, split exactly over the likes, ``(rows, likes)``.

    The likes' middle is a sum over them, so the cosine to it is one, too.
    """
    track_factors = query.space.track_factors
    assert track_factors is not None
    liked = track_factors[query.likes].astype(np.float64)
    length = float(np.linalg.norm(liked.mean(axis=0))) or 1.0
    apart = track_factors[rows].astype(np.float64) - query.statistics.mean_track_factors
    return weight(query.space) * (apart @ liked.T) / (len(liked) * length)


def nearest_like(query: Query, row: int) -> int:
    """The liked row that the song at ``row`` is nearest to."""
    track_factors = query.space.track_factors
    assert track_factors is not None
    return int(query.likes[int(np.argmax(track_factors[query.likes] @ track_factors[row]))])
