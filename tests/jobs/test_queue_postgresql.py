"""The queue and the rate limits on PostgreSQL: claims skip rows that another worker has locked."""

from __future__ import annotations

import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from flask import Flask
from sqlalchemy import select, update

from songrec.core.processes import host_id
from songrec.jobs import queue
from songrec.store import db as store_db
from songrec.store import jobs, workers
from songrec.store.db import db, now
from songrec.store.instance import Instance
from songrec.store.tables import Job, Worker
from songrec.web import ratelimit

pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.parametrize("database_kind", ["postgresql"], indirect=True, scope="session"),
]


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


def test_a_worker_elsewhere_lives_while_it_reports(app: Flask) -> None:
    instance = Instance(app.config["INSTANCE"], db.session)
    assert not queue.worker_runs(instance)
    workers.report(db.session, "far", "another host")
    workers.report(db.session, "uploads-near", host_id())  # its process has ended
    job_id = jobs.create(db.session, "train", {}).id
    assert jobs.claim(db.session, "far") == job_id
    assert queue.live_workers(instance) == ["far"]
    assert queue.worker_runs(instance, "train")
    assert queue.requeue_abandoned(instance) == (0, 0)
    silent_since = now() - jobs.STALE - timedelta(seconds=1)
    db.session.execute(update(Worker).values(seen_at=silent_since))
    assert queue.live_workers(instance) == []
    assert queue.requeue_abandoned(instance) == (1, 0)
    workers.remove(db.session, "far")
    assert db.session.scalars(select(Worker.name)).all() == ["uploads-near"]


@pytest.mark.parametrize("hours", [-5, 5])
def test_a_host_whose_clock_is_wrong_takes_no_job_over(
    app: Flask, monkeypatch: pytest.MonkeyPatch, hours: int
) -> None:
    instance = Instance(app.config["INSTANCE"], db.session)
    monkeypatch.setattr(store_db, "now", lambda: now() + timedelta(hours=hours))
    workers.report(db.session, "far", "another host")
    job_id = jobs.create(db.session, "train", {}).id
    jobs.claim(db.session, "far")
    monkeypatch.undo()
    assert queue.live_workers(instance) == ["far"]
    assert queue.tidy(instance) == 0
    job = db.session.get_one(Job, job_id)
    assert abs(job.heartbeat_at - now()) < timedelta(hours=1)  # type: ignore[operator]
