"""Counts and durations of jobs, for monitoring."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import extract, func, select
from sqlalchemy.orm import Session

from songrec.store.tables import Job


@dataclass(frozen=True, slots=True)
class JobGroup:
    """The jobs of one kind and state.

    ``timed`` is the number of jobs with a start and an end, ``seconds`` their total duration (whole
    seconds on SQLite).
    """

    kind: str
    state: str
    count: int
    timed: int
    seconds: float


def by_kind_and_state(session: Session) -> list[JobGroup]:
    """Return the jobs grouped by kind and state."""
    duration = extract("epoch", Job.finished_at) - extract("epoch", Job.started_at)
    query = (
        select(Job.kind, Job.state, func.count(), func.count(duration), func.sum(duration))
        .group_by(Job.kind, Job.state)
        .order_by(Job.kind, Job.state)
    )
    return [
        JobGroup(kind, state, count, timed, float(seconds or 0))
        for kind, state, count, timed, seconds in session.execute(query)
    ]


def oldest_waiting(session: Session) -> datetime | None:
    """Return the time of the oldest waiting job's request, None without waiting jobs."""
    return session.scalar(select(func.min(Job.created_at)).where(Job.state == "waiting"))
