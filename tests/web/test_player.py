"""Sound, waveform, cover and queue: by id, only of the library, only as analysed."""

from __future__ import annotations

import os
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.http import parse_options_header

from songrec.core.files import modified_ns
from songrec.jobs import tasks
from songrec.services.features import transcoded_files, waveform
from songrec.store import jobs
from songrec.store.sound import waveform_cache
from songrec.store.tables import AudioFile, Track
from songrec.web import player
from songrec.web.downloads import content_disposition
from tests.audio_files.sounds import tone, write
from tests.factories import make_track
from tests.planted_run import plant
from tests.sounding import add_sound, write_wav


class Buffered(FlaskClient):
    """A browser that reads every answer to its end, as files have to be closed."""

    def open(self, *args: Any, **more: Any) -> Any:
        return super().open(*args, **{"buffered": True, **more})


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    """A browser without cookies."""
    return Buffered(app)


@pytest.fixture
def file(session: Session, tmp_path: Path) -> AudioFile:
    """A song of the library with two seconds of sound."""
    found = add_sound(session, make_track(session, "Swell"), write_wav(tmp_path / "swell.wav"))
    session.commit()
    return found


def test_the_whole_sound_is_served_with_its_type_and_length(
    client: FlaskClient, file: AudioFile
) -> None:
    answer = client.get(f"/listen/{file.public_id}")
    assert answer.status_code == 200
    assert answer.mimetype == "audio/wav"
    assert answer.headers["Accept-Ranges"] == "bytes"
    assert answer.data == Path(file.path).read_bytes()


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("two\nlines.wav", "two lines.wav"),
        ('q"u\\ote;%41.wav', "ote;%41.wav"),
        ("bell\x07\x1b[31m.wav", "bell[31m.wav"),
        ("晴天.wav", "晴天.wav"),
        ("Земфира — Искала.wav", "Земфира — Искала.wav"),
        ("a\u202evaw.wav", "avaw.wav"),
        ("x" * 251 + ".wav", "x" * 251 + ".wav"),
        ("...Baby.wav", "…Baby.wav"),
    ],
)
def test_a_file_of_any_name_and_date_is_played(
    client: FlaskClient, session: Session, tmp_path: Path, name: str, sent: str
) -> None:
    path = write_wav(tmp_path / name)
    os.utime(path, (-(2**31), -(2**31)) if name.isascii() else (9_400_000_000, 9_400_000_000))
    modified = modified_ns(path.stat())
    file = add_sound(session, make_track(session, "Swell"), path, modified_ns=modified)
    session.commit()
    answer = client.get(f"/listen/{file.public_id}", headers={"Range": "bytes=0-9"})
    assert (answer.status_code, answer.data) == (206, path.read_bytes()[:10])
    header = answer.headers["Content-Disposition"]
    assert header.isascii()
    assert header.isprintable()
    assert parse_options_header(header) == ("inline", {"filename": sent})


@pytest.mark.parametrize(
    ("name", "plain"),
    [
        ("a.mp3", "a.mp3"),
        ("晴天.wav", "__.wav"),
        ("Déjà vu.mp3", "Deja vu.mp3"),
        ('50% "live".csv', "50_ _live_.csv"),
    ],
)
def test_a_name_is_sent_in_its_letters_and_in_ascii(name: str, plain: str) -> None:
    header = content_disposition(name, attachment=True)
    assert header.startswith("attachment; ")
    assert re.search(r'filename="([^"]+)"', header).group(1) == plain
    if not name.isascii():
        assert f"filename*=UTF-8''{quote(name)}" in header


@pytest.mark.parametrize(
    ("asked", "start", "stop"),
    [("bytes=0-99", 0, 100), ("bytes=1000-", 1000, None), ("bytes=-10", -10, None)],
)
def test_seeking_asks_for_a_range(
    client: FlaskClient, file: AudioFile, asked: str, start: int, stop: int | None
) -> None:
    content = Path(file.path).read_bytes()
    answer = client.get(f"/listen/{file.public_id}", headers={"Range": asked})
    assert answer.status_code == 206
    assert answer.data == content[start:stop]
    assert answer.headers["Content-Range"].endswith(f"/{len(content)}")


