"""Names in a view of the map: sound groups, when zoomed in artists, then titles."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from flask import current_app
from numpy.typing import NDArray
from sqlalchemy.orm import Session

from songrec.core.types import Space
from songrec.services.catalogue.track_lookup import title_lookup
from songrec.store.catalogue import artists, tracks
from songrec.store.tables import Run
from songrec.web.cached_counts import cached_value
from songrec.web.map import labels, payloads
from songrec.web.map.groups import Grouping
from songrec.web.map.labels import Anchor, Label
from songrec.web.map.plane import Plane, View

AROUND = 1 / 18
"""Share of a view at each side that is requested around the shown part, see map/main.js."""


def names_in_view(
    session: Session,
    run: Run,
    space: Space,
    projection: str,
    column: str,
    view: View,
    size: tuple[int, int],
) -> list[dict[str, Any]]:
    """Return the names that fit into a view as JSON, with places in units of the plane.

    Parameters
    ----------
    projection
        The map, empty for the run's own.
    column
        Column of the colours, whose groups are named.
    view, size
        Part of the plane, and its size in pixels.
    """
    plane = payloads.plane(space, projection)
    grouping = payloads.grouping(session, run, space, column)
    at = plane.select(view)
    kinds = labels.kinds_for(len(at), *size)
    named = anchors(session, space, projection, column, plane, grouping)
    least = labels.FEWEST if kinds.titles else 1
    candidates = _groups([a for a in named if a.songs >= least], grouping)
    candidates = [label for label in candidates if _is_inside(label, view)]
    rank = payloads.ranks(space)
    if kinds.artists and space.artists is not None:
        candidates += _artists(session, space, projection, plane, grouping, view, size)
    if kinds.titles:
        rows = labels.best_of_cells(plane, at, rank, view, size, labels.TITLE_CELL)
        of_track = title_lookup(session)(space.track_ids[rows].tolist())
        candidates += _songs("title", space, plane, grouping, rows, of_track.get)
    placed = labels.place_labels(_in_pixels(candidates, view, size), *size, margin=AROUND * size[0])
    back = [view.left, view.top]
    unit = [(view.right - view.left) / size[0], (view.top - view.bottom) / size[1]]
    return [
        {
            "kind": label.kind,
            "text": label.text,
            "key": label.key,
            "group": label.group,
            "side": label.side,
            **dict(
                zip(
                    "xy",
                    plane.place(back[0] + label.x * unit[0], back[1] - label.y * unit[1]),
                    strict=True,
                )
            ),
        }
        for label in placed
    ]


def anchors(
    session: Session,
    space: Space,
    projection: str,
    column: str,
    plane: Plane,
    grouping: Grouping,
) -> list[Anchor]:
    """Return the places of the groups' names; empty for values of an attribute."""
    if grouping.kind in ("amounts", "flag"):
        return []
    version = tracks.version(session) if column in payloads.NAMED_COLUMNS else ""
    return cached_value(
        ("map", f"anchors {projection} {column}", str(current_app.config["INSTANCE"])),
        f"{space.run_id} {version}",
        lambda: labels.group_anchors(plane, grouping.of, len(grouping.labels)),
    )


def _groups(anchors: Sequence[Anchor], grouping: Grouping) -> list[Label]:
    """Return the groups' names at codes of the plane, without the group of unknown values."""
    named = grouping.kind == "cluster"
    return [
        Label("group", labels.group_name(name), a.x, a.y, a.group, a.group, -(a.songs < labels.FEW))
        for a in anchors
        if (name := grouping.labels[a.group]) and (named or name != "Unknown")
    ]


def _artists(
    session: Session,
    space: Space,
    projection: str,
    plane: Plane,
    grouping: Grouping,
    view: View,
    size: tuple[int, int],
) -> list[Label]:
    at, ranks = cached_value(
        ("map", f"artists {projection}", str(current_app.config["INSTANCE"])),
        space.run_id,
        lambda: _artist_places(space, projection, plane),
    )
    x, y = plane.x[at], plane.y[at]
    inside = (x >= view.left) & (x <= view.right) & (y >= view.bottom) & (y <= view.top)
    rows = labels.best_of_cells(plane, at[inside], ranks, view, size, labels.ARTIST_CELL)
    ids = space.track_ids[rows].tolist()
    credited = artists.names_of_tracks(session, ids)
    by_id = {track_id: names[0] for track_id, names in credited.items() if names}
    return _songs("artist", space, plane, grouping, rows, by_id.get)


def _artist_places(
    space: Space, projection: str, plane: Plane
) -> tuple[NDArray[np.int64], NDArray[np.int32]]:
    assert space.artists is not None
    coordinates = payloads.with_projection(space, projection).coordinates
    rows, ranks = labels.artist_rows(space.artists, coordinates, payloads.ranks(space))
    return np.sort(plane.where[rows]).astype(np.int64), ranks


def _songs(
    kind: str,
    space: Space,
    plane: Plane,
    grouping: Grouping,
    rows: NDArray[np.int64],
    name_of: Callable[[int], str | None],
) -> list[Label]:
    """Return names at the places of songs, as codes of the plane."""
    at = plane.where[rows]
    return [
        Label(kind, labels.shorten(name), x, y, row, int(grouping.of[row]))
        for row, track_id, x, y in zip(
            rows.tolist(),
            space.track_ids[rows].tolist(),
            plane.x[at].tolist(),
            plane.y[at].tolist(),
            strict=True,
        )
        if (name := name_of(track_id))
    ]


def _is_inside(label: Label, view: View) -> bool:
    return view.left <= label.x <= view.right and view.bottom <= label.y <= view.top


def _in_pixels(candidates: Sequence[Label], view: View, size: tuple[int, int]) -> list[Label]:
    x, y = (np.array([getattr(c, axis) for c in candidates], dtype=np.uint16) for axis in "xy")
    places = labels.pixels_of(x, y, view, *size).tolist()
    return [
        Label(c.kind, c.text, px, py, c.key, c.group, c.side)
        for c, (px, py) in zip(candidates, places, strict=True)
    ]
