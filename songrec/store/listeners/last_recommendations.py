"""The list that a listener reacted to last. Sessions come first; the caller commits."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from songrec.store.db import insert, now
from songrec.store.tables import KeptAnswer, Listener


def find(session: Session, listener: Listener) -> KeptAnswer | None:
    """Return the list that was kept last, or None."""
    return session.get(KeptAnswer, listener.id, populate_existing=True)


def keep(
    session: Session,
    listener: Listener,
    asked: str,
    tracks: list[int],
    state: dict[str, Any],
) -> None:
    """Keep a list in place of the one before.

    ``asked`` identifies the kind of list, ``state`` is the listener's feedback that it rests on.
    """
    row = {
        "asked": asked[:200],
        "tracks": tracks,
        "state": state,
        "change": None,
        "created_at": now(),
    }
    # One statement: two reactions at the same moment must not collide.
    statement = insert(session, KeptAnswer).values(listener_id=listener.id, **row)
    session.execute(statement.on_conflict_do_update(index_elements=["listener_id"], set_=row))
