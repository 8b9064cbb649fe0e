"""Skipped songs: left within their first seconds. The caller commits.

A skip is weak evidence, because its reason is unknown; it is stored apart from dislikes.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from songrec.store.db import now
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


def merge(session: Session, anonymous: Listener, account: Listener) -> None:
    """Add the skips of ``anonymous`` to those of ``account``."""
    for skip in of_listener(session, anonymous):
        existing = find(session, account, skip.track_id)
        latest = max(skip.last_at, existing.last_at) if existing else skip.last_at
        record(session, account, skip.track_id, skip.times, latest)
