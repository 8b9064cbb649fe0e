"""Merging two tracks into one, and undoing it. The caller commits.

Tables that reference tracks are found by inspecting the metadata, so that later tables are
included. A row whose key contains the track (a like, a position in a playlist, a tag) moves to the
survivor; if the survivor has such a row, the two are combined by the rule in ``_COMBINE``. Other
rows that reference the track (a file) then reference the survivor. Rows that belong to the track
alone (clusters in runs, credits) are not reassigned. The previous state is stored in
``TrackMerge.before``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Table, delete, insert, select, update
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput
from songrec.store.bulk import chunks
from songrec.store.catalogue import match_keys
from songrec.store.catalogue.merge_rows import Link, Row, moment, pointing, read, written
from songrec.store.db import Base, now
from songrec.store.tables import (
    ClusterAssignment,
    Duplicate,
    Listener,
    Mix,
    Playlist,
    Track,
    TrackArtist,
    TrackAttributes,
    TrackMerge,
)

_TRACK = Track.__table__
_DUPLICATE = Duplicate.__table__
_NOT_REASSIGNED = frozenset({ClusterAssignment.__tablename__, TrackArtist.__tablename__})
FILLED = (
    "album_id",
    "year",
    "duration_ms",
    "key",
    "mode",
    "time_signature",
)
"""Columns that are copied to a survivor without a value, besides the twelve attributes."""


def _newer(moment: str) -> Callable[[Row, Row], Row]:
    return lambda mine, theirs: theirs if theirs[moment] > mine[moment] else mine


def _skips(mine: Row, theirs: Row) -> Row:
    latest = max(mine["last_at"], theirs["last_at"])
    return {**mine, "times": mine["times"] + theirs["times"], "last_at": latest}


def _earlier_place(mine: Row, theirs: Row) -> Row:
    return {**mine, "position": min(mine["position"], theirs["position"])}


def _filled(mine: Row, theirs: Row) -> Row:
    return {name: theirs[name] if value is None else value for name, value in mine.items()}


_COMBINE: dict[str, Callable[[Row, Row], Row]] = {
    "reaction": _newer("created_at"),
    "skip": _skips,
    "playlist_track": _earlier_place,
    "mix_track": _earlier_place,
    TrackAttributes.__tablename__: _filled,
}


def merge(
    session: Session, survivor_id: int, merged_id: int, *, batch: str | None = None
) -> TrackMerge:
    """Merge the track ``merged_id`` into ``survivor_id``; see the module.

    ``batch`` identifies merges that are made, and can be undone, together. Raises ``BadInput`` for
    an unknown track, or if both are the same track.
    """
    if survivor_id == merged_id:
        raise BadInput("A song cannot be merged with itself: name two tracks.")
    # Write first, which locks out other writers, so that the values read below stay current.
    session.flush()
    session.execute(
        update(_TRACK).where(_TRACK.c.id == survivor_id).values(updated_at=Track.updated_at)
    )
    survivor, gone = (_track(session, track_id) for track_id in (survivor_id, merged_id))
    links, columns = pointing()
    before: dict[str, Any] = {
        "track": gone,
        "links": {},
        "columns": {},
        "filled": {},
        "aside": {},
        "duplicates": [],
    }
    for link in links:
        theirs = link.rows(session, merged_id)
        if link.table.name in _NOT_REASSIGNED:
            before["aside"][link.table.name] = list(theirs.values())
        elif theirs:
            before["links"][link.table.name] = _move(session, link, survivor_id, theirs)
    for table, column in columns:
        moved = session.scalars(select(table.c.id).where(table.c[column] == merged_id)).all()
        if moved:
            before["columns"][f"{table.name}.{column}"] = list(moved)
            _point(session, table, column, moved, survivor_id)
    filled = _values_to_fill(survivor, gone)
    before["filled"] = {name: [survivor[name], value] for name, value in filled.items()}
    at = now()
    before["updated_at"] = [survivor["updated_at"], at]
    session.execute(
        update(_TRACK).where(_TRACK.c.id == survivor_id).values(**filled, updated_at=at)
    )
    before["duplicates"] = _merge_duplicates(session, survivor_id, merged_id)
    session.execute(delete(_TRACK).where(_TRACK.c.id == merged_id))
    match_keys.forget(session, [survivor_id])
    row = TrackMerge(
        survivor_id=survivor_id,
        merged_id=merged_id,
        merged_public_id=gone["public_id"],
        merged_source_key=gone["source_key"],
        merged_external_id=gone["external_id"],
        title=gone["title"],
        artists=gone["artists"],
        batch=batch,
        before=written(before),
    )
    session.add(row)
    session.flush()
    session.expire_all()
    return row


def undo(session: Session, merge_id: int) -> TrackMerge:
    """Restore a merged track with all of its rows.

    Rows that are unchanged since the merge are restored exactly. Later changes (a like turned into
    a dislike, a song moved in a playlist) are applied to those of the two tracks that had the row.
    Raises ``BadInput`` for an unknown merge, one that is undone already, or one with a later merge
    on top.
    """
    row = session.get(TrackMerge, merge_id)
    if row is None:
        raise BadInput(f"There is no merge {merge_id}: flask duplicates merges lists them.")
    if row.undone_at is not None:
        raise BadInput(f"Merge {merge_id} has been undone already.")
    session.execute(update(TrackMerge).where(TrackMerge.id == merge_id).values(undone_at=now()))
    later = session.scalars(
        select(TrackMerge.id)
        .where(
            TrackMerge.id > merge_id,
            TrackMerge.undone_at.is_(None),
            (TrackMerge.survivor_id == row.survivor_id) | (TrackMerge.merged_id == row.survivor_id),
        )
        .order_by(TrackMerge.id.desc())
    ).first()
    if later is not None:
        raise BadInput(f"Merge {merge_id} has a later one on top of it: undo {later} first.")
    survivor = _track(session, row.survivor_id)
    before = row.before
    session.execute(insert(_TRACK), [read(_TRACK, before["track"])])
    for link in pointing()[0]:
        name = link.table.name
        if name in before["aside"]:
            rows = [read(link.table, one) for one in before["aside"][name]]
            back = {tuple(one[part] for part in link.rest): one for one in rows}
            link.put(session, row.merged_id, back)
        if name in before["links"]:
            _move_back(session, link, row, before["links"][name])
    for place, ids in before["columns"].items():
        table_name, column = place.split(".")
        table = Base.metadata.tables[table_name]
        here = select(table.c.id).where(table.c[column] == row.survivor_id)
        still = set(session.scalars(here)) & set(ids)
        _point(session, table, column, sorted(still), row.merged_id)
    values = read(_TRACK, {name: old for name, (old, new) in before["filled"].items()})
    set_by_merge = read(_TRACK, {name: new for name, (old, new) in before["filled"].items()})
    values = {name: old for name, old in values.items() if survivor[name] == set_by_merge[name]}
    was, then = (moment(text) for text in before["updated_at"])
    values["updated_at"] = was if survivor["updated_at"] == then else now()
    session.execute(update(_TRACK).where(_TRACK.c.id == row.survivor_id).values(**values))
    match_keys.forget(session, [row.survivor_id])
    _bring_duplicates_back(session, before["duplicates"])
    session.flush()
    session.expire_all()
    return row


def _track(session: Session, track_id: int) -> Row:
    row = session.execute(select(_TRACK).where(_TRACK.c.id == track_id)).mappings().first()
    if row is None:
        raise BadInput(f"The track {track_id} is not in the catalogue any more: look again.")
    return dict(row)


def _values_to_fill(survivor: Row, gone: Row) -> Row:
    names = [name for name in FILLED if survivor[name] is None and gone[name] is not None]
    if survivor["key"] is not None and "mode" in names:
        names.remove("mode")  # of another key, perhaps
    return {name: gone[name] for name in names}


def forget_listener(session: Session, listener: Listener) -> None:
    """Remove a listener's likes, skips, playlists and mixes from the stored states of merges."""
    playlist_ids = set(
        session.scalars(select(Playlist.id).where(Playlist.listener_id == listener.id))
    )
    mix_ids = set(session.scalars(select(Mix.id).where(Mix.listener_id == listener.id)))
    for merge in session.scalars(select(TrackMerge)):
        links = {
            name: [
                entry
                for entry in log
                if entry["merged"].get("listener_id") != listener.id
                and entry["merged"].get("playlist_id") not in playlist_ids
                and entry["merged"].get("mix_id") not in mix_ids
            ]
            for name, log in merge.before["links"].items()
        }
        if links != merge.before["links"]:
            merge.before = {**merge.before, "links": links}
    session.flush()


