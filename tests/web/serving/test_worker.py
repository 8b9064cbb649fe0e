"""The worker as gunicorn runs it: slow clients hang while others get their bytes."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy.orm import Session

from songrec.store.tables import Track
from tests.planted_run import Planted
from tests.sounding import add_sound

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="gunicorn")

ROOT = Path(__file__).resolve().parents[3]
BIG = hashlib.sha256(b"x").digest() * (8 * 2**20 // 32)
GET = b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"
APP = """
import hashlib, pathlib
BIG = hashlib.sha256(b"x").digest() * (8 * 2**20 // 32)
FILE = pathlib.Path(__file__).with_name("file")
FILE.write_bytes(BIG)

def app(environ, start_response):
    path, headers = environ["PATH_INFO"], [("Content-Type", "text/plain")]
    if path == "/file":
        start_response("200 OK", [*headers, ("Content-Length", str(len(BIG)))])
        return environ["wsgi.file_wrapper"](FILE.open("rb"))
    if path == "/pieces":
        start_response("200 OK", headers)
        return (BIG[i : i + 2**18] for i in range(0, len(BIG), 2**18))
    if path == "/ignore":
        body = b"ignored"
    elif path == "/big":
        body = BIG
    else:
        body = environ["wsgi.input"].read()
        digest = hashlib.sha256(body).hexdigest()
        body = f"{environ['REQUEST_METHOD']} {len(body)} {digest}".encode()
    start_response("200 OK", [*headers, ("Content-Length", str(len(body)))])
    return [] if environ["REQUEST_METHOD"] == "HEAD" else [body]
"""
CONFIG = """
from songrec.web.serving import buffered_socket, sender, worker
worker_class = "songrec.web.serving.worker.BufferingWorker"
workers, threads, keepalive, loglevel, graceful_timeout = 1, 4, 2, "warning", 3
worker.FIRST_BYTE_SECONDS, worker.HEAD_SECONDS, worker.BODY_SECONDS, worker.TURN_SECONDS = {seconds}
buffered_socket.GRACE_SECONDS = {grace}
"""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def gunicorn(log: Path, *words: str, port: int, cwd: Path, **environ: str) -> Iterator[None]:
    """gunicorn, once it answers at this port."""
    with log.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-W", "error", "-m", "gunicorn", *words],
            cwd=cwd,
            env={**os.environ, **environ},
            stdout=file,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + 60
        while True:
            with contextlib.suppress(OSError):
                ask(port, "GET", "/")
                break
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield
    finally:
        process.terminate()
        assert process.wait(30) == 0


@contextlib.contextmanager
def serve(folder: Path, seconds: tuple[float, ...], grace: float) -> Iterator[int]:
    """A server of one process with four threads; what it logs by itself is an error."""
    (folder / "slow_app.py").write_text(APP)
    (folder / "conf.py").write_text(CONFIG.format(seconds=seconds, grace=grace))
    port, log = free_port(), folder / "log"
    words = ("--config", "conf.py", "--bind", f"127.0.0.1:{port}", "slow_app:app")
    path = f"{ROOT}{os.pathsep}{folder}"
    with gunicorn(log, *words, port=port, cwd=folder, PYTHONPATH=path):
        yield port
    lines = log.read_text().splitlines()
    assert [line for line in lines if "Invalid request from" not in line] == []


@pytest.fixture(scope="module")
def port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server that is patient with slow clients."""
    with serve(tmp_path_factory.mktemp("patient"), (60, 60, 60, 60), 60) as port:
        yield port


@pytest.fixture(scope="module")
def hasty_port(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a server that awaits nothing for longer than a moment."""
    with serve(tmp_path_factory.mktemp("hasty"), (0.1, 0.1, 0.1, 0.1), 0.5) as port:
        yield port


def ask(
    port: int,
    method: str,
    path: str,
    body: bytes | Iterator[bytes] | None = None,
    headers: dict[str, str] | None = None,
) -> bytes:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(connection):
        connection.request(method, path, body, headers or {})
        answer = connection.getresponse()
        assert answer.status == 200
        return answer.read()


def digest(body: bytes) -> str:
    return hashlib.sha256(body).hexdigest()


def connect(port: int, sent: bytes) -> socket.socket:
    client = socket.socket()
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.settimeout(60)
    client.connect(("127.0.0.1", port))
    client.sendall(sent)
    return client


def rest(client: socket.socket) -> bytes:
    parts = []
    with contextlib.suppress(ConnectionResetError):
        while part := client.recv(2**20):
            parts.append(part)
    return b"".join(parts)


UPLOAD = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9000000\r\n\r\n" + bytes(70_000)
HANGING = {
    "silent": b"",
    "slow head": b"GET / HTTP/1.1\r\nHost:",
    "empty lines": b"\r\n\r\n",
    "slow form": b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nname=",
    "slow chunks": b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab",
    "slow upload": UPLOAD,
    "unread bytes": b"GET /big HTTP/1.1\r\nHost: a\r\n\r\n",
    "unread file": b"GET /file HTTP/1.1\r\nHost: a\r\n\r\n",
    "unread pieces": b"GET /pieces HTTP/1.1\r\nHost: a\r\n\r\n",
    "pipelined": GET * 50,
    "uploads to nobody": UPLOAD.replace(b" / ", b" /ignore "),
}


@pytest.mark.parametrize("sent", HANGING.values(), ids=HANGING)
def test_others_are_answered_while_a_hundred_clients_hang(port: int, sent: bytes) -> None:
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect(port, sent)) for _ in range(100)]
        for _ in range(3):
            assert ask(port, "GET", "/") == f"GET 0 {digest(b'')}".encode()
            assert ask(port, "GET", "/file") == BIG
        for client in clients:
            # Nobody was sent away; an empty answer would be the end.
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                assert client.recv(1) != b"" or sent.startswith(b"POST /ignore")


def test_bytes_arrive_as_they_were_sent(port: int) -> None:
    for body in (b"", b"a=b", bytes(2**20), BIG):
        assert ask(port, "POST", "/", body) == f"POST {len(body)} {digest(body)}".encode()
        halves = iter([body[: len(body) // 2], body[len(body) // 2 :]])
        if body:  # in chunks
            assert ask(port, "PUT", "/", halves) == f"PUT {len(body)} {digest(body)}".encode()
    for path in ("/big", "/file", "/pieces"):
        assert ask(port, "GET", path) == BIG
    assert ask(port, "HEAD", "/big") == b""


def test_a_connection_is_kept_and_requests_in_advance_are_answered_in_order(port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    with contextlib.closing(connection):
        for path in ("/", "/file", "/big", "/"):
            connection.request("POST", path, b"x" * 70_000)
            assert len(connection.getresponse().read()) in (len(BIG), 75)
            sock = connection.sock
        assert connection.sock is sock
    form = b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
    last = b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    with connect(port, GET + form + b"GET /file HTTP/1.1\r\nHost: a\r\n\r\n" + last) as client:
        received = rest(client)
    assert received.count(b"HTTP/1.1 200 OK") == 4
    first, second = (
        f"{one} {digest(two)}".encode() for one, two in (("GET 0", b""), ("POST 3", b"abc"))
    )
    assert received.index(first) < received.index(second) < received.index(BIG)
    assert received.endswith(first)


def test_a_client_that_waits_for_a_continue_gets_it(port: int) -> None:
    head = b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n"
    with connect(port, head) as client:
        assert client.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        client.sendall(b"abc")
        received = b""
        while not received.endswith(digest(b"abc").encode()):
            received += client.recv(1000)


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"", b""),
        (HANGING["slow head"], b"HTTP/1.1 408"),
        (HANGING["slow form"], b"HTTP/1.1 408"),
        (HANGING["slow chunks"], b"HTTP/1.1 408"),
        (b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000, b"HTTP/1.1 431"),
        (b"nonsense\r\n\r\n", b"HTTP/1.1 400"),
        (b"GET / HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n", b"HTTP/1.1 400"),
        (UPLOAD, b""),
    ],
)
def test_slow_and_wrong_requests_end(hasty_port: int, sent: bytes, status: bytes) -> None:
    port = hasty_port
    with connect(port, sent) as client:
        received = rest(client)
        assert received.startswith(status)
        assert bool(received) == bool(status)
    assert ask(port, "GET", "/") == f"GET 0 {digest(b'')}".encode()


def test_uploads_that_wait_too_long_for_their_turn_are_sent_away(hasty_port: int) -> None:
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect(hasty_port, UPLOAD)) for _ in range(20)]
        received = [rest(client) for client in clients]
    refused = [one for one in received if one.startswith(b"HTTP/1.1 503")]
    assert refused
    assert all(b"Retry-After" in one for one in refused)


def test_songrec_answers_while_a_hundred_clients_hang(
    app: Flask, planted: Planted, session: Session, tmp_path: Path
) -> None:
    song = tmp_path / "song.wav"
    song.write_bytes(BIG)
    track = session.get_one(Track, int(planted.track_ids[0]))
    file = add_sound(session, track, song)
    session.commit()
    slow = [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ",
        b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 90\r\n\r\nname=",
        UPLOAD.replace(b"POST / ", b"POST /upload ").replace(b"Host: a", b"Host: localhost"),
        f"GET /listen/{file.public_id} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode(),
    ]
    port = free_port()
    words = ("--config", "gunicorn.conf.py", "--workers", "1", "wsgi:app")
    environ = {"SONGREC_INSTANCE": str(app.config["INSTANCE"]), "PORT": str(port)}
    with (
        gunicorn(tmp_path / "log", *words, port=port, cwd=ROOT, **environ),
        contextlib.ExitStack() as stack,
    ):
        clients = [stack.enter_context(connect(port, sent)) for sent in slow * 25]
        for page in ("/", "/tracks", f"/tracks/{track.public_id}", "/static/css/theme.css"):
            assert ask(port, "GET", page)
        # Who did not read gets on as soon as they do.
        received = bytearray()
        while len(received) < 2**18:
            received += clients[3].recv(2**18)
        assert received.partition(b"\r\n\r\n")[2] in BIG
