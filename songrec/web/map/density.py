"""Views of a large map: numbers of songs by cell, or the songs themselves.

All numbers are little-endian::

    offset  type          what
    0       4 bytes       magic "SRMV"
    4       uint8         format version, 1
    5       uint8         0: cells, 1: songs
    6       uint16        0
    8       uint32        n: the songs in the view
    12      uint16 × 4    left, right, bottom, top of the view, as codes of the plane
    20      uint16 × 2    columns and lines of the cells
    cells:
    24      uint8 × c·l   the group most of a cell's songs are in, line by line from the bottom
    +c·l    uint8 × c·l   round(10 · log2(1 + songs)); 0 is an empty cell
    songs:
    24      uint32 × n    rows of the run
    +4n     uint16 × n    x codes
    +6n     uint16 × n    y codes
    +8n     uint8 × n     groups
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from songrec.web.map.plane import Plane, View

VERSION = 1
HEADER = struct.Struct("<4sBBHI4H2H")
MOST_SONGS = 20_000
"""Number of songs in a view from which it is sent as cells."""
MOST_CELLS = 320
"""Limit of columns and lines of a view."""
LEVELS_PER_DOUBLING = 10
DENSE = 4_000_000


def encode_view(
    plane: Plane, groups: NDArray[np.uint8], view: View, columns: int, lines: int
) -> bytes:
    """Encode the content of ``view``; ``groups`` ``(n,)`` are the songs' groups by row."""
    at = plane.select(view)
    edges = (view.left, view.right, view.bottom, view.top)
    if len(at) <= MOST_SONGS:
        head = HEADER.pack(b"SRMV", VERSION, 1, 0, len(at), *edges, 0, 0)
        rows = plane.rows[at]
        return b"".join(
            (
                head,
                rows.astype("<u4").tobytes(),
                plane.x[at].astype("<u2").tobytes(),
                plane.y[at].astype("<u2").tobytes(),
                groups[rows].tobytes(),
            )
        )
    cells = cells_of(plane, at, view, columns, lines)
    most, counts = largest_groups(cells, groups[plane.rows[at]], columns * lines)
    levels = np.rint(LEVELS_PER_DOUBLING * np.log2(1 + counts)).clip(0, 255)
    head = HEADER.pack(b"SRMV", VERSION, 0, 0, len(at), *edges, columns, lines)
    return head + most.astype(np.uint8).tobytes() + levels.astype(np.uint8).tobytes()


def cells_of(
    plane: Plane, at: NDArray[np.int64], view: View, columns: int, lines: int
) -> NDArray[np.int32]:
    """Return the cell of each song at ``at``, numbered line by line from the bottom."""
    width, height = view.right - view.left + 1, view.top - view.bottom + 1
    column = (plane.x[at].astype(np.int32) - view.left) * columns // width
    line = (plane.y[at].astype(np.int32) - view.bottom) * lines // height
    return line * columns + column


def largest_groups(
    cells: NDArray[np.int32], groups: NDArray[np.uint8], n_cells: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return each cell's most frequent group (0 if it is empty) and its number of songs."""
    counts = np.bincount(cells, minlength=n_cells)
    k = int(groups.max()) + 1 if len(groups) else 1
    if n_cells * k <= DENSE:
        both = np.bincount(cells.astype(np.int64) * k + groups, minlength=n_cells * k)
        return both.reshape(n_cells, k).argmax(axis=1), counts
    pairs, frequency = np.unique(cells.astype(np.int64) * k + groups, return_counts=True)
    # Later values overwrite earlier ones, so each cell gets the group with the most songs.
    order = np.argsort(frequency, kind="stable")
    most = np.zeros(n_cells, dtype=np.int64)
    most[pairs[order] // k] = pairs[order] % k
    return most, counts
