"""What people see of long work: rows of the job table. The caller commits.

Every change of state names the state that it starts from, so that two processes which see the
same job differently (a worker that finishes it, a page that finds it dead) cannot both win.
"""

from __future__ import annotations

import secrets
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, load_only

from songrec.core.errors import UnknownName
from songrec.store.db import now
from songrec.store.tables import Job

ACTIVE = ("waiting", "running")
STALE = timedelta(seconds=30)  # a worker beats every 2 s
LOG_LENGTH = 40_000  # characters; the oldest lines go first
KEPT_EPOCHS = 2_000
WORKER_STOPPED = "The worker stopped while this was running; nothing was published. Start it again."


def create(
    session: Session, kind: str, parameters: dict[str, Any], user_id: int | None = None
) -> Job:
    """Add a waiting job. ``songrec.jobs.queue.enqueue`` is what also gets it done."""
    job = Job(
        public_id=secrets.token_hex(6),
        kind=kind,
        state="waiting",
        message="Waiting for its turn.",
        parameters=parameters,
        details={},
        user_id=user_id,
    )
    session.add(job)
    session.flush()
    return job


def find(session: Session, public_id: str) -> Job:
    """The job at this address; ``UnknownName`` when there is none."""
    job = session.scalar(select(Job).where(Job.public_id == public_id))
    if job is None:
        raise UnknownName("job", public_id, ())
    return job


def page(session: Session, number: int, size: int = 25) -> tuple[list[Job], int]:
    """Jobs, newest first, ``size`` a page from page 1 on, and how many there are in all."""
    total = session.scalar(select(func.count()).select_from(Job)) or 0
    rows = (
        select(Job)
        .options(load_only(*(c for c in _LISTED), raiseload=True))
        .order_by(Job.id.desc())
        .limit(size)
        .offset((number - 1) * size)
    )
    return list(session.scalars(rows)), total


# A list shows neither logs nor loss curves, which are the bulk of a row.
_LISTED = (
    Job.id,
    Job.public_id,
    Job.kind,
    Job.state,
    Job.progress,
    Job.message,
    Job.error,
    Job.parameters,
    Job.cancel_requested,
    Job.created_at,
    Job.started_at,
    Job.finished_at,
)


def active(session: Session) -> list[Job]:
    """Jobs that wait or run, oldest first."""
    return list(session.scalars(select(Job).where(Job.state.in_(ACTIVE)).order_by(Job.id)))


def ahead_of(session: Session, job: Job) -> int:
    """How many unfinished jobs come before this waiting one."""
    query = select(func.count()).where(Job.state.in_(ACTIVE), Job.id < job.id)
    return session.scalar(query) or 0


def waiting_ids(session: Session) -> list[int]:
    """Ids of the jobs that wait, oldest first."""
    return list(session.scalars(select(Job.id).where(Job.state == "waiting").order_by(Job.id)))


def claim(session: Session, job_id: int) -> bool:
    """Turn a waiting job into a running one; False if it no longer waits."""
    moment = now()
    return _change(
        session,
        job_id,
        "waiting",
        state="running",
        started_at=moment,
        heartbeat_at=moment,
        message="Starting.",
    )


def report(
    session: Session,
    job_id: int,
    *,
    progress: float,
    message: str,
    log: str,
    details: dict[str, Any],
) -> bool:
    """Beat, and write down where a running job is; False if it runs no longer."""
    return _change(
        session,
        job_id,
        "running",
        heartbeat_at=now(),
        progress=progress,
        message=message,
        log=log,
        details=details,
    )


def beat(session: Session, job_id: int) -> bool:
    """Say that a running job is alive; False if it runs no longer."""
    return _change(session, job_id, "running", heartbeat_at=now())


def finish(
    session: Session, job_id: int, result: dict[str, Any], *, log: str, details: dict[str, Any]
) -> bool:
    """End a running job well; in the transaction of its work, so that both or neither happen."""
    return _change(
        session,
        job_id,
        "running",
        state="done",
        progress=1.0,
        message="Done.",
        result=result,
        log=log,
        details=details,
        finished_at=now(),
    )


def fail(session: Session, job_id: int, error: str) -> bool:
    """End a running job with the reason that people read."""
    return _change(
        session,
        job_id,
        "running",
        state="failed",
        message="Failed.",
        error=error[:4000],
        finished_at=now(),
    )


def cancelled(session: Session, job_id: int, message: str) -> bool:
    """End a running job because somebody asked for it; ``message`` says what is left of it."""
    return _change(
        session, job_id, "running", state="cancelled", finished_at=now(), message=message
    )


def request_cancel(session: Session, job_id: int) -> bool:
    """Cancel a waiting job at once, ask a running one to stop; False if it has ended already."""
    if _change(
        session,
        job_id,
        "waiting",
        state="cancelled",
        cancel_requested=True,
        finished_at=now(),
        message="Cancelled before it started.",
    ):
        return True
    return _change(session, job_id, "running", cancel_requested=True)


def cancel_requested(session: Session, job_id: int) -> bool:
    """Whether somebody wants this job to stop."""
    return bool(session.scalar(select(Job.cancel_requested).where(Job.id == job_id)))


def reap(session: Session, older_than: timedelta = STALE) -> int:
    """Fail the running jobs whose worker has not been heard of lately; how many there were."""
    return _fail_running(session, Job.heartbeat_at < now() - older_than)


def reap_all(session: Session) -> int:
    """Fail every running job: for a worker that starts and knows that there is no other."""
    return _fail_running(session)


def is_stale(job: Job, at: datetime | None = None) -> bool:
    """Whether a job claims to run although its worker has not been heard of lately."""
    beat_at = job.heartbeat_at or job.started_at or job.created_at
    return job.state == "running" and beat_at < (at or now()) - STALE


def _fail_running(session: Session, *conditions: Any) -> int:
    statement = (
        update(Job)
        .where(Job.state == "running", *conditions)
        .values(state="failed", message="Failed.", error=WORKER_STOPPED, finished_at=now())
        .execution_options(synchronize_session=False)
    )
    count = session.connection().execute(statement).rowcount
    session.expire_all()
    return count


def _change(session: Session, job_id: int, from_state: str, **values: Any) -> bool:
    statement = (
        update(Job)
        .where(Job.id == job_id, Job.state == from_state)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    changed = session.connection().execute(statement).rowcount == 1
    job = session.identity_map.get(session.identity_key(Job, job_id))
    if job is not None:
        session.expire(job)
    return changed
