"""Deleted means deleted: no table and no file holds anything of a deleted account."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from songrec.jobs import files, queue, worker
from songrec.services.listeners import import_export
from songrec.store.catalogue import merging
from songrec.store.db import Base, now
from songrec.store.listeners import (
    api_tokens,
    invitations,
    mixes,
    playlists,
    reactions,
    skips,
    unmatched_imports,
    users,
)
from songrec.store.sound import feature_cache, uploads, waveform_cache
from songrec.store.tables import (
    Album,
    AlbumOpinion,
    ApiToken,
    AppPassword,
    Artist,
    ArtistOpinion,
    AudioFile,
    Bookmark,
    Job,
    KeptAnswer,
    Listen,
    ListenBrainzAccount,
    Listener,
    MatchDecision,
    MusicServer,
    Playback,
    PlayQueue,
    Reaction,
    RecommendationRule,
    ServerAccount,
    ServerPlaylist,
    Track,
    TrackRating,
    Upload,
    User,
    UserSession,
)
from tests.factories import make_track
from tests.web.accounts import PASSWORD, quick_hashes, sign_in  # noqa: F401  (fixtures)

MARK = "Zxqvmark"


def references(name: str) -> Iterator[ColumnElement[int]]:
    """Every column that refers to the table ``name``."""
    for table in Base.metadata.sorted_tables:
        for key in table.foreign_keys:
            if key.column.table.name == name:
                yield key.parent


@pytest.fixture
def person(app: Flask, session: Session, client: FlaskClient) -> User:
    """An account with something in every place that can hold something of a person."""
    users.create(session, "Chief", PASSWORD, is_admin=True)
    user = users.create(session, MARK, PASSWORD)
    listener = users.require_listener(session, user)
    first, second, third = (make_track(session, f"Track {n}") for n in range(3))
    for track in (first, second):
        reactions.react(session, listener, track.id, 1)
        skips.record(session, listener, track.id)
    playlist = playlists.create(session, listener, f"{MARK} list", "", [first.id, second.id])
    session.flush()
    merging.merge(session, first.id, second.id)
    session.add(Listen(listener_id=listener.id, key="k", title=f"{MARK} play", artists=MARK))
    rule = RecommendationRule(listener_id=listener.id, kind="genre", value=MARK, label=MARK)
    session.add(rule)
    session.add(KeptAnswer(listener_id=listener.id, asked="a", tracks=[first.id], state={}))
    waiting = dict.fromkeys(unmatched_imports.FIELDS, f"{MARK} gone")
    waiting |= {"kind": "like", "weight": 1, "playlist_id": playlist.id}
    unmatched_imports.add(session, listener, [waiting])
    api_tokens.create(session, user, f"{MARK} token", ["read"])
    invitations.create(session, f"{MARK} friend", creator=user)
    add_apps_and_servers(session, user, listener, third)
    kept = AudioFile(public_id="kept", root="/m", path="/m/a", size=1, modified_ns=1)
    kept.state, kept.kept_by_id, kept.track_id = "analysed", listener.id, third.id
    session.add(kept)
    instance: Path = app.config["INSTANCE"]
    for number, state in enumerate((None, None, "requested")):
        upload = add_upload(instance, session, listener, user, number)
        upload.keep_state = state
    folder = files.upload_folder(instance)
    (folder / f"{MARK}.csv").write_text(f"title,artist\n{MARK},{MARK}\n")
    parameters = {"path": str(folder / f"{MARK}.csv"), "file": f"{MARK}.csv", "as": "auto"}
    queue.enqueue(session, "import", parameters, user, listener_id=listener.id)
    done = queue.enqueue(session, "import", {"file": MARK}, user, listener_id=listener.id)
    done.state, done.result, done.finished_at = "done", {"format": MARK}, now()
    session.commit()
    sign_in(client, MARK)
    return user


def add_apps_and_servers(session: Session, user: User, listener: Listener, track: Track) -> None:
    """Add what apps, music servers and services leave of a person."""
    device = AppPassword(user_id=user.id, device=MARK, secret="x", api_key_hash="x")
    server = MusicServer(public_id="server", name="Home", url="http://127.0.0.1:9", scan={})
    album = Album(public_id="album", title="Album")
    artist = Artist(public_id="artist", key="someone else", name="Someone else")
    session.add_all([device, server, album, artist])
    session.flush()
    mine: dict[str, Any] = {"listener_id": listener.id}
    account = ServerAccount(
        **mine,
        server_id=server.id,
        username=MARK,
        secret="x",
        sync={},
    )
    session.add_all(
        [
            account,
            AlbumOpinion(**mine, album_id=album.id, rating=5),
            ArtistOpinion(**mine, artist_id=artist.id, rating=5),
            PlayQueue(**mine, tracks=[], changed_by=MARK),
            Bookmark(**mine, track_id=track.id, position_ms=1, comment=MARK),
            TrackRating(**mine, track_id=track.id, rating=5),
            Playback(
                **mine,
                device_id=device.id,
                client=MARK,
                track_id=track.id,
                state="playing",
                started_at=now(),
                reported_at=now(),
            ),
            ListenBrainzAccount(**mine, url="http://127.0.0.1:9", username=MARK, secret="x"),
            MatchDecision(**mine, key=1, title=MARK),
        ]
    )
    mix = mixes.create(session, listener, mixes.RADIO, MARK)
    mixes.replace(session, mix, [(track.id, MARK)], name=MARK, comment=MARK, at=now())
    playlist = ServerPlaylist(
        account_id=account.id, remote_id="1", mix_id=mix.id, is_own=True, name=MARK
    )
    session.add(playlist)
    exchange = queue.enqueue(session, "server-sync", {"server": server.public_id})
    exchange.state, exchange.finished_at = "done", now()
    exchange.log, exchange.result = f"Exchanging with {MARK}.", {"accounts": [{"username": MARK}]}


def add_upload(
    instance: Path, session: Session, listener: Listener, user: User, number: int
) -> Upload:
    """Add an upload; all but the first are analysed."""
    public_id = uploads.new_id()
    folder = uploads.folder(instance) / public_id
    folder.mkdir(parents=True)
    path = folder / f"{MARK}.wav"
    path.write_text(f"{MARK} {number}")
    upload = uploads.create(session, public_id, listener, path.name, path)
    parameters = {"upload_id": public_id, "file": path.name}
    job = queue.enqueue(session, "upload", parameters, user, listener_id=listener.id)
    upload.job_id = job.id
    if number:
        digest = f"{number}" * 64
        upload.result = {"hash": digest, "title": MARK}
        waveform = waveform_cache.WaveformAndCover(1.0, [0.5], "image/png")
        waveform_cache.write(instance, digest, waveform, f"{MARK} cover".encode())
        vector = feature_cache.folder(instance) / "mfcc" / "1-x" / digest[:2] / f"{digest}.npy"
        vector.parent.mkdir(parents=True)
        vector.write_text(MARK)
    return upload


def holders(session: Session, instance: Path) -> list[str]:
    """Name the tables and files that hold the mark."""
    tables = [
        table.name
        for table in Base.metadata.sorted_tables
        for row in session.execute(select(table)).mappings()
        if MARK.lower() in str(dict(row)).lower()
    ]
    paths = [
        str(path.relative_to(instance))
        for path in instance.rglob("*")
        if MARK.lower() in path.name.lower()
        or (path.is_file() and MARK.encode().lower() in path.read_bytes().lower())
    ]
    return tables + paths


def test_nothing_of_a_deleted_account_is_left(
    app: Flask, session: Session, client: FlaskClient, person: User
) -> None:
    instance: Path = app.config["INSTANCE"]
    user_id, listener_id = person.id, users.require_listener(session, person).id
    for name, own_id in (("user", user_id), ("listener", listener_id)):
        for column in references(name):
            if str(column) != "invitation.user_id":  # nobody invited this account
                rows = session.scalar(select(func.count()).where(column == own_id))
                assert rows, f"{column} is not part of this test"
    assert len(set(holders(session, instance))) > 12
    answer = client.post("/account/delete", data={"current": PASSWORD})
    assert answer.status_code == 303
    session.expire_all()
    worker._clear_away(instance)  # as the worker does every hour
    assert holders(session, instance) == []
    for name, own_id in (("user", user_id), ("listener", listener_id)):
        for column in references(name):
            assert own_id not in session.scalars(select(column)).all(), column
    assert session.scalars(select(Job)).all() == []
    assert session.scalars(select(AudioFile.public_id)).all() == ["kept"]
    assert session.scalar(select(func.count()).select_from(Track)) == 2
    # What a merge would restore is nobody's like any more.
    merging.undo(session, 1)
    assert session.scalars(select(Reaction)).all() == []


def test_an_admin_deletes_as_much_as_its_owner(app: Flask, session: Session, person: User) -> None:
    chief = app.test_client()
    sign_in(chief, "Chief")
    assert chief.post(f"/admin/users/{person.id}/delete").status_code == 303
    session.expire_all()
    assert session.scalars(select(Listener)).all() == []
    assert session.scalars(select(Job)).all() == []
    assert list(uploads.folder(app.config["INSTANCE"]).iterdir()) == []
    assert list(files.uploads(app.config["INSTANCE"]).iterdir()) == []


def test_the_export_holds_account_tokens_and_uploads_but_no_secret(
    app: Flask, session: Session, client: FlaskClient, person: User
) -> None:
    text = client.get("/me/export.json").text
    content = json.loads(text)
    account = content["account"]
    assert (account["name"], account["admin"]) == (MARK, False)
    (token,) = account["tokens"]
    assert (token["name"], token["scopes"]) == (f"{MARK} token", ["read"])
    assert token["created_at"]
    assert token["revoked_at"] is None
    assert len(account["browsers"]) == 1
    names = [(upload["name"], upload["title"], upload["kept"]) for upload in content["uploads"]]
    assert names == [(f"{MARK}.wav", title, False) for title in (None, MARK, MARK)]
    assert content["uploads"][1]["file"].endswith("/media")
    assert [len(content[name]) for name in ("likes", "skips", "plays", "waiting")] == [1, 1, 1, 1]
    hashes = [session.scalars(select(table.token_hash)).all() for table in (ApiToken, UserSession)]
    secrets = [person.password_hash, person.session_key, *hashes[0], *hashes[1]]
    assert not [secret for secret in secrets if secret in text]
    again = Listener(token="again")
    session.add(again)
    session.flush()
    report = import_export.import_likes(session, again, text.encode())
    assert (report.likes, report.refused) == (1, [])


def test_the_export_of_an_account_without_likes_has_the_account(
    session: Session, client: FlaskClient
) -> None:
    users.create(session, "Anna", PASSWORD)
    session.commit()
    sign_in(client)
    assert json.loads(client.get("/me/export.json").data)["account"]["name"] == "Anna"
