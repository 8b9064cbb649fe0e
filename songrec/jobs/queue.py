"""Asking for long work. Light: the web imports this and nothing that does the work.

The job row is the truth; the queue carries nothing but its id, as JSON. The id is handed over
once the caller's transaction is committed, so no worker ever looks for a row that is not there.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import sqlite3
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from flask import Flask, current_app
from sqlalchemy import event
from sqlalchemy.orm import Session, object_session

from songrec.core.errors import BadInput, UnknownName
from songrec.jobs.kinds import KINDS
from songrec.store import jobs
from songrec.store.tables import Job, User

if TYPE_CHECKING:
    from huey import Huey

log = logging.getLogger("songrec.jobs")

_PENDING = "songrec.jobs.pending"
LOCK = "worker.lock"


def enqueue(
    session: Session, kind: str, parameters: dict[str, Any], user: User | None = None
) -> Job:
    """Ask for a job. It is handed to the worker when, and only if, the caller commits."""
    if kind not in KINDS:
        raise UnknownName("kind of job", kind, KINDS)
    job = jobs.create(session, kind, parameters, user.id if user is not None else None)
    real = object_session(job)
    assert real is not None
    if _PENDING not in real.info:
        real.info[_PENDING] = []
        event.listen(real, "after_commit", _committed)
        event.listen(real, "after_rollback", _rolled_back)
    real.info[_PENDING].append(job.id)
    return job


def _committed(session: Session) -> None:
    if session.in_nested_transaction():
        return  # a savepoint was released; nothing is committed yet
    ids, session.info[_PENDING] = session.info[_PENDING], []
    for job_id in ids:
        send(current_app, job_id)


def _rolled_back(session: Session) -> None:
    if not session.in_nested_transaction():
        session.info[_PENDING] = []


def send(app: Flask, job_id: int) -> None:
    """Hand a committed job to the worker. Sending one twice is harmless: it is claimed once."""
    try:
        task(app)(job_id)
    except queue_errors() as error:
        # The row waits in the database; the worker looks for such rows every few seconds.
        log.warning("Job %s is not in the queue yet: %s", job_id, error)


def queue_errors() -> tuple[type[Exception], ...]:
    """What an unreachable queue raises."""
    redis = sys.modules.get("redis")
    return (OSError, sqlite3.Error, *((redis.RedisError,) if redis else ()))


def task(app: Flask) -> Any:
    """Huey's task that does a job; calling it puts the job's id into the queue."""
    return _extension(app)[1]


def huey_of(app: Flask) -> Huey:
    """The application's queue: on Redis if set, else SQLite in the instance folder."""
    return _extension(app)[0]


def _extension(app: Flask) -> tuple[Huey, Any]:
    app = getattr(app, "_get_current_object", lambda: app)()
    if "songrec.queue" not in app.extensions:
        app.extensions["songrec.queue"] = _build(app)
    return app.extensions["songrec.queue"]


def close(app: Flask) -> None:
    """Close this thread's connection to the queue, where it has one."""
    queue = app.extensions.get("songrec.queue")
    if queue is not None and hasattr(queue[0].storage, "close"):
        queue[0].storage.close()


def _build(app: Flask) -> tuple[Huey, Any]:
    from huey import RedisHuey, SqliteHuey
    from huey.registry import Message
    from huey.serializer import Serializer

    class JsonSerializer(Serializer):
        """Messages as JSON: a queue that somebody else can write to must not run code."""

        def _serialize(self, data: Any) -> bytes:
            if isinstance(data, Message):
                data = {"message": data._asdict()}
            return json.dumps(data).encode()

        def _deserialize(self, data: bytes) -> Any:
            value = json.loads(data)
            if isinstance(value, dict) and "message" in value:
                fields = value["message"]
                return Message(**{**fields, "args": tuple(fields["args"])})
            return value

    common: dict[str, Any] = {"results": False, "serializer": JsonSerializer()}
    url = app.config["REDIS_URL"]
    if url:
        try:
            import redis
        except ImportError:
            raise BadInput(
                "SONGREC_REDIS_URL is set but the redis package is missing: pip install redis."
            ) from None
        pool = redis.ConnectionPool.from_url(url, socket_connect_timeout=5)
        huey: Huey = RedisHuey("songrec", connection_pool=pool, **common)
    else:
        path = app.config["INSTANCE"] / "queue.db"
        huey = SqliteHuey("songrec", filename=str(path), timeout=10, **common)

    @huey.task(name="run_job")
    def run_job(job_id: int) -> None:
        from songrec.jobs import worker

        worker.run_job(app, job_id)

    return huey, run_job


def worker_runs(instance: Path) -> bool:
    """Whether a worker holds this instance's lock: the kernel frees it with the process."""
    try:
        handle = os.open(instance / LOCK, os.O_RDWR)
    except FileNotFoundError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    finally:
        os.close(handle)
    return False


def tidy(session: Session, instance: Path) -> int:
    """Fail jobs whose worker died without a word; how many there were. The caller commits.

    A worker that lives is trusted even if it could not write its heartbeat for a while, because
    a long transaction kept it waiting.
    """
    stale = any(jobs.is_stale(job) for job in jobs.active(session))
    if not stale or worker_runs(instance):
        return 0
    return jobs.reap(session)
