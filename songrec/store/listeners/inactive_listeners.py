"""Listeners without an account of whom nothing was heard for long. The caller commits.

A page that is only looked at leaves no trace, so the last sign is the newest thing that a listener
said or was given: a like or dislike, a skip, a playlist, an imported song that waits, an upload, a
list of recommendations that changed.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, Select, delete, exists, func, select
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput
from songrec.store.db import now
from songrec.store.tables import (
    KeptAnswer,
    Listener,
    PendingLike,
    Playlist,
    Reaction,
    Skip,
    Upload,
)

SIGNS = (
    (Reaction.listener_id, Reaction.created_at),
    (Skip.listener_id, Skip.last_at),
    (Playlist.listener_id, Playlist.created_at),
    (PendingLike.listener_id, PendingLike.created_at),
    (KeptAnswer.listener_id, KeptAnswer.created_at),
    (Upload.listener_id, Upload.created_at),
)
"""Whose and when, of everything that belongs to a listener."""


def count(session: Session, days: int) -> int:
    """How many listeners ``remove`` would remove."""
    idle = _idle(days).subquery()
    return session.scalar(select(func.count()).select_from(idle)) or 0


def remove(session: Session, days: int) -> int:
    """Remove them with everything that is known of them; how many there were.

    ``days``: nothing was heard of them for so long. ``BadInput`` for less than one.
    """
    statement = delete(Listener).where(Listener.id.in_(_idle(days)))
    done = session.execute(statement, execution_options={"synchronize_session": False})
    session.expire_all()
    return cast(CursorResult[Any], done).rowcount


def _idle(days: int) -> Select[tuple[int]]:
    if days < 1:
        raise BadInput(f"Listeners are removed after one day or more, not {days}.")
    before: datetime = now() - timedelta(days=days)
    query = select(Listener.id).where(Listener.user_id.is_(None), Listener.created_at < before)
    for whose, when in SIGNS:
        query = query.where(~exists().where(whose == Listener.id, when >= before))
    return query