def test_a_range_beyond_the_end_is_refused(client: FlaskClient, file: AudioFile) -> None:
    answer = client.get(f"/listen/{file.public_id}", headers={"Range": "bytes=999999999-"})
    assert answer.status_code == 416


def test_what_a_browser_has_is_not_sent_again(client: FlaskClient, file: AudioFile) -> None:
    first = client.get(f"/listen/{file.public_id}")
    again = client.get(
        f"/listen/{file.public_id}", headers={"If-None-Match": first.headers["ETag"]}
    )
    assert again.status_code == 304


@pytest.mark.parametrize(
    "address", ["/listen/..%2f..%2fetc%2fpasswd", "/listen/%2fetc%2fpasswd", "/listen/none"]
)
def test_nothing_but_an_id_leads_to_a_file(client: FlaskClient, address: str) -> None:
    assert client.get(address).status_code == 404


def test_a_file_that_changed_or_went_since_is_not_served(
    client: FlaskClient, file: AudioFile, tmp_path: Path
) -> None:
    path = Path(file.path)
    os.utime(path, ns=(1, 1))
    assert client.get(f"/listen/{file.public_id}").status_code == 404
    path.unlink()
    path.symlink_to("/etc/hostname")
    assert client.get(f"/listen/{file.public_id}").status_code == 404
    path.unlink()
    assert client.get(f"/listen/{file.public_id}").status_code == 404


@pytest.mark.parametrize("state", ["rejected", "missing"])
def test_rejected_and_missing_files_are_not_there(
    client: FlaskClient, session: Session, file: AudioFile, state: str
) -> None:
    file.state = state
    session.commit()
    for kind in ("", "/waveform", "/cover"):
        assert client.get(f"/listen/{file.public_id}{kind}").status_code == 404


def test_pages_name_the_players_controls_which_browsers_keep(client: FlaskClient) -> None:
    (address,) = re.findall(r'data-controls="([^"]+)"', client.get("/tracks").text)
    controls = client.get(address)
    assert "data-player-toggle" in controls.text
    assert controls.cache_control.immutable
    assert controls.cache_control.public
    assert "Set-Cookie" not in controls.headers
    assert not client.get("/listen/controls?v=other").cache_control.immutable


def test_the_type_is_told_by_the_content_not_by_the_name(session: Session, file: AudioFile) -> None:
    for codec, container, expected in (
        ("mp3float", "mp3", "audio/mpeg"),
        ("opus", "ogg", "audio/ogg"),
        ("aac", "mov,mp4,m4a,3gp,3g2,mj2", "audio/mp4"),
        ("aac", "aac", "audio/aac"),
        ("alac", "mov,mp4,m4a,3gp,3g2,mj2", "audio/mp4"),
        ("pcm_s16be", "aiff", "audio/aiff"),
        ("unheard", "of", "application/octet-stream"),
    ):
        file.codec, file.info = codec, {"container": container}
        assert player.media_type(file) == expected


def test_the_waveform_is_made_once_by_a_job(
    client: FlaskClient, app: Flask, session: Session, file: AudioFile
) -> None:
    address = f"/listen/{file.public_id}/waveform"
    assert client.get(address).status_code == 202
    assert client.get(address).status_code == 202
    (job,) = jobs.active(session)
    result = tasks.sleeve(session, job, lambda *_: None)
    assert result == {"seconds": 2.0, "cover": None}
    answer = client.get(address)
    assert answer.status_code == 200
    peaks = np.array(answer.json["peaks"])
    assert len(peaks) == waveform.PEAKS
    # The sound swells evenly from nothing to half of full scale.
    expected = 0.5 * (np.arange(len(peaks)) + 0.5) / len(peaks)
    assert np.abs(peaks - expected).max() < 0.03
    assert len(jobs.active(session)) == 1


