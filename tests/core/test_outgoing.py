import contextlib
import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from songrec.core import outgoing, server_urls
from songrec.core.errors import BadInput, NotReady


class Handler(BaseHTTPRequestHandler):
    places: dict[str, str] = {}  # noqa: RUF012 - set by the fixture

    def do_GET(self) -> None:
        self.server.paths.append(self.path)  # type: ignore[attr-defined]
        goal = self.places.get(self.path)
        self.send_response(302 if goal else 200)
        if goal:
            self.send_header("Location", goal)
        body = b"" if goal else b'{"a": 1}' if self.path != "/page" else b"<html>"
        if self.path == "/large":
            body = b"x" * 5000
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        """Print nothing."""


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.paths = []  # type: ignore[attr-defined]
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server
        server.shutdown()
        thread.join()


def url(server: ThreadingHTTPServer, host: str = "127.0.0.1") -> str:
    return f"http://{host}:{server.server_port}"


@pytest.mark.parametrize(
    ("typed", "stored"),
    [
        ("https://Music.example.org/", "https://music.example.org"),
        ("music.example.org:4533", "http://music.example.org:4533"),
        ("http://music.example.org:80/navidrome/", "http://music.example.org/navidrome"),
        ("http://[::1]:4533", "http://[::1]:4533"),
        (" http://192.168.1.5 ", "http://192.168.1.5"),
    ],
)
def test_addresses_are_stored_in_one_form(typed: str, stored: str) -> None:
    assert server_urls.normalise_url(typed) == stored


@pytest.mark.parametrize(
    "typed",
    ["", "ftp://example.org", "file:///etc/passwd", "http://", "http://a:b@example.org",
     "http://example.org?u=a", "http://example.org:port", "http://[::1"],
)  # fmt: skip
def test_other_addresses_are_refused_in_one_line(typed: str) -> None:
    with pytest.raises(BadInput) as error:
        server_urls.normalise_url(typed)
    assert "\n" not in str(error.value)


def test_an_answer_is_read_below_the_path_of_the_server(server: ThreadingHTTPServer) -> None:
    session = outgoing.OriginSession(url(server) + "/music", allows_private=True)
    assert outgoing.read_json(session.get("rest/ping")) == {"a": 1}
    assert server.paths == ["/music/rest/ping"]  # type: ignore[attr-defined]


def test_private_addresses_need_permission(server: ThreadingHTTPServer) -> None:
    for host in ("127.0.0.1", "localhost"):
        with pytest.raises(NotReady, match="an admin can allow that"):
            outgoing.OriginSession(url(server, host)).get("ping")
    assert server.paths == []  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "100.100.100.200", "[fd00:ec2::254]", "[::ffff:169.254.169.254]",
                "[64:ff9b::169.254.169.254]", "[2002:a9fe:a9fe::1]", "168.63.129.16",
                "224.0.0.1", "0.0.0.0"]
)  # fmt: skip
def test_addresses_with_secrets_are_never_asked(address: str) -> None:
    with pytest.raises(NotReady, match="never asked"):
        outgoing.OriginSession(f"http://{address}", allows_private=True).get("latest")


@pytest.mark.parametrize("address", ["[64:ff9b::127.0.0.1]", "[64:ff9b:1::10.0.0.1]", "[::1]"])
def test_private_addresses_in_other_forms_need_permission(address: str) -> None:
    with pytest.raises(NotReady, match="an admin can allow that"):
        outgoing.OriginSession(f"http://{address}").get("ping")


def test_a_name_is_judged_by_where_it_leads(monkeypatch: pytest.MonkeyPatch) -> None:
    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("10.0.0.1", 80))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: found)
    with pytest.raises(NotReady, match=r"leads to 10\.0\.0\.1"):
        outgoing.OriginSession("http://music.example.org").get("ping")