def _move(
    session: Session, link: Link, survivor_id: int, theirs: dict[tuple[Any, ...], Row]
) -> list[Row]:
    """Move rows to the survivor; return their previous states at both tracks and the new ones."""
    mine = link.rows(session, survivor_id)
    combine = _COMBINE.get(link.table.name, lambda own, other: own)
    log, fresh = [], {}
    for key, row in theirs.items():
        own = mine.get(key)
        after = row if own is None else combine(own, row)
        log.append({"merged": row, "survivor": own, "after": after})
        if after != own:
            fresh[key] = after
    link.take(session, survivor_id, [key for key in fresh if key in mine])
    link.put(session, survivor_id, fresh)
    return log


def _move_back(session: Session, link: Link, row: TrackMerge, log: list[Row]) -> None:
    current = link.rows(session, row.survivor_id)
    back: dict[tuple[Any, ...], Row] = {}
    own: dict[tuple[Any, ...], Row] = {}
    changed = []
    for entry in log:
        merged, survivor, after = (
            None if entry[side] is None else read(link.table, entry[side])
            for side in ("merged", "survivor", "after")
        )
        key = tuple(after[name] for name in link.rest)
        present = current.get(key)
        if present is None:
            continue  # removed since the merge, for both tracks
        untouched = present == after
        back[key] = merged if untouched else present
        if survivor is None:
            changed.append(key)
        elif untouched and survivor != after:
            changed.append(key)
            own[key] = survivor
    link.take(session, row.survivor_id, changed)
    link.put(session, row.survivor_id, own)
    link.put(session, row.merged_id, back)


