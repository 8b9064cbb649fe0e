"""The home page says what comes in, offers what can be played, and tells admins what failed."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec.jobs import queue
from songrec.store import jobs
from songrec.store.tables import Job, User
from tests.factories import make_track
from tests.planted_run import plant
from tests.sounding import add_sound, write_wav
from tests.web.accounts import admin, quick_hashes
from tests.web.html import parse, texts

__all__ = ["admin", "quick_hashes"]  # fixtures


@pytest.fixture
def job(session: Session) -> Job:
    """A set-up that runs."""
    queued = queue.enqueue(session, "setup", {"catalogue": None, "audio": "demo"})
    session.commit()
    assert jobs.claim(session, "worker") == queued.id
    session.commit()
    return queued


def report(session: Session, job: Job, share: float, message: str) -> None:
    jobs.report(session, job.id, progress=share, message=message, log="", details={})
    session.commit()


def test_without_a_set_up_there_is_nothing_to_say(client: FlaskClient) -> None:
    assert parse(client.get("/").text).select("[data-setup]") == []
    assert client.get("/progress").json == {"active": False}


def test_home_says_how_far_it_is_and_the_script_asks_the_same(
    client: FlaskClient, session: Session, job: Job
) -> None:
    report(session, job, 0.25, "Making the demo music: 24 of 96")
    body = client.get("/").text
    assert texts(body, "[data-setup-sentence]") == ["Making the demo music: 24 of 96"]
    (panel,) = parse(body).select("[data-setup]")
    assert (panel["data-setup"], panel["data-stage"]) == ("/progress", "empty")
    assert "The catalogue is empty" not in body
    answer = client.get("/progress")
    assert answer.json == {
        "active": True,
        "sentence": "Making the demo music: 24 of 96",
        "share": 0.25,
        "stage": "empty",
    }
    assert answer.headers["Cache-Control"] == "no-store"


def test_songs_can_be_played_before_anything_is_recommended(
    client: FlaskClient, session: Session, job: Job, tmp_path: Path
) -> None:
    track = make_track(session, "First", artists="Band")
    add_sound(session, track, write_wav(tmp_path / "a.wav"), state="listed")
    session.commit()
    body = client.get("/").text
    (panel,) = parse(body).select("[data-setup]")
    assert panel["data-stage"] == "songs"
    (play,) = parse(body).select(".setup-songs [data-play]")
    assert play["data-play"] == track.public_id
    (entry,) = client.get(f"/listen/queue?tracks={track.public_id}").json
    with client.get(entry["media"]) as answer:
        assert answer.status_code == 200


def test_a_failure_is_one_line_for_admins_and_nothing_for_others(
    client: FlaskClient, session: Session, job: Job, admin: User
) -> None:
    jobs.fail(session, job.id, "a.csv: is no table.")
    session.commit()
    (notice,) = texts(client.get("/").text, ".notice-bad")
    assert "Setting up stopped before its end. a.csv: is no table." in notice
    assert client.get("/progress").json == {"active": False}
    client.post("/sign-out")
    assert "a.csv" not in client.get("/").text
    # The next attempt takes its place.
    queue.enqueue(session, "setup", {"catalogue": None, "audio": "demo"})
    session.commit()
    assert texts(client.get("/").text, "[data-setup-sentence]") == [
        "Setting up begins in a moment."
    ]


def test_a_first_training_that_failed_is_said_and_somebody_elses_is_not(
    client: FlaskClient, session: Session, instance: Path, admin: User
) -> None:
    training = queue.enqueue(session, "train", {"feature_set": "auto"})
    session.commit()
    jobs.claim(session, "worker")
    jobs.fail(session, training.id, "Too few tracks.")
    session.commit()
    (notice,) = texts(client.get("/").text, ".notice-bad")
    assert "The training over all songs stopped before its end. Too few tracks." in notice
    plant(session, instance, n=12, clusters=2)
    session.commit()
    assert texts(client.get("/").text, ".notice-bad") == []


def test_songs_to_play_are_on_the_page_again_once_setting_up_has_ended(
    client: FlaskClient, session: Session, job: Job, admin: User, tmp_path: Path
) -> None:
    track = make_track(session, "First", artists="Band")
    add_sound(session, track, write_wav(tmp_path / "a.wav"), state="listed")
    session.commit()
    assert parse(client.get("/").text).select("[data-row=new]") == []  # “Listen meanwhile” has them
    # Too few songs to train on: nothing but the end of the job changes.
    jobs.fail(session, job.id, "Too few songs.")
    session.commit()
    for name in ("an admin, told of the failure", "anybody"):
        body = client.get("/").text
        assert texts(body, "[data-row=new] h2") == ["Ready to play"], name
        assert len(parse(body).select(f"[data-play={track.public_id}]")) == 1, name
        client.post("/sign-out")
