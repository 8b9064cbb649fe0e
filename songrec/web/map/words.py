"""What the map says to those who do not see it: where clusters lie, what a song stands out by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from songrec.core.attributes import BY_NAME, format_attribute
from songrec.core.types import Space
from songrec.recommend.space_statistics import statistics_of
from songrec.store.catalogue.tracks import TrackView
from songrec.store.tables import Cluster
from songrec.web.map.encoding import POINTS_HEADER

TYPICAL_SHOWN = 3
TRAITS = 3
# Whether a song is explicit says little of how it sounds, and half of all songs tie.
NOT_TELLING = ("explicit",)

ROWS = ("bottom", "", "top")
COLUMNS = ("left", "", "right")


@dataclass(frozen=True)
class Entry:
    """One cluster in the map's list: where it lies and songs that are typical of it."""

    cluster: Cluster
    place: str
    typical: list[TrackView]


def place(x: float, y: float, view: Sequence[float]) -> str:
    """Where a point lies in a view ``(left, right, bottom, top)``: ``"top left"``, ``"centre"``."""
    left, right, bottom, top = view
    column = COLUMNS[_third(x, left, right)]
    row = ROWS[_third(y, bottom, top)]
    return " ".join(word for word in (row, column) if word) or "centre"


def _third(value: float, low: float, high: float) -> int:
    return int(np.clip((value - low) / ((high - low) or 1.0) * 3, 0, 2))


def places(space: Space, points: bytes) -> dict[int, str]:
    """Per cluster number, where its middle (the median of its tracks) lies in the first view."""
    view = POINTS_HEADER.unpack_from(points)[9:13]
    found = {}
    for number in np.unique(space.labels).tolist():
        x, y = np.median(space.coordinates[space.labels == number], axis=0)
        found[number] = place(float(x), float(y), view)
    return found


def traits(space: Space, rows: NDArray[np.int64]) -> list[list[dict[str, Any]]]:
    """Per row, the three attributes it stands out by, the most telling first.

    Each is ``{"name", "label", "value", "text", "share"}``; ``share`` (0 to 1) of the catalogue
    lies below the value, and ``text`` says so: "calmer than 83% of the catalogue".
    """
    names = [n for n in space.value_names if n in BY_NAME and n not in NOT_TELLING]
    if not names or not len(rows):
        return [[] for _ in rows]
    spreads = statistics_of(space).distributions
    values = np.asarray(space.values[rows])[:, [space.value_names.index(n) for n in names]]
    shares = np.column_stack([spreads[n].percentile(values[:, i]) for i, n in enumerate(names)])
    apart = np.nan_to_num(np.abs(shares - 0.5), nan=-1.0)
    told = np.argsort(-apart, axis=1, kind="stable")[:, :TRAITS]
    return [
        [
            _trait(names[column], float(values[row, column]), float(shares[row, column]))
            for column in columns
            if apart[row, column] >= 0
        ]
        for row, columns in enumerate(told.tolist())
    ]


def _trait(name: str, value: float, share: float) -> dict[str, Any]:
    attribute = BY_NAME[name]
    more = share >= 0.5
    # 100% would say that the song beats itself.
    percent = min(99, round(100 * (share if more else 1 - share)))
    word = attribute.more if more else attribute.less
    return {
        "name": name,
        "label": attribute.label,
        "value": format_attribute(name, value),
        "text": f"{word} than {percent}% of the catalogue",
        "share": round(share, 4),
    }
