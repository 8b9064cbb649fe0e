"""One job in a process of its own: ``python -m songrec.jobs.child JOB``, started by the worker.

A process of its own gives its memory back when it ends, can be stopped inside native code, and
cannot take the worker down with it. It tells the worker how far it is as JSON lines on what was
its standard output, and ends when the worker does.
"""

from __future__ import annotations

import contextlib
import importlib
import json
import os
import signal
import sys
import traceback
from typing import TYPE_CHECKING, Any, TextIO

from songrec.core import child_process
from songrec.core.errors import Cancelled, SongrecError
from songrec.jobs.job_log import JobLog
from songrec.jobs.kinds import KINDS

if TYPE_CHECKING:
    from flask import Flask


def main(arguments: list[str]) -> int:
    """Do the job with the id in ``arguments``; 0 when it is done."""
    channel = child_process.take_stdout()
    child_process.end_with_parent()
    signal.signal(signal.SIGTERM, _cancel)
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    record = JobLog()

    def on_progress(fraction: float, message: str, details: dict[str, Any] | None = None) -> None:
        record.progressed(fraction, message, details)
        _tell(channel, {"progress": fraction, "message": message, "details": details})

    try:
        return _work(int(arguments[0]), record, on_progress)
    except Cancelled:
        return 1
    except SongrecError as error:
        _tell(channel, {"error": str(error)})
    except Exception as error:  # noqa: BLE001 - whatever it was, the job's row must say it
        trace = traceback.format_exc()
        print(trace, file=sys.stderr, flush=True)
        _tell(channel, {"error": f"Unexpected {type(error).__name__}: {error}", "trace": trace})
    return 1


def _work(job_id: int, record: JobLog, on_progress: Any) -> int:
    from songrec.store import jobs
    from songrec.store.db import db
    from songrec.store.tables import Job

    with _application().app_context():
        job = db.session.get_one(Job, job_id)
        module, function = KINDS[job.kind].run.split(":")
        result = getattr(importlib.import_module(module), function)(db.session, job, on_progress)
        # From here on a stop would come too late: what was made and the row's "done" are
        # committed together or not at all.
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        record.write("Done.")
        if not jobs.finish(db.session, job_id, result, log=record.log, details=record.details):
            db.session.rollback()
            return 1
        db.session.commit()
        return 0


def _application() -> Flask:
    """Settings and database and nothing else: a job has no use for pages and commands."""
    from flask import Flask

    from songrec.core import config
    from songrec.store.db import db

    app = Flask("songrec")
    app.config.from_mapping(config.load())
    db.init_app(app)
    return app


def _tell(channel: TextIO, message: dict[str, Any]) -> None:
    with contextlib.suppress(BrokenPipeError):
        print(json.dumps(message, default=str), file=channel, flush=True)


def _cancel(number: int, frame: object) -> None:
    raise Cancelled("stopped")


if __name__ == "__main__":
    status = main(sys.argv[1:])
    # Ending as usual would abort over the thread that still reads the pipe from the worker.
    sys.stderr.flush()
    os._exit(status)