def _point(session: Session, table: Table, column: str, ids: Sequence[int], to: int) -> None:
    for part in chunks(list(ids)):
        session.execute(update(table).where(table.c.id.in_(part)).values({column: to}))


def _merge_duplicates(session: Session, survivor_id: int, merged_id: int) -> list[Row]:
    """Transfer the duplicates of the merged track; return those of both groups before."""
    columns, either = _DUPLICATE.c, (survivor_id, merged_id)
    touching = columns.first_id.in_(either) | columns.second_id.in_(either)
    groups = session.scalars(select(columns.group_id).where(touching).distinct()).all()
    query = select(_DUPLICATE).where(columns.group_id.in_(groups))
    before = [dict(row) for row in session.execute(query).mappings()]
    stored = {(row["first_id"], row["second_id"], row["kind"]) for row in before}
    fresh: dict[Any, Row] = {}
    for row in before:
        ends = {row["first_id"], row["second_id"]}
        if merged_id in ends and survivor_id not in ends:
            (other,) = ends - {merged_id}
            first, second = sorted((other, survivor_id))
            fresh[first, second, row["kind"]] = {**row, "first_id": first, "second_id": second}
    new = [row for key, row in fresh.items() if key not in stored]
    if new:
        session.execute(insert(_DUPLICATE), new)
    return before


def _bring_duplicates_back(session: Session, rows: list[Row]) -> None:
    columns = _DUPLICATE.c
    session.execute(
        delete(_DUPLICATE).where(columns.group_id.in_({row["group_id"] for row in rows}))
    )
    ends = {row[end] for row in rows for end in ("first_id", "second_id")}
    track_ids = set(session.scalars(select(_TRACK.c.id).where(_TRACK.c.id.in_(ends))))
    query = select(columns.first_id, columns.second_id, columns.kind)
    stored = {tuple(row) for row in session.execute(query.where(columns.first_id.in_(ends)))}
    back = [
        row
        for row in rows
        if {row["first_id"], row["second_id"]} <= track_ids
        and (row["first_id"], row["second_id"], row["kind"]) not in stored
    ]
    if back:
        session.execute(insert(_DUPLICATE), back)
