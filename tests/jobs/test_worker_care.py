"""The worker looks after itself: what is left over goes, what breaks under it ends no worker."""

from __future__ import annotations

import os
import sqlite3
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import delete, select
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from songrec.core.files import PARTIAL
from songrec.jobs import files, queue, supervisor, worker
from songrec.jobs.job_log import JobLog
from songrec.store import jobs
from songrec.store.db import now
from songrec.store.instance import Instance
from songrec.store.listeners import user_sessions
from songrec.store.runs import run_folders
from songrec.store.sound import uploads
from songrec.store.tables import (
    Job,
    Listener,
    PendingLike,
    SecurityEvent,
    Upload,
    User,
    UserSession,
)

EIGHT_DAYS = 8 * 24 * 3600


def uploaded(instance: Path, name: str, age: float) -> Path:
    """An uploaded file that has lain for ``age`` seconds."""
    path = files.upload_folder(instance) / name
    path.write_text("song,artist\n")
    for each in (path, path.parent):
        os.utime(each, (time.time() - age,) * 2)
    return path


def test_uploads_nobody_imported_go_after_a_week(app: Flask, session: Session) -> None:
    instance: Path = app.config["INSTANCE"]
    given_up = uploaded(instance, "old.csv", EIGHT_DAYS)
    young = uploaded(instance, "young.csv", 24 * 3600)
    waited_for = uploaded(instance, "waited for.csv", EIGHT_DAYS)
    queue.enqueue(session, "ingest", {"path": str(waited_for)})
    session.commit()
    worker._clear_away(instance)
    assert not given_up.parent.exists()
    assert young.is_file()
    assert waited_for.is_file()


def test_missing_songs_and_reports_of_imports_expire(app: Flask, session: Session) -> None:
    listener = Listener(token="me")
    session.add(listener)
    session.flush()
    for title, age in (("young", 100), ("old", 200)):
        at = now() - timedelta(days=age)
        session.add(PendingLike(listener_id=listener.id, kind="like", title=title, created_at=at))
    for kind, state, age in (
        ("import", "done", 8),
        ("import", "done", 6),
        ("import", "waiting", 8),
        ("train", "done", 8),
    ):
        job = queue.enqueue(session, kind, {"age": age})
        job.state, job.finished_at = state, now() - timedelta(days=age)
    session.commit()
    worker._clear_away(app.config["INSTANCE"])
    assert session.scalars(select(PendingLike.title)).all() == ["young"]
    left = session.execute(select(Job.kind, Job.state).order_by(Job.id)).all()
    assert left == [("import", "done"), ("import", "waiting"), ("train", "done")]


def test_what_a_killed_training_left_goes_after_a_day(app: Flask) -> None:
    instance: Path = app.config["INSTANCE"]
    partial = run_folders.runs_folder(instance) / f"r1{PARTIAL}"
    partial.mkdir(parents=True)
    worker._clear_away(instance)
    assert partial.is_dir()
    os.utime(partial, (time.time() - EIGHT_DAYS,) * 2)
    worker._clear_away(instance)
    assert not partial.exists()


def test_two_workers_may_delete_the_same_uploads(
    app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = Instance(app.config["INSTANCE"], session)
    for name in ("first", "second"):
        folder = uploads.folder(instance.folder) / name
        folder.mkdir(parents=True)
        (folder / "song.wav").write_text(name)
        uploads.create(session, name, None, "song.wav", folder / "song.wav").expires_at = now()
    session.commit()
    remove_jobs, is_first = jobs.remove_of_upload, iter((True,))

    def meanwhile(*arguments: Any) -> bool:
        if next(is_first, False):  # as another worker does on PostgreSQL, where writers run beside
            session.connection().execute(delete(Upload))
        return remove_jobs(*arguments)

    monkeypatch.setattr(jobs, "remove_of_upload", meanwhile)
    uploads.sweep(instance)
    session.commit()
    uploads.sweep(instance)
    assert session.scalars(select(Upload)).all() == []


def test_housekeeping_goes_on_after_any_error(
    app: Flask, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    calls = []

    def fail(instance: Path) -> None:
        calls.append(instance)
        if len(calls) == 3:
            worker.stopping.set()
        raise ZeroDivisionError

    monkeypatch.setattr(worker, "SWEEP", 0.01)
    monkeypatch.setattr(worker, "_forget_songs", fail)
    worker.stopping.clear()
    try:
        worker._keep_house(app)
    finally:
        worker.stopping.clear()
    assert len(calls) == 3
    assert "ZeroDivisionError" in caplog.text


def test_a_database_that_does_not_answer_ends_no_worker(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: Any) -> None:
        raise OperationalError("UPDATE job", {}, sqlite3.OperationalError("disk I/O error"))

    monkeypatch.setattr(jobs, "claim", refuse)
    assert worker._claim("worker") is None


def test_a_process_that_cannot_start_fails_its_job(
    app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "command", ["/no/such/program"])
    job = jobs.create(session, "train", {})
    jobs.claim(session, "worker")
    session.commit()
    worker.run_job(app, job.id)
    session.expire_all()
    found = session.get_one(Job, job.id)
    assert found.state == "failed"
    assert "FileNotFoundError" in (found.error or "")


def test_no_process_outlives_its_supervisor(
    app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*arguments: Any) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(supervisor, "command", ["sleep", "60"])
    monkeypatch.setattr(supervisor.JobSupervisor, "_stop_requested_by", broken)
    job = jobs.create(session, "train", {})
    session.commit()
    supervised = supervisor.JobSupervisor(app, job.id)
    with pytest.raises(ZeroDivisionError):
        supervised.follow()
    assert supervised.process.wait() == -9
    assert supervised.process.receive(5) is None  # its pipe is at its end


def test_a_loss_that_ran_away_is_kept_as_unknown() -> None:
    log = JobLog()
    log.record_progress(
        0.5, "epoch 1", {"epoch": 1, "loss": float("nan"), "val_loss": float("inf")}
    )
    assert log.details["epochs"] == [{"epoch": 1, "loss": None, "val_loss": None}]
    details = {"epoch": 2, "loss": 3.0, "kl": 1.0, "val_kl": 2.0, "stage": "x", "seconds": 9.0}
    log.record_progress(0.6, "epoch 2", details)
    assert log.details["epochs"][1] == {
        "epoch": 2,
        "loss": 3.0,
        "val_loss": None,
        "kl": 1.0,
        "val_kl": 2.0,
    }


def test_old_events_and_ended_sessions_are_forgotten(app: Flask, session: Session) -> None:
    user = User(name="Anna", name_key="anna", password_hash="", session_key="")
    session.add(user)
    session.flush()
    user_sessions.start(session, user)
    user_sessions.of_user(session, user)[0].expires_at = now()
    for days in (9, 11):
        session.add(SecurityEvent(kind="signed-in", at=now() - timedelta(days=days)))
    session.commit()
    worker._forget_security(10)
    session.rollback()
    assert session.query(UserSession).count() == 0
    assert session.query(SecurityEvent).count() == 1
