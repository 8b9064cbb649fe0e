"""The map as text: the positions of clusters."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from songrec.core.types import Space
from songrec.store.catalogue.tracks import TrackView
from songrec.store.tables import Cluster
from songrec.web.map.plane import Bounds

TYPICAL_SHOWN = 3

ROWS = ("bottom", "", "top")
COLUMNS = ("left", "", "right")


@dataclass(frozen=True)
class Entry:
    """A cluster in the map's list: its position and typical songs."""

    cluster: Cluster
    place: str
    typical: list[TrackView]


def place(x: float, y: float, view: Sequence[float]) -> str:
    """Describe the position of a point in a view ``(left, right, bottom, top)``: ``"top left"``."""
    left, right, bottom, top = view
    column = COLUMNS[_third(x, left, right)]
    row = ROWS[_third(y, bottom, top)]
    return " ".join(word for word in (row, column) if word) or "centre"


def _third(value: float, low: float, high: float) -> int:
    return int(np.clip((value - low) / ((high - low) or 1.0) * 3, 0, 2))


def places(space: Space, view: Bounds) -> dict[int, str]:
    """Describe the position in ``view`` of each cluster's median, by cluster number."""
    positions = {}
    for number in np.unique(space.labels).tolist():
        x, y = np.median(space.coordinates[space.labels == number], axis=0)
        positions[number] = place(float(x), float(y), view)
    return positions
