"""Pages while a hundred clients are slow: p50 and p95 of one normal client, and its errors.

``python -m benchmarks.slow_clients`` serves a small catalogue with ``gunicorn.conf.py`` and, for
each kind of slow client, lets a hundred of them hang while a normal client asks for pages, one at
a time. ``--plain`` serves with gunicorn's own threaded worker and four threads instead.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from benchmarks.pages import WORKERS, Client, build, pages, served

PLAIN = "--worker-class gthread --threads 4"
PAGES = ("home", "songs", "song", "recommendations")
SONG_BYTES = 32 * 2**20
TIMEOUT = 30.0
THEIRS = "127.0.0.2"
"""The address of the slow clients; the normal one has another."""

Slow = Callable[[socket.socket, threading.Event], None]


def measure(rows: int, clients: int, seconds: float) -> dict[str, Any]:
    """Serve a catalogue and ask for pages, with each kind of slow client."""
    with tempfile.TemporaryDirectory() as folder:
        instance = Path(folder) / "instance"
        build(instance, rows)
        song = add_song(instance, Path(folder) / "song.wav")
        kinds: dict[str, Slow | None] = {
            "none": None,
            "idle": silent,
            "slow heads": slow_head,
            "slow sign-in forms": slow_form,
            "unread songs": unread(f"/listen/{song}"),
            "unread pages, twenty each": unread("/tracks"),
            "slow uploads": slow_upload,
        }
        result: dict[str, Any] = {"rows": rows, "clients": clients, "seconds": seconds, "kinds": {}}
        for name, slow in kinds.items():
            with served(instance) as port, hanging(port, slow, clients):
                result["kinds"][name] = {
                    **ask_for_pages(port, instance, seconds),
                    "memory_mb": memory_of_web_processes(port),
                }
        return result


def add_song(instance: Path, path: Path) -> str:
    """Give the first song a file of sound and return the file's id."""
    from songrec import create_app
    from songrec.store.db import db
    from songrec.store.tables import AudioFile, Track

    path.write_bytes(os.urandom(SONG_BYTES))
    with create_app({"INSTANCE": instance}).app_context():
        file = AudioFile(
            public_id="slowly",
            track_id=db.session.query(Track.id).limit(1).scalar(),
            root=str(path.parent),
            path=str(path),
            content_hash="0" * 64,
            size=SONG_BYTES,
            modified_ns=path.stat().st_mtime_ns,
            state="analysed",
            duration_s=180.0,
            sample_rate=44_100,
            channels=2,
            codec="pcm_s16le",
            info={"container": "wav"},
        )
        db.session.add(file)
        db.session.commit()
        return file.public_id


def silent(_connection: socket.socket, ends: threading.Event) -> None:
    """Connect and say nothing."""
    ends.wait(5)


def slow_head(connection: socket.socket, ends: threading.Event) -> None:
    """Send a head byte by byte and never its end."""
    connection.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX-Slow: ")
    trickle(connection, ends)


def slow_form(connection: socket.socket, ends: threading.Event) -> None:
    """Send a form of 2,000 bytes byte by byte."""
    connection.sendall(
        b"POST /sign-in HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\nname="
    )
    trickle(connection, ends)


def slow_upload(connection: socket.socket, ends: threading.Event) -> None:
    """Send a song of 20 MB, first 100 KB at once, then byte by byte."""
    connection.sendall(
        b"POST /upload HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20000000\r\n"
        b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
        b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.wav"\r\n\r\n'
        + bytes(100_000)
    )
    trickle(connection, ends)


def trickle(connection: socket.socket, ends: threading.Event) -> None:
    """Send a byte a second until the server has enough of it."""
    while not ends.wait(1):
        connection.sendall(b"x")


def unread(address: str) -> Slow:
    """Return a client that asks for ``address`` over and over and reads nothing."""

    def ask(connection: socket.socket, ends: threading.Event) -> None:
        head = f"GET {address} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode()
        connection.sendall(head * 20)
        while not ends.wait(1):
            # Raises once the server has closed the connection.
            connection.send(b"")
            if connection.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
                return

    return ask


@contextlib.contextmanager
def hanging(port: int, slow: Slow | None, clients: int) -> Iterator[None]:
    """Keep so many slow clients connected; who is closed comes back at once."""
    ends = threading.Event()

    def work() -> None:
        while not ends.is_set():
            with contextlib.suppress(OSError), socket.socket() as connection:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                connection.settimeout(TIMEOUT)
                connection.bind((THEIRS, 0))
                connection.connect(("127.0.0.1", port))
                slow(connection, ends)
            ends.wait(0.05)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(clients if slow else 0)]
    for thread in threads:
        thread.start()
    ends.wait(2)  # so that all of them hang
    try:
        yield
    finally:
        ends.set()
        for thread in threads:
            thread.join(TIMEOUT)


def ask_for_pages(port: int, instance: Path, seconds: float) -> dict[str, Any]:
    """Ask for pages one after the other; an answer that takes half a minute is an error."""
    addresses = {name: pages(instance)[name] for name in PAGES}
    times, errors, end = [], 0, time.monotonic() + seconds
    client = Client(port)
    while time.monotonic() < end:
        for each in addresses.values():
            try:
                times.append(client.timed(next(each)))
            except (OSError, RuntimeError):
                errors += 1
                client = Client(port)
            if time.monotonic() >= end:
                break
    times.sort()
    return {
        "answers": len(times),
        "errors": errors,
        "p50": statistics.median(times) if times else None,
        "p95": times[int(0.95 * len(times))] if times else None,
    }


def memory_of_web_processes(port: int) -> float:
    """Return the mean resident memory of the processes that serve, in MB."""
    sizes = []
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            parts = (folder / "cmdline").read_bytes().split(b"\0")
            environment = (folder / "environ").read_bytes().split(b"\0")
            if b"wsgi:app" in parts and f"PORT={port}".encode() in environment:
                pages_used = int((folder / "statm").read_text().split()[1])
                sizes.append(pages_used * os.sysconf("SC_PAGE_SIZE") / 1e6)
    # The smallest is the one that starts the others.
    return statistics.fmean(sorted(sizes)[-WORKERS:])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000)
    parser.add_argument("--clients", type=int, default=100)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--plain", action="store_true")
    options = parser.parse_args()
    if options.plain:
        os.environ["GUNICORN_CMD_ARGS"] = PLAIN
    print(json.dumps(measure(options.rows, options.clients, options.seconds), indent=2))
