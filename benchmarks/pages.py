"""Page latency: a catalogue of N songs, gunicorn with two workers, a client on the same machine.

``python -m benchmarks.pages --rows 114000`` prints p50 and p95 per page in milliseconds (one
request at a time, each page at many different songs, clusters, words and filters) and requests per
second with four clients at once.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import random
import re
import select
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from bs4 import BeautifulSoup

ROOT = Path(__file__).resolve().parents[1]
WORKERS = 2
CLIENTS = 4


def measure(rows: int, requests: int = 120) -> dict[str, Any]:
    """Build a catalogue, serve it and request pages; returns times in milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        instance = Path(folder) / "instance"
        build(instance, rows)
        with served(instance) as port:
            client = Client(port)
            client.like_a_few(instance)
            result: dict[str, Any] = {"rows": rows, "requests": requests, "pages": {}}
            for name, addresses in pages(instance).items():
                times = [client.timed(next(addresses)) for _ in range(requests)]
                times.sort()
                result["pages"][name] = {
                    "p50": statistics.median(times),
                    "p95": times[int(0.95 * len(times))],
                }
            result["per_second"] = throughput(port, pages(instance), seconds=5.0)
    return result


def build(instance: Path, rows: int) -> None:
    """Ingest a synthetic catalogue of ``rows`` songs into ``instance`` and train on it."""
    from benchmarks.ingest import make_catalogue

    instance.mkdir(parents=True)
    path = instance / "catalogue.csv"
    make_catalogue(path, rows)
    for command in (
        ["db", "upgrade"],
        ["ingest", str(path), "--json"],
        ["train", "--representation", "pca", "--json"],
    ):
        subprocess.run(
            [sys.executable, "-m", "flask", *command],
            cwd=ROOT,
            env=environment(instance),
            check=True,
            capture_output=True,
        )


def environment(instance: Path) -> dict[str, str]:
    """Return the environment of a program on another instance folder."""
    return {**os.environ, "FLASK_APP": "app.py", "SONGREC_INSTANCE": str(instance)}


def free_port() -> int:
    """Return a port that no program uses."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def served(instance: Path) -> Iterator[int]:
    """Run gunicorn as `make run` does, on a free port."""
    port = free_port()
    server = subprocess.Popen(
        [
            sys.executable,
            "-m",
            "gunicorn",
            "--config",
            "gunicorn.conf.py",
            "--workers",
            str(WORKERS),
            "wsgi:app",
        ],
        cwd=ROOT,
        env={**environment(instance), "PORT": str(port)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        for _ in range(200):
            try:
                Client(port).get("/")
                break
            except OSError:
                time.sleep(0.1)
        else:
            raise RuntimeError("the server did not start within 20 seconds")
        yield port
    finally:
        server.terminate()
        server.wait(20)


class Client:
    """A minimal browser: one persistent connection and its cookies."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.cookies: dict[str, str] = {}

    def get(self, address: str) -> bytes:
        """Return the body of a page; raise for any status but 200."""
        return self._send("GET", address, None, 200)[0]

    def timed(self, address: str) -> float:
        """Return the milliseconds from the request to the last byte."""
        start = time.perf_counter()
        self.get(address)
        return (time.perf_counter() - start) * 1000

    def like_a_few(self, instance: Path) -> None:
        """Like eight songs, so that there are recommendations."""
        for public_id in some_ids(instance, 8):
            token = self.token(f"/tracks/{public_id}")
            fields = {"csrf_token": token, "value": "like", "next": "/"}
            self.post(f"/tracks/{public_id}/reaction", fields)

    def token(self, address: str) -> str:
        """Return the token that the forms of a page send."""
        found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', self.get(address).decode())
        if found is None:
            raise RuntimeError(f"{address} has no form")
        return found[1]

    def fields(self, address: str, action: str) -> dict[str, str]:
        """Return what a page's form sends to ``action`` when nothing is changed in it."""
        page = BeautifulSoup(self.get(address), "html.parser")
        form = page.select_one(f'form[action="{action}"]')
        if form is None:
            raise RuntimeError(f"{address} has no form for {action}")
        found = {
            str(one["name"]): str(one.get("value", "on"))
            for one in form.select("input[name]")
            if one.get("type") not in ("checkbox", "radio", "file") or one.has_attr("checked")
        }
        for one in form.select("select[name]"):
            option = one.select_one("option[selected]") or one.select_one("option")
            found[str(one["name"])] = str(option["value"]) if option else ""
        return found

    def post(self, address: str, fields: dict[str, str]) -> str:
        """Send a form and return where it leads; raise for any status but 303."""
        return self._send(
            "POST", address, urlencode(fields).encode(), 303, "application/x-www-form-urlencoded"
        )[1]

    def post_file(self, address: str, fields: dict[str, str], name: str, content: bytes) -> str:
        """Send a form with the file ``name`` in its field ``file``; return where it leads."""
        line = b"--boundary-of-the-benchmark"
        parts = [
            f'Content-Disposition: form-data; name="{key}"\r\n\r\n{value}'.encode()
            for key, value in fields.items()
        ]
        head = f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n\r\n'
        parts.append(head.encode() + content)
        body = b"".join(line + b"\r\n" + part + b"\r\n" for part in parts) + line + b"--\r\n"
        kind = f"multipart/form-data; boundary={line[2:].decode()}"
        return self._send("POST", address, body, 303, kind)[1]

    def _was_closed(self) -> bool:
        """Return whether the server has closed the connection while it was idle."""
        sock = self.connection.sock
        return sock is not None and bool(select.select([sock], [], [], 0)[0])

    def _send(
        self, method: str, address: str, body: bytes | None, expected: int, kind: str = ""
    ) -> tuple[bytes, str]:
        headers = {"Cookie": "; ".join(f"{k}={v}" for k, v in self.cookies.items())}
        if kind:
            headers["Content-Type"] = kind
        if self._was_closed():
            self.connection.close()  # the request opens another, as a browser does
        try:
            self.connection.request(method, address, body, headers)
            response = self.connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()  # the next request opens another
            raise
        for value in response.headers.get_all("Set-Cookie") or ():
            name, _, rest = value.partition("=")
            self.cookies[name] = rest.split(";")[0]
        if response.status != expected:
            raise RuntimeError(f"{method} {address}: {response.status}, expected {expected}")
        return content, response.headers.get("Location", "")


