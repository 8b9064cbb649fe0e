"""The queue and the rate limits on PostgreSQL: claims skip rows that another worker has locked."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from flask import Flask
from flask_migrate import upgrade

from songrec import create_app
from songrec.jobs import queue
from songrec.store import jobs
from songrec.store.db import db
from songrec.web import ratelimit

pytestmark = pytest.mark.postgresql


@pytest.fixture
def app(server_url: str, tmp_path: Path) -> Iterator[Flask]:
    application = create_app(
        {"INSTANCE": tmp_path, "SQLALCHEMY_DATABASE_URI": server_url, "TESTING": True}
    )
    with application.app_context():
        upgrade()
        yield application
        db.session.remove()
        db.engine.dispose()


def test_several_workers_share_the_jobs(app: Flask) -> None:
    created = [jobs.create(db.session, "train", {}).id for _ in range(40)]
    upload = jobs.create(db.session, "upload", {}, priority=10).id
    db.session.commit()

    def work(worker: str) -> list[int]:
        with app.app_context():
            ids = []
            while (job_id := jobs.claim(db.session, worker)) is not None:
                db.session.commit()
                ids.append(job_id)
            return ids

    first = jobs.claim(db.session, "first")
    # The claim is not committed yet: others must neither wait for it nor get the same job.
    with ThreadPoolExecutor(4) as workers:
        claims = list(workers.map(work, "abcd"))
    db.session.commit()
    assert first == upload
    assert sorted(job_id for ids in claims for job_id in ids) == created


def test_the_same_request_of_many_at_once_is_queued_once(app: Flask) -> None:
    barrier = Barrier(6)

    def press(_: int) -> int:
        with app.app_context():
            barrier.wait()
            job_id = queue.enqueue_once(db.session, "train", {"seed": 7})[0].id
            db.session.commit()
            return job_id

    with ThreadPoolExecutor(6) as presses:
        ids = set(presses.map(press, range(6)))
    same = [job.id for job in jobs.active(db.session) if job.parameters == {"seed": 7}]
    assert same == list(ids)
    assert len(ids) == 1
    jobs.request_cancel(db.session, ids.pop())
    db.session.commit()


def test_workers_at_once_start_one_job_of_a_key(app: Flask) -> None:
    rows = [queue.enqueue(db.session, "train", {}).id for _ in range(8)]
    reports = [queue.enqueue(db.session, "report", {}).id for _ in range(4)]
    db.session.commit()

    def work(worker: str) -> list[int]:
        with app.app_context():
            ids = []
            for _ in range(10):
                job_id = jobs.claim(db.session, worker)
                db.session.commit()
                ids += [job_id] if job_id is not None else []
            return ids

    with ThreadPoolExecutor(4) as workers:
        claims = sorted(job_id for ids in workers.map(work, "abcd") for job_id in ids)
    assert claims == [rows[0], *reports]
    assert jobs.fail(db.session, rows[0], "no")
    assert jobs.claim(db.session, "a") == rows[1]
    db.session.commit()


def test_a_claim_that_is_not_committed_yet_excludes_too(app: Flask) -> None:
    first, second = (queue.enqueue(db.session, "analyze", {}).id for _ in range(2))
    db.session.commit()
    assert jobs.claim(db.session, "a") == first

    def claim_beside() -> int | None:
        with app.app_context():
            job_id = jobs.claim(db.session, "b")  # waits for the other's end
            db.session.commit()
            return job_id

    with ThreadPoolExecutor(1) as worker:
        claim = worker.submit(claim_beside)
        time.sleep(0.3)
        db.session.commit()
        assert claim.result(timeout=10) is None
    assert jobs.fail(db.session, first, "no")
    assert jobs.claim(db.session, "b") == second
    db.session.commit()


def test_tries_are_counted_in_the_database(app: Flask) -> None:
    counters = ratelimit.DatabaseCounters(ratelimit.URI)
    assert [counters.incr("key", 300) for _ in range(3)] == [1, 2, 3]
    assert ratelimit.DatabaseCounters(ratelimit.URI).get("key") == 3
    counters.clear("key")
    assert counters.get("key") == 0
    assert not (app.config["INSTANCE"] / "limits.db").exists()
