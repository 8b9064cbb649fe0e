"""One job in a process of its own: ``python -m songrec.jobs.child JOB``, started by the worker.

A separate process returns its memory when it ends, can be stopped inside native code, and cannot
crash the worker.
"""

from __future__ import annotations

import importlib
import logging
import os
import signal
import sys
import traceback
from typing import Any

from songrec.core import logs
from songrec.core.child_process import ParentConnection, run_child
from songrec.core.config import job_memory_bytes
from songrec.core.errors import Cancelled, SongrecError
from songrec.core.memory import limit_process
from songrec.core.types import Progress
from songrec.jobs.job_log import JobLog
from songrec.jobs.kinds import KINDS, SOMEBODY_WAITS

NICENESS = 10
"""Niceness of long work, so that pages and short jobs come first on a busy machine."""

logger = logging.getLogger("songrec.job")


def main(worker: ParentConnection, job_id: int) -> int:
    """Run the job; return 0 on success. Progress and errors are sent to the worker."""
    signal.signal(signal.SIGTERM, _cancel)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    log = JobLog()

    def on_progress(fraction: float, message: str, details: dict[str, Any] | None = None) -> None:
        log.record_progress(fraction, message, details)
        worker.send({"progress": fraction, "message": message, "details": details})

    try:
        return _work(job_id, log, on_progress)
    except Cancelled:
        return 1
    except SongrecError as error:
        worker.send({"error": str(error)})
    except MemoryError:
        worker.send({"error": _out_of_memory()})
    except Exception as error:
        trace = traceback.format_exc()
        logger.exception("unexpected %s", type(error).__name__)
        from songrec.store.db import explain_failure

        what = explain_failure(error) or f"Unexpected {type(error).__name__}: {error}"
        worker.send({"error": what, "trace": trace})
    return 1


def _work(job_id: int, log: JobLog, on_progress: Progress) -> int:
    from songrec.store import jobs
    from songrec.store.db import database_app, db
    from songrec.store.tables import Job

    with database_app().app_context():
        job = db.session.get_one(Job, job_id)
        logs.set_context(job=job.public_id, kind=job.kind)
        log.text = job.log  # the log of an earlier process that crashed
        attempt = job.attempts
        kind = KINDS[job.kind]
        if kind.priority < SOMEBODY_WAITS:
            os.nice(NICENESS)
        if kind.is_memory_limited:
            limit_process(job_memory_bytes())
        module, function = kind.run.split(":")
        result = getattr(importlib.import_module(module), function)(db.session, job, on_progress)
        # No stop from here on: the results and the row's "done" are committed together.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        log.write("Done.")
        if not jobs.finish(
            db.session, job_id, result, log=log.text, details=log.details, attempt=attempt
        ):
            db.session.rollback()
            return 1
        db.session.commit()
        return 0


def _out_of_memory() -> str:
    return (
        f"It needed more than the {job_memory_bytes() // 2**20:,} MiB of memory that a job may "
        "take. SONGREC_JOB_MEMORY_MB allows more."
    )


def _cancel(number: int, frame: object) -> None:
    raise Cancelled("stopped")


if __name__ == "__main__":
    logs.configure()
    run_child(lambda worker: main(worker, int(sys.argv[1])))