def test_waveforms_do_not_fill_the_queue(
    client: FlaskClient, session: Session, tmp_path: Path
) -> None:
    for number in range(player.MAX_PREPARING + 3):
        path = write_wav(tmp_path / f"{number}.wav", 0.1, 100 + number)
        file = add_sound(session, make_track(session), path)
        session.commit()
        assert client.get(f"/listen/{file.public_id}/waveform").status_code == 202
    assert len(jobs.active(session)) == player.MAX_PREPARING


def test_a_cover_is_served_as_what_it_is(
    client: FlaskClient, app: Flask, session: Session, file: AudioFile
) -> None:
    address = f"/listen/{file.public_id}/cover"
    assert client.get(address).status_code == 404
    picture = b"\x89PNG\r\n\x1a\n" + bytes(20)
    kept = waveform_cache.WaveformAndCover(2.0, [0.1], "image/png")
    waveform_cache.write(app.config["INSTANCE"], str(file.content_hash), kept, picture)
    answer = client.get(address)
    assert (answer.status_code, answer.mimetype, answer.data) == (200, "image/png", picture)


def test_the_queue_of_a_cluster_is_what_can_be_heard_in_it(
    client: FlaskClient, app: Flask, session: Session, tmp_path: Path
) -> None:
    planted = plant(session, app.config["INSTANCE"])
    members = planted.track_ids[planted.labels == 1][:3].tolist()
    for number, track_id in enumerate(members):
        path = write_wav(tmp_path / f"{number}.wav", 0.1, 200 + number)
        add_sound(session, session.get_one(Track, track_id), path)
    session.commit()
    queue = client.get("/listen/queue?cluster=1").json
    assert [entry["title"] for entry in queue] == [f"Song {i}" for i in members]
    assert client.get(queue[0]["media"]).status_code == 200
    assert client.get("/listen/queue?cluster=0").json == []
    names = ",".join(f"p{i:09d}" for i in (members[2], 239, members[0]))
    asked = client.get(f"/listen/queue?tracks={names}").json
    assert [entry["title"] for entry in asked] == [f"Song {members[2]}", f"Song {members[0]}"]


def test_pages_offer_to_play_what_has_sound(
    client: FlaskClient, session: Session, file: AudioFile
) -> None:
    silent = make_track(session, "Figures alone")
    session.commit()
    track = session.get_one(Track, file.track_id)
    page = client.get("/tracks").text
    assert page.count("data-play=") == 1
    assert f'data-play="{track.public_id}"' in page
    assert "data-play=" not in client.get(f"/tracks/{silent.public_id}").text
    # Without JavaScript the button is a link to the sound.
    answer = client.get(f"/listen/tracks/{track.public_id}", follow_redirects=True)
    assert answer.mimetype == "audio/wav"
    assert client.get(f"/listen/tracks/{silent.public_id}").status_code == 404


def test_the_interface_says_where_a_song_can_be_heard(
    client: FlaskClient, session: Session, file: AudioFile
) -> None:
    track = session.get_one(Track, file.track_id)
    audio = client.get(f"/api/v1/tracks/{track.public_id}").json["audio"]
    assert client.get(audio["media"]).status_code == 200
    assert audio["cover"] is None
    assert audio["duration_s"] == 2.0


@pytest.fixture
def windows_media(session: Session, tmp_path: Path) -> AudioFile:
    """A song in a format that browsers lack."""
    path = write(tmp_path / "old.wma", tone(2.0, 44_100), 44_100, "wmav2")
    file = add_sound(
        session, make_track(session, "Old"), path, codec="wmav2", info={"container": "asf"}
    )
    session.commit()
    return file


@pytest.mark.parametrize(("format", "kind"), [("opus", "audio/ogg"), ("mp3", "audio/mpeg")])
def test_a_format_that_browsers_lack_is_converted(
    client: FlaskClient, windows_media: AudioFile, format: str, kind: str
) -> None:
    address = f"/listen/{windows_media.public_id}/transcoded?format={format}"
    first = client.get(address, headers={"Range": "bytes=0-"})
    assert (first.status_code, first.mimetype) == (200, kind)
    assert first.headers["Accept-Ranges"] == "none"
    assert first.cache_control.no_store
    again = client.get(address, headers={"Range": "bytes=100-199"})
    assert (again.status_code, again.data) == (206, first.data[100:200])
    known = client.get(address, headers={"If-None-Match": again.headers["ETag"]})
    assert known.status_code == 304


