"""Two hosts, each with a web server and a worker, on one PostgreSQL database and one folder.

A host here is a namespace with a name, processes and a folder for temporary files of its own: the
process ids of one mean nothing to the other.
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from songrec.jobs import queue
from songrec.store import jobs
from songrec.store.db import now
from songrec.store.instance import Instance
from songrec.store.listeners import api_tokens, users
from songrec.store.runs import runs
from songrec.store.tables import Job, Worker
from tests.audio_files.sounds import chords, write_wav
from tests.jobs import planted

ROOT = Path(__file__).resolve().parents[1]
SPACE = ["unshare", "--uts", "--pid", "--fork", "--kill-child=KILL", "--mount-proc"]
TRAINING = {"representation": "identity", "parameters": {"clustering": {"n_clusters": 3}}}

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True, scope="session"),
]


@dataclass
class Host:
    """The processes of one host."""

    name: str
    port: int
    web: subprocess.Popen[bytes]
    worker: subprocess.Popen[bytes]

    def call(self, path: str, token: str, method: str = "GET", **more: Any) -> Any:
        """Return the JSON that this host's server answers."""
        headers = {"Authorization": f"Bearer {token}", **more.pop("headers", {})}
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/api/v1{path}", headers=headers, method=method, **more
        )
        with urllib.request.urlopen(request, timeout=120) as answer:
            return json.load(answer)

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health", timeout=20):
                return True
        except OSError:
            return False


def isolated() -> list[str]:
    """Return the command that gives a process namespaces of its own; skip where it may not."""
    if shutil.which("unshare") is None:
        pytest.skip("unshare is not installed")
    for command in (SPACE, [*SPACE, "--user", "--map-root-user"]):
        if subprocess.run([*command, "true"], capture_output=True, check=False).returncode == 0:
            return command
    pytest.skip("namespaces are not allowed here")


