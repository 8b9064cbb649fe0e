"""``/metrics``: off unless switched on, closed to strangers, figures on known answers."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy.orm import Session

from songrec.core import config
from songrec.core.errors import BadInput
from songrec.core.version import VERSION
from songrec.jobs import queue
from songrec.store import jobs
from songrec.store.db import now
from songrec.web import metrics
from tests.planted_run import Planted

TOKEN = "a-token-of-enough-length"


@pytest.fixture
def app_config() -> dict[str, Any]:
    return {"METRICS": True, "METRICS_TOKEN": None}


@pytest.fixture(autouse=True)
def uncached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "CACHE_SECONDS", 0.0)


def samples(client: FlaskClient, name: str) -> dict[tuple[str, ...], float]:
    """The samples called ``name``: values by their labels' values, in the labels' order."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.content_type.startswith("text/plain")
    return {
        tuple(value for _, value in sorted(sample.labels.items())): sample.value
        for family in text_string_to_metric_families(answer.text)
        for sample in family.samples
        if sample.name == name
    }


def test_requests_are_counted_and_timed_by_route(client: FlaskClient) -> None:
    for address in ("/sign-in", "/sign-in?next=/a", "/no/such/page", "/other"):
        client.get(address).close()
    client.open("/sign-in", method="BREW").close()
    # method, route, status
    assert samples(client, "songrec_http_requests_total") == {
        ("GET", "/sign-in", "200"): 2,
        ("GET", "unmatched", "404"): 2,
        ("other", "unmatched", "405"): 1,
    }
    durations = samples(client, "songrec_http_request_duration_seconds_count")
    assert durations[("GET", "/sign-in")] == 2
    assert samples(client, "songrec_http_request_duration_seconds_sum")[("GET", "/sign-in")] > 0


def test_jobs_and_queue(client: FlaskClient, session: Session, instance: Path) -> None:
    start = now() - timedelta(seconds=100)
    for seconds in (10, 20):
        job = jobs.create(session, "train", {})
        job.state, job.started_at = "done", start
        job.finished_at = start + timedelta(seconds=seconds)
    waiting = jobs.create(session, "ingest", {})
    waiting.created_at = now() - timedelta(seconds=50)
    jobs.create(session, "ingest", {})
    cancelled = jobs.create(session, "ingest", {})  # never started
    cancelled.state, cancelled.finished_at = "cancelled", now()
    session.commit()
    assert samples(client, "songrec_jobs") == {
        ("ingest", "cancelled"): 1,
        ("ingest", "waiting"): 2,
        ("train", "done"): 2,
    }
    assert samples(client, "songrec_job_duration_seconds_count") == {("train", "done"): 2}
    (total,) = samples(client, "songrec_job_duration_seconds_sum").values()
    assert total == pytest.approx(30, abs=2)  # SQLite counts whole seconds
    assert samples(client, "songrec_queue_oldest_seconds")[()] == pytest.approx(50, abs=30)
    assert samples(client, "songrec_workers") == {(): 0}
    with queue.worker_lock(instance):
        assert samples(client, "songrec_workers") == {(): 1}


def test_library_and_published_run(client: FlaskClient, planted: Planted) -> None:
    assert samples(client, "songrec_info") == {(VERSION,): 1}
    assert samples(client, "songrec_tracks") == {(): 240}
    assert samples(client, "songrec_published_run_tracks") == {(): 240}
    assert samples(client, "songrec_published_run_clusters") == {(): 4}
    ((*_, run),) = samples(client, "songrec_published_run_info")
    assert planted.run.public_id in [run, *_]
    stages = samples(client, "songrec_published_run_stage_seconds")
    assert {stage for (stage,) in stages} == set(planted.run.seconds)
    assert samples(client, "songrec_analysed_ratio") == {(): 0}
    assert samples(client, "songrec_database_up") == {(): 1}
    assert samples(client, "songrec_instance_free_bytes")[()] > 0


def test_without_a_database_the_rest_is_there(
    client: FlaskClient, session: Session, instance: Path
) -> None:
    from sqlalchemy import text

    session.execute(text("ALTER TABLE job RENAME TO former_job"))
    session.commit()
    assert samples(client, "songrec_database_up") == {(): 0}
    assert samples(client, "songrec_instance_free_bytes")[()] > 0
    assert samples(client, "songrec_jobs") == {}


def test_figures_of_the_instance_are_kept_for_some_seconds(
    client: FlaskClient, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(metrics, "CACHE_SECONDS", 3600.0)
    assert samples(client, "songrec_jobs") == {}
    jobs.create(session, "train", {})
    session.commit()
    assert samples(client, "songrec_jobs") == {}


class TestReaders:
    @pytest.mark.parametrize(
        ("address", "status"),
        [("127.0.0.1", 200), ("::1", 200), ("::ffff:127.0.0.1", 200), ("192.168.1.5", 403),
         ("2001:db8::1", 403), ("", 403)],
    )  # fmt: skip
    def test_without_a_token_only_this_machine_reads(
        self, client: FlaskClient, address: str, status: int
    ) -> None:
        answer = client.get("/metrics", environ_overrides={"REMOTE_ADDR": address})
        assert answer.status_code == status

    @pytest.mark.parametrize(
        ("headers", "status"),
        [({name: "192.168.1.5"}, 403) for name in metrics.FORWARDED]
        + [({"Host": "rebound.example"}, 400)],
    )
    def test_what_was_passed_on_does_not_come_from_this_machine(
        self, client: FlaskClient, headers: dict[str, str], status: int
    ) -> None:
        assert client.get("/metrics", headers=headers).status_code == status

    def test_off_by_default(self, instance: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        from songrec import create_app

        monkeypatch.delenv("SONGREC_METRICS", raising=False)
        assert create_app({"INSTANCE": instance}).test_client().get("/metrics").status_code == 404


class TestToken:
    @pytest.fixture
    def app_config(self) -> dict[str, Any]:
        return {"METRICS": True, "METRICS_TOKEN": TOKEN}

    @pytest.mark.parametrize(
        ("header", "status"),
        [(f"Bearer {TOKEN}", 200), (f"bearer {TOKEN}", 200), (f"Bearer {TOKEN}x", 401),
         (f"Basic {TOKEN}", 401), ("Bearer é", 401), ("", 401)],
    )  # fmt: skip
    def test_its_bearer_reads_from_anywhere(
        self, client: FlaskClient, header: str, status: int
    ) -> None:
        answer = client.get(
            "/metrics",
            headers={"Authorization": header, "Host": "10.1.2.3:8000"},
            environ_overrides={"REMOTE_ADDR": "10.9.9.9"},
        )
        assert answer.status_code == status
        assert TOKEN not in answer.text
        if status == 401:
            assert answer.headers["WWW-Authenticate"].startswith("Bearer")


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"SONGREC_METRICS": "yes"}, "SONGREC_METRICS must be 0 or 1; it is 'yes'."),
        ({"SONGREC_METRICS_TOKEN": "short"}, "SONGREC_METRICS_TOKEN must have at least 16"),
        ({"SONGREC_METRICS_TOKEN": "a b" * 9}, "SONGREC_METRICS_TOKEN must have at least 16"),
        ({"SONGREC_METRICS": "1", "SONGREC_PROXIES": "1"}, "needs SONGREC_METRICS_TOKEN"),
    ],
)
def test_an_invalid_setting_is_one_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], message: str
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(BadInput) as caught:
        config.load(tmp_path / "new")
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "new").exists()
