"""The worker: claims waiting jobs, one at a time, and runs each in a separate process.

The worker's own process stays small: it starts the job's process, stores its progress, sends a
heartbeat every two seconds, and stops the process on cancellation. Several workers may share an
instance. A stopping worker returns its job to the queue; the job of a killed worker is restarted
once.
"""

from __future__ import annotations

import logging
import signal
import threading
import time
from collections.abc import Callable, Collection
from datetime import timedelta
from pathlib import Path

from flask import Flask
from sqlalchemy.exc import OperationalError

from songrec.core import logs
from songrec.core.errors import SongrecError
from songrec.core.processes import host_id
from songrec.jobs import files, schedule
from songrec.jobs import queue as job_queue
from songrec.jobs.kinds import KIND_GROUPS
from songrec.jobs.supervisor import BEAT, GRACE, JobSupervisor, commit_with_retries, stopping
from songrec.store import jobs, security_log, workers
from songrec.store.db import db, now, truncate_log
from songrec.store.instance import Instance
from songrec.store.listeners import (
    api_tokens,
    app_passwords,
    unmatched_imports,
    user_sessions,
)
from songrec.store.runs import run_folders
from songrec.store.sound import uploads
from songrec.store.tables import Job

log = logging.getLogger("songrec.worker")

POLL = 0.5
SWEEP = 5.0
HOUR = 3600.0
REPORTS = timedelta(days=7)
"""Period in which reports of imported lists and of scheduled work are kept."""
OBSOLETE = ("worker.lock", "queue.db", "queue.db-wal", "queue.db-shm")
"""Files of earlier versions in the instance folder."""


def serve(app: Flask, group: str | None = None) -> None:
    """Work until SIGINT or SIGTERM; ``group`` restricts the kinds of jobs (``KIND_GROUPS``)."""
    instance = app.config["INSTANCE"]
    kinds = KIND_GROUPS[group] if group is not None else None
    with job_queue.worker_lock(instance, group) as name, app.app_context():
        stopping.clear()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: stopping.set())
        job_queue.forget_dead_workers(instance)
        for obsolete in OBSOLETE:
            (instance / obsolete).unlink(missing_ok=True)
        _report_alive(name)
        reporter = threading.Thread(target=_keep_reporting, args=(app, name), daemon=True)
        reporter.start()
        _requeue_abandoned(instance)
        housekeeper = threading.Thread(target=_keep_house, args=(app,), daemon=True)
        housekeeper.start()
        log.info("ready for jobs")
        while not stopping.is_set():
            job_id = _claim(name, kinds)
            if job_id is None:
                stopping.wait(POLL)
            else:
                run_job(app, job_id)
        log.info("stopping")
        housekeeper.join(GRACE)
        reporter.join(GRACE)
        _forget(name)


def _claim(worker: str, kinds: Collection[str] | None = None) -> int | None:
    try:
        job_id = jobs.claim(db.session, worker, kinds)
        db.session.commit()
    except OperationalError as error:
        log.warning("Could not look for waiting jobs: %s", error.orig)
        return None
    else:
        return job_id
    finally:
        db.session.rollback()


def _report_alive(name: str) -> None:
    """Report to workers on other hosts that this one is alive."""
    if not workers.are_shared(db.session):
        return
    try:
        workers.report(db.session, name, host_id())
        db.session.commit()
    except OperationalError as error:
        log.warning("Could not report to the database: %s", error.orig)
    finally:
        db.session.rollback()


def _keep_reporting(app: Flask, name: str) -> None:
    with app.app_context():
        while not stopping.wait(BEAT):
            _attempt(lambda: _report_alive(name))


def _forget(name: str) -> None:
    try:
        workers.remove(db.session, name)
        db.session.commit()
    except OperationalError as error:
        log.warning("Could not sign off from the database: %s", error.orig)
    finally:
        db.session.rollback()


def _keep_house(app: Flask) -> None:
    """Clear leftovers, requeue jobs of dead workers and queue scheduled work, in a loop."""
    instance = app.config["INSTANCE"]
    cleared, looked = -HOUR, -HOUR
    with app.app_context():
        while not stopping.wait(SWEEP):
            _attempt(lambda: _requeue_abandoned(instance))
            _attempt(lambda: _forget_songs(instance))
            if time.monotonic() - looked >= schedule.INTERVAL_S:
                _attempt(_queue_due)
                looked = time.monotonic()
            if time.monotonic() - cleared >= HOUR:
                _attempt(lambda: _clear_away(instance))
                _attempt(lambda: _forget_security(app.config["SECURITY_LOG_DAYS"]))
                cleared = time.monotonic()


