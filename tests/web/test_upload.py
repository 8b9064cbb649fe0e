"""A song is uploaded, listened to, compared; seen by its uploader alone; kept or gone."""

from __future__ import annotations

import io
import json
import math
import os
import resource
import shutil
import time
from dataclasses import asdict, replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select
from sqlalchemy.orm import Session
from werkzeug.http import parse_options_header

from songrec.audio_files.file_scan import content_hash
from songrec.audio_files.path_labels import labels_of
from songrec.core.content_flags import SEASONAL
from songrec.core.errors import BadInput
from songrec.core.file_names import safe_file_name
from songrec.jobs import queue, tasks
from songrec.services.library import analyze_file
from songrec.services.training.request import TrainRequest
from songrec.services.training.train import train
from songrec.store import jobs
from songrec.store.catalogue import removed_tracks
from songrec.store.db import now
from songrec.store.instance import Instance
from songrec.store.runs import spaces
from songrec.store.sound import feature_cache, uploads, waveform_cache
from songrec.store.tables import AudioFile, Job, Listener, Track, Upload, User
from songrec.web import security
from tests.audio_files.bombs import id3_bomb
from tests.audio_files.sounds import tone, write
from tests.planted_run import come_from_sound, plant
from tests.sounding import add_sound, write_wav
from tests.web.accounts import PASSWORD, admin, anna, quick_hashes, sign_in  # noqa: F401  (fixtures)
from tests.web.html import parse, text_of, texts

ADDRESS = "/api/v1/recommend/from-audio"


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Three seconds of sound."""
    return write_wav(tmp_path_factory.mktemp("song") / "a.wav", 3.0).read_bytes()


_outcomes: dict[tuple[str, ...], Any] = {}


@pytest.fixture(autouse=True)
def listened_to_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same sound is analysed once in this module: a fresh process each time takes seconds."""
    real = analyze_file.analyse_file

    def analyse(worker: Any, path: Path, *, sets: Any, settings: Any) -> Any:
        key = (content_hash(path), *sets, str(settings))
        if key not in _outcomes:
            _outcomes[key] = real(worker, path, sets=sets, settings=settings)
        return replace(_outcomes[key], labels=asdict(labels_of(path, path.parent)))

    monkeypatch.setattr(analyze_file, "analyse_file", analyse)


@pytest.fixture
def trained(app: Flask, session: Session) -> str:
    """A library of sound with a run that was really trained; its id."""
    plant(session, app.config["INSTANCE"], n=80)
    come_from_sound(session)
    return train_planted(app, session)


def train_planted(app: Flask, session: Session) -> str:
    settings = {"clustering": {"clusters": 4}}
    run = train(
        Instance(app.config["INSTANCE"], session),
        TrainRequest(representation="pca", parameters=settings),
    )
    session.commit()
    return run.public_id


def send(client: FlaskClient, content: bytes, name: str = "My song.wav", **more: Any) -> Any:
    data = {"file": (io.BytesIO(content), name)}
    return client.post("/upload", data=data, content_type="multipart/form-data", **more)


def work(session: Session) -> Job:
    """Do the job that waits, as the worker would."""
    (job,) = jobs.active(session)
    assert jobs.claim(session, "worker")
    result = getattr(tasks, job.kind)(session, job, lambda *_: None)
    assert jobs.finish(session, job.id, result, log="", details={})
    session.commit()
    return session.get_one(Job, job.id)


def test_a_bomb_in_the_tags_costs_neither_the_web_process_nor_the_job_its_memory(
    client: FlaskClient, session: Session, tmp_path: Path
) -> None:
    song = write(tmp_path / "a.mp3", tone(3.0, 22_050), 22_050, "libmp3lame").read_bytes()
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert send(client, id3_bomb(0.4) + song, "bomb.mp3").status_code == 303
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 20 * 1024
    work(session)
    result = session.scalars(select(Upload)).one().result
    assert result["seconds"] == pytest.approx(3.0, abs=0.1)
    assert result["title"] == "bomb"
    assert "its tags need more than 256 MiB of memory and are not read" in result["notes"]
    # The modules of such a job take a hundred MiB.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200 * 1024


