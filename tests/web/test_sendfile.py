"""Files that the proxy sends: the header that names them, and nginx as it reads it."""

from __future__ import annotations

import contextlib
import http.client
import os
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote_to_bytes

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session
from werkzeug.serving import make_server

from songrec.core import config
from songrec.core.errors import BadInput
from songrec.store.tables import AudioFile
from tests.factories import make_track
from tests.nginx_server import free_port, nginx_server
from tests.sounding import add_sound, write_wav

NAME = "50% ?&=#+;\\ Größe “a” \x7f\n日本.wav"


@pytest.fixture
def app_config() -> dict[str, Any]:
    return {"SENDFILE": ("X-Accel-Redirect", "/protected/")}


@pytest.fixture
def file(session: Session, tmp_path: Path) -> AudioFile:
    """A song whose name holds all that is special in addresses."""
    path = write_wav(tmp_path / "music" / NAME, 0.2)
    found = add_sound(session, make_track(session, "Odd"), path)
    session.commit()
    return found


def test_the_header_names_the_file_and_the_body_is_empty(
    client: FlaskClient, file: AudioFile
) -> None:
    for method in ("GET", "HEAD"):
        answer = client.open(f"/listen/{file.public_id}", method=method)
        assert (answer.status_code, answer.data) == (200, b"")
        named = answer.headers["X-Accel-Redirect"]
        assert named.isascii()
        assert named.isprintable()
        prefix, _, path = named.partition("/protected")
        assert (prefix, unquote_to_bytes(path)) == ("", os.fsencode(file.path))
        assert answer.mimetype == "audio/wav"
        assert answer.headers["Content-Disposition"].startswith("inline; filename=")


def test_ranges_and_conditions_are_the_proxys(client: FlaskClient, file: AudioFile) -> None:
    for headers in (
        {"Range": "bytes=5-9"},
        {"If-None-Match": f'"{file.content_hash}"'},
        {"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT"},
    ):
        answer = client.get(f"/listen/{file.public_id}", headers=headers)
        assert answer.status_code == 200
        assert "Content-Range" not in answer.headers


def test_a_file_that_changed_is_not_named(client: FlaskClient, file: AudioFile) -> None:
    Path(file.path).write_bytes(b"something else")
    answer = client.get(f"/listen/{file.public_id}")
    assert answer.status_code == 404
    assert "X-Accel-Redirect" not in answer.headers


class TestSettings:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("", None),
            ("x-sendfile", ("X-Sendfile", "/")),
            ("x-accel-redirect:/protected/", ("X-Accel-Redirect", "/protected/")),
            ("x-accel-redirect:/songrec/files/", ("X-Accel-Redirect", "/songrec/files/")),
        ],
    )
    def test_the_header_and_its_prefix(
        self, monkeypatch: pytest.MonkeyPatch, text: str, expected: object
    ) -> None:
        monkeypatch.setenv("SONGREC_PROXIES", "1")
        monkeypatch.setenv("SONGREC_SENDFILE", text)
        assert config.sendfile() == expected

    @pytest.mark.parametrize(
        "text",
        ["yes", "x-accel-redirect", "x-accel-redirect:/", "x-accel-redirect:protected/",
         "x-accel-redirect:/protected", "x-accel-redirect:/a b/", "x-sendfile:/a/"],
    )  # fmt: skip
    def test_anything_else_is_one_line(self, monkeypatch: pytest.MonkeyPatch, text: str) -> None:
        monkeypatch.setenv("SONGREC_PROXIES", "1")
        monkeypatch.setenv("SONGREC_SENDFILE", text)
        with pytest.raises(BadInput, match="SONGREC_SENDFILE must be"):
            config.sendfile()

    def test_without_a_proxy_visitors_would_get_paths(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("SONGREC_SENDFILE", "x-sendfile")
        with pytest.raises(BadInput, match="SONGREC_PROXIES=1"):
            config.sendfile()


NGINX = """
    access_log off;
    server {{
        listen 127.0.0.1:{port};
        location / {{ proxy_pass http://127.0.0.1:{backend}; }}
        location /protected{music}/ {{ internal; alias {music}/; }}
    }}
"""


@pytest.mark.skipif(shutil.which("nginx") is None, reason="nginx is not installed")
class TestNginx:
    @pytest.fixture
    def port(self, app: Flask, file: AudioFile, tmp_path: Path) -> Iterator[int]:
        """The port of an nginx before the application, which may send the music folder."""
        backend = make_server("127.0.0.1", 0, app, threaded=True)
        thread = threading.Thread(target=backend.serve_forever)
        thread.start()
        port = free_port()
        text = NGINX.format(port=port, backend=backend.server_port, music=tmp_path / "music")
        try:
            with nginx_server(tmp_path / "nginx", text, port):
                yield port
        finally:
            backend.shutdown()
            thread.join(30)
            backend.server_close()

    def test_it_sends_the_file_and_its_ranges_and_nothing_else(
        self, port: int, file: AudioFile, tmp_path: Path
    ) -> None:
        content = Path(file.path).read_bytes()
        address = f"/listen/{file.public_id}"
        whole = get(port, address)
        assert (whole.status, whole.body) == (200, content)
        assert whole.headers["Content-Type"] == "audio/wav"
        assert "X-Accel-Redirect" not in whole.headers
        part = get(port, address, Range="bytes=100-199")
        assert (part.status, part.body) == (206, content[100:200])
        assert part.headers["Content-Range"] == f"bytes 100-199/{len(content)}"
        unchanged = get(port, address, **{"If-None-Match": whole.headers["ETag"]})
        assert (unchanged.status, unchanged.body) == (304, b"")
        (tmp_path / "music" / "secret").write_text("secret")
        for hidden in (f"/protected{tmp_path}/music/secret", "/protected/etc/hostname"):
            assert get(port, hidden).status == 404


class Answer:
    """Status, headers and body of a response."""

    def __init__(self, response: http.client.HTTPResponse) -> None:
        self.status, self.headers, self.body = response.status, response.headers, response.read()


def get(port: int, address: str, **headers: str) -> Answer:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(connection):
        connection.request("GET", address, headers=headers)
        return Answer(connection.getresponse())
