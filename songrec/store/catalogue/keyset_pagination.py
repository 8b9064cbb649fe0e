"""Keyset pagination: a page begins after a cursor instead of an offset.

A cursor is the sort key and the id of the last row. The cost of a page does not depend on its
position, and no row is skipped or repeated when other rows are added or deleted. Any text that
matches a cursor's pattern is a valid position, even without a row there.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, select, tuple_
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput
from songrec.store.catalogue import track_filters
from songrec.store.catalogue import tracks as catalogue
from songrec.store.catalogue.track_filters import TrackQuery
from songrec.store.catalogue.tracks import TrackView
from songrec.store.tables import Listener, Reaction, Run, Track

T = TypeVar("T")

BY_TITLE = r"^([0-9a-f]{2}){0,400}\.[0-9]{1,15}$"
BY_TIME = r"^[0-9]{1,16}\.[0-9]{1,15}$"
BY_ID = r"^[0-9]{1,15}$"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class CursorPage(Generic[T]):
    """A page of a list and the cursor of the next one (None at the end)."""

    items: list[T]
    next: str | None


def tracks(
    session: Session,
    query: TrackQuery,
    run: Run | None = None,
    *,
    cursor: str | None = None,
    limit: int = 50,
) -> CursorPage[TrackView]:
    """Return the ``limit`` tracks after ``cursor`` (or the first ones) by title.

    Sorting and page number of ``query`` are ignored.
    """
    statement = select(Track.id, Track.sort_title).where(
        *track_filters.conditions(session, query, run)
    )
    if cursor is not None:
        title, track_id = _parts(BY_TITLE, cursor)
        # PostgreSQL's texts cannot contain a zero byte.
        after = bytes.fromhex(title).decode(errors="ignore").replace("\0", "")
        statement = statement.where(tuple_(Track.sort_title, Track.id) > (after, int(track_id)))
    rows = session.execute(statement.order_by(Track.sort_title, Track.id).limit(limit + 1)).all()
    following = None
    if len(rows) > limit:
        track_id, title = rows[limit - 1]
        following = f"{title.encode().hex()}.{track_id}"
    ids = [track_id for track_id, _ in rows[:limit]]
    return CursorPage(catalogue.tracks_by_id(session, ids, run), following)


def reactions(
    session: Session,
    listener: Listener,
    *,
    value: int | None = None,
    cursor: str | None = None,
    limit: int = 50,
) -> CursorPage[Reaction]:
    """Return the likes and dislikes of ``listener`` (or one of the two), newest first."""
    statement = select(Reaction).where(Reaction.listener_id == listener.id)
    if value is not None:
        statement = statement.where(Reaction.value == value)
    if cursor is not None:
        moment, track_id = _parts(BY_TIME, cursor)
        at = _EPOCH + timedelta(microseconds=int(moment))
        statement = statement.where(
            tuple_(Reaction.created_at, Reaction.track_id) < (at, int(track_id))
        )
    rows = list(
        session.scalars(
            statement.order_by(Reaction.created_at.desc(), Reaction.track_id.desc()).limit(
                limit + 1
            )
        )
    )
    following = None
    if len(rows) > limit:
        last = rows[limit - 1]
        micros = (last.created_at - _EPOCH) // timedelta(microseconds=1)
        following = f"{micros}.{last.track_id}"
    return CursorPage(rows[:limit], following)


def newest(
    session: Session,
    table: type[T],
    *conditions: ColumnElement[bool],
    cursor: str | None = None,
    limit: int = 50,
) -> CursorPage[T]:
    """Return rows of a table with an ``id``, newest first."""
    column: Any = table.id  # type: ignore[attr-defined]
    statement = select(table).where(*conditions)
    if cursor is not None:
        (number,) = _parts(BY_ID, cursor)
        statement = statement.where(column < int(number))
    rows = list(session.scalars(statement.order_by(column.desc()).limit(limit + 1)))
    following = str(rows[limit - 1].id) if len(rows) > limit else None
    return CursorPage(rows[:limit], following)


def _parts(pattern: str, cursor: str) -> list[str]:
    if not re.fullmatch(pattern, cursor):
        raise BadInput("This is no cursor: use the one that the page before gave as next.")
    return cursor.split(".")
