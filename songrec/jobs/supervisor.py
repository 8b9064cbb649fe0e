"""The worker's side of a running job: its process, its messages and its end."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import OperationalError

from songrec.jobs.job_log import JobLog
from songrec.jobs.kinds import KINDS
from songrec.store import jobs
from songrec.store.db import BUSY_TIMEOUT_MS, db
from songrec.store.tables import Job

T = TypeVar("T")

log = logging.getLogger("songrec.worker")

GRACE = 2.0  # seconds between asking a process to stop and killing it
TICK = 0.5  # seconds between two looks at the database: at most two writes a second
BEAT = 2.0

stopping = threading.Event()
# What starts a job's process, before the job's id.
command: list[str] = [sys.executable, "-m", "songrec.jobs.child"]


class JobSupervisor:
    """Start the process of one claimed job, store its progress and record how it ended."""

    def __init__(self, app: Flask, job_id: int) -> None:
        self.job_id = job_id
        self.messages: queue.Queue[dict[str, Any] | None] = queue.Queue()
        self.record = JobLog()
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
        insist(lambda: self._end(code, reason))

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
            with impatient():
                if self.changed:
                    record = self.record
                    jobs.report(
                        db.session,
                        self.job_id,
                        progress=record.progress,
                        message=record.message,
                        log=record.log,
                        details=record.details,
                    )
                else:
                    jobs.beat(db.session, self.job_id)
        except OperationalError as error:
            log.debug("The database is busy, writing progress later: %s", error.orig)
            return
        self.changed = False


@contextlib.contextmanager
def impatient() -> Iterator[None]:
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
            db.session.execute(text(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}"))
            db.session.rollback()


def insist(change: Callable[[], T]) -> T:
    """Commit a change of state, retrying for as long as the database is busy."""
    while True:
        try:
            result = change()
            db.session.commit()
        except OperationalError as error:
            db.session.rollback()
            log.warning("The database is busy, trying again: %s", error.orig)
            time.sleep(1)
        else:
            return result


def _how_it_died(code: int) -> str:
    if code < 0:
        name = signal.Signals(-code).name
        hint = ", most likely for want of memory" if -code == signal.SIGKILL else ""
        return f"Its process was ended by {name}{hint}; nothing was published."
    return f"Its process ended with code {code} and did not say why; the worker's log may."
