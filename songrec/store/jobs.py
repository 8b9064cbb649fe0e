"""The job table, which is the queue: add, claim, report on and end jobs. The caller commits.

Every change of state is conditional on the previous state, so that only one of two concurrent
changes (a worker finishes a job, a page finds it dead) succeeds.
"""

from __future__ import annotations

import secrets
from collections import Counter
from collections.abc import Collection
from contextlib import AbstractContextManager, nullcontext
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, delete, func, select, true, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session, aliased, load_only

from songrec.core.errors import UnknownName
from songrec.store.db import clock
from songrec.store.tables import Job, Listener

ACTIVE = ("waiting", "running")
TURN_MEMORY = timedelta(minutes=30)
"""Period in which a started job counts as a turn of its owner."""
STALE = timedelta(seconds=30)  # a worker beats every 2 s
LOG_LENGTH = 40_000  # characters; the oldest lines go first
MAX_EPOCHS = 2_000
MAX_ATTEMPTS = 2  # a job that takes its worker down with it must not do so for ever
WORKER_STOPPED = (
    "Its worker was killed while this was running, and so was the one that tried again; nothing "
    "was published. Start it again once the cause is known, such as too little memory."
)
STARTS_AGAIN = "Its worker stopped; the next worker starts it again."


def create(
    session: Session,
    kind: str,
    parameters: dict[str, Any],
    user_id: int | None = None,
    priority: int = 0,
    exclusive_key: str | None = None,
    request_key: str | None = None,
    owner_key: str | None = None,
    listener_id: int | None = None,
) -> Job:
    """Add a waiting job, which workers see once the caller has committed.

    It starts once no other job with its ``exclusive_key`` runs; jobs of different ``owner_key``s
    take turns. Raises ``IntegrityError`` while a job with its ``request_key`` waits or runs.
    """
    job = Job(
        created_at=clock(session),
        public_id=secrets.token_hex(6),
        kind=kind,
        state="waiting",
        message="Waiting for its turn.",
        parameters=parameters,
        details={},
        user_id=user_id,
        priority=priority,
        exclusive_key=exclusive_key,
        request_key=request_key,
        owner_key=owner_key,
        listener_id=listener_id,
    )
    session.add(job)
    session.flush()
    return job


def find(session: Session, public_id: str) -> Job:
    """Return the job with this public id; raises ``UnknownName``."""
    job = session.scalar(select(Job).where(Job.public_id == public_id))
    if job is None:
        raise UnknownName("job", public_id, ())
    return job


def page(
    session: Session, number: int, size: int = 25, *conditions: ColumnElement[bool]
) -> tuple[list[Job], int]:
    """Return one page of the jobs that meet all conditions, newest first, and the total number."""
    total = count(session, *conditions)
    rows = _listed(*conditions).order_by(Job.id.desc()).limit(size).offset((number - 1) * size)
    return list(session.scalars(rows)), total


def active_listed(session: Session, *conditions: ColumnElement[bool]) -> list[Job]:
    """Return the waiting and running jobs for a list, running ones first, then by turn."""
    order = (Job.state == "waiting", Job.priority.desc(), Job.id)
    return list(session.scalars(_listed(Job.state.in_(ACTIVE), *conditions).order_by(*order)))


def has_ended() -> ColumnElement[bool]:
    """Return the condition that a job neither waits nor runs."""
    return Job.state.not_in(ACTIVE)


def is_small(kinds: Collection[str]) -> ColumnElement[bool]:
    """Return the condition that a job is of one of ``kinds``, or an automatic follow-up."""
    task = func.coalesce(Job.parameters["task"].as_string(), "")
    return Job.kind.in_(kinds) | ((Job.kind == "fragments") & (task == "refresh"))


def count(session: Session, *conditions: ColumnElement[bool]) -> int:
    """Return the number of jobs that meet all conditions."""
    return session.scalar(select(func.count()).select_from(Job).where(*conditions)) or 0


def last_done(session: Session, kinds: Collection[str]) -> Job | None:
    """Return the latest completed job of these kinds, with its result."""
    query = select(Job).where(Job.kind.in_(kinds), Job.state == "done")
    return session.scalar(query.order_by(Job.finished_at.desc()).limit(1))


