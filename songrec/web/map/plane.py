"""Spatial index of a map's songs on a grid, with which the songs of a view are a few slices."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

STEPS = 65_535
SIDE = 512
"""Number of lines and columns of the grid."""
CELL = (STEPS + 1) // SIDE

# The initial view shows 99% of the songs along each axis, so that outliers do not compress it.
OUTSIDE = 0.005
MARGIN = 0.06
ROOM = 0.12
"""Margin of the plane at each edge, as a share of the initial view, with room for names."""

Bounds = tuple[float, float, float, float]
"""Left, right, bottom, top."""


@dataclass(frozen=True, slots=True)
class View:
    """A part of the plane in codes from 0 to 65,535, all edges included."""

    left: int
    right: int
    bottom: int
    top: int


WHOLE = View(0, STEPS, 0, STEPS)


@dataclass(frozen=True, eq=False, slots=True)
class Plane:
    """The songs of a map, sorted by the cells of a grid of ``SIDE`` × ``SIDE``, line by line.

    ``x``, ``y`` uint16 ``(n,)`` are codes within ``bounds``; ``box`` is the initial view. ``rows``
    uint32 ``(n,)`` are the songs' rows in the run, ``where`` uint32 ``(n,)`` the position of each
    row; the songs of cell c are at the positions ``starts[c]`` to ``starts[c + 1] - 1``.
    """

    bounds: Bounds
    box: Bounds
    x: NDArray[np.uint16]
    y: NDArray[np.uint16]
    rows: NDArray[np.uint32]
    where: NDArray[np.uint32]
    starts: NDArray[np.int64]

    def select(self, view: View) -> NDArray[np.int64]:
        """Return the positions of the songs in a view, ascending."""
        left, right = view.left // CELL, view.right // CELL
        lines = np.arange(view.bottom // CELL, view.top // CELL + 1)
        begins = self.starts[lines * SIDE + left]
        ends = self.starts[lines * SIDE + right + 1]
        if left == 0 and right == SIDE - 1:
            at = np.arange(begins[0], ends[-1])
        else:
            at = np.concatenate(
                [np.arange(a, b) for a, b in zip(begins, ends, strict=True) if b > a]
                or [np.empty(0, np.int64)]
            )
        x, y = self.x[at], self.y[at]
        inside = (x >= view.left) & (x <= view.right) & (y >= view.bottom) & (y <= view.top)
        return at if inside.all() else at[inside]

    def inside(self, shape: NDArray[np.int64], limit: int) -> tuple[NDArray[np.int64], int]:
        """Return rows inside a polygon ``(k, 2)`` of codes, and their total number.

        At most ``limit`` rows, those nearest to the median first. Even-odd rule.
        """
        low, high = shape.min(axis=0), shape.max(axis=0)
        at = self.select(View(int(low[0]), int(high[0]), int(low[1]), int(high[1])))
        x, y = self.x[at].astype(np.int64), self.y[at].astype(np.int64)
        within = np.zeros(len(at), dtype=bool)
        for (ax, ay), (bx, by) in zip(
            shape.tolist(), np.roll(shape, 1, axis=0).tolist(), strict=True
        ):
            if ay == by:
                continue
            crosses = (y < ay) != (y < by)
            within ^= crosses & (x < (bx - ax) * (y - ay) / (by - ay) + ax)
        at, x, y = at[within], x[within], y[within]
        if not len(at):
            return np.empty(0, dtype=np.int64), 0
        away = np.hypot(x - np.median(x), y - np.median(y))
        rows = self.rows[at].astype(np.int64)
        return rows[np.lexsort((rows, away))[:limit]], len(at)

    def code(self, x: float, y: float) -> tuple[int, int]:
        """Return the codes of a place, clipped to the plane's edges."""
        left, right, bottom, top = self.bounds
        codes = (quantise(np.array([x]), left, right), quantise(np.array([y]), bottom, top))
        return int(codes[0][0]), int(codes[1][0])

    def place(self, x: float, y: float) -> tuple[float, float]:
        """Return the place of codes."""
        left, right, bottom, top = self.bounds
        return left + x / STEPS * (right - left), bottom + y / STEPS * (top - bottom)


def sort_plane(coordinates: NDArray[np.float32]) -> Plane:
    """Sort the songs at ``coordinates`` ``(n, 2)`` by place."""
    box = first_view(coordinates)
    left, right, bottom, top = bounds = _with_room(bounds_of(coordinates), box)
    x, y = quantise(coordinates[:, 0], left, right), quantise(coordinates[:, 1], bottom, top)
    cells = (y // CELL).astype(np.int32) * SIDE + x // CELL
    order = np.argsort(cells, kind="stable")
    starts = np.zeros(SIDE * SIDE + 1, dtype=np.int64)
    np.cumsum(np.bincount(cells, minlength=SIDE * SIDE), out=starts[1:])
    where = np.empty(len(order), dtype=np.uint32)
    where[order] = np.arange(len(order), dtype=np.uint32)
    return Plane(bounds, box, x[order], y[order], order.astype(np.uint32), where, starts)


def bounds_of(coordinates: NDArray[np.float32]) -> Bounds:
    """Return the extent of all songs."""
    if not len(coordinates):
        return 0.0, 1.0, 0.0, 1.0
    (left, bottom), (right, top) = coordinates.min(axis=0), coordinates.max(axis=0)
    return float(left), float(right), float(bottom), float(top)


def first_view(coordinates: NDArray[np.float32]) -> Bounds:
    """Return the initial view of a map: 99% of the songs along each axis, and a margin."""
    if not len(coordinates):
        return 0.0, 1.0, 0.0, 1.0
    edges = np.quantile(coordinates, [OUTSIDE, 1 - OUTSIDE], axis=0)
    span = edges[1] - edges[0]
    # A single track, or many at one place, need a view of positive size.
    span[span == 0] = span.max() or 1.0
    (left, bottom), (right, top) = edges[0] - MARGIN * span, edges[1] + MARGIN * span
    return float(left), float(right), float(bottom), float(top)


def _with_room(bounds: Bounds, box: Bounds) -> Bounds:
    """Widen bounds by a share of the initial view, and to include that view."""
    across, up = ROOM * (box[1] - box[0]), ROOM * (box[3] - box[2])
    return (
        min(bounds[0], box[0]) - across,
        max(bounds[1], box[1]) + across,
        min(bounds[2], box[2]) - up,
        max(bounds[3], box[3]) + up,
    )


def quantise(values: NDArray[np.floating], low: float, high: float) -> NDArray[np.uint16]:
    """Return codes from 0 (``low``) to 65,535 (``high``), clipped."""
    share = (values.astype(np.float64) - low) / ((high - low) or 1.0)
    return np.rint(np.clip(share, 0.0, 1.0) * STEPS).astype("<u2")
