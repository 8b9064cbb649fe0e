"""Sockets that queue what their reader does not take, and the thread that sends it later."""

from __future__ import annotations

import contextlib
import hashlib
import os
import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from songrec.web.serving import buffered_socket, sender
from songrec.web.serving.buffered_socket import BufferedSocket, ClientTooSlow, Memory
from songrec.web.serving.sender import Sender

BIG = os.urandom(4 * 2**20)
Pair = tuple[BufferedSocket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A server's socket and its client's, who reads nothing by itself."""
    pairs = make_pair()
    yield pairs
    for one in pairs:
        one.close()


def make_pair() -> Pair:
    server, client = socket.socketpair()
    return BufferedSocket.adopt(server, Memory()), client


@pytest.fixture
def thread() -> Iterator[Sender]:
    thread = Sender("send")
    thread.start()
    yield thread
    thread.stop()
    thread.join(30)
    assert not thread.is_alive()


class Ending:
    """Waits for the end of what is sent."""

    def __init__(self) -> None:
        self.event = threading.Event()
        self.sent: bool | None = None

    def __call__(self, sent: bool) -> None:
        self.sent = sent
        self.event.set()

    def wait(self) -> bool | None:
        assert self.event.wait(30), "it did not end"
        return self.sent


def read(client: socket.socket, size: int) -> bytes:
    client.settimeout(30)
    parts, missing = [], size
    while missing:
        part = client.recv(min(missing, 2**20))
        assert part, "the connection ended early"
        parts.append(part)
        missing -= len(part)
    return b"".join(parts)


def test_what_is_not_read_is_queued_and_sent_later(pair: Pair, thread: Sender) -> None:
    server, client = pair
    server.sendall(b"first ")
    server.sendall(BIG)  # returns although nobody reads
    server.sendall(b" last")
    assert server.has_output
    assert server.memory.used == server.queued > 0
    ended = Ending()
    thread.submit(server, None, ended)
    assert read(client, len(BIG) + 11) == b"first " + BIG + b" last"
    assert ended.wait() is True
    assert server.memory.used == server.queued == 0


def test_a_file_is_sent_from_its_offset_between_bytes(
    pair: Pair, thread: Sender, tmp_path: Path
) -> None:
    server, client = pair
    path = tmp_path / "song"
    path.write_bytes(BIG)
    server.sendall(b"head")
    with path.open("rb") as file:
        server.sendfile(file, offset=1000, count=len(BIG) - 3000)
    server.sendall(b"tail")
    assert server.has_file
    ended = Ending()
    thread.submit(server, None, ended)
    received = read(client, len(BIG) - 3000 + 8)
    expected = b"head" + BIG[1000:-2000] + b"tail"
    assert hashlib.sha256(received).digest() == hashlib.sha256(expected).digest()
    assert ended.wait() is True


def test_a_client_that_goes_ends_its_own(pair: Pair, thread: Sender) -> None:
    server, client = pair
    server.sendall(BIG)
    ended = Ending()
    thread.submit(server, None, ended)
    client.close()
    assert ended.wait() is False


def test_a_file_that_became_shorter_ends_the_connection(
    pair: Pair, thread: Sender, tmp_path: Path
) -> None:
    server, client = pair
    path = tmp_path / "song"
    path.write_bytes(BIG)
    with path.open("rb") as file:
        server.sendfile(file, count=len(BIG))
    os.truncate(path, 0)
    ended = Ending()
    thread.submit(server, None, ended)
    client.settimeout(0.1)
    while not ended.event.is_set():
        with contextlib.suppress(TimeoutError):
            client.recv(2**20)
    assert ended.wait() is False


def test_who_reads_nothing_for_long_is_closed(
    pair: Pair, thread: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sender, "STALL_SECONDS", 0.0)
    server, _client = pair
    server.sendall(BIG)
    ended = Ending()
    thread.submit(server, None, ended)
    assert ended.wait() is False


@pytest.mark.parametrize(("limit", "address"), [("CLIENTS", None), ("CLIENTS_PER_ADDRESS", "a")])
def test_too_many_slow_readers_cost_the_slowest_its_connection(
    thread: Sender, monkeypatch: pytest.MonkeyPatch, limit: str, address: str | None
) -> None:
    monkeypatch.setattr(sender, limit, 2)
    pairs = [make_pair() for _ in range(3)]
    endings = [Ending() for _ in pairs]
    for (server, _), ended in zip(pairs, endings, strict=True):
        server.sendall(BIG)
        thread.submit(server, address, ended)
    assert endings[0].wait() is False
    for (_, client), ended in zip(pairs[1:], endings[1:], strict=True):
        read(client, len(BIG))
        assert ended.wait() is True
    for server, client in pairs:
        server.close()
        client.close()


def test_reading_ends_where_a_thread_would_wait_for_a_request_that_is_there(pair: Pair) -> None:
    server, client = pair
    server.start_request()
    assert server.recv(100) == b""
    server.streamed = True
    client.sendall(b"more")
    assert server.recv(100) == b"more"


def test_a_thread_gives_up_on_clients_that_are_too_slow(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buffered_socket, "GRACE_SECONDS", 0.05)
    server, client = pair
    server.streamed = True
    server.start_request()
    with pytest.raises(ClientTooSlow):
        server.recv(100)
    client.sendall(b"x")
    # What has arrived does not help who is too slow on the whole.
    with pytest.raises(ClientTooSlow):
        server.recv(100)


def test_a_response_in_pieces_waits_for_its_reader_and_gives_up(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(buffered_socket, "GRACE_SECONDS", 0.05)
    monkeypatch.setattr(buffered_socket, "QUEUED_BYTES", 2**20)
    server, client = pair
    server.sendall(BIG)
    with pytest.raises(ClientTooSlow):
        server.sendall(b"more")
    monkeypatch.setattr(buffered_socket, "GRACE_SECONDS", 30.0)
    reader = threading.Thread(target=read, args=(client, len(BIG) - 2**19))
    reader.start()
    server.sendall(b"more")  # returns once enough is read
    assert server.queued <= 2**19 + 4
    reader.join(30)
