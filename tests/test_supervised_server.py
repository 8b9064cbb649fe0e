"""The processes of `make run`, each killed in turn: the others serve on, it comes back."""

from __future__ import annotations

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from songrec.jobs import queue

ROOT = Path(__file__).resolve().parents[1]
Server = tuple["subprocess.Popen[bytes]", int, Path, Path]


@pytest.fixture
def server(instance: Path, tmp_path: Path) -> Iterator[Server]:
    """The supervisor with web and worker on a port of its own, once both are there."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    output = tmp_path / "output"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "songrec.core.process_supervisor", "Procfile"],
            cwd=ROOT,
            env={**os.environ, "SONGREC_INSTANCE": str(instance), "PORT": str(port)},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        wait_for(lambda: answers(port) and len(queue.local_workers(instance)) == 2)
        yield process, port, instance, output
    finally:
        process.terminate()
        process.wait(20)


def wait_for(condition: Callable[[], object], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
    try:
        connection.request("GET", "/static/css/theme.css")
        connection.getresponse().read()
    except OSError:
        return False
    finally:
        connection.close()
    return True


def descendants(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [one for child in map(int, children) for one in (child, *descendants(child))]


def child_named(supervisor: int, name: str) -> int | None:
    """The supervisor's child with this word, or a path that ends with it, in its command line.

    None while it is down, and between its fork and the start of its command.
    """
    children = Path(f"/proc/{supervisor}/task/{supervisor}/children").read_text().split()
    pids = [int(child) for child in children if _runs(child, name)]
    assert len(pids) <= 1
    return pids[0] if pids else None


def _runs(pid: str, name: str) -> bool:
    try:
        arguments = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
    except OSError:  # it ended meanwhile
        return False
    return "--only" not in arguments and any(Path(part).name == name for part in arguments)


def exists(pid: int) -> bool:
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"  # a zombie waits for init alone


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_killed_processes_come_back_while_the_others_serve(server: Server) -> None:
    supervisor, port, instance, output = server
    worker = child_named(supervisor.pid, "worker")
    assert worker is not None
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: not exists(worker))
    assert answers(port)
    # The worker for uploads went on: only the second lock is that of the new one.
    wait_for(lambda: child_named(supervisor.pid, "worker") not in (None, worker))
    wait_for(lambda: len(queue.local_workers(instance)) == 2)

    # One of gunicorn's processes: its master starts another.
    web = child_named(supervisor.pid, "gunicorn")
    assert web is not None
    first = descendants(web)[0]
    os.kill(first, signal.SIGKILL)
    wait_for(lambda: not exists(first) and len(descendants(web)) == 2)
    wait_for(lambda: answers(port))

    # The master: none of its processes keeps the port, a new one serves.
    processes = [web, *descendants(web)]
    os.kill(web, signal.SIGKILL)
    wait_for(lambda: not any(exists(pid) for pid in processes))
    wait_for(lambda: answers(port))
    assert queue.local_workers(instance)
    assert output.read_text().count("it is started again in") == 2

    everything = descendants(supervisor.pid)
    asked = time.monotonic()
    supervisor.send_signal(signal.SIGINT)
    assert supervisor.wait(20) == 0
    assert time.monotonic() - asked < 8
    wait_for(lambda: not any(exists(pid) for pid in everything), seconds=1)