def start(name: str, folder: Path, settings: dict[str, str]) -> Host:
    """Start a web server and a worker on a host called ``name``."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    temporary = folder / name
    temporary.mkdir()
    environment = {
        **os.environ,
        **settings,
        "TMPDIR": str(temporary),
        "PORT": str(port),
        "WEB_CONCURRENCY": "1",
    }
    on_host = [*isolated(), "sh", "-c", 'hostname "$0" && exec "$@"', name, sys.executable, "-m"]

    def run(*command: str) -> subprocess.Popen[bytes]:
        with (folder / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                [*on_host, *command], cwd=ROOT, env=environment, stdout=log, stderr=log
            )

    return Host(
        name,
        port,
        run("gunicorn", "--config", "gunicorn.conf.py", "wsgi:app"),
        run("tests.jobs.planted", "worker"),
    )


@pytest.fixture
def hosts(app: Flask, database_url: str, tmp_path: Path) -> Iterator[list[Host]]:
    """Two hosts that answer and whose workers report."""
    settings = {"SONGREC_INSTANCE": str(app.config["INSTANCE"])}
    settings["SONGREC_DATABASE_URL"] = database_url
    started = [start(name, tmp_path, settings) for name in ("north", "south")]
    yield started
    for host in started:
        for process in (host.web, host.worker):
            process.kill()  # and with it all processes of its namespace
            process.wait(20)


def wait_for(condition: Callable[[], object], seconds: float = 180) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.1)


def test_two_hosts_are_one_songrec(
    hosts: list[Host], app: Flask, session: Session, tmp_path: Path
) -> None:
    assert planted.sleep.__name__ == "sleep"  # its import adds kinds of jobs
    anna = users.create(session, "Anna", "correct horse battery", is_admin=True)
    _, token = api_tokens.create(session, anna, "test", ("write",))
    session.commit()
    north, south = hosts
    wait_for(lambda: north.answers() and south.answers())

    def ask(kind: str, **parameters: Any) -> Job:
        job = queue.enqueue(session, kind, parameters)
        session.commit()
        return job

    def wait(job: Job, *states: str) -> Job:
        def has_come() -> bool:
            session.rollback()
            session.refresh(job)
            assert job.state in (*states, *jobs.ACTIVE), job.error
            return job.state in states

        wait_for(has_come)
        return job

    # Each worker takes a job, of which neither host knows the other's process.
    long = [ask("sleep", seconds=600), ask("sleep", seconds=600)]
    workers = {str(wait(job, "running").worker) for job in long}
    rows = session.execute(select(Worker.name, Worker.host)).all()
    by_host = {host.partition(":")[0]: name for name, host in rows}
    assert set(by_host) == {"north", "south"}
    assert set(by_host.values()) == workers

    # One host dies with all its processes; its job goes on at the other, once that one is free.
    lost = next(job for job in long if job.worker == by_host["north"])
    kept = next(job for job in long if job.worker == by_host["south"])
    north.worker.kill()
    north.worker.wait(20)
    instance = Instance(app.config["INSTANCE"], session)
    assert queue.requeue_abandoned(instance) == (0, 0)  # it may be slow, not dead
    long_ago = now() - 2 * jobs.STALE
    session.execute(update(Worker).where(Worker.host.like("north:%")).values(seen_at=long_ago))
    session.commit()
    jobs.request_cancel(session, kept.id)
    session.commit()
    wait(kept, "cancelled")
    wait_for(lambda: session.rollback() or session.refresh(lost) or lost.attempts == 2)  # type: ignore[func-returns-value]
    wait(lost, "running")
    assert lost.worker == by_host["south"]
    jobs.request_cancel(session, lost.id)
    session.commit()
    wait(lost, "cancelled")

    # What one host imports, trains, publishes and is told shows on the other at once.
    path = tmp_path / "songs.csv"
    shutil.copy(ROOT / "data" / "preprocess.csv", path)
    imported, trained = ask("ingest", path=str(path)), ask("train", **TRAINING)
    wait(imported, "done")
    wait(trained, "done")
    first = str(trained.result["run_id"])  # type: ignore[index]
    for host in hosts:
        health = host.call("/health", token)
        assert (health["run_id"], health["tracks"]) == (first, 3024)
        assert len(host.call("/clusters", token)["items"]) == 3
    second = wait(ask("train", **TRAINING, seed=7), "done")
    published = str(second.result["run_id"])  # type: ignore[index]
    assert [host.call("/health", token)["run_id"] for host in hosts] == [published] * 2
    runs.publish(session, first)
    session.commit()
    assert [host.call("/health", token)["run_id"] for host in hosts] == [first] * 2
    track = north.call("/tracks?limit=1", token)["items"][0]["id"]
    north.call(f"/likes/{track}", token, "PUT")
    assert [row["track_id"] for row in south.call("/likes", token)["items"]] == [track]
    assert all(row["track_id"] != track for row in south.call("/recommendations", token)["items"])

    # A song that is uploaded to one host is analysed by the other and found by both.
    sound = write_wav(tmp_path / "song.wav", chords(3.0, 1))
    uploaded = upload(north, token, sound)
    job = session.scalar(select(Job).where(Job.kind == "upload"))
    assert job is not None
    assert wait(job, "done").worker == by_host["south"]
    answers = [host.call(f"/uploads/{uploaded}", token) for host in hosts]
    assert answers[0] == answers[1]
    assert answers[0]["job"]["state"] == "done"


def upload(host: Host, token: str, path: Path) -> str:
    """Send a file as a form does and return the upload's id."""
    mark = "a-boundary"
    field = f'Content-Disposition: form-data; name="file"; filename="{path.name}"'
    body = (
        f"--{mark}\r\n{field}\r\n\r\n".encode() + path.read_bytes() + f"\r\n--{mark}--\r\n".encode()
    )
    headers = {"Content-Type": f"multipart/form-data; boundary={mark}"}
    answer = host.call("/recommend/from-audio", token, "POST", data=body, headers=headers)
    return str(answer["id"])
