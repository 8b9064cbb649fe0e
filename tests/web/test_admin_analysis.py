"""The sound library's page: a folder is analysed as a job, rejects are listed with reasons."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec.features.settings import DEFAULTS
from songrec.jobs import queue, tasks
from songrec.services.library import demo_songs, setting_up
from songrec.services.library.analysis_report import AnalyzeReport, AnalyzeRequest
from songrec.store import jobs
from songrec.store.instance import Instance, current_instance
from songrec.store.tables import AudioFile, Job, User
from tests.audio_files.sounds import chords, write_wav
from tests.factories import make_track, waiting_ids
from tests.sounding import add_sound
from tests.sounding import write_wav as write_tone
from tests.web.accounts import admin, anna, quick_hashes, sign_in
from tests.web.html import links, parse, texts

__all__ = ["admin", "anna", "quick_hashes"]  # fixtures


def a_file(session: Session, number: int, state: str, **values: object) -> AudioFile:
    file = AudioFile(
        **{
            "public_id": f"f{number}",
            "root": "/music",
            "path": f"/music/<{number}>.mp3",
            "size": 1,
            "modified_ns": 1,
            "state": state,
            "info": {},
            **values,
        }
    )
    session.add(file)
    session.commit()
    return file


def asked(session: Session) -> list[Job]:
    return [job for job in jobs.active(session) if job.kind == "analyze"]


def test_an_existing_folder_becomes_a_job(
    client: FlaskClient, app: Flask, session: Session, admin: User, tmp_path: Path
) -> None:
    answer = client.post("/admin/library", data={"folder": str(tmp_path), "features": ["mfcc"]})
    (job,) = asked(session)
    assert answer.headers["Location"] == f"/admin/jobs/{job.public_id}"
    assert job.parameters["folder"] == str(tmp_path.resolve())
    assert job.parameters["features"] == ["mfcc", "statistical"]
    assert waiting_ids(session) == [job.id]
    assert f"Audio analysis: {tmp_path.name}" in client.get(answer.headers["Location"]).text


@pytest.mark.parametrize(
    ("folder", "reason"),
    [
        ("", "Give the folder"),
        ("music", "starting with /"),
        ("/no/such/folder", "No folder /no/such/folder"),
        ("/etc/hostname", "No folder"),
        ("/tmp\0", "starting with /"),
    ],
)
def test_what_is_no_folder_is_refused_beside_the_field(
    client: FlaskClient, session: Session, admin: User, folder: str, reason: str
) -> None:
    answer = client.post("/admin/library", data={"folder": folder})
    assert answer.status_code == 400
    assert reason in answer.text
    assert asked(session) == []


def test_the_network_and_its_pooling_are_chosen_as_by_the_command(
    client: FlaskClient,
    app: Flask,
    session: Session,
    admin: User,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    page = client.get("/admin/library")
    assert texts(page, "#musicnn-model option") == ["MSD_musicnn", "MTT_musicnn"]
    assert texts(page, "#musicnn-model option[selected]") == ["MSD_musicnn"]
    wanted = {
        "folder": str(tmp_path),
        "features": ["musicnn"],
        "musicnn.model": "MTT_musicnn",
        "musicnn.pooling": "max",
    }
    refused = client.post("/admin/library", data={**wanted, "musicnn.pooling": "loudest"})
    assert refused.status_code == 400
    (error,) = texts(refused, "#musicnn-pooling-error")
    assert "must be one of mean, max" in error
    assert texts(refused, "#musicnn-model option[selected]") == ["MTT_musicnn"]
    client.post("/admin/library", data=wanted)
    (job,) = asked(session)
    assert job.parameters["set"] == ["musicnn.model=MTT_musicnn", "musicnn.pooling=max"]
    requests = []

    def analyse(_: Instance, request: AnalyzeRequest, on_progress: object) -> AnalyzeReport:
        requests.append(request)
        return AnalyzeReport(request.folder)

    monkeypatch.setattr("songrec.services.library.analyze_folder.analyze_folder", analyse)
    tasks.analyze(session, job, lambda *_: None)
    (request,) = requests
    assert request.settings == DEFAULTS.updated(
        {"musicnn_model": "MTT_musicnn", "musicnn_pooling": "max"}
    )
    # What is as usual, or of a set that nobody asked for, is not said.
    client.post("/admin/library", data={**wanted, "features": ["mfcc"]})
    assert [one.parameters for one in asked(session) if "set" not in one.parameters]


def test_an_unknown_feature_set_is_refused(
    client: FlaskClient, session: Session, admin: User, tmp_path: Path
) -> None:
    answer = client.post("/admin/library", data={"folder": str(tmp_path), "features": "x"})
    assert answer.status_code == 400
    assert texts(answer, "main .error") == ["Unknown feature set 'x'."]
    assert asked(session) == []


def test_only_an_admin_starts_an_analysis(
    client: FlaskClient, session: Session, anna: User, tmp_path: Path
) -> None:
    sign_in(client)
    assert client.post("/admin/library", data={"folder": str(tmp_path)}).status_code == 403
    assert asked(session) == []


def test_rejects_are_listed_with_reasons_and_the_others_with_their_songs(
    client: FlaskClient, session: Session, admin: User
) -> None:
    track = make_track(session, "Heard Song")
    a_file(session, 1, "rejected", reason="is silent")
    a_file(
        session,
        2,
        "analysed",
        track_id=track.id,
        duration_s=200.0,
        sample_rate=44_100,
        channels=2,
        codec="flac",
        info={"start_s": 85.0, "excerpt_s": 30.0, "notes": ["claims 1 s"]},
    )
    a_file(session, 3, "missing", track_id=track.id, duration_s=200.0)
    rejected, analysed, missing = (
        [texts(str(row), "th, td") for row in parse(client.get(address)).select("tbody tr")]
        for address in (
            "/admin/library",
            "/admin/library?state=analysed",
            "/admin/library?state=missing",
        )
    )
    (row,) = rejected
    assert {"/music/<1>.mp3", "is silent"} <= set(row)
    (row,) = analysed
    assert {
        "Heard Song",
        "30.0 s from 85.0 s",
        "flac, 44,100 Hz, 2 channels",
        "claims 1 s",
    } <= set(row)
    (row,) = missing
    assert "/music/<3>.mp3" in row


def test_the_overview_leads_to_the_library(client: FlaskClient, admin: User) -> None:
    assert "/admin/library" in links(client.get("/admin"), ".wrap > *:not(nav) a").values()
    assert texts(client.get("/admin/library"), ".empty h2") == ["No audio files yet"]


def test_the_job_analyses_the_folder_and_its_page_says_what_became_of_it(
    client: FlaskClient,
    session: Session,
    admin: User,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from songrec.services.library import executors
    from tests.services.library.test_analyze_folder import analyse_in_process

    monkeypatch.setattr(executors, "analyse_here", analyse_in_process)
    monkeypatch.setattr(executors.os, "sched_getaffinity", lambda _: {0})
    write_wav(tmp_path / "m" / "a.wav", chords(2.0, 1))
    (tmp_path / "m" / "b.mp3").write_bytes(b"words" * 100)
    parameters = {"folder": str(tmp_path / "m"), "features": ["mfcc"], "file": "m"}
    job = jobs.create(session, "analyze", parameters)
    session.commit()
    jobs.claim(session, "worker")
    told: list[float] = []
    result = tasks.analyze(session, job, lambda share, message, details=None: told.append(share))
    jobs.finish(session, job.id, result, log="", details={})
    session.commit()
    assert told[-1] == 1.0
    assert (result["found"], result["analysed"], result["rejected_count"]) == (2, 1, 1)
    page = client.get(f"/admin/jobs/{job.public_id}")
    (row,) = (texts(str(row), "th, td") for row in parse(page).select("tbody tr"))
    assert str(tmp_path / "m" / "b.mp3") in row
    assert [cell for cell in row if cell.startswith("is not a readable audio file")]


def test_a_training_on_sound_is_asked_for_in_the_form(
    client: FlaskClient, session: Session, admin: User
) -> None:
    assert client.post("/admin/train", data={"feature_set": "mfcc,statistical"}).status_code == 303
    (job,) = jobs.active(session)
    assert job.parameters["feature_set"] == "mfcc,statistical"
    answer = client.post("/admin/train", data={"feature_set": "noise"})
    assert answer.status_code == 400
    assert "must be one of auto, attributes" in answer.text


def test_the_demo_music_is_requested_once(
    client: FlaskClient, session: Session, admin: User
) -> None:
    assert "Add the demo music" in client.get("/admin/library").text
    for _ in range(2):
        answer = client.post("/admin/library/demo")
        assert answer.status_code == 303
    (job,) = jobs.active(session)
    assert (job.kind, job.parameters) == ("setup", {"catalogue": None, "audio": "demo"})
    assert answer.headers["Location"] == f"/admin/jobs/{job.public_id}"


def test_setting_up_queues_the_training_that_follows(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    report = setting_up.SetupReport(found=2, analysed=2, train={"feature_set": "auto"})
    monkeypatch.setattr(setting_up, "set_up", lambda *_, **__: report)
    job = queue.enqueue(session, "setup", {"catalogue": None, "audio": "demo"})
    result = tasks.set_up(session, job, lambda *_: None)
    assert (result["found"], result["analysed"], result["rejected"]) == (2, 2, [])
    (following,) = (one for one in jobs.active(session) if one.id != job.id)
    assert (following.kind, following.parameters) == ("train", {"feature_set": "auto"})


def test_the_demo_songs_are_removed_after_a_question(
    client: FlaskClient, session: Session, admin: User, tmp_path: Path
) -> None:
    add_sound(
        session,
        make_track(session, "A Piece"),
        write_tone(tmp_path / "a.wav"),
        root=demo_songs.music_root(current_instance()),
    )
    session.commit()
    body = parse(client.get("/admin/library").text)
    (button,) = body.select("details.confirm button")
    assert button.text == "Remove the demo songs for good"
    for _ in range(2):
        assert client.post("/admin/library/demo/remove").status_code == 303
    (job,) = jobs.active(session)
    assert (job.kind, job.parameters) == ("remove-demo", {})
    assert tasks.remove_demo(session, job, lambda *_: None) == {"removed": 1, "kept": 0}
