"""The worker's side of a running job: its process, its messages and its end."""

from __future__ import annotations

import contextlib
import logging
import re
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from flask import Flask
from sqlalchemy.exc import OperationalError

from songrec.core import logs, numba_cache
from songrec.core.child_process import ChildProcess
from songrec.core.processes import crashed, describe_exit
from songrec.jobs.job_log import JobLog
from songrec.jobs.kinds import KINDS
from songrec.store import jobs
from songrec.store.db import db, short_transaction
from songrec.store.tables import Job

T = TypeVar("T")

log = logging.getLogger("songrec.worker")

GRACE = 2.0  # seconds between asking a process to stop and killing it
TICK = 0.5  # seconds between accesses to the database: at most two writes a second
BEAT = 2.0
ANNOUNCED_EVERY = 10.0
"""Seconds between two lines on the terminal that only differ in numbers."""

stopping = threading.Event()
# The command of a job's process, before the job's id.
command: list[str] = [sys.executable, "-m", "songrec.jobs.child"]


class JobSupervisor:
    """Supervisor of one claimed job: starts its process, stores its progress and its outcome."""

    def __init__(self, app: Flask, job_id: int) -> None:
        self.job_id = job_id
        self.log = JobLog()
        self.error: str | None = None
        self.changed = False
        self.taken_over = False
        self.attempt = db.session.get_one(Job, job_id).attempts
        db.session.rollback()
        self.instance = Path(app.config["INSTANCE"])
        kind = KINDS[db.session.get_one(Job, job_id).kind]
        self.time_limit_s, self.is_announced = kind.time_limit_s, kind.is_announced
        self.announced, self.announced_at = "", 0.0
        db.session.rollback()
        self.started = time.monotonic()
        self.process = self._start()

    def _start(self) -> ChildProcess:
        return ChildProcess(
            [*command, str(self.job_id)], environment={"SONGREC_INSTANCE": str(self.instance)}
        )

    def follow(self) -> None:
        """Store the process's reports until it ends, then its outcome."""
        try:
            self._follow()
        finally:
            # Without supervision the process must not run beside the next job.
            self.process.close()

    def _follow(self) -> None:
        code, reason = self._watch()
        # The cause may be transient: lack of memory, a damaged cache.
        if code < 0 and reason is None and self._report_crash(code):
            self.process.close()
            self.process = self._start()
            code, reason = self._watch()
        self._write()
        commit_with_retries(lambda: self._end(code, reason))

    def _report_crash(self, code: int) -> bool:
        """Store the signal that ended the process; False if the job has ended.

        After a fault in compiled code the cache of compiled code is cleared.
        """
        cache = ""
        if crashed(code):
            count = numba_cache.clear(self.instance)
            cache = f", with an empty cache of compiled code ({count} folders emptied)"
        self.log.write(f"Its process {describe_exit(code)}. It starts once more{cache}.")
        self.log.progress, self.log.details = 0.0, {}
        self.log.message = "Starting once more after a crash."
        # The second process continues the log in the row.
        return commit_with_retries(self._report)

    def _watch(self) -> tuple[int, str | None]:
        """Store progress until the process ends; return its exit code and the reason for a stop."""
        stopped_at: float | None = None
        reason: str | None = None
        written = time.monotonic()
        running = True
        while running:
            running = self._receive(TICK)
            moment = time.monotonic()
            if moment - written >= (TICK if self.changed else BEAT):
                self._write()
                written = moment
            if reason is None:
                reason = self._stop_requested_by()
                if reason is None and self._is_late(moment):
                    reason = "time"
                if reason:
                    stopped_at = moment
                    self.process.terminate()
            elif stopped_at is not None and moment - stopped_at > GRACE:
                self.process.kill()
        return self.process.wait(), reason

    def _is_late(self, moment: float) -> bool:
        return self.time_limit_s is not None and moment - self.started > self.time_limit_s

    def _stop_requested_by(self) -> str | None:
        if self.taken_over:
            return "another worker"
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
        # Only for a job that still runs: a completed process has marked it as done itself, in the
        # transaction of its work.
        if reason == "person":
            job = db.session.get(Job, self.job_id)
            if job is None:  # deleted with its listener
                return False
            return jobs.cancelled(db.session, self.job_id, KINDS[job.kind].when_cancelled)
        if reason == "worker":
            return jobs.release(db.session, self.job_id, self.attempt)
        if reason == "another worker":
            return False
        if reason == "time":
            seconds = self.time_limit_s or 0.0
            limit = f"{seconds:g} s" if seconds < 120 else f"{seconds / 60:g} minutes"
            why = f"Stopped: it took longer than the {limit} that it may take."
            return jobs.fail(db.session, self.job_id, why, self.attempt)
        died = f"Its process {describe_exit(code)}; nothing was published."
        return jobs.fail(db.session, self.job_id, self.error or died, self.attempt)

    def _receive(self, seconds: float) -> bool:
        """Handle the messages of the next ``seconds``; False once the process has ended."""
        deadline = time.monotonic() + seconds
        with contextlib.suppress(TimeoutError):
            while (left := deadline - time.monotonic()) > 0:
                message = self.process.receive(left)
                if message is None:
                    return False
                self._handle(message)
        return True

    def _handle(self, message: dict[str, Any]) -> None:
        self.changed = True
        if "error" in message:
            self.error = message["error"]
            self.log.write(message.get("trace") or message["error"])
        else:
            self.log.record_progress(
                message["progress"], message["message"], message.get("details")
            )
            if self.is_announced:
                self._announce(message["message"])

    def _announce(self, message: str) -> None:
        """Print progress: new kinds of messages at once, repeated ones at intervals."""
        pattern, moment = re.sub(r"\d+", "0", message), time.monotonic()
        if pattern != self.announced or moment - self.announced_at >= ANNOUNCED_EVERY:
            self.announced, self.announced_at = pattern, moment
            logs.announce(f"songrec: {message}")

    def _write(self) -> None:
        try:
            with short_transaction(db.session()):
                if self.changed:
                    is_ours = self._report()
                else:
                    is_ours = jobs.beat(db.session, self.job_id, self.attempt)
        except OperationalError as error:
            log.debug("The database is busy, writing progress later: %s", error.orig)
            return
        self.changed = False
        # The database was unreachable for so long that another worker has restarted the job.
        self.taken_over = not is_ours

    def _report(self) -> bool:
        return jobs.report(
            db.session,
            self.job_id,
            progress=self.log.progress,
            message=self.log.message,
            log=self.log.text,
            details=self.log.details,
            attempt=self.attempt,
        )


def commit_with_retries(change: Callable[[], T]) -> T:
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