def test_a_song_is_described_placed_and_compared(
    client: FlaskClient, app: Flask, session: Session, trained: str, song: bytes
) -> None:
    answer = send(client, song)
    assert answer.status_code == 303
    address = answer.headers["Location"]
    assert "Waiting for its turn." in texts(client.get(address), ".panel p")
    assert client.get(f"{address}/state").json["active"]
    job = work(session)
    upload = session.scalars(select(Upload)).one()
    result = upload.result
    # A sine of 440 Hz that swells: its key is told by ear, the loudness by its level.
    assert result["attributes"]["loudness"]["source"] == "measured"
    assert -40 < result["attributes"]["loudness"]["value"] < -6
    assert result["place"]["run_id"] == trained
    assert result["place"]["cluster"] in range(4)
    assert "energy" in result["place"]["guessed"]
    assert job.result["place"] == result["place"]
    page = client.get(address)
    rows = {text_of(row.th): text_of(row) for row in parse(page).select(".data-table tbody tr")}
    assert rows["Loudness"].endswith("measured from the sound")
    (unknown,) = (text for text in texts(page, "main p") if text.startswith("Unknown: "))
    assert "energy" in unknown.split(".")[0]
    assert len(parse(page).select("[data-song]")) == 10
    assert texts(page, "main h2") == ["Similar songs", "How it sounds", "On the map"]
    # Of these attributes only the loudness is known, which is never said to be a reason.
    assert texts(page, ".reason") == []
    labels = [one["aria-label"] for one in parse(page).select("main svg[aria-label]")]
    assert [label for label in labels if label.startswith("Its place on the map")]
    for found in result["similar"]:
        total = math.fsum(reason["contribution"] for reason in found["reasons"])
        assert math.isclose(total, found["score"], abs_tol=1e-5)
    with client.get(f"{address}/media", headers={"Range": "bytes=0-9"}) as media:
        assert (media.status_code, media.data, media.mimetype) == (206, song[:10], "audio/wav")
    assert len(client.get(f"{address}/waveform").json["peaks"]) == 600


def test_a_recording_that_the_library_has_is_not_its_own_similar_song_and_not_kept(
    client: FlaskClient, session: Session, trained: str, song: bytes, tmp_path: Path
) -> None:
    address = send(client, song).headers["Location"]
    work(session)
    upload = session.scalars(select(Upload)).one()
    nearest = upload.result["similar"][0]["track_id"]
    assert "Sign in to keep it" in texts(client.get(address), "main a")
    path = tmp_path / "a.wav"
    path.write_bytes(song)
    track = session.scalars(select(Track).filter_by(public_id=nearest)).one()
    add_sound(session, track, path)
    session.commit()
    page = client.get(address)
    assert texts(page, ".in-library > p") == ["The library has this recording already:"]
    (library, *similar) = (one["href"] for one in parse(page).select(".song-list a.title"))
    assert library not in similar
    assert "Sign in to keep it" not in texts(page, "main a")


def test_a_measured_loudness_alone_is_not_compared_with_a_catalogue_s(
    client: FlaskClient, app: Flask, session: Session, song: bytes
) -> None:
    plant(session, app.config["INSTANCE"], n=80)
    train_planted(app, session)
    address = send(client, song).headers["Location"]
    work(session)
    result = session.scalars(select(Upload)).one().result
    assert result["attributes"]["loudness"]["source"] == "measured"
    assert (result["place"], result["similar"]) == (None, [])
    page = client.get(address).text
    assert "Nothing that the published run looks at is known of this song." in page
    assert "measured from the sound" in page


def test_nobody_else_sees_it_but_an_admin(
    client: FlaskClient,
    app: Flask,
    session: Session,
    song: bytes,
    admin: User,  # noqa: F811
) -> None:
    browser = app.test_client()
    address = send(browser, song).headers["Location"]
    assert browser.get(address).status_code == 200
    stranger = app.test_client()
    for method, path in (
        ("GET", address),
        ("GET", f"{address}/state"),
        ("GET", f"{address}/media"),
        ("POST", f"{address}/delete"),
        ("GET", f"/api/v1/uploads/{address.split('/')[-1]}"),
    ):
        assert stranger.open(path, method=method).status_code == 404
    assert client.get(address).status_code == 200


