"""The admin's pages: upload, retrain, live jobs, runs, users."""

from __future__ import annotations

import io
import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec.clustering import CLUSTERINGS
from songrec.jobs import files, queue
from songrec.projection import PROJECTIONS
from songrec.representation import REPRESENTATIONS
from songrec.store import jobs, run_folders, runs, users
from songrec.store.tables import Job, Run, User
from songrec.web.admin.curve import curve
from songrec.web.admin.jobs import span
from tests.planted_run import plant

PASSWORD = "correct horse battery"
METRICS = {"silhouette": 0.25, "loss": 0.12, "val_loss": 0.13}


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


@pytest.fixture
def admin(client: FlaskClient, session: Session) -> User:
    """An admin, who is signed in."""
    user = users.create(session, "Chief", PASSWORD, is_admin=True)
    session.commit()
    client.post("/sign-in", data={"name": "Chief", "password": PASSWORD})
    return user


@pytest.fixture
def listener(session: Session) -> User:
    user = users.create(session, "Anna", PASSWORD)
    session.commit()
    return user


def a_run(app: Flask, session: Session, public_id: str, *, with_files: bool = True) -> Run:
    run = Run(
        public_id=public_id, feature_set="attributes", representation="autoencoder",
        clustering="kmeans", projection="pca", seed=0, track_count=3000, cluster_count=10,
        data_fingerprint="", metrics=METRICS, seconds={"total": 2.5},
        parameters={"representation": {"epochs": 20, "hidden": [12]}},
    )  # fmt: skip
    session.add(run)
    session.commit()
    if with_files:
        folder = run_folders.run_folder(app.config["INSTANCE"], public_id)
        folder.mkdir(parents=True)
        run_folders.write_json(folder / "manifest.json", {"notes": ["variance was left out"]})
        epochs = [{"epoch": n, "loss": 1 / n, "val_loss": 1.1 / n} for n in range(1, 21)]
        run_folders.write_json(folder / "history.json", epochs)
    return run


def last_job(session: Session) -> Job:
    (job, *_), _total = jobs.page(session, 1)
    session.refresh(job)
    return job


def queued(app: Flask) -> list[int]:
    return [task.args[0] for task in queue.huey_of(app).pending()]


class TestOverview:
    """The first page says how things stand and what to do next."""

    def test_an_empty_instance_asks_for_a_catalogue(self, client: FlaskClient, admin: User) -> None:
        text = client.get("/admin").text
        assert "The catalogue is empty" in text
        assert "No worker is running" in text

    def test_it_names_the_published_run(
        self, app: Flask, client: FlaskClient, session: Session, admin: User
    ) -> None:
        a_run(app, session, "r-one")
        runs.publish(session, "r-one")
        session.commit()
        assert "r-one" in client.get("/admin").text

    def test_admin_pages_are_not_cached(self, client: FlaskClient, admin: User) -> None:
        assert client.get("/admin").headers["Cache-Control"] == "no-store"


class TestUpload:
    """A catalogue file becomes a job."""

    def upload(self, client: FlaskClient, name: str, content: bytes = b"a,b\n", **more: str) -> Any:
        return client.post(
            "/admin/catalogue", data={"file": (io.BytesIO(content), name), **more},
            content_type="multipart/form-data",
        )  # fmt: skip

    def test_the_file_is_kept_and_queued(
        self, app: Flask, client: FlaskClient, session: Session, admin: User
    ) -> None:
        answer = self.upload(client, "my songs.csv", b"hello")
        job = last_job(session)
        assert answer.headers["Location"] == f"/admin/jobs/{job.public_id}"
        assert job.user_id == admin.id
        assert job.parameters["source"] == "my songs"
        assert Path(job.parameters["path"]).read_bytes() == b"hello"
        assert queued(app) == [job.id]
        assert "my songs.csv" in client.get(answer.headers["Location"]).text

    @pytest.mark.parametrize(
        "name",
        ["../../evil.csv", "..\\evil.csv", "/etc/passwd", "C:\\x\\songs.csv", "\x00.csv", "é"],
    )
    def test_a_file_never_leaves_the_uploads_folder(
        self, app: Flask, client: FlaskClient, session: Session, admin: User, name: str
    ) -> None:
        assert self.upload(client, name).status_code == 303
        path = Path(last_job(session).parameters["path"]).resolve()
        assert path.is_file()
        assert path.is_relative_to(files.uploads(app.config["INSTANCE"]).resolve())

    def test_no_file_is_explained(self, client: FlaskClient, session: Session, admin: User) -> None:
        answer = client.post("/admin/catalogue", data={}, follow_redirects=True)
        assert "Choose a file first" in answer.text
        assert jobs.page(session, 1)[1] == 0

    def test_an_unknown_format_is_refused(self, client: FlaskClient, admin: User) -> None:
        answer = self.upload(client, "a.csv", dialect="klingon")
        assert "no format" in client.get(answer.headers["Location"]).text

    def test_an_uploaded_file_is_forgotten_and_others_are_not(self, tmp_path: Path) -> None:
        folder = files.upload_folder(tmp_path)
        (folder / "songs.csv").touch()
        elsewhere = tmp_path / "songs.csv"
        elsewhere.touch()
        for path in (folder / "songs.csv", elsewhere):
            files.forget_upload(tmp_path, path)
        assert not folder.exists()
        assert elsewhere.exists()


