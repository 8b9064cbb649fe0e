"""Jellyfin's and Lyrion's songs are read by their ids, page by page."""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput, NotReady
from songrec.core.songs import song_key
from songrec.services.audiomuse import server_lists
from songrec.services.audiomuse.server_lists import ListReport, read_ids
from songrec.store.instance import current_instance
from songrec.store.servers import music_servers
from songrec.store.tables import ServerTrack, Track
from tests.audiomuse.conftest import Person
from tests.audiomuse.plugins import Jellyfin, Lyrion
from tests.planted_run import Planted

KEY = "an-api-key"
Answer = Callable[[BaseHTTPRequestHandler, bytes], tuple[int, Any]]


@contextmanager
def made(answer: Answer) -> Iterator[str]:
    """Run a server on loopback that answers so; yields its address."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            status, body = answer(self, self.rfile.read(length))
            sent = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(sent)))
            self.end_headers()
            self.wfile.write(sent)

        do_POST = do_GET

        def log_message(self, *arguments: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def jellyfin(songs: list[dict[str, Any]]) -> Answer:
    def answer(request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, Any]:
        parts = urlsplit(request.path)
        if request.headers["Authorization"] != f'MediaBrowser Token="{KEY}"':
            return 401, {}
        query = {name: values[0] for name, values in parse_qs(parts.query).items()}
        if parts.path != "/Items" or query["IncludeItemTypes"] != "Audio":
            return 404, {}
        start, limit = int(query["StartIndex"]), int(query["Limit"])
        return 200, {"Items": songs[start : start + limit], "TotalRecordCount": len(songs)}

    return answer


def lyrion(songs: list[dict[str, Any]]) -> Answer:
    def answer(request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, Any]:
        if (request.command, request.path) != ("POST", "/jsonrpc.js"):
            return 404, {}
        _, (command, start, limit, *_) = json.loads(body)["params"]
        assert command == "titles"
        return 200, {"result": {"count": len(songs), "titles_loop": songs[start : start + limit]}}

    return answer


@pytest.fixture
def named(catalogue: Planted, session: Session) -> list[Track]:
    """The planted songs, which are found by their names."""
    rows = list(session.scalars(select(Track).order_by(Track.id)))
    for track in rows:
        track.song_key = song_key(track.artists, track.title)
    session.commit()
    return rows


def read(url: str, kind: str, **options: Any) -> ListReport:
    return read_ids(current_instance(), url, kind=kind, allows_private=True, **options)


def test_jellyfins_plugin_works_after_its_ids_were_read(
    client: FlaskClient, named: list[Track], anna: Person, session: Session, monkeypatch
) -> None:
    monkeypatch.setattr(server_lists, "PAGE", 100)
    songs = [
        {
            "Id": uuid.UUID(int=track.id).hex,
            "Name": track.title,
            "ArtistItems": [{"Name": track.artists, "Id": uuid.uuid5(uuid.NAMESPACE_DNS, "a").hex}],
            "Album": "An album",
            "AlbumId": "x",
            "RunTimeTicks": 2_000_000_000,
            "ProductionYear": 2001,
            "Path": f"/music/{track.id}.flac",
            "ProviderIds": {"MusicBrainzRecording": str(uuid.UUID(int=track.id, version=4))},
        }
        for track in named
    ]
    with made(jellyfin([*songs, {"Id": "", "Name": "No id"}])) as url:
        with pytest.raises(NotReady, match="an API key"):
            read(url, "jellyfin")
        report = read(url, "jellyfin", token=KEY)
    assert (report.read, report.matched, report.new_tracks, report.gone) == (240, 240, 0, 0)
    plugin = Jellyfin(client, anna.token)
    mix = plugin.instant_mix([uuid.UUID(int=named[3].id)], 20)
    assert len(mix) == 20
    assert {one.int for one in mix} <= {track.id for track in named}
    with made(jellyfin(songs[:-2])) as url:
        again = read(url, "jellyfin", token=KEY)
    assert (again.read, again.new_tracks, again.gone) == (238, 0, 2)
    gone = session.scalars(select(ServerTrack.remote_id).where(ServerTrack.gone_at.is_not(None)))
    assert set(gone) == {song["Id"] for song in songs[-2:]}


def test_lyrions_plugin_works_after_its_ids_were_read(
    client: FlaskClient, named: list[Track], anna: Person, session: Session
) -> None:
    songs = [
        {
            "id": track.id,
            "title": track.title,
            "artist": track.artists,
            "artist_id": str(track.id % 50),
            "album": "An album",
            "album_id": "1",
            "duration": "211.4",
            "url": f"file:///music/A%20song%20{track.id}.flac",
            "year": "1999",
        }
        for track in named
    ]
    with made(lyrion([*songs, {"id": 9999, "title": "New here", "artist": "Somebody"}])) as url:
        report = read(url, "lyrion", name="Kitchen")
    assert (report.read, report.matched, report.new_tracks) == (241, 241, 1)
    kitchen = music_servers.find(session, "Kitchen")
    row = session.scalars(select(ServerTrack).filter_by(server_id=kitchen.id, remote_id="7")).one()
    assert (row.path, row.duration_s) == ("/music/A song 7.flac", 211.4)
    plugin = Lyrion(client, anna.token)
    assert len(plugin.similar_tracks("7")) == 20
    assert {row["item_id"] for row in plugin.search_tracks("Somebody")} == {"9999"}


@pytest.mark.parametrize(
    ("url", "path"),
    [("file://[", ""), ("http://example.org/a.flac", ""), ("file:///a%00b.flac", "/ab.flac")],
    ids=["broken", "elsewhere", "zero byte"],
)
def test_values_that_cannot_be_are_left_out(url: str, path: str) -> None:
    item = {"id": 1, "title": "Dawn", "url": url, "year": "9" * 5000, "duration": "long"}
    song = server_lists._parse_lyrion(item)
    assert song is not None
    assert (song.path, song.year, song.duration_s) == (path, None, None)


def test_another_kind_of_server_is_one_line(app, session: Session) -> None:
    wrong = pytest.raises(NotReady, match="404: are address and kind right")
    with made(lyrion([])) as url, wrong:
        read(url, "jellyfin", token=KEY)
    with made(lambda request, body: (200, ["something"])) as url:
        for kind in ("jellyfin", "lyrion"):
            with pytest.raises(NotReady, match="is the kind right"):
                read(url, kind)
    with pytest.raises(BadInput, match="jellyfin, emby, lyrion"):
        read("http://example.org", "plex")
    assert music_servers.all_servers(session) == []


def test_a_server_that_is_scanned_loses_no_song(app, session: Session) -> None:
    attic = music_servers.create(session, "Attic", "http://example.org", allows_private=False)
    song = ServerTrack(server_id=attic.id, remote_id="s1", title="Dawn", scan_mark="a")
    session.add(song)
    session.commit()
    songs = [{"id": 1, "title": "Dusk", "artist": "Ada"}]
    with made(lyrion(songs)) as url, pytest.raises(BadInput, match="choose another --name"):
        read(url, "lyrion", name="Attic")
    session.refresh(song)
    assert song.gone_at is None


def test_the_command_says_what_it_read(app, session: Session) -> None:
    runner = app.test_cli_runner()
    with made(lyrion([{"id": 1, "title": "Dawn", "artist": "Ada"}])) as url:
        done = runner.invoke(args=["servers", "read-ids", url, "--kind", "lyrion"])
        assert (
            done.output
            == "Lyrion: 1 songs read, 1 of them in the library (1 new), 0 no longer there.\n"
        )
        again = runner.invoke(args=["servers", "read-ids", url, "--kind", "lyrion", "--json"])
    assert json.loads(again.output)["new_tracks"] == 0


@pytest.mark.parametrize("kind", ["jellyfin", "lyrion"])
def test_a_list_without_an_end_is_one_line_and_nothing_is_gone(
    app, session: Session, kind: str
) -> None:
    """The server passes over the offset, so what lies after the first page is unknown."""
    songs = [
        {"Id": f"j{at}", "Name": f"Song {at}", "id": at, "title": f"Song {at}"}
        for at in range(server_lists.PAGE)
    ]

    def answer(request: BaseHTTPRequestHandler, body: bytes) -> tuple[int, Any]:
        return 200, {"Items": songs, "result": {"titles_loop": songs, "count": 10**9}}

    with made(answer) as url, pytest.raises(NotReady, match="bring no new song"):
        read(url, kind)
    rows = session.scalars(select(ServerTrack)).all()
    assert (len(rows), {row.gone_at for row in rows}) == (server_lists.PAGE, {None})
