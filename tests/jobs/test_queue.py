"""The queue: which jobs workers see, in which order, and how a dead worker's jobs end."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from threading import Barrier

import pytest
from flask import Flask
from flask_migrate import upgrade
from sqlalchemy import text
from sqlalchemy.orm import Session

from songrec import create_app
from songrec.core.errors import UnknownName
from songrec.jobs import queue
from songrec.jobs.job_log import JobLog
from songrec.jobs.kinds import KIND_GROUPS
from songrec.jobs.supervisor import commit_with_retries
from songrec.store import jobs
from songrec.store.db import db, now
from songrec.store.instance import Instance
from songrec.store.listeners import users
from songrec.store.tables import Job
from tests.factories import waiting_ids
from tests.web.accounts import PASSWORD, quick_hashes  # noqa: F401 (a fixture)

Queued = Callable[[], list[int]]


@pytest.fixture
def queued(app: Flask) -> Queued:
    """The jobs that wait, as another process sees them."""

    def read() -> list[int]:
        with app.app_context():
            return waiting_ids(db.session)

    return read


def test_nothing_is_queued_before_the_commit(queued: Queued, session: Session) -> None:
    job = queue.enqueue(session, "train", {})
    assert queued() == []
    session.commit()
    assert queued() == [job.id]


def test_a_rollback_queues_nothing(queued: Queued, session: Session) -> None:
    queue.enqueue(session, "train", {})
    session.rollback()
    session.commit()
    assert queued() == []
    assert waiting_ids(session) == []


def test_a_savepoint_is_not_a_commit(queued: Queued, session: Session) -> None:
    queue.enqueue(session, "train", {})  # SQLite's savepoints are one only inside a transaction
    with session.begin_nested():
        queue.enqueue(session, "train", {})
    assert queued() == []
    session.commit()
    assert len(queued()) == 2


def claimed(session: Session) -> list[int]:
    """The ids of the jobs that wait, in the order in which a worker gets them."""
    ids = []
    while (job_id := jobs.claim(session, "worker")) is not None:
        ids.append(job_id)
    return ids


def test_jobs_start_in_the_order_in_which_they_were_added(session: Session) -> None:
    first, second = (queue.enqueue(session, kind, {}) for kind in ("train", "ingest"))
    session.commit()
    third = queue.enqueue(session, "report", {})
    session.commit()
    assert claimed(session) == [first.id, second.id, third.id]


@pytest.mark.parametrize(
    ("kinds", "started"),
    [
        (("train", "train", "grid", "report"), ["train", "report"]),
        (("analyze", "setup", "ingest", "train"), ["analyze", "train"]),
        (("analyze", "refresh"), ["refresh"]),
        (("predict", "words", "duplicates"), ["predict", "words", "duplicates"]),
        (("upload", "upload", "keep", "sleeve"), ["upload", "upload", "keep", "sleeve"]),
    ],
)
def test_of_jobs_that_exclude_each_other_one_starts(
    session: Session, kinds: tuple[str, ...], started: list[str]
) -> None:
    for kind in kinds:
        queue.enqueue(session, kind, {})
    session.commit()
    assert [session.get_one(Job, job_id).kind for job_id in claimed(session)] == started


def test_the_next_of_a_key_starts_when_the_one_before_has_ended(session: Session) -> None:
    first, second, third = (queue.enqueue(session, "analyze", {}).id for _ in range(3))
    assert claimed(session) == [first]
    assert jobs.fail(session, first, "no")
    assert claimed(session) == [second]
    assert jobs.finish(session, second, {}, log="", details={})
    assert claimed(session) == [third]


def test_two_workers_at_once_start_one_training(app: Flask, session: Session) -> None:
    rows = [queue.enqueue(session, "train", {}).id for _ in range(6)]
    session.commit()

    def work(worker: str) -> list[int]:
        with app.app_context():
            return [
                job_id
                for _ in range(3)
                if (job_id := commit_with_retries(lambda: jobs.claim(db.session, worker)))
            ]

    with ThreadPoolExecutor(4) as workers:
        claims = [job_id for ids in workers.map(work, "abcd") for job_id in ids]
    assert claims == rows[:1]
    session.expire_all()
    assert waiting_ids(session) == rows[1:]


def test_the_same_request_is_queued_once_while_it_waits_or_runs(session: Session) -> None:
    parameters = {"representation": "vae", "clustering": {"n_clusters": 8}}
    job, is_new = queue.enqueue_once(session, "train", parameters)
    session.commit()
    assert is_new
    # The order of parameters says nothing; another value or kind is another request.
    swapped = {"clustering": {"n_clusters": 8}, "representation": "vae"}
    assert queue.enqueue_once(session, "train", swapped) == (job, False)
    assert queue.enqueue_once(session, "train", {**parameters, "seed": 1})[1]
    assert queue.enqueue_once(session, "grid", parameters)[1]
    session.commit()
    assert jobs.claim(session, "worker") == job.id
    assert queue.enqueue_once(session, "train", parameters) == (job, False)
    jobs.fail(session, job.id, "for a reason")
    session.commit()
    again, is_new = queue.enqueue_once(session, "train", parameters)
    session.commit()
    assert is_new
    assert again.id != job.id


def test_the_same_request_of_many_at_once_is_queued_once(app: Flask, session: Session) -> None:
    barrier = Barrier(6)

    def press(_: int) -> tuple[int, bool]:
        with app.app_context():
            barrier.wait()
            job, is_new = queue.enqueue_once(db.session, "train", {"seed": 7})
            result = job.id, is_new
            db.session.commit()
            return result

    with ThreadPoolExecutor(6) as presses:
        results = list(presses.map(press, range(6)))
    session.expire_all()
    assert len(waiting_ids(session)) == 1
    assert {job_id for job_id, _ in results} == set(waiting_ids(session))
    assert sum(is_new for _, is_new in results) == 1


def test_what_the_caller_changed_stays_where_another_process_came_first(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, _ = queue.enqueue_once(session, "train", {"seed": 7})
    session.commit()
    find = jobs.find_active
    answers = iter([None])  # it came after the look at the queue
    monkeypatch.setattr(jobs, "find_active", lambda *args: next(answers, find(*args)))
    changed = queue.enqueue(session, "grid", {})
    assert queue.enqueue_once(session, "train", {"seed": 7}) == (first, False)
    session.commit()
    assert set(waiting_ids(session)) == {first.id, changed.id}


def test_uploads_go_before_long_work(session: Session) -> None:
    train, upload, keep = (queue.enqueue(session, kind, {}) for kind in ("train", "upload", "keep"))
    assert [jobs.ahead_of(session, job) for job in (upload, keep, train)] == [0, 1, 2]
    assert claimed(session) == [upload.id, keep.id, train.id]


def test_people_take_turns_whoever_came_first(session: Session) -> None:
    def upload(owner: str) -> int:
        return queue.enqueue(session, "upload", {}, owner_key=owner).id

    a1, a2, a3, a4 = (upload("address:a") for _ in range(4))
    b1, b2 = (upload("address:b") for _ in range(2))
    assert jobs.claim(session, "worker") == a1
    c1 = upload("address:c")
    order = [b1, c1, a2, b2, a3, a4]
    ahead = {job_id: jobs.ahead_of(session, session.get_one(Job, job_id)) for job_id in order}
    assert ahead == {job_id: place for place, job_id in enumerate(order, 1)}
    assert claimed(session) == order


def test_songrec_s_own_jobs_take_turns_with_people(session: Session) -> None:
    mixes = [queue.enqueue_once(session, "mixes", {"listener": n})[0].id for n in range(3)]
    uploads = [queue.enqueue(session, "upload", {}, owner_key="address:b").id for _ in range(2)]
    order = [mixes[0], uploads[0], mixes[1], uploads[1], mixes[2]]
    ahead = {job_id: jobs.ahead_of(session, session.get_one(Job, job_id)) for job_id in order}
    assert ahead == {job_id: place for place, job_id in enumerate(order)}
    assert claimed(session) == order


def test_turns_of_long_ago_count_no_more_unless_the_job_still_runs(session: Session) -> None:
    for owner in ("address:a", "address:b"):
        queue.enqueue(session, "upload", {}, owner_key=owner)
    finished, running = (session.get_one(Job, job_id) for job_id in claimed(session))
    jobs.fail(session, finished.id, "no")
    long_ago = now() - jobs.TURN_MEMORY - timedelta(seconds=1)
    finished.started_at = running.started_at = long_ago
    session.flush()
    b, a = (
        queue.enqueue(session, "upload", {}, owner_key=owner).id
        for owner in ("address:b", "address:a")
    )
    assert claimed(session) == [a, b]


def test_an_admin_s_jobs_go_first_but_no_training_before_an_upload(session: Session) -> None:
    anna = users.create(session, "Anna", PASSWORD)
    admin = users.create(session, "Chief", PASSWORD, is_admin=True)
    jobs_by_name = {
        name: queue.enqueue(session, kind, {}, user).id
        for name, kind, user in (
            ("report of anna", "report", anna),
            ("upload of anna", "upload", anna),
            ("training of the admin", "train", admin),
            ("upload of the admin", "upload", admin),
            ("upload of anna again", "upload", anna),
        )
    }
    started = claimed(session)
    assert [name for id_ in started for name, other in jobs_by_name.items() if other == id_] == [
        "upload of the admin",
        "upload of anna",
        "upload of anna again",
        "training of the admin",
        "report of anna",
    ]


def test_a_worker_of_some_kinds_leaves_the_others(session: Session) -> None:
    train, upload = (queue.enqueue(session, kind, {}).id for kind in ("train", "upload"))
    assert jobs.claim(session, "small", KIND_GROUPS["uploads"]) == upload
    assert jobs.claim(session, "small", KIND_GROUPS["uploads"]) is None
    assert jobs.claim(session, "large") == train


def test_a_worker_of_some_kinds_counts_for_these_alone(app: Flask) -> None:
    instance: Path = app.config["INSTANCE"]
    with queue.worker_lock(instance, "uploads"):
        assert queue.worker_runs(Instance(instance, db.session), "upload")
        assert not queue.worker_runs(Instance(instance, db.session), "train")
        assert not queue.worker_runs(Instance(instance, db.session))
    with queue.worker_lock(instance):
        assert queue.worker_runs(Instance(instance, db.session), "train")


def test_a_job_is_claimed_by_one_of_several_workers(app: Flask, session: Session) -> None:
    made = [jobs.create(session, "train", {}).id for _ in range(40)]
    session.commit()

    def work(worker: str) -> list[int]:
        with app.app_context():
            ids = []
            while (
                job_id := commit_with_retries(lambda: jobs.claim(db.session, worker))
            ) is not None:
                ids.append(job_id)
            return ids

    with ThreadPoolExecutor(4) as workers:
        claims = list(workers.map(work, "abcd"))
    assert sorted(job_id for ids in claims for job_id in ids) == made


def test_jobs_of_the_version_before_are_claimed(tmp_path: Path) -> None:
    app = create_app({"INSTANCE": tmp_path / "instance", "TESTING": True})
    with app.app_context():
        upgrade(revision="0007")
        insert = text(
            "INSERT INTO job (id, public_id, kind, state, progress, message, log, parameters, "
            "details, cancel_requested, created_at) VALUES (:id, :id, :kind, :state, 0, '', '', "
            "'{}', '{}', 0, '2026-11-01 12:00:00')"
        )
        states = [("train", "running"), ("train", "waiting"), ("upload", "waiting")]
        for number, (kind, state) in enumerate(states, 1):
            db.session.execute(insert, {"id": number, "kind": kind, "state": state})
        db.session.commit()
        upgrade()
        keys = db.session.execute(text("SELECT id, exclusive_key FROM job ORDER BY id")).all()
        assert keys == [(1, None), (2, "training"), (3, None)]
        assert claimed(db.session) == [3, 2]
        db.session.remove()
        db.engine.dispose()


def test_an_unknown_kind_is_refused(app: Flask, session: Session) -> None:
    with pytest.raises(UnknownName, match="Did you mean 'train'"):
        queue.enqueue(session, "trian", {})


class TestStates:
    """A job changes state only from the state that it is thought to be in."""

    def test_a_job_is_claimed_once(self, session: Session) -> None:
        job = jobs.create(session, "train", {})
        assert jobs.claim(session, "worker") == job.id
        assert jobs.claim(session, "worker") is None
        assert (job.state, job.worker) == ("running", "worker")

    def test_a_cancelled_job_never_starts(self, session: Session) -> None:
        job = jobs.create(session, "train", {})
        assert jobs.request_cancel(session, job.id)
        assert job.state == "cancelled"
        assert not jobs.claim(session, "worker")

    def test_a_job_that_has_ended_cannot_end_again(self, session: Session) -> None:
        job = jobs.create(session, "train", {})
        jobs.claim(session, "worker")
        assert jobs.fail(session, job.id, "no")
        assert not jobs.finish(session, job.id, {}, log="", details={})
        assert not jobs.request_cancel(session, job.id)
        assert (job.state, job.error) == ("failed", "no")

    def test_a_silent_worker_leaves_no_job_running(self, app: Flask, session: Session) -> None:
        silent, beating = (jobs.create(session, "train", {}) for _ in range(2))
        assert claimed(session) == [silent.id, beating.id]
        silent.heartbeat_at = now() - timedelta(seconds=31)
        session.flush()
        assert queue.tidy(Instance(app.config["INSTANCE"], session)) == 1
        assert (silent.state, silent.message) == ("waiting", jobs.STARTS_AGAIN)
        assert beating.state == "running"

    def test_a_job_of_two_dead_workers_fails(self, app: Flask, session: Session) -> None:
        job = jobs.create(session, "train", {})
        instance = Instance(app.config["INSTANCE"], session)
        for expected in ((1, 0), (0, 1)):
            assert claimed(session) == [job.id]
            assert queue.requeue_abandoned(instance) == expected
        assert (job.state, job.error) == ("failed", jobs.WORKER_STOPPED)

    def test_a_cancelled_job_of_a_dead_worker_is_not_started_again(
        self, app: Flask, session: Session
    ) -> None:
        job = jobs.create(session, "train", {})
        claimed(session)
        jobs.request_cancel(session, job.id)
        assert queue.requeue_abandoned(Instance(app.config["INSTANCE"], session)) == (0, 1)
        assert job.state == "cancelled"

    def test_a_living_worker_that_could_not_write_is_trusted(
        self, app: Flask, session: Session
    ) -> None:
        instance: Path = app.config["INSTANCE"]
        job = jobs.create(session, "train", {})
        with queue.worker_lock(instance) as worker, queue.worker_lock(instance):
            jobs.claim(session, worker)
            job.heartbeat_at = now() - timedelta(hours=1)
            session.flush()
            assert queue.worker_runs(Instance(instance, db.session))
            assert queue.tidy(Instance(instance, session)) == 0
        assert not queue.worker_runs(Instance(instance, db.session))
        with queue.worker_lock(instance):  # another worker does not speak for the dead one
            assert queue.tidy(Instance(instance, session)) == 1

    def test_a_worker_that_was_given_up_changes_nothing_of_the_job(
        self, app: Flask, session: Session
    ) -> None:
        job = jobs.create(session, "train", {})
        for attempt in (1, 2):
            assert claimed(session) == [job.id]
            assert job.attempts == attempt
            if attempt == 1:
                queue.requeue_abandoned(Instance(app.config["INSTANCE"], session))
        report = {"progress": 0.5, "message": "half", "log": "", "details": {}}
        assert not jobs.beat(session, job.id, 1)
        assert not jobs.report(session, job.id, **report, attempt=1)
        assert not jobs.fail(session, job.id, "no", 1)
        assert not jobs.release(session, job.id, 1)
        assert not jobs.finish(session, job.id, {}, log="", details={}, attempt=1)
        assert job.state == "running"
        assert jobs.finish(session, job.id, {}, log="", details={}, attempt=2)

    def test_pages_list_the_newest_first(self, session: Session) -> None:
        made = [jobs.create(session, "train", {}).public_id for _ in range(5)]
        listed, total = jobs.page(session, 2, size=2)
        assert total == 5
        assert [job.public_id for job in listed] == [made[2], made[1]]


class TestJobLog:
    """What a job tells becomes its log and its loss curve."""

    def test_the_log_keeps_its_end(self) -> None:
        log = JobLog()
        for number in range(50):
            log.write(f"line {number} " + "x" * 2_000)
        assert len(log.text) <= jobs.LOG_LENGTH + 2
        assert "line 49 " in log.text
        assert "line 1 " not in log.text

    def test_counting_up_is_one_line_and_a_new_stage_another(self) -> None:
        log = JobLog()
        for rows in (1_000, 2_000, 3_000):
            log.record_progress(rows / 4_000, f"{rows:,} rows read", {"read": rows})
        log.record_progress(1.0, "Indexing", None)
        assert len(log.text.splitlines()) == 2
        assert log.details == {"read": 3_000}

    def test_epochs_become_a_curve_and_nonsense_shares_stay_within_bounds(self) -> None:
        log = JobLog()
        for epoch in (1, 2):
            log.record_progress(epoch, "m", {"epoch": epoch, "loss": 1 / epoch, "seconds": 3})
        assert log.details["epochs"] == [
            {"epoch": 1, "loss": 1.0, "val_loss": None},
            {"epoch": 2, "loss": 0.5, "val_loss": None},
        ]
        assert log.progress == 1.0
