"""Nearness that was learnt from playlists: vectors of the songs, made by ``pipeline.two_tower``.

Ranking needs the vectors alone: numpy, no model.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.types import Space
from songrec.recommend.query import Rows, Taste, product


def weight(space: Space) -> float:
    """What nearness counts; 0 where nothing was learnt, or where it did not help."""
    told: dict[str, Any] = (space.learned or {}).get("tower") or {}
    return float(told.get("weight", 0.0)) if space.tower is not None else 0.0


def query(taste: Taste) -> NDArray[np.float32]:
    """The middle of the likes, a unit vector."""
    assert taste.space.tower is not None
    middle = taste.space.tower[taste.likes].astype(np.float64).mean(axis=0)
    return (middle / (np.linalg.norm(middle) or 1.0)).astype(np.float32)


def nearness(taste: Taste, rows: Rows) -> dict[str, NDArray[np.float64]]:
    """``{"playlists": (rows,)}``: weight · (cosine to the likes' middle − that of a usual song)."""
    factor = weight(taste.space)
    tower = taste.space.tower
    if not factor or tower is None:
        return {}
    asked = query(taste)
    usual = float(taste.figures.usual_direction @ asked)
    near = product(np.ascontiguousarray(tower[rows]), asked).astype(np.float64)
    return {"playlists": factor * (near - usual)}


def rough_nearness(taste: Taste) -> NDArray[np.float32]:
    """What ``nearness`` adds to every track, ``(n,)``, as well as float32 tells it."""
    tower = taste.space.tower
    assert tower is not None
    asked = query(taste)
    near = product(tower, asked)
    near -= taste.figures.usual_direction @ asked
    near *= np.float32(weight(taste.space))
    return near


def per_like(taste: Taste, rows: Rows) -> NDArray[np.float64]:
    """What ``nearness`` adds, split exactly over the likes, ``(rows, likes)``.

    The likes' middle is a sum over them, so the cosine to it is one, too.
    """
    tower = taste.space.tower
    assert tower is not None
    liked = tower[taste.likes].astype(np.float64)
    length = float(np.linalg.norm(liked.mean(axis=0))) or 1.0
    apart = tower[rows].astype(np.float64) - taste.figures.usual_direction
    return weight(taste.space) * (apart @ liked.T) / (len(liked) * length)


def nearest_like(taste: Taste, row: int) -> int:
    """The liked row that the song at ``row`` is nearest to."""
    tower = taste.space.tower
    assert tower is not None
    return int(taste.likes[int(np.argmax(tower[taste.likes] @ tower[row]))])
