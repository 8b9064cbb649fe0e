"""Latency of what AudioMuse-AI's plugins ask for: a catalogue of N songs that a server has.

``python -m benchmarks.audiomuse --rows 114000`` prints p50 and p95 in milliseconds, one request at
a time with a token, each about another song; ``--instance`` measures a copy of one that exists.
"""

from __future__ import annotations

import argparse
import http.client
import json
import random
import shutil
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

from benchmarks.pages import ROOT, build, environment, served

PERSON = "benchmark"
SERVER = "Benchmark"


def measure(rows: int, requests: int, existing: Path | None) -> dict[str, Any]:
    """Serve a catalogue and ask as the plugins do; returns times in milliseconds."""
    with tempfile.TemporaryDirectory() as folder:
        instance = Path(folder) / "instance"
        if existing is not None:
            shutil.copytree(existing, instance)
        else:
            build(instance, rows)
        token = prepare(instance)
        with served(instance) as port:
            result: dict[str, Any] = {"rows": rows, "requests": requests, "requested": {}}
            for name, addresses in addresses_by_request(instance).items():
                for _ in range(5):  # both workers open the run
                    timed(port, next(addresses), token)
                times = sorted(timed(port, next(addresses), token) for _ in range(requests))
                result["requested"][name] = {
                    "p50": statistics.median(times),
                    "p95": times[int(0.95 * len(times))],
                }
    return result


def prepare(instance: Path) -> str:
    """Add a person with a token, and a server that has every song as ``nd-ID``."""
    script = (
        "from songrec import create_app\n"
        "from songrec.store.db import db\n"
        "from songrec.store.listeners import api_tokens, users\n"
        "from songrec.store.servers import music_servers\n"
        "app = create_app()\n"
        "with app.app_context():\n"
        f"    user = users.create(db.session, {PERSON!r}, 'correct horse battery')\n"
        "    users.require_listener(db.session, user)\n"
        "    _, token = api_tokens.create(db.session, user, 'plugin')\n"
        f"    music_servers.create(db.session, {SERVER!r}, 'http://a.example.org', "
        "allows_private=False)\n"
        "    db.session.commit()\n"
        "    print(token)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=environment(instance),
        check=True,
        capture_output=True,
        text=True,
    )
    with closing(sqlite3.connect(instance / "songrec.db")) as database, database:
        database.execute(
            """
            INSERT INTO server_track
            (server_id, remote_id, track_id, remote_album_id, remote_artist_id, path, title,
             artists, album, suffix, scan_mark, created_at)
            SELECT music_server.id, 'nd-' || track.id, track.id, '',
            'ar-' || coalesce(track_artist.artist_id, 0), '', track.title, track.artists, '', '',
            '', track.created_at
            FROM track, music_server LEFT JOIN track_artist
            ON track_artist.track_id = track.id AND track_artist.position = 0
            """
        )
    return done.stdout.strip().splitlines()[-1]


def addresses_by_request(instance: Path) -> dict[str, Iterator[str]]:
    """Return endless addresses by the name of the request."""
    with closing(sqlite3.connect(instance / "songrec.db")) as database:
        ids = [row[0] for row in database.execute("SELECT id FROM track")]
        artists = [row[0] for row in database.execute("SELECT id FROM artist")]
        titles = [row[0] for row in database.execute("SELECT title FROM track LIMIT 5000")]
    rng = random.Random(0)

    def song() -> str:
        return f"nd-{rng.choice(ids)}"

    def endless(make: Any) -> Iterator[str]:
        while True:
            yield make()

    options = "eliminate_duplicates=true&radius_similarity=true"
    return {
        "similar_tracks n=50": endless(
            lambda: f"/api/similar_tracks?item_id={song()}&n=50&{options}"
        ),
        "similar_tracks n=200": endless(
            lambda: f"/api/similar_tracks?item_id={song()}&n=200&eliminate_duplicates=false"
        ),
        "find_path 25": endless(
            lambda: f"/api/find_path?start_song_id={song()}&end_song_id={song()}&max_steps=25"
        ),
        "similar_artists": endless(
            lambda: f"/api/similar_artists?artist=ar-{rng.choice(artists)}&n=10"
        ),
        "search_tracks": endless(
            lambda: f"/api/search_tracks?search_query={quote(rng.choice(titles).split()[0])}"
        ),
    }


def timed(port: int, address: str, token: str) -> float:
    """Return the milliseconds of a request, which must be answered."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    started = time.perf_counter()
    connection.request("GET", address, headers={"Authorization": f"Bearer {token}"})
    answer = connection.getresponse()
    body = answer.read()
    seconds = time.perf_counter() - started
    connection.close()
    if answer.status != 200:
        raise SystemExit(f"{address}: {answer.status} {body[:200]!r}")
    return 1000 * seconds


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=114_000)
    parser.add_argument("--requests", type=int, default=40)
    parser.add_argument("--instance", type=Path)
    arguments = parser.parse_args()
    print(json.dumps(measure(arguments.rows, arguments.requests, arguments.instance), indent=2))
