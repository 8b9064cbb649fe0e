"""Delete anonymous listeners after a period of inactivity. The caller commits.

Page views are not recorded, so the last activity is the newest row of a listener: a like or
dislike, a skip, a playlist, an imported play, an unmatched import, an upload, a kept song, a job
that the listener started or a changed list of recommendations.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, Select, delete, exists, func, select
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput
from songrec.store.db import now
from songrec.store.tables import (
    AudioFile,
    Job,
    KeptAnswer,
    Listen,
    Listener,
    MatchDecision,
    Mix,
    PendingLike,
    Playlist,
    Reaction,
    RecommendationRule,
    Skip,
    Upload,
)

ACTIVITY = (
    (Reaction.listener_id, Reaction.created_at),
    (Skip.listener_id, Skip.last_at),
    (Listen.listener_id, Listen.created_at),
    (Playlist.listener_id, Playlist.created_at),
    (PendingLike.listener_id, PendingLike.created_at),
    (MatchDecision.listener_id, MatchDecision.created_at),
    (KeptAnswer.listener_id, KeptAnswer.created_at),
    (RecommendationRule.listener_id, RecommendationRule.created_at),
    (Mix.listener_id, Mix.created_at),
    (Upload.listener_id, Upload.created_at),
    (AudioFile.kept_by_id, AudioFile.created_at),
    (Job.listener_id, Job.created_at),
)
"""(listener column, time column) of every table with rows of listeners."""
SCHEDULED_JOBS = ("mixes",)
"""Kinds of jobs that songrec starts by itself for as long as a listener has mixes."""
OF_ACCOUNTS = frozenset(
    {
        "album_opinion",
        "artist_opinion",
        "bookmark",
        "listenbrainz_account",
        "play_queue",
        "playback",
        "server_account",
        "track_rating",
    }
)
"""Tables with rows of listeners that only listeners with an account have."""


def count(session: Session, days: int) -> int:
    """Count the listeners that ``remove`` would delete."""
    inactive = _inactive(days).subquery()
    return session.scalar(select(func.count()).select_from(inactive)) or 0


def remove(session: Session, days: int) -> int:
    """Delete listeners inactive for ``days`` with all their data; return their number.

    Raises ``BadInput`` for less than one day.
    """
    statement = delete(Listener).where(Listener.id.in_(_inactive(days)))
    done = session.execute(statement, execution_options={"synchronize_session": False})
    session.expire_all()
    return cast(CursorResult[Any], done).rowcount


def _inactive(days: int) -> Select[tuple[int]]:
    if days < 1:
        raise BadInput(f"Listeners are removed after one day or more, not {days}.")
    before: datetime = now() - timedelta(days=days)
    query = select(Listener.id).where(Listener.user_id.is_(None), Listener.created_at < before)
    for listener_id, at in ACTIVITY:
        recent = exists().where(listener_id == Listener.id, at >= before)
        if at is Job.created_at:
            recent = recent.where(Job.kind.not_in(SCHEDULED_JOBS))
        query = query.where(~recent)
    return query