class TestRetrain:
    """The form comes from the registries and is checked against them."""

    @pytest.mark.parametrize("registry", [REPRESENTATIONS, CLUSTERINGS, PROJECTIONS])
    def test_every_parameter_has_a_field(
        self, client: FlaskClient, admin: User, registry: Any
    ) -> None:
        text = client.get("/admin/train").text
        for entry in registry:
            assert f'value="{entry.name}"' in text
            for parameter in entry.parameters:
                assert f'.{entry.name}.{parameter.name}"' in text

    def test_pressing_retrain_queues_the_defaults(
        self, app: Flask, client: FlaskClient, session: Session, admin: User
    ) -> None:
        assert client.post("/admin/train").status_code == 303
        job = last_job(session)
        assert queued(app) == [job.id]
        assert job.parameters == {
            "representation": "autoencoder", "clustering": "kmeans", "projection": "pca",
            "seed": 0, "publish": False,
            "parameters": {"representation": {}, "clustering": {}, "projection": {}},
        }  # fmt: skip

    def test_what_is_asked_for_is_what_training_takes(
        self, client: FlaskClient, session: Session, admin: User
    ) -> None:
        client.post(
            "/admin/train",
            data={
                "representation": "autoencoder", "representation.autoencoder.epochs": "5",
                "representation.autoencoder.hidden": "24,12", "clustering.kmeans.clusters": "8",
                "representation.pca.latent": "not read", "seed": "7", "publish": "yes",
            },
        )  # fmt: skip
        asked = last_job(session).parameters
        assert asked["parameters"]["representation"] == {"epochs": 5, "hidden": [24, 12]}
        assert asked["parameters"]["clustering"] == {"clusters": 8}
        assert (asked["seed"], asked["publish"]) == (7, True)
        assert CLUSTERINGS.parse("kmeans", asked["parameters"]["clustering"])["clusters"] == 8

    @pytest.mark.parametrize(
        ("field", "value", "message"),
        [
            ("representation.autoencoder.epochs", "many", "a whole number"),
            ("clustering.kmeans.clusters", "0", "from 1 to"),
            ("seed", "-1", "from 0 to"),
            ("representation", "vea", "No representation"),
        ],
    )
    def test_a_wrong_value_is_explained_beside_its_field_and_nothing_starts(
        self, client: FlaskClient, session: Session, admin: User, field: str, value: str,
        message: str,
    ) -> None:  # fmt: skip
        answer = client.post("/admin/train", data={field: value})
        assert answer.status_code == 400
        assert message in answer.text
        assert jobs.page(session, 1)[1] == 0


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
        jobs.claim(session, job.id)
        epochs = [{"epoch": n, "loss": 1 / n, "val_loss": 2 / n} for n in (1, 2, 3)]
        jobs.report(
            session, job.id, progress=0.5, message="epoch 3 of 6", log="12:00:00 epoch 3 of 6",
            details={"epochs": epochs},
        )  # fmt: skip
        job.started_at = job.started_at - timedelta(seconds=60)  # type: ignore[operator]
        session.commit()
        state = self.state(client, job)
        assert (state["state"], state["progress"], state["active"]) == ("running", 0.5, True)
        assert state["note"] in ("About 1 min left", "About 1 min 1 s left")
        assert state["curve"]["last_loss"] == "0.3333"
        page = client.get(f"/admin/jobs/{job.public_id}").text
        assert state["curve"]["loss"] in page
        assert "12:00:00 epoch 3 of 6" in page
        assert 'http-equiv="refresh"' in page  # without JavaScript it reloads

    def test_a_page_finds_out_that_the_worker_died(
        self, client: FlaskClient, session: Session, admin: User, job: Job
    ) -> None:
        jobs.claim(session, job.id)
        job.heartbeat_at = job.heartbeat_at - jobs.STALE * 2  # type: ignore[operator]
        session.commit()
        assert jobs.WORKER_STOPPED in client.get(f"/admin/jobs/{job.public_id}").text

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

    def test_a_job_that_is_done_is_not_started_again(
        self, client: FlaskClient, session: Session, admin: User, job: Job
    ) -> None:
        jobs.claim(session, job.id)
        jobs.finish(session, job.id, {"run_id": "r", "published": True}, log="", details={})
        session.commit()
        client.post(f"/admin/jobs/{job.public_id}/again")
        assert last_job(session).id == job.id

    def test_rejected_rows_are_shown_and_downloaded(
        self, app: Flask, client: FlaskClient, session: Session, admin: User
    ) -> None:
        job = queue.enqueue(session, "ingest", {"path": "x", "file": "songs.csv"})
        session.flush()
        jobs.claim(session, job.id)
        path = files.rejects_path(app.config["INSTANCE"], job.public_id)
        path.parent.mkdir()
        path.write_text("line,reason\n3,tempo\n")
        reject = {"row": 3, "column": "Tempo", "value": "<b>x</b>", "reason": "is not a number"}
        result = {
            "read": 2, "inserted": 1, "updated": 0, "unchanged": 0, "rejected": [reject],
            "rejected_count": 1, "dialect": "preprocess", "encoding": "utf-8", "seconds": 0.5,
        }  # fmt: skip
        jobs.finish(session, job.id, result, log="", details={})
        session.commit()
        page = client.get(f"/admin/jobs/{job.public_id}").text
        assert "is not a number" in page
        assert "<b>x</b>" not in page
        with client.get(f"/admin/jobs/{job.public_id}/rejects") as answer:
            assert answer.text == path.read_text()
            assert "attachment" in answer.headers["Content-Disposition"]

    def test_the_list_links_every_job(
        self, client: FlaskClient, session: Session, admin: User, job: Job
    ) -> None:
        assert f"/admin/jobs/{job.public_id}" in client.get("/admin/jobs").text
        assert client.get("/admin/jobs?page=99999999999999999999").status_code == 200

    def test_an_unknown_job_is_404(self, client: FlaskClient, admin: User) -> None:
        assert client.get("/admin/jobs/nope").status_code == 404


