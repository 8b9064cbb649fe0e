"""Lists come in, plays are listed, playlists go out as files."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput
from songrec.jobs import list_imports as import_job
from songrec.store import jobs
from songrec.store.listeners import playlists, users
from songrec.store.tables import Job, Listener, Playlist, Track, User
from songrec.web import list_imports
from tests.planted_run import Planted
from tests.sounding import add_sound, write_wav


def send(client: FlaskClient, header, content: bytes, name: str, query: str = ""):
    answer = client.post(
        f"/api/v1/imports{query}",
        data={"file": (io.BytesIO(content), name)},
        content_type="multipart/form-data",
        headers=header,
    )
    answer.request.close()
    return answer


def test_a_list_is_imported_and_reported(
    client: FlaskClient, planted: Planted, anna: User, token_of
) -> None:
    header = token_of(anna)
    text = b"title,artist\nsong 12,Artist 12\nUnheard of,Nobody\n"
    answer = send(client, header, text, "x.csv")
    assert answer.status_code == 200
    assert (answer.json["format"], answer.json["likes"], answer.json["missing"]) == ("CSV", 1, 1)
    assert answer.json["missing_songs"] == ["Nobody – Unheard of"]
    assert len(client.get("/api/v1/likes", headers=header).json["items"]) == 1
    answer = send(client, header, text, "Evening.csv", "?as=playlist")
    assert answer.json["playlists"] == [{"name": "Evening", "songs": 1, "missing": 1, "new": True}]
    unread = send(client, header, b"{}", "x.json").json
    assert (unread["format"], unread["likes"]) == ("", 0)
    assert unread["problem"].startswith("This JSON is not")
    assert send(client, header, text, "x.csv", "?as=plays").status_code == 422
    assert send(client, header, b"", "x.csv").status_code == 422
    assert send(client, token_of(anna, "read"), text, "x.csv").status_code == 403
    assert send(client, {}, text, "x.csv").status_code == 401


def test_a_long_list_is_a_job_to_poll(
    client: FlaskClient,
    session: Session,
    planted: Planted,
    anna: User,
    token_of,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(list_imports, "SHORT_BYTES", 10)
    header = token_of(anna)

    def report_of(text: bytes):
        answer = send(client, header, text, "x.csv")
        assert (answer.status_code, answer.json["job"]["state"]) == (202, "waiting")
        assert client.get(answer.json["job"]["address"], headers=header).json["kind"] == "import"
        address = answer.headers["Location"]
        assert client.get(address, headers=header).status_code == 202
        assert client.get(address).status_code == 404
        job_id = jobs.claim(session, "worker")
        try:
            result = import_job.run(session, session.get_one(Job, job_id), lambda *_: None)
            jobs.finish(session, job_id, result, log="", details={})
        except BadInput as error:
            jobs.fail(session, job_id, str(error))
        session.commit()
        report = client.get(address, headers=header)
        assert report.status_code == 200
        return report.json

    report = report_of(b"title,artist\nsong 12,Artist 12\nUnheard of,Nobody\n")
    assert (report["likes"], report["missing_songs"]) == (1, ["Nobody – Unheard of"])
    assert (report["problem"], report["job"]["state"]) == (None, "done")
    unread = report_of(b"{} and more than ten bytes")
    assert (unread["likes"], unread["job"]["state"]) == (0, "failed")
    assert unread["problem"].startswith("This file begins like JSON")


def test_plays_are_listed_in_parts(
    client: FlaskClient, planted: Planted, anna: User, token_of
) -> None:
    header = token_of(anna)
    assert client.get("/api/v1/listens", headers=header).json == {"items": [], "next": None}
    rows = [
        {"listened_at": 1_700_000_000 + n, "track_metadata": {"track_name": t, "artist_name": a}}
        for n, (t, a) in enumerate([("song 12", "Artist 12"), ("Gone", "Nobody"), ("Far", "X")])
    ]
    answer = send(client, header, "\n".join(map(json.dumps, rows)).encode(), "listens.jsonl")
    assert answer.json["plays"] == 3
    first = client.get("/api/v1/listens?limit=2", headers=header).json
    rest = client.get(f"/api/v1/listens?cursor={first['next']}", headers=header).json
    items = first["items"] + rest["items"]
    assert {item["title"]: item["track_id"] is None for item in items} == {
        "song 12": False,
        "Gone": True,
        "Far": True,
    }
    assert rest["next"] is None


def test_a_playlists_file_and_its_key(
    client: FlaskClient, session: Session, planted: Planted, anna: User, token_of, tmp_path: Path
) -> None:
    header = token_of(anna)
    track = session.get(Track, int(planted.track_ids[0]))
    add_sound(session, track, write_wav(tmp_path / "music" / "a b.wav", 0.1))
    session.commit()
    made = client.post(
        "/api/v1/playlists", json={"name": "Mine", "tracks": [track.public_id]}, headers=header
    ).json
    address = f"/api/v1/playlists/{made['id']}"
    answer = client.get(f"{address}/file", headers=header)
    assert answer.mimetype == "audio/x-mpegurl"
    assert answer.text.splitlines()[-1] == "a b.wav"
    for query, status in (("files=absolute", 403), ("root=/", 403), ("files=stream", 409)):
        answer = client.get(f"{address}/file?{query}", headers=header)
        assert (answer.status_code, str(tmp_path) in answer.text) == (status, False)
    assert client.put(f"{address}/stream-key", headers=header).status_code == 204
    text = client.get(f"{address}/file?files=stream&format=jspf", headers=header).text
    (location,) = json.loads(text)["playlist"]["track"][0]["location"][:1]
    assert client.get(location, buffered=True).status_code == 200
    assert client.delete(f"{address}/stream-key", headers=header).status_code == 204
    assert client.get(location).status_code == 404
    assert client.get(f"{address}/file").status_code == 404


def test_keys_of_the_catalogues_playlists_are_the_admins(
    client: FlaskClient, session: Session, planted: Planted, anna: User, token_of
) -> None:
    session.add(Playlist(public_id="cat", external_id="x", name="Catalogue"))
    other = Listener(token="other")
    session.add(other)
    session.flush()
    theirs = playlists.create(session, other, "Theirs").public_id
    session.commit()
    chief = users.create(session, "Chief", "a good password here", is_admin=True)
    session.commit()
    assert client.put("/api/v1/playlists/cat/stream-key", headers=token_of(anna)).status_code == 404
    header = token_of(chief)
    assert client.put("/api/v1/playlists/cat/stream-key", headers=header).status_code == 204
    assert client.put(f"/api/v1/playlists/{theirs}/stream-key", headers=header).status_code == 404
    assert (
        client.get("/api/v1/playlists/cat/file?files=absolute", headers=header).status_code == 200
    )
