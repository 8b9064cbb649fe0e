"""Queues saved by apps for other devices, and bookmarks in songs. The caller commits."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput
from songrec.store.db import insert, now
from songrec.store.tables import Bookmark, Listener, PlayQueue

MAX_TRACKS = 5_000
MAX_BOOKMARKS = 1_000
CLIENT_LENGTH = 100
COMMENT_LENGTH = 500


def save(
    session: Session,
    listener: Listener,
    tracks: Sequence[str],
    *,
    current: int = 0,
    position_ms: int = 0,
    client: str = "",
) -> None:
    """Save the queue of ``listener`` (public ids); an empty one deletes it."""
    if len(tracks) > MAX_TRACKS:
        raise BadInput(f"A saved queue has at most {MAX_TRACKS:,} songs.")
    if not tracks:
        session.execute(delete(PlayQueue).where(PlayQueue.listener_id == listener.id))
        return
    values = {
        "tracks": list(tracks),
        "current": current,
        "position_ms": position_ms,
        "changed_at": now(),
        "changed_by": client[:CLIENT_LENGTH],
    }
    statement = insert(session, PlayQueue).values(listener_id=listener.id, **values)
    session.execute(statement.on_conflict_do_update(index_elements=["listener_id"], set_=values))


def of_listener(session: Session, listener: Listener) -> PlayQueue | None:
    """Return the saved queue of ``listener``, or None."""
    return session.scalar(
        select(PlayQueue)
        .where(PlayQueue.listener_id == listener.id)
        .execution_options(populate_existing=True)
    )


def set_bookmark(
    session: Session, listener: Listener, track_id: int, position_ms: int, comment: str = ""
) -> None:
    """Set the bookmark in a track, replacing an earlier one; ``BadInput`` for one too many."""
    marked = {bookmark.track_id for bookmark in bookmarks(session, listener)}
    if track_id not in marked and len(marked) >= MAX_BOOKMARKS:
        raise BadInput(f"There are {MAX_BOOKMARKS:,} bookmarks already; delete one first.")
    moment = now()
    changed = {
        "position_ms": position_ms,
        "comment": comment[:COMMENT_LENGTH],
        "changed_at": moment,
    }
    statement = insert(session, Bookmark).values(
        listener_id=listener.id, track_id=track_id, created_at=moment, **changed
    )
    session.execute(
        statement.on_conflict_do_update(index_elements=["listener_id", "track_id"], set_=changed)
    )


def bookmarks(session: Session, listener: Listener) -> list[Bookmark]:
    """List the bookmarks of ``listener``, the latest first."""
    return list(
        session.scalars(
            select(Bookmark)
            .where(Bookmark.listener_id == listener.id)
            .order_by(Bookmark.changed_at.desc(), Bookmark.track_id)
            .execution_options(populate_existing=True)
        )
    )


def delete_bookmark(session: Session, listener: Listener, track_id: int) -> None:
    """Delete the bookmark in a track, if it exists."""
    session.execute(
        delete(Bookmark).where(Bookmark.listener_id == listener.id, Bookmark.track_id == track_id)
    )
