"""Songs get into the library once: requested, granted, refused, within a quota."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput
from songrec.services.catalogue.duplicate_search import newest_id
from songrec.store import jobs
from songrec.store.db import now
from songrec.store.instance import Instance
from songrec.store.listeners import users
from songrec.store.sound import kept_songs, uploads
from songrec.store.tables import AudioFile, Job, Upload, User
from tests.web.accounts import admin, anna, quick_hashes, sign_in  # noqa: F401  (fixtures)
from tests.web.html import texts


def analysed(app: Flask, session: Session, user: User | None, size: int = 10) -> Upload:
    """An upload of ``user`` whose analysis is done."""
    public_id = uploads.new_id()
    folder = uploads.folder(app.config["INSTANCE"]) / public_id
    folder.mkdir(parents=True)
    path = folder / "song.wav"
    path.write_bytes(b"x" * size)
    listener = users.require_listener(session, user) if user is not None else None
    upload = uploads.create(session, public_id, listener, "song.wav", path)
    empty = {"title": "Song", "artists": "", "seconds": 1.0, "notes": [], "problem": None}
    empty |= {"hash": public_id, "attributes": {}, "tags": None, "place": None, "similar": []}
    upload.result = empty | {"codec": "pcm", "container": "wav"}
    session.commit()
    return upload


@pytest.fixture
def listener_client(app: Flask, anna: User) -> FlaskClient:  # noqa: F811
    browser = app.test_client()
    sign_in(browser)
    return browser


def test_a_listener_asks_and_an_admin_grants_once(
    app: Flask,
    client: FlaskClient,
    listener_client: FlaskClient,
    session: Session,
    anna: User,  # noqa: F811
    admin: User,  # noqa: F811
) -> None:
    upload = analysed(app, session, anna)
    page = f"/upload/{upload.public_id}"
    assert "Ask to keep it in the library" in listener_client.get(page).text
    for _ in range(2):
        assert listener_client.post(f"{page}/keep").status_code == 303
    assert session.scalars(select(Job)).all() == []
    assert "an admin decides" in listener_client.get(page).text
    assert upload.expires_at is not None
    assert upload.expires_at > now() + timedelta(days=13)
    assert "Anna" in texts(client.get("/admin/kept-songs"), "td")
    assert listener_client.post(f"/admin/kept-songs/{upload.public_id}/grant").status_code == 403
    for _ in range(2):
        assert client.post(f"/admin/kept-songs/{upload.public_id}/grant").status_code == 303
    (job,) = session.scalars(select(Job))
    assert (job.kind, job.listener_id, job.user_id) == ("keep", upload.listener_id, admin.id)
    assert texts(client.get("/admin/kept-songs"), "main h2") == ["No requests"]


def test_a_refused_song_expires_and_is_not_requested_again(
    app: Flask,
    client: FlaskClient,
    listener_client: FlaskClient,
    session: Session,
    anna: User,  # noqa: F811
    admin: User,  # noqa: F811
) -> None:
    upload = analysed(app, session, anna)
    page = f"/upload/{upload.public_id}"
    listener_client.post(f"{page}/keep")
    client.post(f"/admin/kept-songs/{upload.public_id}/refuse")
    assert "decided not to keep" in listener_client.get(page).text
    listener_client.post(f"{page}/keep")
    session.expire_all()
    assert upload.keep_state == kept_songs.REFUSED
    assert upload.expires_at is not None
    assert upload.expires_at <= now() + uploads.LIFETIME
    assert client.post(f"/admin/kept-songs/{'0' * 32}/refuse").status_code == 404


def test_an_admin_keeps_at_once_and_a_second_press_does_nothing(
    app: Flask,
    client: FlaskClient,
    session: Session,
    admin: User,  # noqa: F811
) -> None:
    upload = analysed(app, session, admin)
    for _ in range(2):
        client.post(f"/upload/{upload.public_id}/keep")
    (job,) = session.scalars(select(Job))
    assert job.kind == "keep"


@pytest.mark.parametrize(("songs", "size"), [(2, 2**30), (100, 25)])
def test_a_person_s_quota_counts_what_is_kept_and_what_is_requested(
    app: Flask,
    listener_client: FlaskClient,
    session: Session,
    anna: User,  # noqa: F811
    songs: int,
    size: int,
) -> None:
    app.config["KEEP_SONGS"], app.config["KEEP_BYTES"] = songs, size
    listener = users.require_listener(session, anna)
    kept = AudioFile(
        public_id="kept", root="/", path="/kept", size=10, modified_ns=1, state="analysed"
    )
    kept.kept_by_id = listener.id
    session.add(kept)
    first, second = (analysed(app, session, anna) for _ in range(2))
    for upload in (first, second):
        listener_client.post(f"/upload/{upload.public_id}/keep")
    session.expire_all()
    assert (first.keep_state, second.keep_state) == (kept_songs.REQUESTED, None)
    assert kept_songs.usage(session, listener) == kept_songs.Usage(2, 20)
    answer = listener_client.post(f"/upload/{second.public_id}/keep", follow_redirects=True)
    assert "of one person" in answer.text
    session.delete(kept)  # as by an admin who removes the track
    session.commit()
    listener_client.post(f"/upload/{second.public_id}/keep")
    session.expire_all()
    assert second.keep_state == kept_songs.REQUESTED


def test_a_song_that_could_not_be_kept_expires(
    app: Flask,
    client: FlaskClient,
    session: Session,
    admin: User,  # noqa: F811
) -> None:
    instance = Instance(app.config["INSTANCE"], session)
    upload = analysed(app, session, admin)
    client.post(f"/upload/{upload.public_id}/keep")
    uploads.sweep(instance)
    session.expire_all()
    assert upload.expires_at is None  # the job waits
    job_id = jobs.claim(session, "worker")
    assert job_id is not None
    jobs.fail(session, job_id, "no")
    uploads.sweep(instance)
    session.expire_all()
    assert upload.keep_state is None
    assert upload.expires_at is not None
    assert upload.expires_at <= now() + uploads.LIFETIME


def test_what_fails_on_its_way_leaves_no_copy_in_the_library(
    app: Flask,
    session: Session,
    admin: User,  # noqa: F811
) -> None:
    from songrec.services.uploads import analyze_upload

    instance = Instance(app.config["INSTANCE"], session)
    upload = analysed(app, session, admin)  # which is no sound
    before = newest_id(session)
    with pytest.raises(BadInput):
        analyze_upload.keep(instance, upload)
    assert not list(Path(uploads.library_folder(instance.folder)).iterdir())
    assert newest_id(session) == before
