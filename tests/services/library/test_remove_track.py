"""A removed track is gone with its file, from pages and recommendations, and comes back as new."""

from __future__ import annotations

from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.services.library.remove_track import remove_track
from songrec.store.catalogue import merging
from songrec.store.db import Base
from songrec.store.instance import Instance
from songrec.store.listeners import api_tokens, users
from songrec.store.sound import uploads, waveform_cache
from songrec.store.tables import (
    AudioFile,
    FeatureVector,
    Job,
    Listen,
    Listener,
    Reaction,
    RemovedTrack,
    Track,
    User,
)
from tests.factories import make_track
from tests.planted_run import Planted
from tests.web.accounts import PASSWORD, admin, quick_hashes  # noqa: F401  (fixtures)


@pytest.fixture
def installation(app: Flask, session: Session) -> Instance:
    return Instance(app.config["INSTANCE"], session)


def add_file(session: Session, track: Track, path: Path, content_hash: str, part: int = 0) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"sound")
    row = AudioFile(public_id=f"{content_hash[:10]}{part}", path=str(path), root=str(path.parent))
    row.track_id, row.content_hash, row.part = track.id, content_hash, part
    row.size, row.modified_ns, row.state = 5, 1, "analysed"
    session.add(row)
    session.flush()


def test_a_kept_song_goes_with_its_file_and_all_that_was_derived(
    installation: Instance, session: Session
) -> None:
    track = make_track(session, "Farewell")
    path = uploads.library_folder(installation.folder).resolve() / "abc" / "Farewell.wav"
    digest = "ab" * 32
    add_file(session, track, path, digest)
    vector = installation.folder / "features" / "mfcc" / "1-x" / "ab" / f"{digest}.npy"
    vector.parent.mkdir(parents=True)
    vector.write_bytes(b"vector")
    session.add(
        FeatureVector(content_hash=digest, feature_set="mfcc", version=1, digest="x", path="p")
    )
    waveform = waveform_cache.WaveformAndCover(1.0, [0.5], "image/png")
    waveform_cache.write(installation.folder, digest, waveform, b"cover")
    listener = Listener(token="me")
    session.add(listener)
    session.flush()
    session.add(Reaction(listener_id=listener.id, track_id=track.id, value=1))
    session.add(Listen(listener_id=listener.id, track_id=track.id, key="k", title="Farewell"))
    session.commit()
    done = remove_track(installation, track.id)
    assert (done.deleted, done.left) == ((path,), ())
    assert not path.parent.exists()
    assert waveform_cache.files(installation.folder, digest) == []
    assert not vector.exists()
    for table in (Track, AudioFile, FeatureVector, Reaction):
        assert session.scalars(select(table)).all() == []
    assert session.scalars(select(Listen.track_id)).all() == [None]


@pytest.mark.parametrize("delete_files", [False, True])
def test_a_file_of_an_analysed_folder_goes_on_request_with_its_last_track(
    installation: Instance, session: Session, tmp_path: Path, delete_files: bool
) -> None:
    path = tmp_path / "music" / "album.flac"
    tracks = [make_track(session, f"Part {number}") for number in (1, 2)]
    for number, track in enumerate(tracks, 1):
        add_file(session, track, path, f"{number}" * 64, part=number)
    ids = [track.id for track in tracks]
    session.commit()
    assert remove_track(installation, ids[0], delete_files=delete_files).left == (path,)
    assert path.exists()
    remove_track(installation, ids[1], delete_files=delete_files)
    assert path.exists() is not delete_files


def test_an_admin_removes_it_and_the_published_run_goes_on(
    app: Flask,
    session: Session,
    planted: Planted,
    client: FlaskClient,
    admin: User,  # noqa: F811
) -> None:
    near = session.get_one(Track, int(planted.track_ids[4])).public_id

    def similar() -> list[str]:
        page = client.get(f"/api/v1/tracks/{near}/similar?n=5").json
        return [match["track_id"] for match in page["items"]]

    first, second, *_ = similar()
    assert app.test_client().post(f"/admin/tracks/{first}/remove").status_code == 303
    assert client.post(f"/admin/tracks/{first}/remove").status_code == 400  # not confirmed
    assert client.get(f"/tracks/{first}").status_code == 200
    assert client.post(f"/admin/tracks/{first}/remove", data={"sure": "yes"}).status_code == 303
    assert client.get(f"/tracks/{first}").status_code == 404
    assert first not in similar()
    assert second in similar()
    assert client.get(f"/tracks/{near}").status_code == 200
    assert client.get("/map").status_code == 200
    assert [job.kind for job in session.scalars(select(Job))] == ["refresh"]


def test_programs_of_admins_remove_it(
    session: Session, planted: Planted, client: FlaskClient
) -> None:
    public_id = session.get_one(Track, int(planted.track_ids[4])).public_id
    for name, status in (("Anna", 403), ("Chief", 204)):
        user = users.create(session, name, PASSWORD, is_admin=name == "Chief")
        _, clear = api_tokens.create(session, user, "test", ["write"])
        session.commit()
        header = {"Authorization": f"Bearer {clear}"}
        answer = client.delete(f"/api/v1/tracks/{public_id}", headers=header)
        assert answer.status_code == status
    assert client.get(f"/api/v1/tracks/{public_id}").status_code == 404


def test_its_id_is_given_to_no_other_track_and_what_was_merged_into_it_stays_gone(
    installation: Instance, session: Session
) -> None:
    survivor, merged = make_track(session, "Song"), make_track(session, "Song")
    survivor_id, merged_id = survivor.id, merged.id
    merging.merge(session, survivor_id, merged_id)
    session.commit()
    remove_track(installation, survivor_id)
    new = make_track(session, "Another")
    assert new.id > max(survivor_id, merged_id)
    tables = [table for name, table in Base.metadata.tables.items() if name != "removed_track"]
    held = [row for table in tables for row in session.execute(select(table)).mappings()]
    assert not any("Song" in map(str, row.values()) for row in held)
    removed = session.scalars(select(RemovedTrack.track_id).order_by(RemovedTrack.track_id))
    assert removed.all() == sorted((survivor_id, merged_id))