def test_a_conversion_begins_at_a_place(client: FlaskClient, windows_media: AudioFile) -> None:
    address = f"/listen/{windows_media.public_id}/transcoded?format=mp3"
    whole = client.get(address).data
    part = client.get(f"{address}&from=1.5", headers={"Range": "bytes=0-"})
    assert (part.status_code, part.mimetype) == (200, "audio/mpeg")
    assert part.headers["Accept-Ranges"] == "none"
    assert part.cache_control.no_store
    assert 0.15 < len(part.data) / len(whole) < 0.35  # half a second of two
    assert client.get(f"{address}&from=60").status_code == 404
    for wrong in ("-1", "nan", "1e9"):
        assert client.get(f"{address}&from={wrong}").status_code == 400


def test_what_plays_next_is_converted_ahead(client: FlaskClient, windows_media: AudioFile) -> None:
    address = f"/listen/{windows_media.public_id}/transcoded?format=opus"
    assert client.head(address).headers["Accept-Ranges"] == "none"
    end = time.monotonic() + 30
    while client.head(address).headers["Accept-Ranges"] != "bytes":
        assert time.monotonic() < end
        time.sleep(0.1)


def test_only_sound_is_converted_and_only_to_known_formats(
    client: FlaskClient, session: Session, tmp_path: Path
) -> None:
    path = tmp_path / "none.wma"
    path.write_bytes(b"no sound" * 50)
    file = add_sound(session, make_track(session), path, codec="wmav2", info={})
    session.commit()
    address = f"/listen/{file.public_id}/transcoded"
    assert client.get(address).status_code == 404
    assert client.get(f"{address}?format=exe").status_code == 400


def test_the_player_shows_a_song_and_what_is_like_it(
    client: FlaskClient, app: Flask, session: Session
) -> None:
    planted = plant(session, app.config["INSTANCE"])
    track = session.get_one(Track, int(planted.track_ids[0]))
    answer = client.get(f"/listen/now/{track.public_id}")
    assert answer.status_code == 200
    assert track.title in answer.text
    assert answer.text.count("<li>") == player.N_SIMILAR
    assert client.get("/listen/now/nothing").status_code == 404


def test_the_queue_says_what_the_listener_thinks_of_its_songs(
    client: FlaskClient, session: Session, file: AudioFile
) -> None:
    track = session.get_one(Track, file.track_id)
    queue = f"/listen/queue?tracks={track.public_id}"
    (entry,) = client.get(queue).json
    assert (entry["reaction"], entry["type"]) == (None, "audio/wav")
    assert client.post(entry["reaction_address"], data={"value": "like"}).status_code == 303
    assert client.get(queue).json[0]["reaction"] == "like"
    assert client.get(entry["view"]).status_code == 200


def test_a_conversion_that_is_read_by_many_leaves_threads_for_others(
    app: Flask, file: AudioFile, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "growing.mp3"
    path.write_bytes(b"begun")
    growing = transcoded_files.Conversion(path, path)
    monkeypatch.setattr(transcoded_files, "start", lambda *arguments, **options: growing)
    monkeypatch.setattr(player, "READING_WAIT_S", 0.0)
    client = FlaskClient(app, app.test_client().response_wrapper)
    address = f"/listen/{file.public_id}/transcoded?format=mp3"
    playing = [client.get(address) for _ in range(player.MOST_READING_EACH)]
    assert {answer.status_code for answer in playing} == {200}
    refused = client.get(address)
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "5"
    assert client.head(address).status_code == 200
    for answer in playing:
        answer.close()
    growing.over.set()
    assert client.get(address).data == b"begun"
