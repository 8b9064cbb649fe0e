"""Real worker processes on a real database: jobs done, cancelled, killed."""

from __future__ import annotations

import csv
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from songrec import create_app
from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.jobs import queue
from songrec.jobs.kinds import KINDS
from songrec.store import jobs
from songrec.store.db import db, now
from songrec.store.instance import Instance
from songrec.store.models import taggers
from songrec.store.runs import runs
from songrec.store.tables import Job, Run, Track
from tests.conftest import Instances
from tests.factories import make_track
from tests.jobs import planted
from tests.services.segments.test_segments import write_song
from tests.sounding import add_sound

ROOT = Path(__file__).resolve().parents[2]
Start = Callable[[], "subprocess.Popen[str]"]


@pytest.fixture(autouse=True)
def planted_kinds() -> None:
    assert planted.sleep.__name__ in KINDS


def start_worker(instance: Path, url: str) -> subprocess.Popen[str]:
    settings = {"SONGREC_INSTANCE": str(instance), "SONGREC_DATABASE_URL": url}
    return subprocess.Popen(
        [sys.executable, "-m", "tests.jobs.planted", "worker"],
        cwd=ROOT,
        env={**os.environ, "SONGREC_JOB_MEMORY_MB": "4096", **settings},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


def stop(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.terminate()
    process.communicate(timeout=60)


@pytest.fixture
def start(app: Flask, database_url: str) -> Iterator[Start]:
    """Starts workers; those still there at the end are stopped."""
    started: list[subprocess.Popen[str]] = []

    def start() -> subprocess.Popen[str]:
        started.append(start_worker(app.config["INSTANCE"], database_url))
        return started[-1]

    yield start
    for process in started:
        stop(process)


@dataclass(frozen=True)
class Shared:
    """An instance with a worker."""

    folder: Path
    url: str


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory, instances: Instances) -> Iterator[Shared]:
    """An instance with a worker that the tests which leave it alive have in common."""
    folder = tmp_path_factory.mktemp("shared")
    url = instances.create(folder)
    process = start_worker(folder, url)
    yield Shared(folder, url)
    stop(process)
    instances.drop(url)


@pytest.fixture
def working(shared: Shared) -> Iterator[Session]:
    """The session of an application on the shared instance."""
    application = create_app(
        {"INSTANCE": shared.folder, "SQLALCHEMY_DATABASE_URI": shared.url, "TESTING": True}
    )
    with application.app_context():
        yield db.session  # type: ignore[misc]
        db.session.remove()
        db.engine.dispose()


def ask(session: Session, kind: str, **parameters: Any) -> Job:
    job = queue.enqueue(session, kind, parameters)
    session.commit()
    return job


def wait(session: Session, job: Job, *states: str, seconds: float = 120) -> Job:
    """Wait until the job is in one of ``states``."""
    deadline = time.monotonic() + seconds
    while True:
        session.rollback()
        session.refresh(job)
        if job.state in states:
            return job
        assert time.monotonic() < deadline, f"still {job.state}: {job.message} {job.error}"
        time.sleep(0.1)


def wait_for(condition: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)


def children_of(pid: int) -> list[int]:
    found = []
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = stat.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            found.append(int(stat.parent.name))
    return found


def a_run(session: Session, public_id: str) -> Run:
    run = Run(
        public_id=public_id,
        feature_set="attributes",
        representation="identity",
        clustering="kmeans",
        projection="pca",
        seed=0,
        track_count=0,
        cluster_count=0,
        data_fingerprint="",
        parameters={},
        metrics={},
        seconds={},
    )
    session.add(run)
    session.flush()
    return run


def test_a_job_is_done_and_tells_how_it_went(working: Session) -> None:
    job = ask(working, "sleep", seconds=1)
    wait(working, job, "running")
    wait(working, job, "done")
    assert job.progress == 1.0
    assert job.result == {"slept": 1}
    assert [epoch["epoch"] for epoch in job.details["epochs"]] == list(range(10))
    assert "step 0" in job.log
    assert job.log.endswith("Done.")
    assert job.created_at <= job.started_at <= job.finished_at  # type: ignore[operator]


def test_jobs_run_one_after_another_in_order(working: Session) -> None:
    first, second = (ask(working, "sleep", seconds=0.5) for _ in range(2))
    wait(working, second, "done")
    working.refresh(first)
    assert first.finished_at <= second.started_at  # type: ignore[operator]


def test_a_job_that_takes_too_much_memory_or_time_says_so_in_one_line(working: Session) -> None:
    fits, hoards, lingers = (
        ask(working, "hoard", mib=1000),
        ask(working, "hoard", mib=5000),
        ask(working, "linger"),
    )
    wait(working, fits, "done")
    wait(working, hoards, "failed")
    assert hoards.error == (
        "It needed more than the 4,096 MiB of memory that a job may take. "
        "SONGREC_JOB_MEMORY_MB allows more."
    )
    wait(working, lingers, "failed")
    assert lingers.error == "Stopped: it took longer than the 1 s that it may take."


def test_cancelling_ends_a_running_job_and_the_next_one_starts(working: Session) -> None:
    job, following = ask(working, "sleep", seconds=60), ask(working, "sleep", seconds=0.1)
    wait(working, job, "running")
    wait_for(lambda: working.rollback() or working.refresh(job) or job.progress > 0)  # type: ignore[func-returns-value]
    asked = time.monotonic()
    assert jobs.request_cancel(working, job.id)
    working.commit()
    wait(working, job, "cancelled", "failed", "done")
    assert job.state == "cancelled"
    assert time.monotonic() - asked < 4
    wait(working, following, "done")


def test_cancelling_also_ends_work_that_does_not_listen(working: Session) -> None:
    job = ask(working, "deaf")
    wait_for(lambda: working.rollback() or working.refresh(job) or job.message == "deaf")  # type: ignore[func-returns-value]
    asked = time.monotonic()
    jobs.request_cancel(working, job.id)
    working.commit()
    wait(working, job, "cancelled")
    assert time.monotonic() - asked < 6


def test_a_killed_worker_leaves_a_waiting_job_and_the_published_run(
    app: Flask, session: Session, start: Start, tmp_path: Path
) -> None:
    a_run(session, "shown")
    a_run(session, "new")
    runs.publish(session, "shown")
    session.commit()
    worker = start()
    mark = tmp_path / "publishing"
    job = ask(session, "publish", run="new", mark=str(mark))
    wait_for(mark.exists)
    (child,) = children_of(worker.pid)
    worker.kill()
    worker.wait()
    wait_for(lambda: not Path(f"/proc/{child}").exists() or _is_zombie(child), seconds=5)
    # The web finds out by itself once the heartbeat is old …
    session.refresh(job)
    assert job.state == "running"
    job.heartbeat_at = now() - jobs.STALE * 2
    session.commit()
    assert queue.tidy(Instance(app.config["INSTANCE"], session)) == 1
    session.commit()
    session.refresh(job)
    assert (job.state, job.message) == ("waiting", jobs.STARTS_AGAIN)
    assert runs.published(session).public_id == "shown"  # type: ignore[union-attr]


def _is_zombie(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


def test_a_job_whose_worker_is_killed_is_started_again_once(session: Session, start: Start) -> None:
    worker = start()
    job, waiting = ask(session, "sleep", seconds=60), ask(session, "sleep", seconds=0.1)

    def runs_for_the(attempt: int) -> bool:
        session.rollback()
        session.refresh(job)
        return (job.state, job.attempts) == ("running", attempt)

    for attempt in (1, 2):
        wait_for(lambda attempt=attempt: runs_for_the(attempt))  # type: ignore[misc]
        worker.kill()
        worker.wait()
        worker = start()
    wait(session, job, "failed")
    assert job.error == jobs.WORKER_STOPPED
    wait(session, waiting, "done")


def test_a_worker_that_stops_gives_its_job_back(session: Session, start: Start) -> None:
    worker = start()
    job = ask(session, "deaf")
    wait(session, job, "running")
    asked = time.monotonic()
    worker.send_signal(signal.SIGTERM)
    output, _ = worker.communicate(timeout=60)
    assert time.monotonic() - asked < 5  # the supervisor kills after six
    assert worker.returncode == 0
    assert "Traceback" not in output
    wait(session, job, "waiting")
    assert (job.attempts, job.worker, job.message) == (0, None, jobs.STARTS_AGAIN)


def test_a_bug_and_a_death_are_reported(working: Session) -> None:
    bug, death = ask(working, "fail"), ask(working, "die")
    wait(working, bug, "failed")
    assert bug.error == "Unexpected ZeroDivisionError: a bug"
    assert "Traceback" in bug.log
    full = ask(working, "fill")
    wait(working, full, "failed")
    assert full.error == "The disk is full: free some space, then try again."
    assert "/somewhere/run.partial" in full.log
    wait(working, death, "failed")
    assert "SIGKILL" in death.error  # type: ignore[operator]


def test_a_job_that_crashes_is_tried_once_more_with_an_empty_cache(
    app: Flask, session: Session, start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NUMBA_CACHE_DIR")
    start()
    cached = app.config["INSTANCE"] / "cache" / "numba" / "slot-0" / "layouts.nbc"
    cached.parent.mkdir(parents=True)
    cached.write_bytes(b"compiled by two processes at once")
    job = ask(session, "crash", mark=str(tmp_path / "once"), times=1, signal="SIGSEGV")
    wait(session, job, "done", seconds=30)
    assert job.result == {"crashes": 1}
    assert not cached.exists()
    assert "Its process was ended by SIGSEGV, a fault in compiled code. It starts once more" in (
        job.log
    )


@pytest.mark.parametrize(
    ("number", "error"),
    [
        ("SIGSEGV", "Its process was ended by SIGSEGV, a fault in compiled code; nothing"),
        ("SIGKILL", "Its process was ended by SIGKILL, most likely for want of memory; nothing"),
    ],
)
def test_a_second_crash_is_the_end(
    working: Session, tmp_path: Path, number: str, error: str
) -> None:
    mark = tmp_path / number
    job = ask(working, "crash", mark=str(mark), times=9, signal=number)
    wait(working, job, "failed", seconds=30)
    assert mark.read_text() == "2"
    assert job.error.startswith(error)  # type: ignore[union-attr]


def test_two_workers_share_the_work_and_one_takes_over_when_the_other_dies(
    session: Session, start: Start
) -> None:
    workers = [start(), start()]
    long, other = ask(session, "sleep", seconds=60), ask(session, "sleep", seconds=60)
    wait(session, long, "running")
    wait(session, other, "running")
    assert long.worker != other.worker
    first = next(worker for worker in workers if children_of(worker.pid))
    first.kill()
    wait_for(lambda: session.rollback() or jobs_running(session) == 1, seconds=15)
    following = ask(session, "sleep", seconds=0.1)
    for job in (long, other):
        assert jobs.request_cancel(session, job.id)
    session.commit()
    wait(session, following, "done")


def jobs_running(session: Session) -> int:
    return sum(job.state == "running" for job in jobs.active(session))


def test_a_waiting_worker_starts_a_job_within_a_second(working: Session) -> None:
    wait(working, ask(working, "sleep", seconds=0.1), "done")
    time.sleep(1)
    job = ask(working, "sleep", seconds=0.1)
    wait(working, job, "running", "done")
    assert (job.started_at - job.created_at).total_seconds() < 1.2  # type: ignore[operator]


def test_a_catalogue_is_imported_and_trained_on(working: Session, tmp_path: Path) -> None:
    path = tmp_path / "songs.csv"
    with path.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["song", "artist", *ATTRIBUTE_NAMES])
        for number in range(60):
            loud = number % 2
            rows.writerow(
                [
                    f"Song {number}",
                    "Artist",
                    number / 60,
                    100 + number,
                    -5 - 10 * loud,
                    loud,
                    50,
                    0.2 + 0.5 * loud,
                    0.5,
                    0.5,
                    0.1,
                    0.1,
                    0.9 - 0.7 * loud,
                    0.0,
                ]
            )
        rows.writerow(["Bad", "Artist", *["x"] * 12])
    imported = ask(working, "ingest", path=str(path), source="songs")
    trained = ask(
        working, "train", representation="identity", parameters={"clustering": {"n_clusters": 2}}
    )
    wait(working, imported, "done")
    assert imported.result is not None
    assert imported.result["inserted"] == working.query(Track).count() == 60
    assert imported.result["rejected_count"] == 1
    assert Path(imported.result["rejects_path"]).is_file()
    wait(working, trained, "done", seconds=60)
    published = runs.published(working)
    assert published is not None
    assert trained.result is not None
    assert published.public_id == trained.result["run_id"]
    assert published.cluster_count == 2


def test_a_tagger_is_trained_and_a_cancelled_training_leaves_it_in_use(
    working: Session, shared: Shared, tmp_path: Path
) -> None:
    for number in range(4):
        path = write_song(
            tmp_path / f"group {number % 2}" / f"{number}.wav", [200.0 * (number + 1)]
        )
        track = make_track(working)
        add_sound(working, track, path, root=str(tmp_path))
    working.commit()
    tiny = {"filters": 3, "units": 3, "depth": 1, "batch_size": 4, "epochs": 2}
    asked = {
        "task": "train",
        "source": "folders",
        "size": tiny,
        "baselines": False,
        "cutting": {"n_seconds": 0.5, "step": 0.25, "seconds": None},
    }
    trained = ask(working, "fragments", **asked)
    wait(working, trained, "done", "failed", seconds=300)
    assert trained.result is not None, trained.log
    assert sorted(trained.result["tags"]) == ["group 0", "group 1"]
    epochs = trained.details["epochs"]
    assert [one["epoch"] for one in epochs] == [1, 2]
    assert all(one["val_loss"] > 0 for one in epochs)
    kept = taggers.newest(shared.folder)
    assert kept is not None
    assert kept.name == trained.result["tagger"]

    endless = {**asked, "size": {**tiny, "epochs": 10_000, "patience": 10_000}}
    job = ask(working, "fragments", **endless)

    def has_learnt() -> bool:
        working.rollback()
        working.refresh(job)
        return bool(job.details.get("epochs"))

    wait_for(has_learnt, 300)
    jobs.request_cancel(working, job.id)
    working.commit()
    wait(working, job, "cancelled", "failed", "done")
    assert job.state == "cancelled"
    assert taggers.newest(shared.folder) == kept
    assert [path.name for path in taggers.folder(shared.folder).iterdir()] == [kept.name]
