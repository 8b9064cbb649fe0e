"""A worker that also knows the kinds of job that the tests need.

``python -m tests.jobs.planted worker`` is the worker; it runs each job by ``… planted JOB``.
"""

from __future__ import annotations

import errno
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from songrec.jobs.kinds import KINDS, Kind


def sleep(session: Any, job: Any, on_progress: Any) -> dict[str, Any]:
    """Report every tenth of a second for ``seconds``."""
    seconds = job.parameters["seconds"]
    for step in range(int(seconds * 10)):
        on_progress(step / (seconds * 10), f"step {step}", {"epoch": step, "loss": 1 / (step + 1)})
        time.sleep(0.1)
    return {"slept": seconds}


def deaf(session: Any, job: Any, on_progress: Any) -> dict[str, Any]:
    """Ignore the request to stop, as native code does."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    on_progress(0.1, "deaf")
    time.sleep(60)
    return {}


def die(session: Any, job: Any, on_progress: Any) -> dict[str, Any]:
    """Be killed, as by a machine out of memory."""
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def crash(session: Any, job: Any, on_progress: Any) -> dict[str, Any]:
    """Crash as native code does, the first ``times``; ``mark`` counts."""
    mark = Path(job.parameters["mark"])
    count = int(mark.read_text()) if mark.exists() else 0
    if count < job.parameters["times"]:
        mark.write_text(str(count + 1))
        on_progress(0.5, "half of it")
        signal.raise_signal(getattr(signal, job.parameters["signal"]))
    return {"crashes": count}


def fail(session: Any, job: Any, on_progress: Any) -> dict[str, Any]:
    """Run into a bug."""
    raise ZeroDivisionError("a bug")


def fill(session: Any, job: Any, on_progress: Any) -> dict[str, Any]:
    """Run out of space."""
    raise OSError(errno.ENOSPC, "No space left on device", "/somewhere/run.partial")


def publish(session: Any, job: Any, on_progress: Any) -> dict[str, Any]:
    """Publish another run, then take so long to finish that one can be killed meanwhile."""
    from songrec.store.runs import runs

    runs.publish(session, job.parameters["run"])
    Path(job.parameters["mark"]).touch()
    time.sleep(60)
    return {}


def hoard(session: Any, job: Any, on_progress: Any) -> dict[str, Any]:
    """Take ``mib`` MiB of memory."""
    return {"bytes": len(bytearray(job.parameters["mib"] * 2**20))}


def linger(session: Any, job: Any, on_progress: Any) -> dict[str, Any]:
    """Take longer than the second that it may."""
    on_progress(0.1, "begun")
    time.sleep(60)
    return {}


for function in (sleep, deaf, die, crash, fail, fill, publish, hoard, linger):
    KINDS[function.__name__] = Kind(
        function.__name__,
        function.__name__,
        f"tests.jobs.planted:{function.__name__}",
        time_limit_s=1.0 if function is linger else None,
    )


if __name__ == "__main__":
    if sys.argv[1] == "worker":
        import logging

        from songrec import create_app
        from songrec.core.errors import SongrecError
        from songrec.jobs import supervisor, worker

        logging.basicConfig(level=logging.INFO, stream=sys.stdout)
        supervisor.command[:] = [sys.executable, "-m", "tests.jobs.planted"]
        try:
            worker.serve(create_app(commands=False))
        except SongrecError as error:
            raise SystemExit(str(error)) from None
    else:
        from songrec.core.child_process import run_child
        from songrec.jobs import child

        run_child(lambda worker: child.main(worker, int(sys.argv[1])))
