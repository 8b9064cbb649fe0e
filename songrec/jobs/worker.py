"""The worker: takes jobs off the queue, one at a time, and runs each in a process of its own.

The worker itself stays small and does no work: it starts the process, writes down what it tells,
beats every two seconds, and stops it when somebody cancels.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from flask import Flask
from sqlalchemy.exc import OperationalError

from songrec.core.errors import BadInput
from songrec.jobs import files
from songrec.jobs import queue as job_queue
from songrec.jobs.supervisor import GRACE, Watch, insist, stopping
from songrec.store import jobs
from songrec.store.db import db
from songrec.store.runs import run_folders
from songrec.store.sound import uploads
from songrec.store.tables import Job

log = logging.getLogger("songrec.worker")

SWEEP = 5.0
HOUR = 3600.0


def serve(app: Flask) -> None:
    """Work until SIGINT or SIGTERM. ``BadInput`` if this instance has a worker already."""
    from huey.consumer import Consumer

    with _only_one(app.config["INSTANCE"]), app.app_context():
        stopping.clear()
        lost = jobs.reap_all(db.session)
        db.session.commit()
        if lost:
            log.warning("%d job(s) of a worker that died are marked as failed", lost)
        huey = job_queue.huey_of(app)
        consumer = Consumer(
            huey, workers=1, periodic=False, max_delay=0.5, shutdown_timeout=GRACE + 2
        )
        consumer.start()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: stopping.set())
        log.info("ready for jobs")
        cleared = -HOUR
        while not stopping.is_set():
            consumer.check_worker_health()
            _sweep(app)
            _forget_songs(app.config["INSTANCE"])
            if time.monotonic() - cleared >= HOUR:
                _clear_away(app.config["INSTANCE"])
                cleared = time.monotonic()
            stopping.wait(SWEEP)
        log.info("stopping")
        consumer.stop(graceful=True)


@contextlib.contextmanager
def _only_one(instance: Path) -> Iterator[None]:
    handle = os.open(instance / job_queue.LOCK, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        # A page that asks whether a worker runs holds the lock for a moment: try again.
        for attempt in range(20):
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if attempt == 19:
                    raise BadInput(
                        f"A worker already runs on {instance}; stop it first (one training at a "
                        "time)."
                    ) from None
                time.sleep(0.1)
        yield
    finally:
        os.close(handle)


def _sweep(app: Flask) -> None:
    """Queue again the jobs that wait in the database but not in the queue (lost, or restored)."""
    try:
        queued = {task.args[0] for task in job_queue.huey_of(app).pending()}
        for job_id in jobs.waiting_ids(db.session):
            if job_id not in queued:
                job_queue.send(app, job_id)
    except (OperationalError, *job_queue.queue_errors()) as error:
        log.warning("Could not look for waiting jobs: %s", getattr(error, "orig", error))
    finally:
        db.session.rollback()


def _forget_songs(instance: Path) -> None:
    """Remove the uploaded songs whose hour is over."""
    try:
        if uploads.sweep(db.session, instance):
            db.session.commit()
    except (OSError, OperationalError) as error:
        log.warning("Could not clear away uploaded songs: %s", getattr(error, "orig", error))
    finally:
        db.session.rollback()


def _clear_away(instance: Path) -> None:
    """Remove what killed trainings and given-up imports left on the disk."""
    try:
        wanted = {str(job.parameters.get("path")) for job in jobs.active(db.session)}
        gone = [*files.sweep(instance, wanted), *run_folders.sweep(instance)]
    except (OSError, OperationalError) as error:
        log.warning("Could not clear away what is left over: %s", getattr(error, "orig", error))
    else:
        if gone:
            log.info("cleared away: %s", ", ".join(gone))
    finally:
        db.session.rollback()


def run_job(app: Flask, job_id: int) -> None:
    """Do one job if it still waits; return when it has ended, however it has."""
    if stopping.is_set():
        return  # it stays waiting; the next worker finds it
    with app.app_context():
        if not insist(lambda: jobs.claim(db.session, job_id)):
            return
        job = db.session.get_one(Job, job_id)
        log.info("job %s (%s) starts", job.public_id, job.kind)
        db.session.rollback()
        try:
            Watch(app, job_id).follow()
        except Exception as error:  # whatever it was, the job must not seem to run for ever
            log.exception("job %s cannot be followed", job_id)
            reason = f"Unexpected {type(error).__name__} in the worker: {error}"
            db.session.rollback()
            insist(lambda: jobs.fail(db.session, job_id, reason))
        job = db.session.get_one(Job, job_id)
        if job.state == "done" and "path" in job.parameters:
            files.forget_upload(app.config["INSTANCE"], Path(job.parameters["path"]))
        log.info(
            "job %s (%s) %s%s",
            job.public_id,
            job.kind,
            job.state,
            f": {job.error}" if job.error else "",
        )
