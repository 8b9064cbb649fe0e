"""Requests to keep uploads in the library, granted or refused once, within a person's quota.

Every change is conditional on the previous state, so that pressing a button twice has no further
effect. The caller commits.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput
from songrec.store.db import now
from songrec.store.sound.uploads import LIFETIME
from songrec.store.tables import AudioFile, Listener, Upload

REQUESTED, QUEUED, REFUSED = "requested", "queued", "refused"
REQUEST_LIFETIME = timedelta(days=14)
"""Period in which a song waits for an admin's decision."""


@dataclass(frozen=True, slots=True)
class Usage:
    """Numbers of songs and bytes that a listener keeps or has requested to keep."""

    songs: int
    size: int


def usage(session: Session, listener: Listener) -> Usage:
    """Return a listener's usage of the quota."""
    in_library = select(func.count(), func.sum(AudioFile.size)).where(
        AudioFile.kept_by_id == listener.id
    )
    waiting = select(func.count(), func.sum(Upload.size)).where(
        Upload.listener_id == listener.id,
        Upload.kept.is_(False),
        Upload.keep_state.in_((REQUESTED, QUEUED)),
    )
    rows = [session.execute(query).one() for query in (in_library, waiting)]
    return Usage(sum(count for count, _ in rows), int(sum(size or 0 for _, size in rows)))


def require_room(session: Session, listener: Listener, limits: Usage) -> None:
    """Raise ``BadInput`` if a listener's songs, including the newest, exceed the quota."""
    # Of two concurrent requests, the second one counts the song of the first.
    session.execute(select(Listener.id).where(Listener.id == listener.id).with_for_update())
    used = usage(session, listener)
    if used.songs > limits.songs or used.size > limits.size:
        raise BadInput(
            f"The library takes {limits.songs:,} songs and {limits.size / 2**20:,.0f} MiB of one "
            "person, and with this one yours would be more. An admin can remove some of them."
        )


def request(session: Session, upload: Upload) -> bool:
    """Request an admin's decision to keep the song; False if already decided or requested."""
    return _change(
        session, upload, (None,), keep_state=REQUESTED, expires_at=now() + REQUEST_LIFETIME
    )


def queue(session: Session, upload: Upload) -> bool:
    """Mark the song as queued for keeping by a job; False if it already is."""
    # It must not expire while it waits for the worker.
    states = (None, REQUESTED, REFUSED)
    return _change(session, upload, states, keep_state=QUEUED, expires_at=None)


def refuse(session: Session, upload: Upload) -> bool:
    """Refuse a request, so that the song expires; False without a request."""
    return _change(session, upload, (REQUESTED,), keep_state=REFUSED, expires_at=now() + LIFETIME)


def requests(session: Session) -> list[Upload]:
    """List the songs that wait for an admin's decision, oldest first."""
    query = select(Upload).where(Upload.keep_state == REQUESTED, Upload.expires_at > now())
    return list(session.scalars(query.order_by(Upload.id)))


def _change(
    session: Session, upload: Upload, states: tuple[str | None, ...], **values: Any
) -> bool:
    allowed = Upload.keep_state.in_([state for state in states if state is not None])
    if None in states:
        allowed |= Upload.keep_state.is_(None)
    statement = update(Upload).where(Upload.id == upload.id, Upload.kept.is_(False), allowed)
    connection = session.connection()
    changed = connection.execute(statement.values(**values)).rowcount == 1
    session.expire(upload)
    return changed
