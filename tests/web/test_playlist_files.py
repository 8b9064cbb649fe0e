"""Playlists go out as lists of files or streams, and come back in as they were."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec.core import songs
from songrec.services.listeners import import_export
from songrec.store.listeners import playlists
from songrec.store.tables import Listener, Playlist, Track
from tests.factories import make_track
from tests.sounding import add_sound, write_wav
from tests.web.accounts import anna, quick_hashes, sign_in
from tests.web.html import texts

__all__ = ["anna", "quick_hashes"]  # fixtures

# Names that a playlist's lines could garble.
NAMES = (
    "Anna/First/01 Alpha.wav",
    "Anna/Second/01 Alpha.wav",
    "#hash/Beta.wav",
    "Кино/Группа крови.wav",
    "100% sure/50%20off.wav",
    "two\nlines/Gamma.wav",
    "C/ends with a space /x .wav ",
    "semi;colon/[playlist].wav",
)


@pytest.fixture
def library(session: Session, tmp_path: Path) -> Path:
    """A folder of songs of which some have one name."""
    root = tmp_path / "music"
    for number, name in enumerate(NAMES):
        title = "Alpha" if name.endswith("01 Alpha.wav") else f"Song {number}"
        track = make_track(session, title, artists="Anna", song_key=number)
        path = write_wav(root / name, 0.1, 200.0 + number)
        add_sound(session, track, path, root=str(root))
    session.commit()
    return root


@pytest.fixture
def address(client: FlaskClient, session: Session, library: Path) -> str:
    """The address of a playlist of all songs, last first."""
    ids = [row.public_id for row in session.query(Track).order_by(Track.id.desc())]
    answer = client.post("/playlists", data={"name": "Mine", "tracks": ",".join(ids)})
    return answer.location


def reimported(session: Session, text: str, name: str) -> list[int]:
    """Import a file for somebody new and return the tracks of the only playlist."""
    listener = Listener(token=text[:20] + name)
    session.add(listener)
    session.flush()
    report = import_export.import_likes(session, listener, text.encode(), file_name=name)
    assert not report.missing
    (playlist,) = playlists.owned(session, listener)
    assert playlist.name == "Mine"
    return playlists.tracks(session, playlist)


def all_tracks(session: Session) -> list[int]:
    return [row.id for row in session.query(Track).order_by(Track.id.desc())]


@pytest.mark.parametrize("query", ["", "?files=relative&root=Anna", "?root=lists/of/mine"])
def test_relative_paths_lead_to_the_files_and_come_back(
    client: FlaskClient, session: Session, library: Path, address: str, query: str
) -> None:
    text = client.get(f"{address}.m3u8{query}").text
    assert str(library) not in text
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(lines) == len(NAMES)
    folder = library / query.partition("root=")[2]
    plain = [line for line in lines if "%0A" not in line and not line.endswith("%20")]
    assert all((folder / line).resolve().is_file() for line in plain)
    assert len(plain) == len(NAMES) - 2
    assert reimported(session, text, "x.m3u8") == all_tracks(session)


@pytest.mark.parametrize("query", ["files=absolute", "root=/", "root=../..", "root=a/../../.."])
def test_where_files_lie_is_for_admins(
    client: FlaskClient, session: Session, library: Path, address: str, query: str
) -> None:
    for kind in ("m3u8", "jspf"):
        answer = client.get(f"{address}.{kind}?{query}")
        assert answer.status_code == 400
        assert str(library.parent) not in answer.text
    page = client.get(address).text
    assert "full path" not in page


def test_an_admin_gets_full_paths_and_any_root(
    client: FlaskClient, session: Session, library: Path, anna: Any
) -> None:
    anna.is_admin = True
    session.commit()
    sign_in(client)
    ids = ",".join(row.public_id for row in session.query(Track).order_by(Track.id.desc()))
    address = client.post("/playlists", data={"name": "Mine", "tracks": ids}).location
    text = client.get(f"{address}.m3u8?files=absolute").text
    assert f"{library}/Anna/First/01 Alpha.wav" in text.splitlines()
    assert reimported(session, text, "x.m3u8") == all_tracks(session)
    text = client.get(f"{address}.m3u8?root={library.parent}/lists").text
    assert "../music/Anna/First/01 Alpha.wav" in text.splitlines()
    assert "full paths" in client.get(address).text


def test_stream_addresses_play_without_a_cookie_until_they_are_revoked(
    app: Flask, client: FlaskClient, session: Session, library: Path, address: str
) -> None:
    assert client.get(f"{address}.m3u8?files=stream").status_code == 400
    stranger = app.test_client()
    assert stranger.post(f"{address}/stream-key").status_code == 404
    assert client.post(f"{address}/stream-key").status_code == 303
    # Who has made the addresses wants them: they are chosen.
    assert texts(client.get(address), "option[selected]") == ["stream addresses with a key"]
    text = client.get(f"{address}.m3u8?files=stream").text
    lines = [line for line in text.splitlines() if not line.startswith("#")]
    assert len(lines) == len(NAMES)
    answer = stranger.get(lines[-1], headers={"Range": "bytes=0-3"}, buffered=True)
    assert (answer.status_code, answer.data) == (206, b"RIFF")
    assert "Set-Cookie" not in answer.headers
    assert all(stranger.get(line, buffered=True).status_code == 200 for line in lines)
    assert reimported(session, text, "x.m3u8") == all_tracks(session)
    # A key opens the songs of its playlist only.
    other = make_track(session, "Elsewhere")
    add_sound(session, other, write_wav(library / "else.wav", 0.1))
    session.commit()
    elsewhere = lines[0].rpartition("/")[0] + f"/{other.public_id}"
    assert stranger.get(elsewhere).status_code == 404
    assert stranger.get(lines[0].replace("/tracks/", "x/tracks/")).status_code == 404
    assert client.post(f"{address}/stream-key/revoke").status_code == 303
    assert stranger.get(lines[0]).status_code == 404
    client.post(f"{address}/stream-key")
    assert stranger.get(lines[0]).status_code == 404


def test_only_admins_make_keys_of_the_catalogues_playlists(
    client: FlaskClient, session: Session, library: Path, anna: Any
) -> None:
    session.add(Playlist(public_id="cat", external_id="x", name="Catalogue"))
    session.commit()
    sign_in(client)
    assert client.post("/playlists/cat/stream-key").status_code == 404
    anna.is_admin = True
    session.commit()
    assert client.post("/playlists/cat/stream-key").status_code == 303


def test_jspf_carries_locations_and_comes_back(
    client: FlaskClient, session: Session, library: Path, address: str
) -> None:
    text = client.get(f"{address}.jspf").text
    tracks = json.loads(text)["playlist"]["track"]
    assert tracks[-1]["location"] == ["Anna/First/01%20Alpha.wav"]
    assert all(len(track["identifier"]) == 1 for track in tracks)
    assert reimported(session, text, "x.jspf") == all_tracks(session)


def test_csv_comes_back_as_the_playlist(
    client: FlaskClient, session: Session, library: Path, address: str
) -> None:
    text = client.get(f"{address}.csv").text
    assert reimported(session, text, "Mine.csv") == all_tracks(session)


def test_songs_without_a_file_keep_the_address_of_their_page(
    client: FlaskClient, session: Session, library: Path
) -> None:
    silent = make_track(session, "Silent", artists="Anna", song_key=songs.song_key("Anna", "x"))
    session.commit()
    address = client.post("/playlists", data={"name": "Mine", "tracks": silent.public_id}).location
    text = client.get(f"{address}.m3u8").text
    assert text.splitlines()[-1].endswith(f"/tracks/{silent.public_id}")
    assert reimported(session, text, "x.m3u8") == [silent.id]
