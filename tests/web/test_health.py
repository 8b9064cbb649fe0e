"""``/health`` answers whatever is broken; ``/ready`` says what is missing."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from flask.testing import FlaskClient
from sqlalchemy import text
from sqlalchemy.orm import Session

from songrec import create_app
from songrec.core.version import VERSION
from songrec.jobs import queue
from songrec.store.runs import run_folders
from songrec.store.tables import Listener
from songrec.web import health
from tests.planted_run import Planted


class Usage(NamedTuple):
    total: int
    used: int
    free: int


@pytest.fixture
def roomy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, health.MIN_FREE_BYTES))


def failed(client: FlaskClient) -> dict[str, str]:
    """Message by name of each failed check; asserts that status and checks agree."""
    answer = client.get("/ready")
    checks = answer.json["checks"]
    messages = {name: check["message"] for name, check in checks.items() if not check["ok"]}
    assert set(checks) == {"database", "run", "worker", "disk"}
    assert answer.status_code == (503 if messages else 200)
    assert answer.json["status"] == ("not ready" if messages else "ready")
    return messages


def test_ready_with_database_run_worker_and_room(
    client: FlaskClient, planted: Planted, instance: Path, roomy: None
) -> None:
    with queue.worker_lock(instance):
        assert failed(client) == {}
        assert client.get("/health").json["worker"] is True
    assert failed(client) == {"worker": "No worker runs: start one (flask worker, or make run)."}


def test_each_failure_is_named(
    client: FlaskClient, planted: Planted, instance: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.rmtree(run_folders.run_folder(instance, planted.run.public_id))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(0, 0, health.MIN_FREE_BYTES - 1))
    messages = failed(client)
    assert set(messages) == {"run", "worker", "disk"}
    assert "publish another run" in messages["run"]
    assert messages["disk"] == "Less than 512 MiB are free in the instance folder."


def test_before_the_first_run_it_is_not_ready(client: FlaskClient, roomy: None) -> None:
    assert "train one first" in failed(client)["run"]


def test_an_older_database_is_not_ready(
    client: FlaskClient, session: Session, planted: Planted
) -> None:
    session.execute(text("ALTER TABLE job DROP COLUMN cancel_requested"))
    session.commit()
    assert "older than this songrec: run `flask db upgrade`" in failed(client)["database"]


def test_without_a_database_health_answers_and_ready_does_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    secret = f"sqlite:///{tmp_path}/no/such/secret.db"
    app = create_app({"INSTANCE": tmp_path / "new", "SQLALCHEMY_DATABASE_URI": secret})
    client = app.test_client()
    assert client.get("/health").json == {
        "status": "ok", "version": VERSION, "tracks": None, "run_id": None, "worker": False,
    }  # fmt: skip
    answer = client.get("/ready")
    assert answer.status_code == 503
    assert answer.json["checks"]["database"] == {"ok": False, "message": health.NO_DATABASE}
    assert str(tmp_path) not in answer.text
    assert "unable to open database file" in caplog.text


def test_an_empty_database_says_what_to_do(tmp_path: Path) -> None:
    client = create_app({"INSTANCE": tmp_path / "new"}).test_client()
    assert "has not been set up: run `flask db upgrade`" in failed(client)["database"]


@pytest.mark.parametrize("address", ["/health", "/ready"])
@pytest.mark.parametrize("host", ["localhost", "10.1.2.3:8000", "[fd00::7]:8000"])
def test_probes_leave_no_trace(
    client: FlaskClient, session: Session, instance: Path, address: str, host: str
) -> None:
    answer = client.get(address, headers={"Host": host})
    assert answer.status_code in (200, 503)
    assert "Set-Cookie" not in answer.headers
    assert answer.headers["Cache-Control"] == "no-store"
    assert session.query(Listener).count() == 0
    assert not (instance / "limits.db").exists()  # where requests are counted


class TestBehindHttps:
    @pytest.fixture
    def app_config(self) -> dict[str, Any]:
        return {"HTTPS": True, "PROXIES": 1}

    def test_a_probe_on_the_machine_itself_is_not_sent_to_https(
        self, client: FlaskClient, planted: Planted
    ) -> None:
        assert client.get("/health").status_code == 200
        assert client.get("/ready").status_code == 503
        assert client.get("/sign-in").status_code == 302