def _listed(*conditions: ColumnElement[bool]) -> Select[tuple[Job]]:
    return select(Job).options(load_only(*_LISTED, raiseload=True)).where(*conditions)


# Lists do not load logs and loss curves, which are the bulk of a row.
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
    Job.heartbeat_at,
    Job.worker,
    Job.attempts,
    Job.finished_at,
    Job.priority,
    Job.owner_key,
)


def active(session: Session) -> list[Job]:
    """Return the jobs that wait or run, oldest first."""
    return list(session.scalars(select(Job).where(Job.state.in_(ACTIVE)).order_by(Job.id)))


def newest_of(
    session: Session, kinds: Collection[str], failing: Collection[str], failed_since: datetime
) -> Job | None:
    """Return the running job of ``kinds``, else a waiting one, else the latest failed one.

    A failed job is only returned if it is the newest of the kinds ``failing``.
    """
    query = select(Job).where(Job.state.in_(ACTIVE), Job.kind.in_(list(kinds)))
    row = session.scalar(query.order_by(Job.state != "running", Job.id).limit(1))
    if row is not None:
        return row
    failed = select(Job).where(
        Job.state == "failed", Job.kind.in_(list(failing)), Job.finished_at > failed_since
    )
    row = session.scalar(failed.order_by(Job.id.desc()).limit(1))
    if row is None:
        return None
    later = select(Job.id).where(Job.kind.in_(list(failing)), Job.id > row.id).limit(1)
    return row if session.scalar(later) is None else None


def active_parameters(session: Session, kind: str) -> list[dict[str, Any]]:
    """Return the parameters of the waiting and running jobs of a kind."""
    query = select(Job.parameters).where(Job.state.in_(ACTIVE), Job.kind == kind)
    return list(session.scalars(query))


def of_listener(
    session: Session, listener: Listener, kind: str, limit: int | None = 5
) -> list[Job]:
    """Return a listener's newest jobs of a kind."""
    query = select(Job).where(Job.listener_id == listener.id, Job.kind == kind)
    return list(session.scalars(query.order_by(Job.id.desc()).limit(limit)))


def remove_ended(session: Session, kind: str, before: datetime) -> int:
    """Delete the jobs of a kind that ended before a moment; return their number."""
    statement = delete(Job).where(
        Job.kind == kind, Job.state.not_in(ACTIVE), Job.finished_at < before
    )
    count = session.connection().execute(statement).rowcount
    session.expire_all()
    return count


def remove_of_upload(session: Session, upload_id: str) -> bool:
    """Delete the jobs of an uploaded song; return whether one was running, which then stops."""
    query = select(Job.id, Job.state).where(
        Job.kind.in_(("upload", "keep")), Job.parameters["upload_id"].as_string() == upload_id
    )
    rows = session.execute(query).all()
    session.execute(delete(Job).where(Job.id.in_([row.id for row in rows])))
    return any(row.state == "running" for row in rows)


def remove_ended_of_server(session: Session, server_id: str) -> None:
    """Delete the ended jobs of a music server, whose reports and logs name accounts on it."""
    of_server = Job.parameters["server"].as_string() == server_id
    session.execute(delete(Job).where(of_server, has_ended()))


def find_active(session: Session, request_key: str) -> Job | None:
    """Return the job of this request that waits or runs, if any."""
    query = select(Job).where(Job.request_key == request_key, Job.state.in_(ACTIVE))
    return session.scalar(query)


def ahead_of(session: Session, job: Job) -> int:
    """Count the jobs that run or will start before this waiting one, by the present queue."""
    running = session.scalar(select(func.count()).where(Job.state == "running")) or 0
    columns = (Job.id, Job.priority, Job.owner_key)
    waiting = session.execute(
        select(*columns)
        .where(Job.state == "waiting", Job.priority >= job.priority)
        .order_by(Job.priority.desc(), Job.id)
    ).all()
    turns: Counter[str | None] = Counter()
    moment = clock(session)
    for owner_key in {row.owner_key for row in waiting} - {None}:
        turns[owner_key] = session.scalar(_turns_of(owner_key, moment)) or 0
    order = []
    for row in waiting:
        order.append((-row.priority, turns[row.owner_key], row.id))
        if row.owner_key is not None:
            turns[row.owner_key] += 1  # after the start of this job
    own = next((key for key in order if key[2] == job.id), None)
    if own is None:  # displayed as waiting since its worker died, but still running in its row
        return max(running - 1, 0)
    return running + sorted(order).index(own)


