"""Songs of imported lists that are not in the catalogue yet. The caller commits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, func, insert, select, update
from sqlalchemy.orm import Session

from songrec.store.bulk import chunks
from songrec.store.db import now
from songrec.store.tables import Listener, PendingLike

MAX_PER_LISTENER = 20_000
LIFETIME = timedelta(days=183)
"""Period in which a song is kept for further attempts."""
FIELDS = ("kind", "playlist", "external_id", "title", "artists", "weight")
"""Columns of every entry; ``MORE`` may be missing."""
MORE: dict[str, Any] = {"playlist_id": None, "ids": None, "path": ""}


def add(session: Session, listener: Listener, entries: Iterable[dict[str, Any]]) -> int:
    """Store new entries (``FIELDS``, ``MORE``), up to the limit; return their number."""
    existing = {_key(vars(one)) for one in of_listener(session, listener)}
    new: list[dict[str, Any]] = []
    for fields in entries:
        entry = {**MORE, **fields}
        if _key(entry) not in existing and len(existing) < MAX_PER_LISTENER:
            existing.add(_key(entry))
            new.append({"listener_id": listener.id, **entry})
    if new:
        session.execute(insert(PendingLike), new)
    return len(new)


def of_listener(
    session: Session, listener: Listener, limit: int | None = None
) -> list[PendingLike]:
    """List the unmatched songs in the order in which they were imported."""
    return list(
        session.scalars(
            select(PendingLike)
            .where(PendingLike.listener_id == listener.id)
            .order_by(PendingLike.id)
            .limit(limit)
        )
    )


def count(session: Session, listener: Listener) -> int:
    """Count the unmatched songs."""
    return (
        session.scalar(
            select(func.count())
            .select_from(PendingLike)
            .where(PendingLike.listener_id == listener.id)
        )
        or 0
    )


def count_of_playlist(session: Session, playlist_id: int) -> int:
    """Count the unmatched songs of a playlist."""
    query = select(func.count()).select_from(PendingLike)
    return session.scalar(query.where(PendingLike.playlist_id == playlist_id)) or 0


def remove(session: Session, listener: Listener, ids: Sequence[int] | None = None) -> None:
    """Delete the entries with these ids, or all of them."""
    if ids is None:
        session.execute(delete(PendingLike).where(PendingLike.listener_id == listener.id))
    for part in chunks(list(ids or ())):
        session.execute(
            delete(PendingLike).where(
                PendingLike.listener_id == listener.id, PendingLike.id.in_(part)
            )
        )
    session.expire_all()


def remove_expired(session: Session) -> int:
    """Delete the songs imported more than ``LIFETIME`` ago; return their number."""
    statement = delete(PendingLike).where(PendingLike.created_at < now() - LIFETIME)
    done = session.execute(statement, execution_options={"synchronize_session": False})
    session.expire_all()
    return cast(CursorResult[Any], done).rowcount


def merge(session: Session, anonymous: Listener, account: Listener) -> None:
    """Move the unmatched songs of ``anonymous`` to ``account``, except existing ones."""
    existing = {_key(vars(one)) for one in of_listener(session, account)}
    twice = [one.id for one in of_listener(session, anonymous) if _key(vars(one)) in existing]
    remove(session, anonymous, twice)
    session.execute(
        update(PendingLike)
        .where(PendingLike.listener_id == anonymous.id)
        .values(listener_id=account.id)
    )


def _key(entry: dict[str, Any]) -> tuple[Any, ...]:
    names = (*FIELDS[:-1], "playlist_id", "path")
    return tuple(entry[name] for name in names)
