"""Jobs that listeners queue: in turn per person, and a limited number at a time."""

from __future__ import annotations

import threading
import time
from typing import Any

from flask import Response, current_app, jsonify
from flask_login import current_user
from werkzeug.exceptions import TooManyRequests

from songrec.jobs import queue
from songrec.store import jobs
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.tables import Job, Listener, User
from songrec.web import security

TICK = 0.25
RETRY_AFTER = 60
WAITING = threading.BoundedSemaphore(2)
"""Maximum number of threads of one process that wait for a job before they answer."""


def enqueue(
    kind: str, parameters: dict[str, Any], listener: Listener | None, user: User | None = None
) -> Job:
    """Queue a job of this request's listener, or of ``user``. The caller commits.

    Raises ``TooManyRequests`` where too many jobs of this person wait already; an admin's may.
    """
    if user is None and current_user.is_authenticated:
        user = db.session.get_one(User, current_user.id)
    owner_key = queue.owner_key_of(user) if user is not None else _network_key()
    limit = current_app.config["JOBS_PER_PERSON"]
    is_admin = user is not None and user.is_admin
    if not is_admin and jobs.waiting_of(db.session, owner_key) >= limit:
        raise TooManyRequests(
            f"{limit} of your songs and lists are waiting already; nothing was added.",
            retry_after=RETRY_AFTER,
        )
    listener_id = listener.id if listener is not None else None
    return queue.enqueue(
        db.session, kind, parameters, user, listener_id=listener_id, owner_key=owner_key
    )


def state(job: Job) -> Response:
    """Return the state of a job as JSON for the script of a waiting page."""
    return jsonify(
        state=job.state,
        progress=job.progress,
        message=job.message,
        error=job.error,
        active=job.state in jobs.ACTIVE,
    )


def wait_for(job: Job, seconds: float) -> None:
    """Wait until the job has ended, for at most ``seconds``; not at all if too many wait."""
    # Without a worker, or behind several other jobs, nothing would come of it in time.
    working = queue.worker_runs(current_instance(), job.kind)
    if not working or jobs.ahead_of(db.session, job) > 1 or not WAITING.acquire(blocking=False):
        return
    try:
        end = time.monotonic() + seconds
        while True:
            # A transaction that stays open would go on seeing the job as it was.
            db.session.rollback()
            db.session.refresh(job)
            if job.state not in jobs.ACTIVE or time.monotonic() >= end:
                return
            time.sleep(TICK)
    finally:
        WAITING.release()


def owner_key() -> str:
    """Return the key under which this request takes turns: its account's, else its network's."""
    if current_user.is_authenticated:
        return queue.owner_key_of(current_user)
    return _network_key()


def _network_key() -> str:
    """Return a key of the network that the request comes from, without its address."""
    digest = security.keyed_digest(f"jobs:{security.client_network()}")
    return f"network:{digest[:32]}"
