"""Whatever goes wrong is told as a problem: RFC 9457."""

from __future__ import annotations

import pytest
from flask.testing import FlaskClient

from songrec.web.api import runs_and_jobs
from tests.planted_run import Planted


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("/api/v1/nothing", 404),
        ("/api/v1/tracks/none", 404),
        ("/api/v1/tracks/a%00b", 404),
        ("/api/v1/playlists/none", 404),
        ("/api/v1/runs/none", 404),
        ("/api/v1/jobs/none", 404),
        ("/api/v1/tracks?limit=0", 422),
        ("/api/v1/tracks?cursor=..", 422),
        ("/api/v1/tracks?limt=5", 422),
        ("/api/v1/recommendations?like=none", 404),
        ("/api/v1/likes", 401),
        ("/api/v1/jobs", 401),
    ],
)
def test_errors_are_problems(client: FlaskClient, address: str, status: int) -> None:
    # A browser's Accept changes nothing: programs ask here.
    answer = client.get(address, headers={"Accept": "text/html"})
    assert answer.status_code == status
    assert answer.content_type == "application/problem+json"
    assert answer.json["status"] == status
    assert answer.json["type"] == "about:blank"
    assert answer.json["title"]
    assert answer.json["detail"]


def test_a_slip_in_a_name_is_told_by_field(client: FlaskClient) -> None:
    answer = client.get("/api/v1/tracks?limt=5&limit=many")
    assert set(answer.json["errors"]["query"]) == {"limt", "limit"}


def test_the_wrong_method_is_told_with_the_right_ones(client: FlaskClient) -> None:
    answer = client.delete("/api/v1/tracks")
    assert answer.status_code == 405
    assert "GET" in answer.headers["Allow"]
    assert answer.content_type == "application/problem+json"


def test_broken_json_is_a_bad_request(client: FlaskClient, anna, token_of) -> None:
    answer = client.put(
        "/api/v1/likes/x", data="{", content_type="application/json", headers=token_of(anna)
    )
    assert answer.status_code == 400
    assert answer.content_type == "application/problem+json"


def test_a_defect_says_nothing_of_the_inside(
    client: FlaskClient, app, planted: Planted, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> bool:
        raise RuntimeError("secret inside")

    monkeypatch.setattr(runs_and_jobs.queue, "worker_runs", broken)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    answer = client.get("/api/v1/health")
    assert answer.status_code == 500
    assert answer.content_type == "application/problem+json"
    assert "secret" not in answer.text


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"[" * 300_000, "nested too deeply"),
        (b'{"name":' * 100_000, "nested too deeply"),
        (b"1" * 9_000, "a number too long"),
    ],
)
def test_json_that_cannot_be_decoded_is_a_problem(
    client: FlaskClient, body: bytes, reason: str
) -> None:
    answer = client.post("/api/v1/playlists", data=body, content_type="application/json")
    assert answer.status_code == 400
    assert answer.json["detail"] == f"The JSON cannot be read: {reason}. Nothing was changed."