class TestRuns:
    """Runs are listed, shown, published and rolled back."""

    def test_publishing_and_rolling_back(
        self, app: Flask, client: FlaskClient, session: Session, admin: User
    ) -> None:
        a_run(app, session, "r-old")
        a_run(app, session, "r-new")
        for public_id in ("r-old", "r-new", "r-old"):
            assert client.post(f"/admin/runs/{public_id}/publish").status_code == 303
            session.expire_all()
            assert runs.published(session).public_id == public_id  # type: ignore[union-attr]
        assert "Publish" in client.get("/admin/runs").text
        client.post("/admin/runs/r-new/publish")
        assert "Roll back to this" in client.get("/admin/runs").text

    def test_a_run_without_files_is_not_published(
        self, app: Flask, client: FlaskClient, session: Session, admin: User
    ) -> None:
        a_run(app, session, "r-gone", with_files=False)
        answer = client.post("/admin/runs/r-gone/publish")
        assert answer.status_code == 503
        assert "train again" in answer.text
        assert runs.published(session) is None
        assert "The files of this run are gone" in client.get("/admin/runs/r-gone").text

    def test_a_run_shows_parameters_measures_notes_and_curve(
        self, app: Flask, client: FlaskClient, session: Session, admin: User
    ) -> None:
        a_run(app, session, "r-one")
        text = client.get("/admin/runs/r-one").text
        for shown in ("representation: epochs", "0.25", "variance was left out", "0.0500"):
            assert shown in text

    def test_two_runs_side_by_side(
        self, app: Flask, client: FlaskClient, session: Session, admin: User
    ) -> None:
        planted = plant(session, app.config["INSTANCE"])
        session.commit()
        public_id = planted.run.public_id
        text = client.get(f"/admin/compare?a=published&b={public_id}").text
        assert "<dd>0 (0.0%)</dd>" in text  # nothing changed company against itself
        assert "its successor" in text

    def test_an_unknown_run_is_404(self, client: FlaskClient, admin: User) -> None:
        assert client.get("/admin/runs/nope").status_code == 404
        assert client.post("/admin/runs/nope/publish").status_code == 404
        assert client.get("/admin/compare?a=nope&b=nope").status_code == 404


class TestUsers:
    """Admins see to accounts."""

    def test_making_and_unmaking_an_admin(
        self, client: FlaskClient, session: Session, admin: User, listener: User
    ) -> None:
        for value, expected in (("1", True), ("0", False)):
            client.post(f"/admin/users/{listener.id}/admin", data={"value": value})
            session.expire_all()
            assert listener.is_admin is expected

    def test_the_last_admin_stays(self, client: FlaskClient, session: Session, admin: User) -> None:
        answer = client.post(
            f"/admin/users/{admin.id}/admin", data={"value": "0"}, follow_redirects=True
        )
        assert "last admin" in answer.text
        session.expire_all()
        assert admin.is_admin

    def test_a_new_password_is_shown_once_and_works(
        self, app: Flask, client: FlaskClient, session: Session, admin: User, listener: User
    ) -> None:
        text = client.post(f"/admin/users/{listener.id}/password").text
        password = text.split('aria-label="New password">')[1].split("<")[0]
        assert users.authenticate(session, "Anna", password) is not None
        assert users.authenticate(session, "Anna", PASSWORD) is None
        assert password not in client.get("/admin/users").text

    def test_deleting_an_account(
        self, client: FlaskClient, session: Session, admin: User, listener: User
    ) -> None:
        client.post(f"/admin/users/{listener.id}/delete")
        assert users.find(session, "Anna") is None
        client.post(f"/admin/users/{admin.id}/delete")
        assert users.find(session, "Chief") is not None


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