def test_without_a_run_it_is_described_all_the_same(
    client: FlaskClient, session: Session, song: bytes
) -> None:
    address = send(client, song).headers["Location"]
    work(session)
    page = client.get(address)
    rows = {text_of(row.th): text_of(row) for row in parse(page).select(".data-table tbody tr")}
    assert rows["Loudness"].endswith("measured from the sound")
    assert texts(page, ".notice-bad") == [
        "No training run is published yet, so there is nothing to compare this song with."
    ]


@pytest.mark.parametrize(
    ("content", "name"),
    [(b"these are words, not sound\n" * 50, "words.mp3"), (b"\0" * 999, "a.wav")],
)
def test_what_is_no_sound_is_refused_by_its_content(
    client: FlaskClient, session: Session, content: bytes, name: str
) -> None:
    assert send(client, content, name).status_code == 303
    (job,) = jobs.active(session)
    with pytest.raises(BadInput, match=name):
        tasks.upload(session, job, lambda *_: None)


def test_a_sound_is_a_sound_whatever_its_name(
    client: FlaskClient, session: Session, song: bytes
) -> None:
    send(client, song, "notes.txt")
    work(session)
    assert session.scalars(select(Upload)).one().result["codec"] == "pcm_s16le"


def test_a_song_that_is_too_long_is_refused(
    client: FlaskClient, app: Flask, session: Session, song: bytes
) -> None:
    app.config["UPLOAD_SECONDS"] = 2.0
    send(client, song)
    (job,) = jobs.active(session)
    with pytest.raises(BadInput, match="minutes"):
        tasks.upload(session, job, lambda *_: None)


