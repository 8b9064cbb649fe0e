"""A served instance as `make run` serves it: web and workers under the supervisor."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from http.client import HTTPException
from pathlib import Path

from benchmarks import pages
from benchmarks.ingest import ROOT

ADMIN = "boss"
PASSWORD = "a long password of the benchmark"


class Supervised:
    """The supervisor's process, its descendants and the port that they serve on."""

    def __init__(self, instance: Path, settings: Mapping[str, str] | None = None) -> None:
        self.instance = instance
        self.settings = dict(settings or {})
        self.port = pages.free_port()
        self.start()

    def start(self) -> None:
        """Start the processes."""
        self.process = subprocess.Popen(
            [sys.executable, "-m", "songrec.core.process_supervisor", "Procfile"],
            cwd=ROOT,
            env={**environment(self.instance), **self.settings, "PORT": str(self.port)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def kill(self) -> None:
        """Kill every process at once and wait until all have ended."""
        pids = [self.process.pid, *descendants(self.process.pid)]
        for pid in pids:
            kill(pid)
        self.process.wait()
        wait_for(lambda: not any(alive(pid) for pid in pids))

    def named(self, word: str) -> list[int]:
        """Return the processes with this word, or a path that ends with it, in their command."""
        return [
            pid
            for pid in descendants(self.process.pid)
            if any(Path(part).name == word for part in _arguments(pid))
        ]

    def answers(self) -> bool:
        """Return whether the home page is served."""
        try:
            pages.Client(self.port).get("/")
        except (OSError, HTTPException, RuntimeError):
            return False
        return True


@contextmanager
def supervised(instance: Path, settings: Mapping[str, str] | None = None) -> Iterator[Supervised]:
    """Serve ``instance`` on a free port with these environment variables, then stop."""
    server = Supervised(instance, settings)
    try:
        wait_for(server.answers)
        yield server
    finally:
        server.process.terminate()
        server.process.wait(30)


def environment(instance: Path) -> dict[str, str]:
    """Return the environment of a quiet program on another instance folder."""
    return {**pages.environment(instance), "TF_CPP_MIN_LOG_LEVEL": "3"}


def flask(
    instance: Path, command: list[str], line: str = "", settings: Mapping[str, str] | None = None
) -> str:
    """Run a ``flask`` command, with ``line`` as its input; returns what it printed.

    Raises ``RuntimeError`` if it fails.
    """
    done = subprocess.run(
        [sys.executable, "-m", "flask", *command],
        cwd=ROOT,
        env={**environment(instance), **(settings or {})},
        input=f"{line}\n",
        text=True,
        capture_output=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"flask {' '.join(command)}: {done.stderr[-2000:]}")
    return done.stdout


def signed_in(port: int) -> pages.Client:
    """Return a browser in which the admin is signed in."""
    client = pages.Client(port)
    fields = {"csrf_token": client.token("/sign-in"), "name": ADMIN, "password": PASSWORD}
    client.post("/sign-in", fields)
    return client


def wait_for(condition: Callable[[], bool], seconds: float = 60) -> None:
    """Wait until ``condition`` holds; ``RuntimeError`` if it takes too long."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            raise RuntimeError(f"waited {seconds:.0f} s in vain")
        time.sleep(0.1)


def kill(pid: int) -> None:
    """Send SIGKILL to a process that may have ended."""
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def descendants(pid: int) -> list[int]:
    """Return the ids of all processes below this one."""
    children: list[int] = []
    for thread in Path(f"/proc/{pid}/task").glob("*/children"):
        with suppress(OSError):  # it ended meanwhile
            children += map(int, thread.read_text().split())
    return [one for child in children for one in (child, *descendants(child))]


def alive(pid: int) -> bool:
    """Return whether a process runs: a zombie does not."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def _arguments(pid: int) -> list[str]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:
        return []
