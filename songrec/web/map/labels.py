"""Choice and placement of names on the map: the best known first, without overlaps."""

from __future__ import annotations

import math
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from songrec.web.map.plane import STEPS, Plane, View

STEP = 8
"""Cell size in pixels of the grid of occupied places."""
GAP = 4
LONGEST, LONGEST_GROUP = 26, 36
"""Limit of letters of a name; longer ones end with an ellipsis."""

# Smallest mean distance of songs in pixels at which a kind of name is drawn.
ARTISTS_FROM, ARTISTS_TO = 4.0, 90.0
TITLES_FROM = 18.0
# Cell sizes in pixels: only the best known name of a kind in each cell is a candidate.
ARTIST_CELL, TITLE_CELL = (150, 56), (96, 34)
MOST_CANDIDATES = 160
MOST_NAMES = 80

# Largest spread of a group with a name, relative to the spread of all songs.
SPREAD = 0.75
MODE_CELLS = 48
FEW, FEWEST = 8, 3
"""Numbers of songs below which a group's name is placed above the group, so that it covers no
songs, and below which the group has no name once titles are shown."""


@dataclass(frozen=True, slots=True)
class Style:
    """Size of a kind of name in pixels: its height, and the width of an average letter."""

    height: float
    letter: float


STYLES = {"group": Style(24, 9.4), "artist": Style(18, 7.4), "title": Style(16, 6.6)}


@dataclass(frozen=True, slots=True)
class Label:
    """A name at a place in pixels of the view, from its top left corner.

    ``key`` is the group's number or the song's row, ``group`` the song's group. ``side`` is the
    position of the text: 0 on the place, -1 above it, 1 below. Only names of groups may be on their
    place, unless ``side`` is -1 from the start.
    """

    kind: str
    text: str
    x: float
    y: float
    key: int
    group: int
    side: int = 0


def shorten(text: str, longest: int = LONGEST) -> str:
    """Cut a long name, but not before a combining character."""
    if len(text) <= longest:
        return text
    cut = longest - 1
    while cut > 1 and unicodedata.combining(text[cut]):
        cut -= 1
    return text[:cut].rstrip() + "…"


def group_name(name: str) -> str:
    """Return the displayed name of a group."""
    return shorten(name[:1].upper() + name[1:], LONGEST_GROUP)


def text_width(text: str, letter: float) -> float:
    """Estimate the width of a text in pixels: ideographs and emoji are twice as wide."""
    wide = sum(unicodedata.east_asian_width(c) in "WF" for c in text)
    narrow = sum(not unicodedata.combining(c) for c in text) - wide
    return letter * (narrow + 1.9 * wide)