def _attempt(work: Callable[[], None]) -> None:
    """Do regular work; log any error, which must not end the other work until the next start."""
    try:
        work()
    except Exception:
        log.exception("Regular work of the worker failed; it is tried again")


def _requeue_abandoned(instance: Path) -> None:
    try:
        waiting, ended = job_queue.requeue_abandoned(Instance(instance, db.session))
        db.session.commit()
        if waiting:
            log.warning("%d job(s) of a worker that died wait again", waiting)
        if ended:
            log.warning("%d job(s) of workers that died have ended", ended)
    except OperationalError as error:
        log.warning("Could not look for jobs of dead workers: %s", error.orig)
    finally:
        db.session.rollback()


def _queue_due() -> None:
    """Queue due scheduled work."""
    try:
        new = schedule.queue_due(db.session)
        db.session.commit()
        if new:
            log.info("%d job(s) of regular work queued", new)
    except (OperationalError, SongrecError) as error:
        log.warning("Could not queue regular work: %s", getattr(error, "orig", error))
    finally:
        db.session.rollback()


def _forget_songs(instance: Path) -> None:
    """Remove expired uploads."""
    try:
        if uploads.sweep(Instance(instance, db.session)):
            db.session.commit()
    except (OSError, OperationalError) as error:
        log.warning("Could not clear away uploaded songs: %s", getattr(error, "orig", error))
    finally:
        db.session.rollback()


def _clear_away(instance: Path) -> None:
    """Remove the files of killed trainings and abandoned imports."""
    try:
        needed = {
            str(files.uploaded_file(instance, job.parameters["path"]))
            for job in jobs.active(db.session)
            if "path" in job.parameters
        }
        removed = [*files.sweep(instance, needed), *run_folders.sweep(instance)]
        unmatched_imports.remove_expired(db.session)
        for kind in ("import", *schedule.REGULAR_KINDS):
            jobs.remove_ended(db.session, kind, now() - REPORTS)
        db.session.commit()
        truncate_log(db.session)
    except (OSError, OperationalError) as error:
        log.warning("Could not clear away leftovers: %s", getattr(error, "orig", error))
    else:
        if removed:
            log.info("cleared away: %s", ", ".join(removed))
    finally:
        db.session.rollback()


def _forget_security(days: int) -> None:
    """Remove expired sessions, and old tokens, app passwords and events."""
    try:
        user_sessions.prune(db.session)
        api_tokens.prune(db.session, days)
        app_passwords.prune(db.session, days)
        security_log.prune(db.session, days)
        db.session.commit()
    except OperationalError as error:
        log.warning("Could not clear the security log: %s", error.orig)
    finally:
        db.session.rollback()


def run_job(app: Flask, job_id: int) -> None:
    """Run one claimed job until it has ended in any way."""
    job = db.session.get(Job, job_id)
    if job is None:  # deleted with its listener since it was claimed
        return
    path = job.parameters.get("path")
    with logs.context(job=job.public_id, kind=job.kind):
        log.info("the job starts")
        is_list = job.kind == "import"
        db.session.rollback()
        try:
            JobSupervisor(app, job_id).follow()
        except Exception as error:  # after any error the job must not appear to run for ever
            log.exception("the job cannot be followed")
            reason = f"Unexpected {type(error).__name__} in the worker: {error}"
            db.session.rollback()
            commit_with_retries(lambda: jobs.fail(db.session, job_id, reason))
        job = db.session.get(Job, job_id)
        state = job.state if job is not None else "deleted"
        # The files of failed catalogue imports are kept for a restart, those of lists are not.
        if path and (state in ("done", "deleted") or (is_list and state not in jobs.ACTIVE)):
            instance = app.config["INSTANCE"]
            files.forget_upload(instance, files.uploaded_file(instance, path))
        level = logging.WARNING if state == "failed" else logging.INFO
        error_text = f": {job.error}" if job is not None and job.error else ""
        log.log(level, "the job is %s%s", state, error_text)
        db.session.rollback()