def test_too_large_and_empty_files_are_not_kept(
    client: FlaskClient, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.config["UPLOAD_AUDIO_BYTES"] = 1000
    monkeypatch.setattr(security, "FORM_BYTES", 1000)
    answer = send(client, b"x" * 4000, headers={"Accept": "application/json"})
    assert answer.status_code == 413
    assert answer.json["message"].endswith("Choose a smaller file.")
    assert send(client, b"", headers={"Accept": "application/json"}).status_code == 400
    assert client.post("/upload").status_code == 303
    assert not list(uploads.folder(app.config["INSTANCE"]).glob("*"))


def test_names_lead_nowhere(client: FlaskClient, app: Flask, session: Session, song: bytes) -> None:
    send(client, song, "../../../../etc/../my song<b>.wav")
    upload = session.scalars(select(Upload)).one()
    folder = uploads.folder(app.config["INSTANCE"]) / upload.public_id
    assert [path.parent for path in folder.iterdir()] == [folder]
    assert upload.name == "my song<b>.wav"
    page = client.get(f"/upload/{upload.public_id}")
    assert texts(page, "main h1") == ["my song<b>.wav"]
    assert parse(page).select("main h1 b") == []


def test_after_an_hour_it_is_gone_with_its_file(
    client: FlaskClient, app: Flask, session: Session, song: bytes
) -> None:
    address = send(client, song).headers["Location"]
    upload = session.scalars(select(Upload)).one()
    path, instance = Path(upload.path), app.config["INSTANCE"]
    work(session)
    assert list(feature_cache.folder(instance).rglob("*.npy"))
    assert uploads.sweep(Instance(instance, session)) == 0
    assert path.is_file()
    upload.expires_at = now() - timedelta(seconds=1)
    session.commit()
    assert client.get(address).status_code == 404
    assert uploads.sweep(Instance(instance, session)) == 1
    session.commit()
    assert not path.parent.exists()
    assert not list(feature_cache.folder(instance).rglob("*.npy"))
    assert session.scalars(select(Upload)).all() == []


def test_a_format_that_browsers_lack_is_converted_for_its_uploader(
    client: FlaskClient, app: Flask, session: Session, tmp_path: Path
) -> None:
    content = write(tmp_path / "old.wma", tone(3.0, 44_100), 44_100, "wmav2").read_bytes()
    address = send(client, content, "Old.wma").headers["Location"]
    assert client.get(f"{address}/transcoded").status_code == 404  # not analysed yet
    work(session)
    play = parse(client.get(address)).select_one("[data-play-song]")
    song = json.loads(play["data-play-song"])
    assert song["type"] == "audio/x-ms-wma"
    heard = client.get(f"{song['transcoded']}?format=mp3")
    assert (heard.status_code, heard.mimetype) == (200, "audio/mpeg")
    assert len(heard.data) > 2 * 192_000 / 8
    assert app.test_client().get(song["transcoded"]).status_code == 404
    converted = app.config["INSTANCE"] / "transcoded"
    assert [path.suffix for path in converted.rglob("*.*")] == [".mp3"]
    client.post(f"{address}/delete")
    assert list(converted.rglob("*.*")) == []


def test_it_can_be_deleted_at_once(client: FlaskClient, session: Session, song: bytes) -> None:
    address = send(client, song).headers["Location"]
    path = Path(session.scalars(select(Upload)).one().path)
    assert client.post(f"{address}/delete").status_code == 303
    assert client.get(address).status_code == 404
    assert not path.exists()
    assert session.scalars(select(Job)).all() == []


def test_kept_it_becomes_a_track_that_can_be_heard(
    client: FlaskClient,
    app: Flask,
    session: Session,
    song: bytes,
    anna: User,  # noqa: F811
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    anonymous = app.test_client()
    theirs = send(anonymous, song).headers["Location"]
    work(session)
    assert anonymous.post(f"{theirs}/keep").headers["Location"].startswith("/sign-in")
    assert "Sign in to keep it" in anonymous.get(theirs).text
    anonymous.post(f"{theirs}/delete")

    app.config["KEEP"] = "accounts"
    sign_in(client)
    address = send(client, song, "Deep Sea.wav").headers["Location"]
    work(session)
    # The upload was analysed once: keeping it finds all of it in the cache.
    monkeypatch.setattr(analyze_file, "analyse_file", lambda *_, **__: pytest.fail("again"))
    assert client.post(f"{address}/keep").status_code == 303
    work(session)
    track = session.scalars(select(Track)).one()
    assert track.title == "Deep Sea"
    file = session.scalars(select(AudioFile)).one()
    assert file.track_id == track.id
    # Its hour passes, and so does the folder of uploads: the song stays.
    uploads.sweep(Instance(app.config["INSTANCE"], session))
    shutil.rmtree(uploads.folder(app.config["INSTANCE"]))
    with client.get(f"/listen/tracks/{track.public_id}", follow_redirects=True) as heard:
        assert heard.data == song
    assert "Now in the library" in client.get(address).text
    assert waveform_cache.find(app.config["INSTANCE"], file.content_hash) is not None


@pytest.mark.parametrize(
    ("name", "title", "artists"),
    [
        ("Земфира - Искала.wav", "Искала", "Земфира"),
        ("晴天.wav", "晴天", ""),
        ("../Beyonce\u0301 - Déjà vu?.wav", "Déjà vu？", "Beyoncé"),
        ("4 Non Blondes - What's Up.wav", "What's Up", "4 Non Blondes"),
    ],
)
def test_a_kept_song_keeps_its_name_in_any_alphabet(
    client: FlaskClient,
    app: Flask,
    session: Session,
    song: bytes,
    anna: User,  # noqa: F811
    name: str,
    title: str,
    artists: str,
) -> None:
    app.config["KEEP"] = "accounts"
    sign_in(client)
    address = send(client, song, name).headers["Location"]
    work(session)
    upload = session.scalars(select(Upload)).one()
    with client.get(f"{address}/media") as media:
        _, options = parse_options_header(media.headers["Content-Disposition"])
    assert options["filename"] == safe_file_name(name) == Path(upload.path).name
    client.post(f"{address}/keep")
    work(session)
    track = session.scalars(select(Track)).one()
    assert (track.title, track.artists) == (title, artists)
    file = session.scalars(select(AudioFile)).one()
    assert Path(file.path).name == safe_file_name(name)
    assert Path(file.path).is_relative_to(uploads.library_folder(app.config["INSTANCE"]))


def test_uploads_and_their_vectors_go_with_the_account(
    client: FlaskClient,
    app: Flask,
    session: Session,
    song: bytes,
    anna: User,  # noqa: F811
) -> None:
    sign_in(client)
    instance = app.config["INSTANCE"]
    send(client, song)
    work(session)
    waiting = send(client, write_wav(instance / "other.wav", 2.0).read_bytes(), "other.wav")
    assert waiting.status_code == 303
    assert list(feature_cache.folder(instance).rglob("*.npy"))
    assert client.post("/account/delete", data={"current": PASSWORD}).status_code == 303
    assert session.scalars(select(Upload)).all() == []
    assert session.scalars(select(Job)).all() == []
    assert not list(feature_cache.folder(instance).rglob("*.npy"))
    assert not [path for path in (instance / "sleeves").rglob("*") if path.is_file()]
    assert not list(uploads.folder(instance).iterdir())


def test_what_an_anonymous_listener_leaves_is_swept_with_its_vectors(
    client: FlaskClient, app: Flask, session: Session, song: bytes
) -> None:
    instance = app.config["INSTANCE"]
    send(client, song)
    work(session)
    session.execute(delete(Listener))  # as by a period of inactivity
    session.commit()
    (left,) = uploads.folder(instance).iterdir()
    os.utime(left, (0, 0))
    assert list(feature_cache.folder(instance).rglob("*.npy"))
    uploads.sweep(Instance(instance, session))
    assert not left.exists()
    assert not list(feature_cache.folder(instance).rglob("*.npy"))
    assert session.scalars(select(Job)).all() == []


def test_an_upload_that_a_job_reads_goes_when_the_job_has_stopped(
    client: FlaskClient, app: Flask, session: Session, song: bytes
) -> None:
    instance = Instance(app.config["INSTANCE"], session)
    address = send(client, song).headers["Location"]
    job_id = jobs.claim(session, "worker")
    assert job_id is not None
    session.commit()
    client.post(f"{address}/delete")
    assert jobs.cancel_requested(session, job_id)  # its row is gone: the worker stops it
    (left,) = uploads.folder(instance.folder).iterdir()
    # What the job wrote before it stopped.
    digest = content_hash(next(left.iterdir()))
    waveform = waveform_cache.WaveformAndCover(1.0, [0.5], None)
    waveform_cache.write(instance.folder, digest, waveform, b"cover")
    uploads.sweep(instance)
    assert left.exists()
    os.utime(left, (time.time() - uploads.DELETED_SECONDS - 1,) * 2)
    uploads.sweep(instance)
    assert not left.exists()
    assert waveform_cache.files(instance.folder, digest) == []


def test_the_same_sound_of_two_people_goes_with_the_second(
    client: FlaskClient, app: Flask, session: Session, song: bytes
) -> None:
    other = app.test_client()
    addresses = []
    for browser in (client, other):
        addresses.append(send(browser, song).headers["Location"])
        work(session)
    client.post(f"{addresses[0]}/delete")
    assert other.get(f"{addresses[1]}/waveform").status_code == 200
    other.post(f"{addresses[1]}/delete")
    assert not [path for path in (app.config["INSTANCE"] / "sleeves").rglob("*") if path.is_file()]


def test_what_is_derived_from_a_song_takes_room_too(
    client: FlaskClient, app: Flask, session: Session, song: bytes
) -> None:
    send(client, song)
    assert uploads.waiting_bytes(session) == len(song)
    work(session)
    upload = session.scalars(select(Upload)).one()
    folder = app.config["INSTANCE"]
    derived = [*(folder / "sleeves").rglob("*.*"), *(folder / "features").rglob("*.npy")]
    sizes = sum(path.stat().st_size for path in derived)
    assert uploads.waiting_bytes(session) == upload.size + sizes > upload.size


def test_an_anonymous_upload_goes_along_when_signing_in(
    client: FlaskClient,
    session: Session,
    song: bytes,
    anna: User,  # noqa: F811
) -> None:
    session.add(Listener(token="of the account", user_id=anna.id))
    session.commit()
    address = send(client, song).headers["Location"]
    sign_in(client)
    assert client.get(address).status_code == 200


def test_programs_get_a_job_to_poll_and_then_the_answer(
    client: FlaskClient, session: Session, trained: str, song: bytes
) -> None:
    for address in (ADDRESS, "/recommend/from-audio"):
        data = {"file": (io.BytesIO(song), "song.wav")}
        answer = client.post(f"{address}?top_n=3", data=data)
        assert answer.status_code == 202
        assert answer.json["recommendations"] is None
        poll = client.get(answer.json["job"]["address"])
        assert poll.json["state"] == "waiting"
        work(session)
        assert client.get(answer.json["job"]["address"]).json["state"] == "done"
        found = client.get(answer.headers["Location"]).json
        assert len(found["recommendations"]) == 3
        assert found["place"]["run_id"] == trained
        assert found["attributes"]["loudness"]["source"] == "measured"
        for match in found["recommendations"]:
            total = math.fsum(reason["contribution"] for reason in match["reasons"])
            assert math.isclose(total, match["score"], abs_tol=1e-5)


def test_waiting_ends_with_the_job(
    client: FlaskClient, app: Flask, session: Session, song: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    from songrec.web import personal_jobs

    monkeypatch.setattr(personal_jobs.queue, "worker_runs", lambda *_: True)
    # Only this module's clock: threads of other tests sleep too.
    clock = SimpleNamespace(monotonic=time.monotonic, sleep=lambda seconds: work(session))
    monkeypatch.setattr(personal_jobs, "time", clock)
    answer = client.post(f"{ADDRESS}?wait=30", data={"file": (io.BytesIO(song), "song.wav")})
    assert (answer.status_code, answer.json["job"]["state"]) == (200, "done")
    assert answer.json["title"] == "song"
    # Behind several other jobs nobody is kept waiting.
    for _ in range(2):
        queue.enqueue(session, "sleeve", {})
    session.commit()
    answer = client.post(f"{ADDRESS}?wait=30", data={"file": (io.BytesIO(song), "song.wav")})
    assert answer.status_code == 202


def test_an_account_s_upload_is_its_own(
    client: FlaskClient,
    app: Flask,
    session: Session,
    song: bytes,
    anna: User,  # noqa: F811
) -> None:
    from songrec.store.listeners import api_tokens

    _, clear = api_tokens.create(session, anna, "test", ["write"])
    session.commit()
    header = {"Authorization": f"Bearer {clear}"}
    data = {"file": (io.BytesIO(song), "song.wav")}
    answer = client.post(ADDRESS, data=data, headers=header)
    assert client.get(answer.headers["Location"]).status_code == 404
    assert client.get(answer.json["job"]["address"]).status_code == 404
    assert client.get(answer.headers["Location"], headers=header).status_code == 200
    assert (
        client.delete(answer.headers["Location"].split("?")[0], headers=header).status_code == 204
    )
    assert client.get(answer.headers["Location"], headers=header).status_code == 404


def test_what_may_not_be_recommended_is_not_like_an_uploaded_song(
    client: FlaskClient, app: Flask, session: Session, trained: str, song: bytes
) -> None:
    space = spaces.load_space(app.config["INSTANCE"] / "runs" / trained)
    names = dict(session.execute(select(Track.id, Track.public_id)).all())
    carol, removed, ruled_out, *_ = space.track_ids.tolist()
    flags = np.where(space.track_ids == carol, SEASONAL, 0).astype(np.uint8)
    np.save(app.config["INSTANCE"] / "runs" / trained / "content_flags.npy", flags)
    artist = session.get_one(Track, ruled_out).artists
    removed_tracks.remove(session, [removed])
    session.commit()
    assert client.post("/rules", data={"kind": "artist", "value": artist}).status_code == 303

    def similar(name: str) -> set[str]:
        send(client, song, name)
        work(session)
        upload = session.scalars(select(Upload).order_by(Upload.id.desc())).first()
        return {one["track_id"] for one in upload.result["similar"]}

    alike = similar("My song.wav")
    assert len(alike) > 50
    assert not alike & {names[carol], names[ruled_out]}
    # Songs like a Christmas song may be of Christmas, too.
    assert names[carol] in similar("Jingle Bells.wav")
