"""The admin's job pages: live, cancelled, started again, the loss curve."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec.jobs import files, queue
from songrec.store import jobs
from songrec.store.tables import Job, User
from songrec.web.admin.curve import curve
from songrec.web.admin.jobs import span
from tests.factories import waiting_ids
from tests.web.accounts import admin, anna, quick_hashes
from tests.web.html import links, parse, text_of, texts

__all__ = ["admin", "anna", "quick_hashes"]  # fixtures


def last_job(session: Session) -> Job:
    (job, *_), _total = jobs.page(session, 1)
    session.refresh(job)
    return job


class TestJobPages:
    """A job's page is live, and says what came of it."""

    @pytest.fixture
    def job(self, session: Session) -> Job:
        job = queue.enqueue(session, "train", {"representation": "autoencoder"})
        session.commit()
        return job

    def state(self, client: FlaskClient, job: Job) -> dict[str, Any]:
        return json.loads(client.get(f"/admin/jobs/{job.public_id}/state").text)

    def test_a_waiting_job_says_how_many_come_first(
        self, client: FlaskClient, session: Session, admin: User, job: Job
    ) -> None:
        second = queue.enqueue(session, "train", {})
        session.commit()
        assert self.state(client, job)["note"] == "Next in line"
        assert self.state(client, second)["note"] == "1 before it"

    def test_a_running_job_shows_share_time_left_log_and_curve(
        self, client: FlaskClient, session: Session, admin: User, job: Job
    ) -> None:
        jobs.claim(session, "worker")
        epochs = [{"epoch": n, "loss": 1 / n, "val_loss": 2 / n} for n in (1, 2, 3)]
        jobs.report(
            session,
            job.id,
            progress=0.5,
            message="epoch 3 of 6",
            log="12:00:00 epoch 3 of 6",
            details={"epochs": epochs},
        )
        job.started_at = job.started_at - timedelta(seconds=60)  # type: ignore[operator]
        session.commit()
        state = self.state(client, job)
        assert (state["state"], state["progress"], state["active"]) == ("running", 0.5, True)
        assert state["note"] in ("About 1 min left", "About 1 min 1 s left")
        assert state["curve"]["last_loss"] == "0.3333"
        page = parse(client.get(f"/admin/jobs/{job.public_id}"))
        drawn = {line.get("d") or line.get("points") for line in page.select("svg path, polyline")}
        assert state["curve"]["loss"] in drawn
        assert state["parts"] == []
        assert page.select_one("section[data-parts]").has_attr("hidden")
        assert [text_of(log) for log in page.select("pre.log")] == ["12:00:00 epoch 3 of 6"]
        assert page.select('meta[http-equiv="refresh"]')  # without JavaScript it reloads

    def test_the_parts_of_a_loss_are_drawn_while_it_learns_and_after(
        self, client: FlaskClient, session: Session, admin: User, job: Job
    ) -> None:
        jobs.claim(session, "worker")
        epochs = [
            {
                "epoch": n,
                "loss": 3 / n,
                "val_loss": 4 / n,
                "reconstruction": 2 / n,
                "kl": 1 / n,
                "val_kl": 1.5 / n,
            }
            for n in (1, 2, 3, 4)
        ]
        jobs.report(session, job.id, progress=0.5, message="", log="", details={"epochs": epochs})
        session.commit()
        parts = {part["name"]: part for part in self.state(client, job)["parts"]}
        assert list(parts) == ["reconstruction", "KL"]
        assert (parts["KL"]["last_loss"], parts["KL"]["last_val_loss"]) == ("0.2500", "0.3750")
        assert parts["reconstruction"]["val_loss"] == ""
        page = parse(client.get(f"/admin/jobs/{job.public_id}"))
        shown = page.select("section[data-parts] [data-part]")
        assert [part["data-part"] for part in shown] == ["reconstruction", "KL"]
        drawn = {line.get("d") or line.get("points") for line in shown[1].select("path, polyline")}
        assert parts["KL"]["loss"] in drawn
        assert page.select("template")  # a part that is not known yet is drawn into it

    def test_a_page_finds_out_that_the_worker_died(
        self, client: FlaskClient, session: Session, admin: User, job: Job
    ) -> None:
        jobs.claim(session, "worker")
        job.heartbeat_at = job.heartbeat_at - jobs.STALE * 2  # type: ignore[operator]
        session.commit()
        assert jobs.STARTS_AGAIN in client.get(f"/admin/jobs/{job.public_id}").text

    def test_cancel_and_start_again(
        self, app: Flask, client: FlaskClient, session: Session, admin: User, job: Job
    ) -> None:
        client.post(f"/admin/jobs/{job.public_id}/cancel")
        assert self.state(client, job)["state"] == "cancelled"
        answer = client.post(f"/admin/jobs/{job.public_id}/again")
        new = last_job(session)
        assert answer.headers["Location"].endswith(new.public_id)
        assert new.id != job.id
        assert new.parameters == job.parameters

    def test_started_again_twice_is_started_once(
        self, client: FlaskClient, session: Session, admin: User, job: Job
    ) -> None:
        client.post(f"/admin/jobs/{job.public_id}/cancel")
        first, second = (client.post(f"/admin/jobs/{job.public_id}/again") for _ in range(2))
        assert first.location == second.location
        assert len(waiting_ids(session)) == 1

    def test_an_import_whose_file_is_gone_asks_for_it_again(
        self, client: FlaskClient, session: Session, admin: User
    ) -> None:
        job = queue.enqueue(session, "ingest", {"path": "/gone/songs.csv", "file": "songs.csv"})
        session.commit()
        client.post(f"/admin/jobs/{job.public_id}/cancel")
        answer = client.post(f"/admin/jobs/{job.public_id}/again", follow_redirects=True)
        assert "upload it again" in answer.text
        assert waiting_ids(session) == []

    def test_a_job_that_is_done_is_not_started_again(
        self, client: FlaskClient, session: Session, admin: User, job: Job
    ) -> None:
        jobs.claim(session, "worker")
        jobs.finish(session, job.id, {"run_id": "r", "published": True}, log="", details={})
        session.commit()
        client.post(f"/admin/jobs/{job.public_id}/again")
        assert last_job(session).id == job.id

    def test_rejected_rows_are_shown_and_downloaded(
        self, app: Flask, client: FlaskClient, session: Session, admin: User
    ) -> None:
        job = queue.enqueue(session, "ingest", {"path": "x", "file": "songs.csv"})
        session.flush()
        jobs.claim(session, "worker")
        path = files.rejects_path(app.config["INSTANCE"], job.public_id)
        path.parent.mkdir()
        path.write_text("line,reason\n3,tempo\n")
        reject = {"row": 3, "column": "Tempo", "value": "<b>x</b>", "reason": "is not a number"}
        result = {
            "read": 2,
            "inserted": 1,
            "updated": 0,
            "unchanged": 0,
            "rejected": [reject],
            "rejected_count": 1,
            "dialect": "preprocess",
            "encoding": "utf-8",
            "seconds": 0.5,
        }
        jobs.finish(session, job.id, result, log="", details={})
        session.commit()
        page = client.get(f"/admin/jobs/{job.public_id}")
        (row,) = (texts(str(row), "th, td") for row in parse(page).select("tbody tr"))
        assert {"is not a number", "<b>x</b>"} <= set(row)
        with client.get(f"/admin/jobs/{job.public_id}/rejects") as answer:
            assert answer.text == path.read_text()
            assert "attachment" in answer.headers["Content-Disposition"]

    def test_the_list_shows_what_runs_first_and_folds_small_jobs(
        self, client: FlaskClient, session: Session, admin: User, job: Job
    ) -> None:
        jobs.claim(session, "worker")
        jobs.report(session, job.id, progress=0.25, message="epoch 1", log="", details={})
        ended = {}
        for kind, parameters in (
            ("report", {}),
            ("sleeve", {}),
            ("fragments", {"task": "refresh"}),
            ("fragments", {"task": "train"}),
        ):
            row = jobs.create(session, kind, parameters)
            jobs.claim(session, "other")
            jobs.fail(session, row.id, "No.")
            ended[kind, parameters.get("task")] = f"/admin/jobs/{row.public_id}"
        waiting = queue.enqueue(session, "grid", {"file": "8 cells"})
        session.commit()
        page = client.get("/admin/jobs")
        now = links(page, ".jobs-now a")
        assert now == {
            "Training: Autoencoder": f"/admin/jobs/{job.public_id}",
            "Grid: 8 cells": f"/admin/jobs/{waiting.public_id}",
        }
        assert next(iter(now)) == "Training: Autoencoder"
        (bar,) = parse(page).select(".jobs-now progress")
        assert bar["value"] == "0.25"
        long_jobs = [ended["fragments", "train"], ended["report", None]]
        assert list(links(page, "tbody a").values()) == long_jobs
        assert "2 small jobs are not listed here." in page.text
        small = links(client.get("/admin/jobs?show=small"), "tbody a")
        assert list(small.values()) == [ended["fragments", "refresh"], ended["sleeve", None]]
        failed = client.get("/admin/jobs?show=failed&kind=report")
        assert list(links(failed, "tbody a").values()) == [ended["report", None]]
        assert client.get("/admin/jobs?page=99999999999999999999").status_code == 200

    def test_an_unknown_job_is_404(self, client: FlaskClient, admin: User) -> None:
        assert client.get("/admin/jobs/nope").status_code == 404


