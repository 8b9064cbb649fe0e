"""Imports of long lists: a job with a page that only its listener sees."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput
from songrec.jobs import files, list_imports, worker
from songrec.store import jobs
from songrec.store.tables import Job, Listener, PendingLike, Reaction
from songrec.web import list_imports as pages
from tests.planted_run import Planted
from tests.web.html import texts

LIST = b"title,artist\nsong 12,Artist 12\nUnheard of,Nobody\n"


@pytest.fixture(autouse=True)
def every_list_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "SHORT_BYTES", 10)
    monkeypatch.setattr(pages, "SHORT_RETRY", 0)


def send(client: FlaskClient, content: bytes = LIST, name: str = "My list.csv") -> Any:
    data = {"file": (io.BytesIO(content), name)}
    answer = client.post("/me/import", data=data, content_type="multipart/form-data")
    answer.request.close()
    return answer


def work(session: Session) -> Job:
    """Do the job that is next, as its process would."""
    job_id = jobs.claim(session, "worker")
    assert job_id is not None
    job = session.get_one(Job, job_id)
    result = list_imports.run(session, job, lambda *_: None)
    assert jobs.finish(session, job_id, result, log="", details={})
    session.commit()
    return job


def test_a_long_list_waits_on_a_page_that_becomes_its_report(
    client: FlaskClient, session: Session, planted: Planted
) -> None:
    answer = send(client)
    assert answer.status_code == 303
    address = answer.headers["Location"]
    assert "Waiting for its turn." in texts(client.get(address), ".panel p")
    assert '<meta http-equiv="refresh"' in client.get(address).text
    assert client.get(f"{address}/state").json["active"]
    assert "My list.csv" in texts(client.get("/me"), "#import + ul a")
    assert session.query(Reaction).count() == 0
    work(session)
    page = client.get(address)
    assert texts(page, "main h1") == ["1 song found"]
    assert "line 3 Nobody – Unheard of" in texts(page, "main li")
    assert session.query(Reaction).one().value == 1
    assert not client.get(f"{address}/state").json["active"]


def test_only_its_listener_sees_it(
    client: FlaskClient, app: Flask, session: Session, planted: Planted
) -> None:
    address = send(client).headers["Location"]
    stranger = app.test_client()
    send(stranger)
    for path, method in (
        (address, "GET"),
        (f"{address}/state", "GET"),
        (f"{address}/cancel", "POST"),
    ):
        assert stranger.open(path, method=method).status_code == 404
    assert client.post(f"{address}/cancel").status_code == 303
    assert "Cancelled before it started." in texts(client.get(address), "[role=alert]")


def test_the_file_is_private_and_gone_when_the_job_has_ended(
    client: FlaskClient, app: Flask, session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    send(client, b"no list of songs at all, and long enough")
    (job,) = jobs.active(session)
    path = Path(job.parameters["path"])
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    with pytest.raises(BadInput):
        list_imports.run(session, job, lambda *_: None)

    class Failing:
        def __init__(self, app: Flask, job_id: int) -> None:
            self.job_id = job_id

        def follow(self) -> None:
            jobs.fail(session, self.job_id, "no list")
            session.commit()

    monkeypatch.setattr(worker, "JobSupervisor", Failing)
    assert jobs.claim(session, "worker") == job.id
    session.commit()
    worker.run_job(app, job.id)
    assert list(files.uploads(app.config["INSTANCE"]).iterdir()) == []


def test_an_archive_is_a_job_however_short(client: FlaskClient, monkeypatch: Any) -> None:
    monkeypatch.setattr(pages, "SHORT_BYTES", 2**16)
    assert send(client, gzip.compress(LIST), "list.csv.gz").status_code == 303
    assert send(client).status_code == 200


def test_many_missing_songs_are_looked_for_by_a_job(
    client: FlaskClient, session: Session, planted: Planted
) -> None:
    send(client)
    work(session)
    address = client.post("/me/again").headers["Location"]
    work(session)
    assert texts(client.get(address), "main h1") == ["0 songs found"]
    assert session.query(PendingLike).count() == 1


def test_a_person_has_so_many_jobs_that_wait(
    client: FlaskClient, app: Flask, session: Session
) -> None:
    app.config["JOBS_PER_PERSON"] = 2
    assert [send(client).status_code for _ in range(3)] == [303, 303, 429]
    # Another browser of the same network waits with it; without cookies nobody gets ahead.
    refused = send(app.test_client())
    assert refused.status_code == 429
    assert "2 of your songs and lists are waiting already" in refused.text
    assert len(jobs.active(session)) == 2
    assert len(list(files.uploads(app.config["INSTANCE"]).iterdir())) == 2


def test_lists_that_wait_have_room_together(
    client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "ROOM", len(LIST) + 5)
    assert [send(client).status_code for _ in range(2)] == [303, 503]


def test_an_import_goes_with_its_listener(
    client: FlaskClient, session: Session, planted: Planted
) -> None:
    send(client)
    work(session)
    client.post("/me/delete", data={"sure": "yes"})
    assert session.query(Listener).count() == 0
    assert session.query(Job).count() == 0
