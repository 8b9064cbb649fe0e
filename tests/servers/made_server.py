"""A made music server on loopback: any number of songs, and the faults that servers have."""

from __future__ import annotations

import json
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

Song = dict[str, Any]
PASSWORD = "made-server-pass"


@dataclass
class MadeServer:
    """What the server holds and how it behaves; tests change it while it runs.

    ``song`` makes the song at a place, so that a large server takes no memory. ``answers`` replaces
    what an endpoint answers: bytes as they are, or an object as JSON. ``refuses`` are error codes
    by endpoint, ``*`` for all. ``meanwhile`` runs once when an endpoint is called, before it
    answers. ``path`` is what the API lies below, ``downloads`` says whether ``download`` sends the
    sound. ``requests`` are the endpoints that were called.
    """

    count: int = 0
    song: Callable[[int], Song] | None = None
    songs: list[Song] = field(default_factory=list)
    stars: dict[str, str] = field(default_factory=dict)
    playlists: dict[str, dict[str, Any]] = field(default_factory=dict)
    answers: dict[str, Any] = field(default_factory=dict)
    refuses: dict[str, int] = field(default_factory=dict)
    refuses_names: set[str] = field(default_factory=set)
    meanwhile: dict[str, Callable[[], None]] = field(default_factory=dict)
    last_scan: str = ""
    sound: bytes = b""
    downloads: bool = False
    delay_s: float = 0.0
    redirect: str = ""
    path: str = ""
    requests: list[str] = field(default_factory=list)
    parameters: list[dict[str, list[str]]] = field(default_factory=list)
    url: str = ""

    def page(self, offset: int, count: int) -> list[Song]:
        """Return a page of the songs, with their stars."""
        if self.song is not None:
            songs = [self.song(at) for at in range(offset, min(offset + count, self.count))]
        else:
            songs = self.songs[offset : offset + count]
        return [self.starred(one) for one in songs]

    def starred(self, song: Song) -> Song:
        """Return a song with its star, if it has one."""
        star = self.stars.get(song["id"])
        return {**song, "starred": star} if star else song

    def answer(self, endpoint: str, form: dict[str, list[str]]) -> dict[str, Any]:
        """Return what an endpoint answers to these parameters."""
        first = {name: values[0] for name, values in form.items()}
        by_id = {song["id"]: song for song in self.songs}
        if endpoint == "search3":
            page = self.page(int(first["songOffset"]), int(first["songCount"]))
            return {"searchResult3": {"song": page}}
        if endpoint == "getScanStatus":
            status: dict[str, Any] = {"scanning": False, "count": self.count or len(self.songs)}
            return {
                "scanStatus": {**status, **({"lastScan": self.last_scan} if self.last_scan else {})}
            }
        if endpoint == "getStarred2":
            return {"starred2": {"song": [self.starred(by_id[id_]) for id_ in self.stars]}}
        if endpoint == "star":
            self.stars[first["id"]] = "2026-05-01T00:00:00Z"
        if endpoint == "unstar":
            self.stars.pop(first["id"], None)
        if endpoint == "getSong":
            if first["id"] not in by_id:
                return {"status": "failed", "error": {"code": 70, "message": "no"}}
            return {"song": self.starred(by_id[first["id"]])}
        if endpoint == "setRating":
            by_id[first["id"]]["userRating"] = int(first["rating"])
        if endpoint == "getAlbumList2":
            albums = dict.fromkeys(song.get("albumId", "") for song in self.songs)
            listed = list(albums)[int(first["offset"]) :][: int(first["size"])]
            return {"albumList2": {"album": [{"id": album} for album in listed]}}
        if endpoint == "getAlbum":
            of_album = [song for song in self.songs if song.get("albumId", "") == first["id"]]
            return {"album": {"id": first["id"], "song": of_album}}
        if endpoint == "getPlaylists":
            return {
                "playlists": {
                    "playlist": [
                        {**one, "id": id_, "entry": None} for id_, one in self.playlists.items()
                    ]
                }
            }
        if endpoint == "getPlaylist":
            one = self.playlists[first["id"]]
            songs = [by_id[id_] for id_ in one["songs"] if id_ in by_id]
            return {"playlist": {**one, "id": first["id"], "entry": songs}}
        return {}


@contextmanager
def made_server(
    server: MadeServer | None = None, context: ssl.SSLContext | None = None
) -> Iterator[MadeServer]:
    """Run a made server, with ``context`` over TLS."""
    state = server or MadeServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            form = parse_qs(self.rfile.read(length).decode(), keep_blank_values=True)
            endpoint = urlsplit(self.path).path.rpartition("/")[2]
            state.requests.append(endpoint)
            state.parameters.append(form)
            time.sleep(state.delay_s)
            state.meanwhile.pop(endpoint, lambda: None)()
            if not self.path.startswith(f"{state.path}/rest/"):
                self._send(404, b"<h1>Not Found</h1>")
            elif state.redirect:
                self._send(302, b"", Location=state.redirect)
            elif endpoint in state.answers and isinstance(state.answers[endpoint], bytes):
                self._send(200, state.answers[endpoint])
            elif (
                endpoint == "stream" or (endpoint == "download" and state.downloads)
            ) and endpoint not in state.refuses:
                self._stream()
            else:
                self._send(
                    200, json.dumps({"subsonic-response": _respond(endpoint, form)}).encode()
                )

        def _stream(self) -> None:
            asked = self.headers.get("Range")
            if asked is None:
                self._send(200, state.sound, **{"Content-Type": "audio/flac"})
                return
            start, _, end = asked.partition("=")[2].partition("-")
            last = min(int(end) if end else len(state.sound) - 1, len(state.sound) - 1)
            part = state.sound[int(start) : last + 1]
            whole = f"bytes {start}-{last}/{len(state.sound)}"
            self._send(206, part, **{"Content-Type": "audio/flac", "Content-Range": whole})

        def _send(self, status: int, content: bytes, **headers: str) -> None:
            self.send_response(status)
            for name, value in {"Content-Type": "application/json", **headers}.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *args: object) -> None:
            """Say nothing."""

    def _respond(endpoint: str, form: dict[str, list[str]]) -> dict[str, Any]:
        about = {"version": "1.16.1", "type": "made", "serverVersion": "1.0", "openSubsonic": True}
        code = state.refuses.get(endpoint, state.refuses.get("*"))
        if state.refuses_names & set(form.get("u", ())):
            code = 40
        if code is not None:
            return {**about, "status": "failed", "error": {"code": code, "message": "no"}}
        content = state.answers.get(endpoint)
        if content is None:
            content = state.answer(endpoint, form)
        return {**about, "status": "ok", **content}

    httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    httpd.daemon_threads = True
    if context is not None:
        httpd.socket = context.wrap_socket(httpd.socket, server_side=True)
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    state.url = f"{'https' if context else 'http'}://127.0.0.1:{httpd.server_port}"
    try:
        yield state
    finally:
        httpd.shutdown()
        thread.join()
        httpd.server_close()


def made_song(at: int) -> Song:
    """Return the song at a place: one of ten of its album."""
    album, number = divmod(at, 10)
    return {
        "id": f"s{at}",
        "title": f"Song {at}",
        "artist": f"Artist {album // 3}",
        "album": f"Album {album}",
        "albumId": f"a{album}",
        "artistId": f"r{album // 3}",
        "path": f"Artist {album // 3}/Album {album}/{number:02} Song {at}.flac",
        "duration": 120 + at % 200,
        "size": 1_000_000 + at,
        "suffix": "flac",
        "year": 1960 + album % 60,
        "genre": ("Rock", "Jazz", "Ambient")[album % 3],
    }
