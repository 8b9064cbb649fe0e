"""Songs skipped within their first seconds. The caller commits.

A skip is weak evidence, because its reason is unknown; it is stored apart from dislikes.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from songrec.store.db import insert, now
from songrec.store.tables import Listener, Skip

MAX_SECONDS = 30
"""Leaving a song later than this is not a skip."""
MAX_RECENT = 100
"""Number of latest skips used for recommendations."""


def record(
    session: Session,
    listener: Listener,
    track_id: int,
    times: int = 1,
    at: datetime | None = None,
) -> None:
    """Record that ``listener`` skipped a track (``times`` times)."""
    record_all(session, listener, {track_id: (times, at or now())})


def record_all(
    session: Session, listener: Listener, skipped: Mapping[int, tuple[int, datetime]]
) -> None:
    """Record the number of skips and the last skip of each track by ``listener``."""
    if not skipped:
        return
    statement = insert(session, Skip.__table__)
    statement = statement.on_conflict_do_update(
        index_elements=["listener_id", "track_id"],
        set_={
            "times": Skip.times + statement.excluded.times,
            "last_at": statement.excluded.last_at,
        },
    )
    rows = [
        {"listener_id": listener.id, "track_id": track_id, "times": times, "last_at": at}
        for track_id, (times, at) in skipped.items()
    ]
    session.execute(statement, rows)


def of_listener(session: Session, listener: Listener, limit: int | None = None) -> list[Skip]:
    """List the skips of ``listener``, latest first."""
    return list(
        session.scalars(
            select(Skip)
            .where(Skip.listener_id == listener.id)
            .order_by(Skip.last_at.desc(), Skip.track_id.desc())
            .limit(limit)
            .execution_options(populate_existing=True)
        )
    )


def recent_counts(session: Session, listener: Listener) -> dict[int, int]:
    """Map track ids to their number of skips, for the latest skips."""
    return {skip.track_id: skip.times for skip in of_listener(session, listener, MAX_RECENT)}


def find(session: Session, listener: Listener, track_id: int) -> Skip | None:
    """Return the skip of one track, or None."""
    return session.scalar(
        select(Skip)
        .where(Skip.listener_id == listener.id, Skip.track_id == track_id)
        .execution_options(populate_existing=True)
    )


def delete_skips(session: Session, listener: Listener, track_id: int | None = None) -> None:
    """Delete one skip, or all of them."""
    statement = delete(Skip).where(Skip.listener_id == listener.id)
    if track_id is not None:
        statement = statement.where(Skip.track_id == track_id)
    session.execute(statement)
    session.expire_all()


def take_back(session: Session, listener: Listener, track_id: int, times: int) -> None:
    """Reduce the number of a track's skips by ``times``; delete the row at zero."""
    skip = find(session, listener, track_id) if times else None
    if skip is not None and skip.times > times:
        skip.times -= times
    elif skip is not None:
        delete_skips(session, listener, track_id)


def merge(session: Session, anonymous: Listener, account: Listener) -> None:
    """Add the skips of ``anonymous`` to those of ``account``."""
    existing = {skip.track_id: skip.last_at for skip in of_listener(session, account)}
    record_all(
        session,
        account,
        {
            skip.track_id: (
                skip.times,
                max(skip.last_at, existing.get(skip.track_id, skip.last_at)),
            )
            for skip in of_listener(session, anonymous)
        },
    )
