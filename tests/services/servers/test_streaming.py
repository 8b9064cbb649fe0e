"""Songs that lie on a music server alone: analysed by streaming, played through songrec."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete, select

from songrec.core.encryption import instance_cipher
from songrec.core.errors import NotReady
from songrec.core.types import no_progress
from songrec.jobs import server_tasks
from songrec.services.library import setting_up
from songrec.services.segments import index_state
from songrec.services.servers import analyze, connection
from songrec.services.servers.analyze import analyze_server
from songrec.services.servers.client import ServerClient
from songrec.services.servers.scan import scan_server
from songrec.store import jobs
from songrec.store.db import db
from songrec.store.instance import Instance
from songrec.store.listeners import app_passwords, users
from songrec.store.servers import streamed_files
from songrec.store.sound import audio_files, feature_cache, waveform_cache
from songrec.store.tables import AudioFile, Job, MusicServer, Track
from songrec.web import streamed_sound
from tests.servers.made_server import MadeServer, made_server, made_song
from tests.servers.supysonic_server import write_song
from tests.services.servers.conftest import Connect
from tests.web.subsonic.conftest import Device

EARLIER = "2026-01-02T03:04:05Z"


@pytest.fixture
def sounding(tmp_path: Path) -> Iterator[MadeServer]:
    """A made server whose two songs have a sound, which lies in no folder of songrec."""
    path = write_song(tmp_path / "far" / "song.flac", title="Song 0", artist="Artist 0")
    state = MadeServer(songs=[made_song(0), made_song(1)], sound=path.read_bytes())
    with made_server(state) as running:
        yield running


@pytest.fixture
def server(here: Instance, connect: Connect, sounding: MadeServer) -> MusicServer:
    """That server, scanned."""
    server, _ = connect(sounding.url)
    scan_server(here, server)
    return server


def test_a_song_is_streamed_analysed_and_kept_nowhere(
    here: Instance, server: MusicServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Features and waveform stay, by content; the same content is the same track."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    report = analyze_server(here, server)
    assert (report.analysed, report.same_content, report.rejected) == (1, 1, 0)
    file = db.session.scalars(select(AudioFile)).one()
    track = db.session.get_one(Track, file.track_id)
    assert (track.title, file.state, file.codec) == ("Song 0", "analysed", "flac")
    assert track.attributes.loudness is not None
    assert "mfcc" in feature_cache.set_names(db.session)
    assert waveform_cache.find(here.folder, str(file.content_hash)) is not None
    assert list(tmp_path.glob("songrec-song-*")) == []
    assert index_state.count_waiting(here) == 0  # moments need a file
    assert streamed_files.unanalysed(db.session, server, 10) == []


def test_an_analysis_downloads_where_that_is_allowed(
    here: Instance, server: MusicServer, sounding: MadeServer
) -> None:
    """Servers count what they stream as played."""
    sounding.downloads = True
    assert analyze_server(here, server, limit=1).analysed == 1
    assert "stream" not in sounding.requests
    sounding.refuses["download"] = 50
    assert analyze_server(here, server).same_content == 1
    assert sounding.requests.count("stream") == 1


def test_songs_that_cannot_be_read_are_one_line_each(
    here: Instance, server: MusicServer, sounding: MadeServer
) -> None:
    """Others follow; they are not tried again with every scan."""
    sounding.sound = b"no sound at all"
    report = analyze_server(here, server)
    assert (report.analysed, report.rejected) == (0, 2)
    reasons = db.session.scalars(select(AudioFile.reason)).all()
    assert len(reasons) == 2
    assert all(reason and "\n" not in reason for reason in reasons)
    assert analyze_server(here, server).rejected == 0


def phone_of(app: Flask) -> Device:
    """Return an app that is signed in to songrec."""
    user = users.create(db.session, "Anna", "correct horse battery")
    cipher = instance_cipher(app.config["INSTANCE"], app.config["ENCRYPTION_KEY"])
    _, password, api_key = app_passwords.create(db.session, user, "Phone", cipher)
    db.session.commit()
    return Device(app.test_client(), user.name, password, api_key)


def titles(phone: Device) -> list[str]:
    """Return the titles that an app lists."""
    return [song["title"] for song in phone.get("search3", query="").get("song", ())]


def test_apps_and_pages_have_songs_from_the_scan_on(
    here: Instance, server: MusicServer, sounding: MadeServer, app: Flask, client: FlaskClient
) -> None:
    """They keep their address when they are analysed."""
    phone = phone_of(app)
    assert titles(phone) == ["Song 0", "Song 1"]
    song = phone.get("search3", query="Song 0")["song"][0]
    assert phone.get("getSong", id=song["id"]) == song
    assert (song["suffix"], song["duration"], song["size"]) == ("flac", 120, 1_000_000)
    assert len(phone.get("getAlbumList2", type="newest")["album"]) == 1
    answer = phone.client.get("/rest/stream", query_string=phone.params({"id": song["id"]}))
    assert (answer.status_code, answer.data) == (200, sounding.sound)
    (file_id,) = db.session.scalars(
        select(AudioFile.public_id).join(Track).where(Track.title == "Song 0")
    )
    assert client.get(f"/listen/{file_id}").mimetype == "audio/flac"
    assert client.get(f"/listen/{file_id}/waveform").status_code == 404
    assert file_id in client.get(f"/tracks/{song['id']}").text
    assert len(streamed_files.unanalysed(db.session, server, 10)) == 2
    analyze_server(here, server)
    assert db.session.scalars(select(AudioFile.public_id)).all() == [file_id]


def test_songs_that_an_earlier_version_read_are_playable_after_the_next_scan(
    here: Instance, server: MusicServer, sounding: MadeServer, app: Flask
) -> None:
    """Even where the server says that nothing has changed."""
    sounding.last_scan = EARLIER
    scan_server(here, server)
    assert scan_server(here, server).is_unchanged
    db.session.execute(delete(AudioFile))
    server.scan = {key: value for key, value in server.scan.items() if key != "is_playable"}
    db.session.commit()
    assert not scan_server(here, server).is_unchanged
    assert titles(phone_of(app)) == ["Song 0", "Song 1"]
    assert scan_server(here, server).is_unchanged


def test_songs_that_are_gone_are_not_offered_until_they_are_back(
    here: Instance, server: MusicServer, sounding: MadeServer, app: Flask
) -> None:
    """Analysed or not; what was analysed stays so."""
    phone = phone_of(app)
    analyze_server(here, server, limit=1)
    whole = sounding.songs
    for index, expected in ((1, ["Song 1"]), (0, ["Song 0"])):
        sounding.songs = [whole[index]]
        scan_server(here, server)
        assert titles(phone) == expected
    sounding.songs = whole
    scan_server(here, server)
    assert sorted(titles(phone)) == ["Song 0", "Song 1"]
    states = select(AudioFile.state).order_by(AudioFile.id)
    assert sorted(db.session.scalars(states)) == ["analysed", "listed"]


def test_a_song_with_a_file_here_is_not_listed_twice(here: Instance, server: MusicServer) -> None:
    """The file is played."""
    listed = db.session.scalars(select(AudioFile).order_by(AudioFile.id)).all()
    own = AudioFile(
        public_id="a", track_id=listed[0].track_id, root="/music", path="/music/a.flac", size=1
    )
    own.modified_ns, own.state = 0, "listed"
    db.session.add(own)
    db.session.commit()
    scan_server(here, server, force=True)
    files = db.session.scalars(select(AudioFile.public_id).order_by(AudioFile.id)).all()
    assert files == [listed[1].public_id, "a"]
    assert len(streamed_files.unanalysed(db.session, server, 10)) == 1


def test_a_file_here_is_played_instead_of_an_older_stream(
    here: Instance, server: MusicServer, tmp_path: Path
) -> None:
    analyze_server(here, server)
    streamed = db.session.scalars(select(AudioFile)).one()
    own = AudioFile(public_id="a", track_id=streamed.track_id, root=str(tmp_path), size=1)
    own.path, own.modified_ns, own.state = str(tmp_path / "a.flac"), 0, "analysed"
    db.session.add(own)
    db.session.commit()
    assert audio_files.for_track(db.session, own.track_id) is own


def test_a_server_that_is_connected_again_plays_its_songs_again(
    here: Instance, server: MusicServer, sounding: MadeServer, connect: Connect, app: Flask
) -> None:
    phone = phone_of(app)
    analyze_server(here, server)
    connection.remove_server(here, server)
    db.session.commit()
    assert titles(phone) == []
    again, _ = connect(sounding.url)
    scan_server(here, again)
    assert titles(phone) == ["Song 0", "Song 1"]
    assert analyze_server(here, again).analysed == 1
    assert titles(phone) == ["Song 0"]  # the other has the same content


def test_an_analysis_can_be_of_a_few_songs(
    here: Instance, server: MusicServer, sounding: MadeServer
) -> None:
    """The next one goes on with the others."""
    first = analyze_server(here, server, limit=1)
    assert (first.analysed, first.is_complete) == (1, False)
    second = analyze_server(here, server, limit=1)
    assert (second.analysed + second.same_content, second.is_complete) == (1, True)


def test_without_a_run_a_few_songs_are_analysed_and_trained_on_before_the_others(
    here: Instance, server: MusicServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(setting_up, "SAMPLE", 1)
    monkeypatch.setattr(setting_up, "ENOUGH", 1)
    job = jobs.create(db.session, "server-analyze", {"server": server.public_id})
    first = server_tasks.analyze(db.session, job, no_progress)
    assert (first["analysed"], first["is_complete"]) == (1, False)
    queued = db.session.scalars(select(Job).where(Job.id > job.id).order_by(Job.id)).all()
    assert [(one.kind, one.parameters) for one in queued] == [
        ("train", setting_up.QUICK_TRAINING),
        ("server-analyze", {"server": server.public_id, "turn": 2}),
    ]
    assert server_tasks.analyze(db.session, queued[-1], no_progress)["is_complete"]


def test_a_song_that_is_too_large_is_left(
    here: Instance, server: MusicServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its stream is broken off."""
    monkeypatch.setattr(analyze, "MOST_BYTES", 1000)
    assert analyze_server(here, server).rejected == 2


