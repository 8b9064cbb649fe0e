"""Asking for work: what is in the queue when, and what a page makes of a worker that died."""

from __future__ import annotations

import json
import sqlite3
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput, UnknownName
from songrec.jobs import queue
from songrec.jobs.job_log import Record
from songrec.store import jobs
from songrec.store.db import now


def queued(app: Flask) -> list[int]:
    return [task.args[0] for task in queue.huey_of(app).pending()]


def test_nothing_is_queued_before_the_commit(app: Flask, session: Session) -> None:
    job = queue.enqueue(session, "train", {})
    assert queued(app) == []
    session.commit()
    assert queued(app) == [job.id]


def test_a_rollback_queues_nothing(app: Flask, session: Session) -> None:
    queue.enqueue(session, "train", {})
    session.rollback()
    session.commit()
    assert queued(app) == []
    assert jobs.waiting_ids(session) == []


def test_a_savepoint_is_not_a_commit(app: Flask, session: Session) -> None:
    with session.begin_nested():
        queue.enqueue(session, "train", {})
    assert queued(app) == []
    session.commit()
    assert len(queued(app)) == 1


def test_jobs_queue_in_the_order_asked_for(app: Flask, session: Session) -> None:
    first, second = (queue.enqueue(session, kind, {}) for kind in ("train", "ingest"))
    session.commit()
    third = queue.enqueue(session, "train", {})
    session.commit()
    assert queued(app) == [first.id, second.id, third.id]


def test_the_queue_holds_json_with_the_id_and_no_pickle(app: Flask, session: Session) -> None:
    job = queue.enqueue(session, "train", {"representation": "identity"})
    session.commit()
    with sqlite3.connect(app.config["INSTANCE"] / "queue.db") as connection:
        (data,) = connection.execute("SELECT data FROM task").fetchone()
    message = json.loads(data)["message"]
    assert message["args"] == [job.id]
    assert message["kwargs"] == {}


def test_an_unknown_kind_is_refused(app: Flask, session: Session) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'train'"):
        queue.enqueue(session, "trian", {})


class TestRedis:
    """With a Redis URL but without the redis package."""

    @pytest.fixture
    def app_config(self) -> dict[str, Any]:
        return {"REDIS_URL": "redis://localhost:1"}

    def test_a_missing_package_is_named(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(__import__("sys").modules, "redis", None)
        with pytest.raises(BadInput, match="pip install redis"):
            queue.huey_of(app)


def test_an_unreachable_queue_leaves_the_job_waiting_for_the_worker_to_find(
    app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any) -> None:
        raise sqlite3.OperationalError("disk I/O error")

    monkeypatch.setattr(queue.huey_of(app).storage, "enqueue", refuse)
    job = queue.enqueue(session, "train", {})
    session.commit()
    assert jobs.waiting_ids(session) == [job.id]


class TestStates:
    """A job changes state only from the state that it is thought to be in."""

    def test_a_job_is_claimed_once(self, session: Session) -> None:
        job = jobs.create(session, "train", {})
        assert jobs.claim(session, job.id)
        assert not jobs.claim(session, job.id)
        assert job.state == "running"

    def test_a_cancelled_job_never_starts(self, session: Session) -> None:
        job = jobs.create(session, "train", {})
        assert jobs.request_cancel(session, job.id)
        assert job.state == "cancelled"
        assert not jobs.claim(session, job.id)

    def test_a_job_that_has_ended_cannot_end_again(self, session: Session) -> None:
        job = jobs.create(session, "train", {})
        jobs.claim(session, job.id)
        assert jobs.fail(session, job.id, "no")
        assert not jobs.finish(session, job.id, {}, log="", details={})
        assert not jobs.request_cancel(session, job.id)
        assert (job.state, job.error) == ("failed", "no")

    def test_a_silent_worker_leaves_no_job_running(self, app: Flask, session: Session) -> None:
        silent, beating = (jobs.create(session, "train", {}) for _ in range(2))
        for job in (silent, beating):
            jobs.claim(session, job.id)
        silent.heartbeat_at = now() - timedelta(seconds=31)
        session.flush()
        assert queue.tidy(session, app.config["INSTANCE"]) == 1
        assert silent.state == "failed"
        assert silent.error == jobs.WORKER_STOPPED
        assert beating.state == "running"

    def test_a_living_worker_that_could_not_write_is_trusted(
        self, app: Flask, session: Session
    ) -> None:
        import fcntl

        job = jobs.create(session, "train", {})
        jobs.claim(session, job.id)
        job.heartbeat_at = now() - timedelta(hours=1)
        session.flush()
        instance: Path = app.config["INSTANCE"]
        with (instance / queue.LOCK).open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            assert queue.worker_runs(instance)
            assert queue.tidy(session, instance) == 0
        assert not queue.worker_runs(instance)
        assert queue.tidy(session, instance) == 1

    def test_pages_list_the_newest_first(self, session: Session) -> None:
        made = [jobs.create(session, "train", {}).public_id for _ in range(5)]
        listed, total = jobs.page(session, 2, size=2)
        assert total == 5
        assert [job.public_id for job in listed] == [made[2], made[1]]


class TestRecord:
    """What a job tells becomes its log and its loss curve."""

    def test_the_log_keeps_its_end(self) -> None:
        record = Record()
        for number in range(50):
            record.write(f"line {number} " + "x" * 2_000)
        assert len(record.log) <= jobs.LOG_LENGTH + 2
        assert "line 49 " in record.log
        assert "line 1 " not in record.log

    def test_counting_up_is_one_line_and_a_new_stage_another(self) -> None:
        record = Record()
        for rows in (1_000, 2_000, 3_000):
            record.progressed(rows / 4_000, f"{rows:,} rows read", {"read": rows})
        record.progressed(1.0, "Indexing", None)
        assert len(record.log.splitlines()) == 2
        assert record.details == {"read": 3_000}

    def test_epochs_become_a_curve_and_nonsense_shares_stay_within_bounds(self) -> None:
        record = Record()
        for epoch in (1, 2):
            record.progressed(epoch, "m", {"epoch": epoch, "loss": 1 / epoch, "seconds": 3})
        assert record.details["epochs"] == [
            {"epoch": 1, "loss": 1.0, "val_loss": None},
            {"epoch": 2, "loss": 0.5, "val_loss": None},
        ]
        assert record.progress == 1.0