class TestCurve:
    """Losses as points."""

    def test_the_curve_falls_from_top_left_to_bottom_right(self) -> None:
        drawn = curve([{"epoch": n, "loss": 1.0 - n / 10, "val_loss": None} for n in range(5)])
        assert drawn is not None
        points = [tuple(map(float, point.split(","))) for point in drawn.loss.split()]
        assert points[0] == (drawn.left, 12.0)
        assert points[-1] == (drawn.right, drawn.bottom)
        assert drawn.val_loss == ""

    @pytest.mark.parametrize(
        "epochs", [[], [{"epoch": 1, "loss": 1.0}], [{"loss": float("nan")}] * 3]
    )
    def test_too_little_draws_nothing(self, epochs: list[dict[str, Any]]) -> None:
        assert curve(epochs) is None

    def test_a_level_curve_and_ten_thousand_epochs_can_be_drawn(self) -> None:
        drawn = curve([{"epoch": n, "loss": 0.5, "val_loss": 0.5} for n in range(10_000)])
        assert drawn is not None
        assert len(drawn.loss.split()) < 500
        assert drawn.last_epoch == 9_999


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.42, "0.4 s"), (5, "5 s"), (61, "1 min 1 s"), (3599, "59 min"), (7500, "2 h 5 min")],
)
def test_spans_read_as_people_say_them(seconds: float, text: str) -> None:
    assert span(seconds) == text
