"""The list that a listener reacted to last. The caller commits."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from songrec.store.db import insert, now
from songrec.store.tables import KeptAnswer, Listener


def find(session: Session, listener: Listener) -> KeptAnswer | None:
    """Return the stored list, or None."""
    return session.get(KeptAnswer, listener.id, populate_existing=True)


def keep(
    session: Session,
    listener: Listener,
    asked: str,
    tracks: list[int],
    state: dict[str, Any],
) -> None:
    """Store a list in place of the previous one.

    ``asked`` identifies the kind of list, ``state`` is the listener's feedback behind it.
    """
    row = {
        "asked": asked[:200],
        "tracks": tracks,
        "state": state,
        "change": None,
        "created_at": now(),
    }
    # One statement, so that two concurrent reactions do not conflict.
    statement = insert(session, KeptAnswer).values(listener_id=listener.id, **row)
    session.execute(statement.on_conflict_do_update(index_elements=["listener_id"], set_=row))
