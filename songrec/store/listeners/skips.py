"""Songs that a listener left within their first seconds. Sessions come first; the caller commits.

A skip is weak evidence: nobody says why they left. It is kept apart from dislikes.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from songrec.store.db import now
from songrec.store.tables import Listener, Skip

WITHIN_S = 30
"""A song that was left later than this, in seconds, was not skipped."""
COUNTED = 100
"""The newest skips count for recommendations; what was skipped before those is long ago."""


def record(
    session: Session,
    listener: Listener,
    track_id: int,
    times: int = 1,
    at: datetime | None = None,
) -> None:
    """Note that ``listener`` skipped a track (``times`` times)."""
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    row = {
        "listener_id": listener.id,
        "track_id": track_id,
        "times": times,
        "last_at": at or now(),
    }
    session.execute(
        dialect.insert(Skip)
        .values(row)
        .on_conflict_do_update(
            index_elements=["listener_id", "track_id"],
            set_={"times": Skip.times + times, "last_at": row["last_at"]},
        )
    )


def of_listener(session: Session, listener: Listener, limit: int | None = None) -> list[Skip]:
    """What ``listener`` skipped, the latest first."""
    return list(
        session.scalars(
            select(Skip)
            .where(Skip.listener_id == listener.id)
            .order_by(Skip.last_at.desc(), Skip.track_id.desc())
            .limit(limit)
            .execution_options(populate_existing=True)
        )
    )


def counted(session: Session, listener: Listener) -> dict[int, int]:
    """Track id to how often it was skipped, of the skips that count."""
    return {skip.track_id: skip.times for skip in of_listener(session, listener, COUNTED)}


def find(session: Session, listener: Listener, track_id: int) -> Skip | None:
    """What is known of one track."""
    return session.scalar(
        select(Skip)
        .where(Skip.listener_id == listener.id, Skip.track_id == track_id)
        .execution_options(populate_existing=True)
    )


def forget(session: Session, listener: Listener, track_id: int | None = None) -> None:
    """Forget one skip, or all of them."""
    statement = delete(Skip).where(Skip.listener_id == listener.id)
    if track_id is not None:
        statement = statement.where(Skip.track_id == track_id)
    session.execute(statement)
    session.expire_all()


def merge(session: Session, anonymous: Listener, account: Listener) -> None:
    """Add the skips of ``anonymous`` to those of ``account``."""
    for skip in of_listener(session, anonymous):
        known = find(session, account, skip.track_id)
        latest = max(skip.last_at, known.last_at) if known else skip.last_at
        record(session, account, skip.track_id, skip.times, latest)