def test_redirects_stay_within_the_origin(
    server: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = {"/here": "/ok", "/away": f"http://localhost:{server.server_port}/secret",
              "/round": "/round"}  # fmt: skip
    monkeypatch.setattr(Handler, "places", places)
    session = outgoing.OriginSession(url(server), allows_private=True)
    assert session.get("here").status_code == 200
    with pytest.raises(NotReady, match="redirect to another server"):
        session.get("away")
    with pytest.raises(NotReady, match="in a circle"):
        session.get("round")
    assert "/secret" not in server.paths  # type: ignore[attr-defined]


def test_sizes_are_bounded(server: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch) -> None:
    session = outgoing.OriginSession(url(server), allows_private=True)
    with pytest.raises(NotReady, match="more than 0 MiB"):
        list(outgoing.read_chunks(session.get("large", stream=True), 4999, 10.0))
    assert b"".join(outgoing.read_chunks(session.get("large", stream=True), 5000, 10.0)) == (
        b"x" * 5000
    )
    monkeypatch.setattr(outgoing, "LARGEST_ANSWER", 4999)
    with pytest.raises(NotReady, match="an answer above"):
        session.get("large")


@pytest.mark.parametrize("goal", ["http://[::1", "http://host:port/", "\xff", "//"])
def test_a_redirect_that_leads_nowhere_is_one_line(
    server: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch, goal: str
) -> None:
    monkeypatch.setattr(Handler, "places", {"/here": goal})
    session = outgoing.OriginSession(url(server), allows_private=True)
    with pytest.raises(NotReady, match=r"^http://127\.0\.0\.1:\d+ ") as error:
        session.get("here")
    assert "\n" not in str(error.value)


def test_a_server_that_sends_a_byte_at_a_time_is_given_up_in_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    given_up = threading.Event()

    def drip(listening: socket.socket) -> None:
        for _ in range(2):
            connection, _ = listening.accept()
            with connection:
                connection.recv(4096)
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
                with contextlib.suppress(OSError):
                    while not given_up.wait(0.02):
                        connection.sendall(b"x")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip, args=(listening,))
        thread.start()
        session = outgoing.OriginSession(
            f"http://127.0.0.1:{listening.getsockname()[1]}", allows_private=True
        )
        try:
            with pytest.raises(NotReady, match="took more than 0 s"):
                list(outgoing.read_chunks(session.get("song", stream=True), 10**6, 0.1))
            monkeypatch.setattr(outgoing, "LONGEST_S", 0.1)
            with pytest.raises(NotReady, match="does not answer in time"):
                session.get("ping")
        finally:
            session.close()
            given_up.set()
            thread.join()


HEAD = b"HTTP/1.1 200 OK\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"


@pytest.mark.parametrize(
    ("scheme", "first", "drops"),
    [
        pytest.param("http", HEAD, b"X-A: b\r\n", id="a head"),
        pytest.param("http", HEAD[:9], b"2", id="a status"),
        pytest.param("http", HEAD + CHUNKED, b"0", id="a length of a chunk"),
        pytest.param("http", HEAD + b"\r\n", b"1", id="no end"),
        pytest.param("http", b"", b"HTTP/1.1 100 Continue\r\n\r\n", id="please wait"),
        pytest.param("https", b"\x16\x03\x03\x40\x00\x02", b"0", id="a handshake"),
    ],
)
def test_an_answer_that_never_ends_is_given_up_in_time(
    monkeypatch: pytest.MonkeyPatch, scheme: str, first: bytes, drops: bytes
) -> None:
    given_up = threading.Event()

    def drip(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(4096)
            connection.sendall(first)
            while not given_up.wait(0.02):
                for byte in drops:
                    connection.sendall(bytes([byte]))
                    if given_up.wait(0.001):
                        return

    monkeypatch.setattr(outgoing, "LONGEST_S", 0.3)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=drip, args=(listening,))
        thread.start()
        late = threading.Timer(5.0, given_up.set)  # where the test fails, too
        late.start()
        address = f"{scheme}://127.0.0.1:{listening.getsockname()[1]}"
        try:
            with (
                outgoing.OriginSession(address, allows_private=True) as session,
                pytest.raises(NotReady, match="does not answer in time"),
            ):
                session.get("ping")
            assert not given_up.is_set()
        finally:
            given_up.set()
            late.cancel()
            thread.join()


def test_a_stream_that_stops_within_a_chunk_is_given_up_in_time() -> None:
    given_up = threading.Event()

    def send(listening: socket.socket) -> None:
        connection, _ = listening.accept()
        with connection, contextlib.suppress(OSError):
            connection.recv(4096)
            connection.sendall(HEAD + CHUNKED + b"3\r\nabc\r\n")
            while not given_up.wait(0.02):
                connection.sendall(b"0")

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=send, args=(listening,))
        thread.start()
        late = threading.Timer(5.0, given_up.set)
        late.start()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        try:
            with outgoing.OriginSession(address, allows_private=True) as session:
                pieces = outgoing.read_chunks(session.get("song", stream=True), 10**6, 0.3)
                assert next(pieces) == b"abc"
                with pytest.raises(NotReady, match="took more than 0 s"):
                    next(pieces)
            assert not given_up.is_set()
        finally:
            given_up.set()
            late.cancel()
            thread.join()


def test_what_cannot_be_reached_says_why_in_one_line(server: ThreadingHTTPServer) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = f"http://127.0.0.1:{unused.getsockname()[1]}"
        with pytest.raises(NotReady, match="cannot be reached: is it running"):
            outgoing.OriginSession(closed, allows_private=True).get("ping")
    with pytest.raises(NotReady, match="cannot be found: is its name spelled right"):
        outgoing.OriginSession("http://no-such-host.invalid").get("ping")
    with pytest.raises(NotReady, match="not JSON"):
        outgoing.read_json(outgoing.OriginSession(url(server), allows_private=True).get("page"))


def test_proxies_of_the_environment_are_ignored(
    server: ThreadingHTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    session = outgoing.OriginSession(url(server), allows_private=True)
    assert session.get("ping").status_code == 200