def waiting_of(session: Session, owner_key: str) -> int:
    """Count an owner's waiting jobs."""
    query = select(func.count()).where(Job.owner_key == owner_key, Job.state == "waiting")
    return session.scalar(query) or 0


def _turns_of(owner_key: Any, moment: datetime) -> Select[tuple[int]]:
    """Count an owner's jobs that are running or were started recently."""
    others = aliased(Job)
    return select(func.count(others.id)).where(
        others.owner_key == owner_key,
        (others.started_at > moment - TURN_MEMORY) | (others.state == "running"),
    )


def claim(session: Session, worker: str, kinds: Collection[str] | None = None) -> int | None:
    """Assign the next waiting job to ``worker``; return its id, None if no job may start.

    A single statement, so that no two workers get the same job. Order: highest priority, then the
    owner with the fewest jobs started within ``TURN_MEMORY``, then the oldest job. A job whose
    ``exclusive_key`` equals that of a running job keeps waiting. ``kinds`` restricts the choice.
    """
    waiting, running = aliased(Job), aliased(Job)
    others = select(running.id).where(
        running.state == "running", running.exclusive_key == waiting.exclusive_key
    )
    moment = clock(session)
    turns = _turns_of(waiting.owner_key, moment).correlate(waiting).scalar_subquery()
    following = (
        select(waiting.id)
        .where(waiting.state == "waiting", ~others.exists())
        .order_by(waiting.priority.desc(), turns, waiting.id)
        .limit(1)
    )
    if kinds is not None:
        following = following.where(waiting.kind.in_(sorted(kinds)))
    if session.scalar(following) is None:
        return None  # without a job, avoid taking SQLite's write lock at every poll
    statement = (
        update(Job)
        .where(Job.id == following.with_for_update(skip_locked=True, of=waiting).scalar_subquery())
        .values(
            state="running",
            worker=worker,
            attempts=Job.attempts + 1,
            started_at=moment,
            heartbeat_at=moment,
            message="Starting.",
        )
        .returning(Job.id)
        .execution_options(synchronize_session=False)
    )
    try:
        with _savepoint(session):
            job_id = session.scalar(statement)
    except IntegrityError:
        return None  # another worker has just started a job with the same exclusive key
    if job_id is not None:
        _expire(session, job_id)
    return job_id


def _savepoint(session: Session) -> AbstractContextManager[Any]:
    """Return a savepoint on PostgreSQL, where a failed statement ends the transaction.

    SQLite needs none, because writers are serialised.
    """
    if session.get_bind().dialect.name == "sqlite":
        return nullcontext()
    return session.begin_nested()


def report(
    session: Session,
    job_id: int,
    *,
    progress: float,
    message: str,
    log: str,
    details: dict[str, Any],
    attempt: int | None = None,
) -> bool:
    """Store the progress of a running job, with a heartbeat; False if it no longer runs.

    ``attempt``, here and below, is the calling worker's: nothing is stored if another worker has
    started the job since.
    """
    return _change(
        session,
        job_id,
        "running",
        attempt,
        heartbeat_at=clock(session),
        progress=progress,
        message=message,
        log=log,
        details=details,
    )


def beat(session: Session, job_id: int, attempt: int | None = None) -> bool:
    """Store a heartbeat of a running job; False if it no longer runs."""
    return _change(session, job_id, "running", attempt, heartbeat_at=clock(session))


def finish(
    session: Session,
    job_id: int,
    result: dict[str, Any],
    *,
    log: str,
    details: dict[str, Any],
    attempt: int | None = None,
) -> bool:
    """Mark a running job as done, atomically with its work in one transaction."""
    return _change(
        session,
        job_id,
        "running",
        attempt,
        state="done",
        progress=1.0,
        message="Done.",
        result=result,
        log=log,
        details=details,
        finished_at=clock(session),
    )


def fail(session: Session, job_id: int, error: str, attempt: int | None = None) -> bool:
    """Mark a running job as failed, with a message for people."""
    return _change(
        session,
        job_id,
        "running",
        attempt,
        state="failed",
        message="Failed.",
        error=error[:4000],
        finished_at=clock(session),
    )


