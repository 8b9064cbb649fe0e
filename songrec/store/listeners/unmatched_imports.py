"""Songs of imported lists that the catalogue does not hold yet. The caller commits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import delete, func, insert, select, update
from sqlalchemy.orm import Session

from songrec.store.bulk import chunks
from songrec.store.tables import Listener, PendingLike

MOST = 20_000
"""Of one listener no more are kept."""
FIELDS = ("kind", "playlist", "external_id", "title", "artists", "weight")


def add(session: Session, listener: Listener, entries: Iterable[dict[str, Any]]) -> int:
    """Keep entries (``FIELDS``) that are not kept yet, at most ``MOST``; how many were new."""
    known = {_key(vars(one)) for one in of_listener(session, listener)}
    new: list[dict[str, Any]] = []
    for entry in entries:
        if _key(entry) not in known and len(known) < MOST:
            known.add(_key(entry))
            new.append({"listener_id": listener.id, **entry})
    if new:
        session.execute(insert(PendingLike), new)
    return len(new)


def of_listener(
    session: Session, listener: Listener, limit: int | None = None
) -> list[PendingLike]:
    """What waits, in the order in which it came."""
    return list(
        session.scalars(
            select(PendingLike)
            .where(PendingLike.listener_id == listener.id)
            .order_by(PendingLike.id)
            .limit(limit)
        )
    )


def count(session: Session, listener: Listener) -> int:
    """How many songs wait."""
    return (
        session.scalar(
            select(func.count())
            .select_from(PendingLike)
            .where(PendingLike.listener_id == listener.id)
        )
        or 0
    )


def remove(session: Session, listener: Listener, ids: Sequence[int] | None = None) -> None:
    """Forget those that were found since, or all of them."""
    if ids is None:
        session.execute(delete(PendingLike).where(PendingLike.listener_id == listener.id))
    for part in chunks(list(ids or ())):
        session.execute(
            delete(PendingLike).where(
                PendingLike.listener_id == listener.id, PendingLike.id.in_(part)
            )
        )
    session.expire_all()


def merge(session: Session, anonymous: Listener, account: Listener) -> None:
    """What waits for ``anonymous`` waits for ``account``."""
    session.execute(
        update(PendingLike)
        .where(PendingLike.listener_id == anonymous.id)
        .values(listener_id=account.id)
    )


def _key(entry: dict[str, Any]) -> tuple[Any, ...]:
    return tuple(entry[name] for name in FIELDS[:-1])
