"""``flask artists``: files with rows that cannot be read, and a server on loopback."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy import update
from sqlalchemy.orm import Session

from songrec.services.catalogue import listenbrainz
from songrec.store.catalogue import artist_affinities
from songrec.store.tables import Artist
from tests import factories

IDS = {"The Cure": "id-cure", "Low": "id-low"}


class Server(ThreadingHTTPServer):
    """Answers each request with ``answer(artist ids)``, or a status."""

    answer: Any = staticmethod(lambda ids: [])
    requests: list[list[str]]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        ids = body[0]["artist_mbids"]
        assert isinstance(self.server, Server)
        self.server.requests.append(ids)
        answer = self.server.answer(ids)
        status, content = answer if isinstance(answer, tuple) else (200, json.dumps(answer))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(content.encode())

    def log_message(self, *arguments: Any) -> None:
        """Say nothing."""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Server]:
    monkeypatch.setattr(listenbrainz.Client, "seconds_between", 0.0)
    with Server(("127.0.0.1", 0), Handler) as found:
        found.requests = []
        thread = threading.Thread(target=found.serve_forever, args=(0.01,))
        thread.start()
        yield found
        found.shutdown()
        thread.join()


@pytest.fixture
def songs(session: Session) -> None:
    for artist, count in (("The Cure", 1), ("Low", 2), ("Björk", 1)):
        for _ in range(count):
            factories.make_track(session, artists=artist)
    for name, musicbrainz_id in IDS.items():
        session.execute(
            update(Artist).where(Artist.name == name).values(musicbrainz_id=musicbrainz_id)
        )
    session.commit()


def run(app: Flask, *arguments: str) -> Result:
    return app.test_cli_runner().invoke(args=["artists", *arguments])


def similar(reference: str, name: str, score: float, other: str = "id-other") -> dict[str, Any]:
    return {"reference_mbid": reference, "artist_mbid": other, "name": name, "score": score}


def test_a_file_is_imported_listed_and_removed(
    app: Flask, session: Session, songs: None, tmp_path: Path
) -> None:
    path = tmp_path / "counts.csv"
    path.write_text(
        "user,artist,plays\nann,cure,3\nann,BJORK,x\nbob,Bjork,2\nbob,Wire,1\n", encoding="utf-8"
    )
    result = run(app, "import", str(path), "--json")
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert {name: found[name] for name in ("groups", "artists", "matched", "n_rejects")} == {
        "groups": 2,
        "artists": 3,
        "matched": 2,  # The Cure and Björk
        "n_rejects": 1,
    }
    assert found["catalogue_artists"] == 3
    plain = run(app, "import", str(path), "--name", "friends")
    assert plain.stderr.splitlines()[-1] == "row 3: plays 'x' is no number above 0"
    assert "2 of the catalogue's 3 artists are among them" in plain.stdout
    listed = run(app, "list").output
    assert listed.splitlines() == [
        "counts.csv: 2 listeners, 3 artists",
        "friends: 2 listeners, 3 artists",
    ]
    assert run(app, "remove", "friends").exit_code == 0
    assert [one["name"] for one in json.loads(run(app, "list", "--json").output)] == ["counts.csv"]
    missing = run(app, "remove", "friends")
    assert (missing.exit_code, len(missing.stderr.splitlines())) == (1, 1)


def test_what_is_no_such_file_is_refused_in_one_line(app: Flask, tmp_path: Path) -> None:
    path = tmp_path / "songs.csv"
    path.write_text("title,year\nX,1990\n")
    for other in (path, tmp_path / "nothing.csv"):
        result = run(app, "import", str(other))
        assert (result.exit_code, len(result.stderr.splitlines())) == (1, 1)


def test_similar_artists_are_fetched_and_the_next_call_goes_on(
    app: Flask, session: Session, songs: None, server: Server
) -> None:
    server.answer = lambda ids: [
        similar(ids[0], "Björk", 90),
        similar(ids[0], "Wire", 0),  # no score
        similar("id-nobody", "Can", 3),
        {"columns": ["name"], "data": [similar(ids[0], "Can", 40, "id-can")]},
        "no row",
    ]
    first = run(app, "fetch", "-n", "1", "--server", server.url, "--json")
    assert first.exit_code == 0, first.output
    assert json.loads(first.stdout)["rows"] == 2
    second = run(app, "fetch", "--server", server.url)
    assert second.exit_code == 0, second.output
    assert server.requests == [["id-low"], ["id-cure"]]  # most tracks first
    (found,) = artist_affinities.read(session)
    assert set(found.group_names) == {"low", "cure"}
    assert {one.name for one in found.artists} == {"Björk", "Can"}
    third = run(app, "fetch", "--server", server.url)
    assert (third.exit_code, third.stderr.splitlines()[-1:]) == (
        1,
        ["songrec: Similar artists of all artists with a MusicBrainz id were fetched before."],
    )


@pytest.mark.parametrize(
    ("answer", "message"),
    [((503, ""), "answered 503"), ((200, "<html>"), "not JSON"), ((400, "{}"), "answered 400")],
)
def test_a_server_in_trouble_is_one_line(
    app: Flask, songs: None, server: Server, answer: tuple[int, str], message: str
) -> None:
    server.answer = lambda ids: answer
    result = run(app, "fetch", "--server", server.url)
    (line,) = result.stderr.splitlines()[-1:]
    assert result.exit_code == 1
    assert message in line
    assert "flask artists import FILE" in line


def test_without_network_it_is_one_line(app: Flask, songs: None) -> None:
    result = run(app, "fetch", "--server", "http://127.0.0.1:9")
    assert result.exit_code == 1
    assert "cannot be reached" in result.stderr.splitlines()[-1]
    assert run(app, "fetch", "--server", "file:///etc/passwd").exit_code == 1


def test_artists_without_ids_cannot_be_asked_about(app: Flask, session: Session) -> None:
    factories.make_track(session, artists="Low")
    session.commit()
    result = run(app, "fetch", "--server", "http://127.0.0.1:9")
    assert result.exit_code == 1
    assert "No artist of the catalogue has a MusicBrainz id" in result.stderr