def cancelled(session: Session, job_id: int, message: str) -> bool:
    """Mark a running job as cancelled; ``message`` describes what remains of its work."""
    return _change(
        session, job_id, "running", state="cancelled", finished_at=clock(session), message=message
    )


def request_cancel(session: Session, job_id: int) -> bool:
    """Cancel a waiting job, or request a running one to stop; False if it has ended."""
    if _change(
        session,
        job_id,
        "waiting",
        state="cancelled",
        cancel_requested=True,
        finished_at=clock(session),
        message="Cancelled before it started.",
    ):
        return True
    return _change(session, job_id, "running", cancel_requested=True)


def cancel_requested(session: Session, job_id: int) -> bool:
    """Return whether a running job must stop because it was cancelled or deleted."""
    requested = session.scalar(select(Job.cancel_requested).where(Job.id == job_id))
    return requested is None or requested


def release(session: Session, job_id: int, attempt: int | None = None) -> bool:
    """Return a running job to the queue because its worker stops; False if it no longer runs."""
    values = {**_waiting_again(), "attempts": Job.attempts - 1}
    return _change(session, job_id, "running", attempt, **values)


def requeue_abandoned(
    session: Session, live_workers: Collection[str], before: datetime
) -> tuple[int, int]:
    """Requeue the running jobs of dead workers without a heartbeat since a moment.

    Returns the number of requeued jobs, and of those that failed after ``MAX_ATTEMPTS`` or were
    cancelled. All kinds of jobs can be run again: intermediate commits stay valid, and the last one
    marks the job as done.
    """
    died = Job.worker.is_(None) | Job.worker.not_in(live_workers)
    abandoned = (Job.state == "running") & died & (Job.heartbeat_at <= before)
    ended = {"finished_at": clock(session)}
    changes: list[tuple[Any, dict[str, Any]]] = [
        (
            Job.cancel_requested,
            {"state": "cancelled", "message": "Cancelled; its worker has died.", **ended},
        ),
        (
            Job.attempts >= MAX_ATTEMPTS,
            {"state": "failed", "message": "Failed.", "error": WORKER_STOPPED, **ended},
        ),
        (true(), _waiting_again()),
    ]
    counts = [
        session.connection()
        .execute(
            update(Job)
            .where(abandoned, condition)
            .values(**values)
            .execution_options(synchronize_session=False)
        )
        .rowcount
        for condition, values in changes
    ]
    session.expire_all()
    return counts[2], counts[0] + counts[1]


def show_abandoned(job: Job) -> None:
    """Set the state that ``requeue_abandoned`` will write on a dead worker's detached job."""
    if job.cancel_requested or job.attempts >= MAX_ATTEMPTS:
        job.finished_at = job.heartbeat_at
        if job.cancel_requested:
            job.state, job.message = "cancelled", "Cancelled; its worker has died."
        else:
            job.state, job.message, job.error = "failed", "Failed.", WORKER_STOPPED
    else:
        job.state, job.message, job.progress = "waiting", STARTS_AGAIN, 0.0


def _waiting_again() -> dict[str, Any]:
    return {
        "state": "waiting",
        "message": STARTS_AGAIN,
        "progress": 0.0,
        "details": {},
        "worker": None,
        "started_at": None,
        "heartbeat_at": None,
    }


def is_stale(job: Job, at: datetime) -> bool:
    """Return whether a job is marked as running without a recent heartbeat before ``at``."""
    beat_at = job.heartbeat_at or job.started_at or job.created_at
    return job.state == "running" and beat_at < at - STALE


def _change(
    session: Session, job_id: int, from_state: str, attempt: int | None = None, **values: Any
) -> bool:
    statement = (
        update(Job)
        .where(Job.id == job_id, Job.state == from_state)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    if attempt is not None:
        statement = statement.where(Job.attempts == attempt)
    changed = session.connection().execute(statement).rowcount == 1
    _expire(session, job_id)
    return changed


def _expire(session: Session, job_id: int) -> None:
    job = session.identity_map.get(session.identity_key(Job, job_id))
    if job is not None:
        session.expire(job)