def some_ids(instance: Path, number: int) -> list[str]:
    """Return public ids of songs spread over the catalogue."""
    import sqlite3

    with sqlite3.connect(instance / "songrec.db") as database:
        found = [row[0] for row in database.execute("SELECT public_id FROM track ORDER BY id")]
    return random.Random(1).sample(found, min(number, len(found)))


ASKED = ("taste", "distance", "cosine", "cluster")
"""Methods that need nothing but a published run; every one is measured alone in Recommending."""


def pages(instance: Path) -> dict[str, Iterator[str]]:
    """Return endless seeded addresses of every kind of page."""
    return addresses_of(some_ids(instance, 400))


def addresses_of(ids: list[str]) -> dict[str, Iterator[str]]:
    """Return endless seeded addresses of every kind of page; ``ids`` are songs' public ids."""
    choose = random.Random(2)
    words = ["night", "love", "river", "blue", "the", "moon", "dance", "a", "fire", "little"]
    genres = ["pop", "rock", "jazz", "folk", "rap", "metal"]

    def endless(make: Callable[[], str]) -> Iterator[str]:
        while True:
            yield make()

    def span() -> str:
        low = choose.random() * 0.7
        return f"{low:.2f}&{{0}}_max={low + 0.3:.2f}"

    return {
        "home": endless(lambda: "/"),
        "cluster": endless(lambda: f"/clusters/{choose.randrange(10)}"),
        "cluster, sorted, deep": endless(
            lambda: f"/clusters/{choose.randrange(10)}?sort=title&page={choose.randrange(1, 20)}"
        ),
        "songs": endless(lambda: "/tracks"),
        "songs, deep page": endless(lambda: f"/tracks?page={choose.randrange(2, 300)}"),
        "songs, search": endless(lambda: f"/tracks?q={choose.choice(words)}"),
        "songs, genre": endless(lambda: f"/tracks?genre={choose.choice(genres)}"),
        "songs, two ranges": endless(
            lambda: (
                "/tracks?energy_min="
                + span().format("energy")
                + "&acousticness_min="
                + span().format("acousticness")
            )
        ),
        "songs, by tempo": endless(lambda: "/tracks?sort=tempo&order=down"),
        "song": endless(lambda: f"/tracks/{choose.choice(ids)}"),
        "likes": endless(lambda: "/likes"),
        "recommendations": endless(lambda: f"/recommendations?method={choose.choice(ASKED)}"),
        "recommendations, varied": endless(lambda: "/recommendations?variety=0.5"),
        "mood": endless(lambda: "/mood?genre=jazz&emotion=calm"),
        "playlists": endless(lambda: "/playlists"),
    }


def throughput(port: int, addresses: dict[str, Iterator[str]], seconds: float) -> float:
    """Measure requests per second over all pages in turn, with several clients at once."""
    lock, done, failures = threading.Lock(), [0], []
    order = list(addresses.values())
    end = time.perf_counter() + seconds

    def work(first: int) -> None:
        client, at = Client(port), first
        while time.perf_counter() < end:
            with lock:
                address = next(order[at % len(order)])
            try:
                client.get(address)
            except (OSError, RuntimeError) as error:
                failures.append(str(error))
                return
            at += 1
            with lock:
                done[0] += 1

    start = time.perf_counter()
    threads = [threading.Thread(target=work, args=(i * 4,)) for i in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise RuntimeError(failures[0])
    return done[0] / (time.perf_counter() - start)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=17_000)
    parser.add_argument("--requests", type=int, default=120)
    options = parser.parse_args()
    print(json.dumps(measure(options.rows, options.requests), indent=2))
