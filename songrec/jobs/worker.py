"""The worker: takes jobs off the queue, one at a time, and runs each in a process of its own.

The worker itself stays small and does no work: it starts the process, writes down what it tells,
beats every two seconds, and stops it when somebody cancels.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from songrec.core.errors import BadInput
from songrec.jobs import files
from songrec.jobs import queue as job_queue
from songrec.jobs.kinds import KINDS
from songrec.jobs.record import Record
from songrec.store import jobs, run_folders, uploads
from songrec.store.db import PATIENCE, db
from songrec.store.tables import Job

log = logging.getLogger("songrec.worker")

GRACE = 2.0  # seconds between asking a process to stop and killing it
TICK = 0.5  # seconds between two looks at the database: at most two writes a second
BEAT = 2.0
SWEEP = 5.0
HOUR = 3600.0

stopping = threading.Event()
# What starts a job's process, before the job's id.
command: list[str] = [sys.executable, "-m", "songrec.jobs.run"]


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
        if not _insist(lambda: jobs.claim(db.session, job_id)):
            return
        job = db.session.get_one(Job, job_id)
        log.info("job %s (%s) starts", job.public_id, job.kind)
        db.session.rollback()
        try:
            _Watch(app, job_id).follow()
        except Exception as error:  # whatever it was, the job must not seem to run for ever
            log.exception("job %s cannot be followed", job_id)
            reason = f"Unexpected {type(error).__name__} in the worker: {error}"
            db.session.rollback()
            _insist(lambda: jobs.fail(db.session, job_id, reason))
        job = db.session.get_one(Job, job_id)
        if job.state == "done" and "path" in job.parameters:
            files.forget_upload(app.config["INSTANCE"], Path(job.parameters["path"]))
        log.info("job %s (%s) %s%s", job.public_id, job.kind, job.state,
                 f": {job.error}" if job.error else "")  # fmt: skip


class _Watch:
    """The worker's side of one running job."""

    def __init__(self, app: Flask, job_id: int) -> None:
        self.job_id = job_id
        self.messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.record = Record()
        self.error: str | None = None
        self.changed = False
        environment = {**os.environ, "SONGREC_INSTANCE": str(app.config["INSTANCE"])}
        self.process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
            [*command, str(job_id)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            start_new_session=True,  # Ctrl-C in the terminal is the worker's to handle
            text=True,
            encoding="utf-8",
            errors="replace",
        )
        threading.Thread(target=self._read, daemon=True).start()

    def follow(self) -> None:
        """Write down what the process tells until it ends, then how it ended."""
        try:
            self._follow()
        finally:
            # Nobody follows it any more: it must not go on beside the next job.
            self.process.kill()
            self.process.wait()
            if self.process.stdin:
                self.process.stdin.close()

    def _follow(self) -> None:
        asked_at: float | None = None
        reason: str | None = None
        written = time.monotonic()
        open_pipe = True
        while open_pipe:
            open_pipe = self._take(TICK)
            moment = time.monotonic()
            if moment - written >= (TICK if self.changed else BEAT):
                self._write()
                written = moment
            if reason is None:
                reason = self._why_stop()
                if reason:
                    asked_at = moment
                    self.process.terminate()
            elif asked_at is not None and moment - asked_at > GRACE:
                self.process.kill()
        code = self.process.wait()
        self._write()
        _insist(lambda: self._end(code, reason))

    def _why_stop(self) -> str | None:
        if stopping.is_set():
            return "worker"
        try:
            return "person" if jobs.cancel_requested(db.session, self.job_id) else None
        except OperationalError as error:
            log.debug("The database does not answer, asking again: %s", error.orig)
            return None
        finally:
            db.session.rollback()

    def _end(self, code: int, reason: str | None) -> bool:
        # Whatever is written here counts only if the job still runs: a process that finished
        # has said so itself, together with its work.
        if reason == "person":
            job = db.session.get_one(Job, self.job_id)
            return jobs.cancelled(db.session, self.job_id, KINDS[job.kind].when_cancelled)
        if reason == "worker":
            return jobs.fail(db.session, self.job_id, jobs.WORKER_STOPPED)
        return jobs.fail(db.session, self.job_id, self.error or _how_it_died(code))

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                with contextlib.suppress(json.JSONDecodeError):
                    self.messages.put(json.loads(line))
        self.messages.put(None)

    def _take(self, seconds: float) -> bool:
        """Take in what has arrived within ``seconds``; False at the end of the pipe."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                message = self.messages.get(timeout=left)
            except queue.Empty:
                return True
            if message is None:
                return False
            self._note(message)
        return True

    def _note(self, message: dict[str, Any]) -> None:
        self.changed = True
        if "error" in message:
            self.error = message["error"]
            self.record.write(message.get("trace") or message["error"])
        else:
            self.record.progressed(message["progress"], message["message"], message.get("details"))

    def _write(self) -> None:
        try:
            with _impatient():
                if self.changed:
                    record = self.record
                    jobs.report(
                        db.session, self.job_id, progress=record.progress,
                        message=record.message, log=record.log, details=record.details,
                    )  # fmt: skip
                else:
                    jobs.beat(db.session, self.job_id)
        except OperationalError as error:
            log.debug("The database is busy, writing progress later: %s", error.orig)
            return
        self.changed = False


@contextlib.contextmanager
def _impatient() -> Iterator[None]:
    """A short transaction that gives up quickly when the job itself holds the write lock."""
    sqlite = db.engine.dialect.name == "sqlite"
    try:
        if sqlite:
            db.session.execute(text("PRAGMA busy_timeout=200"))
        yield
        db.session.commit()
    finally:
        db.session.rollback()
        if sqlite:
            db.session.execute(text(f"PRAGMA busy_timeout={PATIENCE}"))
            db.session.rollback()


def _insist(change: Any) -> bool:
    """Commit a change of state, however busy the database is."""
    while True:
        try:
            changed = change()
            db.session.commit()
        except OperationalError as error:
            db.session.rollback()
            log.warning("The database is busy, trying again: %s", error.orig)
            time.sleep(1)
        else:
            return bool(changed)


def _how_it_died(code: int) -> str:
    if code < 0:
        name = signal.Signals(-code).name
        hint = ", most likely for want of memory" if -code == signal.SIGKILL else ""
        return f"Its process was ended by {name}{hint}; nothing was published."
    return f"Its process ended with code {code} and did not say why; the worker's log may."