def place_labels(
    candidates: Sequence[Label],
    width: int,
    height: int,
    limit: int = MOST_NAMES,
    *,
    margin: float | None = None,
) -> list[Label]:
    """Place the labels that fit without overlaps, in the order of ``candidates``.

    A grid of ``STEP`` pixels marks occupied places. A name that may not be on its place is above
    it, else below; names that would leave the view are left out.

    Parameters
    ----------
    margin
        Pixels at the left and right from which the names of groups are moved inwards when they are
        drawn, so that they are not left out there. None if they stay where they are.
    """
    columns, lines = math.ceil(width / STEP), math.ceil(height / STEP)
    occupied = np.zeros((lines, columns), dtype=bool)
    placed: list[Label] = []
    for label in candidates:
        if len(placed) >= limit:
            break
        style = STYLES[label.kind]
        half = text_width(label.text, style.letter) / 2 + GAP
        x = label.x
        if label.kind == "group" and margin is not None and margin + half <= width / 2:
            x = min(max(x, margin + half), width - margin - half)
        for side in (0,) if label.kind == "group" and not label.side else (-1, 1):
            middle = label.y + side * (style.height / 2 + 4)
            left, right = x - half, x + half
            top, bottom = middle - style.height / 2, middle + style.height / 2
            if left < 0 or top < 0 or right > width or bottom > height:
                continue
            box = (
                slice(int(top // STEP), math.ceil(bottom / STEP)),
                slice(int(left // STEP), math.ceil(right / STEP)),
            )
            if occupied[box].any():
                continue
            occupied[box] = True
            placed.append(Label(*_fields(label), side))
            break
    return placed


def _fields(label: Label) -> tuple[str, str, float, float, int, int]:
    return label.kind, label.text, label.x, label.y, label.key, label.group


@dataclass(frozen=True, slots=True)
class Kinds:
    """The kinds of names to show in a view."""

    artists: bool
    titles: bool


def kinds_for(songs: int, width: int, height: int) -> Kinds:
    """Return the kinds of names for a view of ``songs`` songs in ``width`` × ``height`` pixels."""
    apart = math.sqrt(width * height / max(songs, 1))
    return Kinds(ARTISTS_FROM <= apart <= ARTISTS_TO, apart >= TITLES_FROM)


def best_of_cells(
    plane: Plane,
    at: NDArray[np.int64],
    rank: NDArray[np.int32],
    view: View,
    size: tuple[int, int],
    cell: tuple[int, int],
) -> NDArray[np.int64]:
    """Return the rows of the best ranked song of each cell of a view, the best first.

    ``at`` are positions in the plane, ``rank`` ``(n,)`` by row, 0 the best; ``size`` and ``cell``
    are the sizes of view and cells in pixels. The cells are fixed on the plane, so that candidates
    do not change when the view moves a little.
    """
    rows = plane.rows[at].astype(np.int64)
    per_cell = [
        max(1.0, (high - low + 1) * pixels / length)
        for low, high, pixels, length in (
            (view.left, view.right, cell[0], size[0]),
            (view.bottom, view.top, cell[1], size[1]),
        )
    ]
    column = (plane.x[at] // per_cell[0]).astype(np.int64)
    line = (plane.y[at] // per_cell[1]).astype(np.int64)
    cells = line * (int(STEPS // per_cell[0]) + 1) + column
    order = np.argsort(rank[rows], kind="stable")
    _, first = np.unique(cells[order], return_index=True)
    return rows[order[np.sort(first)]][:MOST_CANDIDATES]


def pixels_of(
    x: NDArray[np.uint16], y: NDArray[np.uint16], view: View, width: int, height: int
) -> NDArray[np.float64]:
    """Return places ``(m, 2)`` in pixels of the view, from its top left corner."""
    across = (x.astype(np.float64) - view.left) / max(view.right - view.left, 1) * width
    down = (view.top - y.astype(np.float64)) / max(view.top - view.bottom, 1) * height
    return np.column_stack([across, down])


@dataclass(frozen=True, slots=True)
class Anchor:
    """Place of a group's name: codes of the plane, and the group's number of songs."""

    group: int
    x: int
    y: int
    songs: int


def group_anchors(plane: Plane, groups: NDArray[np.uint8], n_groups: int) -> list[Anchor]:
    """Return the place of highest density of each group, the largest group first.

    Groups that are spread over the whole map are left out.
    """
    if not len(plane.rows):
        return []
    of = groups[plane.rows].astype(np.int64)
    size = (STEPS + 1) // MODE_CELLS + 1
    cells = (plane.y.astype(np.int64) // size) * MODE_CELLS + plane.x // size
    counts = np.bincount(of * MODE_CELLS**2 + cells, minlength=n_groups * MODE_CELLS**2)
    grid = counts.reshape(n_groups, MODE_CELLS, MODE_CELLS)
    ring = np.pad(grid, ((0, 0), (1, 1), (1, 1)))
    smooth = sum(
        ring[:, i : i + MODE_CELLS, j : j + MODE_CELLS] for i in range(3) for j in range(3)
    )
    totals = grid.sum(axis=(1, 2))
    spread = _spreads(plane, of, n_groups)
    anchors = []
    for group in np.argsort(-totals, kind="stable").tolist():
        if totals[group] and spread[group] < SPREAD:
            line, column = np.unravel_index(int(smooth[group].argmax()), (MODE_CELLS, MODE_CELLS))
            near = np.abs(cells // MODE_CELLS - line) <= 1
            near &= np.abs(cells % MODE_CELLS - column) <= 1
            near &= of == group
            x, y = plane.x[near].mean(), plane.y[near].mean()
            anchors.append(Anchor(group, round(x), round(y), int(totals[group])))
    return anchors


def _spreads(plane: Plane, of: NDArray[np.int64], n_groups: int) -> NDArray[np.float64]:
    """Return the variance of each group's places as a share of that of all songs."""
    counts = np.maximum(np.bincount(of, minlength=n_groups), 1)
    spread, total = np.zeros(n_groups), 0.0
    for codes in (plane.x, plane.y):
        values = codes.astype(np.float64) / STEPS
        mean = np.bincount(of, values, n_groups) / counts
        spread += np.bincount(of, (values - mean[of]) ** 2, n_groups) / counts
        total += float(values.var())
    return spread / total if total else np.zeros(n_groups)


def rank_songs(
    popularity: NDArray[np.float32] | None, artists: NDArray[np.uint64] | None, n: int
) -> NDArray[np.int32]:
    """Return each song's rank, 0 the best known: by popularity, then by its artist's songs."""
    popularities = (
        np.zeros(n) if popularity is None else np.nan_to_num(popularity.astype(np.float64))
    )
    by_artist = np.zeros(n, dtype=np.int64)
    if artists is not None and n:
        _, inverse, counts = np.unique(artists, return_inverse=True, return_counts=True)
        by_artist = np.where(np.asarray(artists) == 0, 0, counts[inverse])
    order = np.lexsort((np.arange(n), -by_artist, -popularities))
    rank = np.empty(n, dtype=np.int32)
    rank[order] = np.arange(n, dtype=np.int32)
    return rank


def artist_rows(
    artists: NDArray[np.uint64], coordinates: NDArray[np.float32], rank: NDArray[np.int32]
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    """Return one row for each artist's name, and the artists' ranks by row (0 the best known).

    The row is the artist's song nearest to the centroid of the artist's songs. Artists with a
    single song or with songs all over the map have no name; rows without an artist rank last.
    """
    n = len(artists)
    ranks = np.full(n, n, dtype=np.int32)
    ids, inverse, counts = np.unique(artists, return_inverse=True, return_counts=True)
    if not len(ids):
        return np.empty(0, dtype=np.int64), ranks
    places = coordinates.astype(np.float64)
    means = np.column_stack([np.bincount(inverse, places[:, i]) / counts for i in (0, 1)])
    away = ((places - means[inverse]) ** 2).sum(axis=1)
    spread = np.bincount(inverse, away) / counts
    total = float(places.var(axis=0).sum())
    best = np.full(len(ids), n, dtype=np.int64)
    np.minimum.at(best, inverse, rank)
    order = np.lexsort((away, inverse))
    first = order[np.searchsorted(inverse[order], np.arange(len(ids)))]
    named = (ids != 0) & (counts > 1) & (spread < SPREAD * total if total else True)
    rows = first[named][np.argsort(best[named], kind="stable")]
    ranks[rows] = np.arange(len(rows), dtype=np.int32)
    return rows, ranks
