"""The map as a static picture: the density of songs, with the names of sound groups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from songrec.web.map.density import cells_of, largest_groups
from songrec.web.map.labels import (
    Anchor,
    Label,
    group_name,
    pixels_of,
    place_labels,
)
from songrec.web.map.plane import Bounds, Plane, View

COLUMNS, LINES = 80, 48
DOT = 14
"""Distance of neighbouring dots in pixels."""
WIDTH, HEIGHT = COLUMNS * DOT, LINES * DOT
SIZES = (3, 5, 7, 9)
"""Diameters of dots in tenths of ``STEP``, by the number of songs in a cell."""


@dataclass(frozen=True, slots=True)
class Dots:
    """The dots of one group and one size: the group's index and an SVG path.

    The path's unit is the distance of dots, with the origin in the centre of the top left dot,
    which makes for short numbers and a small page.
    """

    group: int
    size: int
    path: str


@dataclass(frozen=True, slots=True)
class Picture:
    """Dots, ``dot`` pixels apart, and names in ``width`` × ``height`` pixels."""

    width: int
    height: int
    dot: int
    dots: list[Dots]
    names: list[Label]


def view_of(plane: Plane, box: Bounds) -> View:
    """Return a box of the plane as a view."""
    (left, bottom), (right, top) = plane.code(box[0], box[2]), plane.code(box[1], box[3])
    return View(left, max(right, left + 1), bottom, max(top, bottom + 1))


def draw(
    plane: Plane,
    groups: NDArray[np.uint8],
    anchors: Sequence[Anchor],
    names: Sequence[str],
) -> Picture:
    """Draw the initial view; ``groups`` are the songs' groups by row, ``names`` their names."""
    view = view_of(plane, plane.box)
    at = plane.select(view)
    cells = cells_of(plane, at, view, COLUMNS, LINES)
    most, counts = largest_groups(cells, groups[plane.rows[at]], COLUMNS * LINES)
    # Each size has about equally many dots: the densest quarter of the cells is drawn largest.
    occupied = np.flatnonzero(counts)
    steps = np.quantile(counts[occupied], [0.4, 0.7, 0.9]) if len(occupied) else np.zeros(3)
    sizes = np.searchsorted(steps, counts, side="left")
    dots = []
    for group in np.unique(most[occupied]).tolist():
        for size in range(len(SIZES)):
            own = occupied[(most[occupied] == group) & (sizes[occupied] == size)]
            if len(own):
                x, y = own % COLUMNS, LINES - 1 - own // COLUMNS
                # A line of length zero with round caps is a dot.
                path = "".join(f"M{a} {b}h0" for a, b in zip(x.tolist(), y.tolist(), strict=True))
                dots.append(Dots(group, SIZES[size], path))
    x, y = (
        np.array([getattr(anchor, axis) for anchor in anchors], dtype=np.uint16) for axis in "xy"
    )
    candidates = [
        Label("group", group_name(names[anchor.group]), px, py, anchor.group, anchor.group)
        for anchor, (px, py) in zip(
            anchors, pixels_of(x, y, view, WIDTH, HEIGHT).tolist(), strict=True
        )
    ]
    return Picture(WIDTH, HEIGHT, DOT, dots, place_labels(candidates, WIDTH, HEIGHT))