def test_a_server_that_stops_answering_ends_the_analysis(
    here: Instance, server: MusicServer, sounding: MadeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The songs are not to blame."""
    monkeypatch.setattr(analyze, "MOST_FAILURES", 1)
    sounding.refuses["stream"] = 40
    with pytest.raises(NotReady, match="refuses the name or the password"):
        analyze_server(here, server)
    sounding.refuses.clear()
    assert analyze_server(here, server).analysed == 1


@pytest.mark.parametrize("code", [0, 70])
def test_songs_that_the_server_does_not_send_are_offered_and_tried_again(
    here: Instance, server: MusicServer, sounding: MadeServer, code: int
) -> None:
    """Their disk may be missing, which is no fault of theirs."""
    sounding.refuses["stream"] = code
    report = analyze_server(here, server)
    assert (report.analysed, report.rejected, report.unsent, report.is_complete) == (0, 0, 2, True)
    assert set(db.session.scalars(select(AudioFile.state))) == {"listed"}
    sounding.refuses.clear()
    report = analyze_server(here, server)
    assert (report.analysed, report.same_content, report.unsent) == (1, 1, 0)


def test_a_server_that_sends_nothing_ends_the_analysis_and_one_that_sends_some_goes_on(
    here: Instance, server: MusicServer, sounding: MadeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A few songs in a row that are not sent say nothing about the others."""
    monkeypatch.setattr(analyze, "MOST_FAILURES", 2)
    whole = ServerClient.stream
    missing = {"s0", "s1"}

    def stream(client: ServerClient, song_id: str, **headers: str) -> object:
        if song_id in missing:
            raise NotReady("Attic does not answer in time.")
        return whole(client, song_id, **headers)

    monkeypatch.setattr(ServerClient, "stream", stream)
    with pytest.raises(NotReady, match="in time"):
        analyze_server(here, server)
    assert streamed_files.unanalysed(db.session, server, 10) != []
    missing.remove("s1")
    report = analyze_server(here, server)
    assert (report.analysed, report.rejected, report.unsent) == (1, 0, 1)
    assert analyze_server(here, server).unsent == 1


def test_a_server_that_goes_away_ends_the_analysis_at_once(
    here: Instance, server: MusicServer, sounding: MadeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is rejected."""

    def stream(client: ServerClient, song_id: str, **headers: str) -> object:
        sounding.answers["ping"] = b"<h1>Bad gateway</h1>"
        raise NotReady("Attic cannot be reached.")

    monkeypatch.setattr(ServerClient, "stream", stream)
    with pytest.raises(NotReady, match="not JSON"):
        analyze_server(here, server)
    assert set(db.session.scalars(select(AudioFile.state))) == {"listed"}


def test_the_player_plays_them_with_ranges(
    here: Instance, server: MusicServer, sounding: MadeServer, client: FlaskClient
) -> None:
    """Bytes come from the server as they are asked for."""
    analyze_server(here, server)
    db.session.commit()
    address = f"/listen/{db.session.scalars(select(AudioFile.public_id)).one()}"
    whole = client.get(address)
    assert (whole.status_code, whole.data) == (200, sounding.sound)
    assert whole.mimetype == "audio/flac"
    part = client.get(address, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.data) == (206, sounding.sound[10:20])
    assert part.headers["Content-Range"] == f"bytes 10-19/{len(sounding.sound)}"
    head = client.head(address)
    assert head.content_length == len(sounding.sound)
    track = db.session.scalars(select(Track)).one()
    assert address in client.get(f"/tracks/{track.public_id}").text
    assert client.get(f"{address}/waveform").status_code == 200
    sounding.refuses["stream"] = 70
    assert client.get(address).status_code == 503


def test_streams_leave_threads_for_others(
    here: Instance,
    server: MusicServer,
    sounding: MadeServer,
    app: Flask,
    client: FlaskClient,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each holds a thread while it plays: few at once, and fewer of one person."""
    monkeypatch.setattr(streamed_sound, "WAIT_S", 0.0)
    address = f"/listen/{db.session.scalars(select(AudioFile.public_id)).first()}"
    playing = [client.get(address, buffered=False) for _ in range(streamed_sound.MOST_EACH)]
    assert {answer.status_code for answer in playing} == {200}
    refused = client.get(address)
    assert refused.status_code == 503
    assert "4 songs are being streamed for you already" in refused.text
    assert refused.headers["Retry-After"] == "5"
    phone = phone_of(app)
    params = phone.params({"id": phone.get("search3", query="Song 0")["song"][0]["id"]})
    answer = phone.client.get("/rest/stream", query_string=params)
    assert (answer.status_code, answer.data) == (200, sounding.sound)
    for answer in playing:
        answer.close()
        answer.close()
    assert client.get(address).data == sounding.sound
    monkeypatch.setattr(streamed_sound._slots, "total", 0)
    answer = phone.client.get("/rest/stream", query_string=params)
    assert answer.status_code == 503
    assert b"Other songs are being streamed" in answer.data


def test_apps_list_and_play_them(
    here: Instance, server: MusicServer, sounding: MadeServer, app: Flask
) -> None:
    """Whole, in part and as a download, as they are; 503 where the server does not send them."""
    analyze_server(here, server)
    phone = phone_of(app)
    (song,) = phone.get("search3", query="")["song"]
    assert (song["title"], song["size"]) == ("Song 0", len(sounding.sound))
    (album,) = phone.get("getAlbumList2", type="newest")["album"]
    assert [one["id"] for one in phone.get("getAlbum", id=album["id"])["song"]] == [song["id"]]
    for endpoint, wish in (("stream", {}), ("stream", {"format": "mp3"}), ("download", {})):
        params = phone.params({"id": song["id"], **wish})
        answer = phone.client.get(f"/rest/{endpoint}", query_string=params)
        assert (answer.status_code, answer.data) == (200, sounding.sound)
        assert "Location" not in answer.headers
    params = phone.params({"id": song["id"]})
    part = phone.client.get("/rest/stream", query_string=params, headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.data) == (206, sounding.sound[10:20])
    sounding.refuses["stream"] = 70
    assert phone.client.get("/rest/stream", query_string=params).status_code == 503


def test_a_removed_server_leaves_its_songs(
    here: Instance, server: MusicServer, client: FlaskClient
) -> None:
    """They cannot be played any more."""
    analyze_server(here, server)
    public_id = db.session.scalars(select(AudioFile.public_id)).one()
    connection.remove_server(here, server)
    db.session.commit()
    assert client.get(f"/listen/{public_id}").status_code == 404
    assert len(db.session.scalars(select(Track)).all()) == 1
