"""What apps wait for at ``/rest``: a library of N songs, gunicorn with two workers, one app.

``python -m benchmarks.subsonic --rows 114000`` prints p50 and p95 of what apps call most, in
milliseconds, at many different songs and words, and of a plain search: the same words with LIKE in
titles and artists of the same database, with nothing around it. All songs count as playable; there
are no files, which nothing here reads. ``--instance DIR`` keeps what was made, or uses it again.
"""

from __future__ import annotations

import argparse
import csv
import json
import random
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benchmarks.pages import ROOT, Client, environment, served, some_ids

WORDS = ("night", "love", "river", "blue", "the", "moon", "dance", "a", "fire", "little", "lo ve")


def measure(rows: int, requests: int, folder: Path) -> dict[str, Any]:
    """Build a library unless it is there, serve it and call it; times are in milliseconds."""
    instance = folder / "instance"
    if not instance.is_dir():
        build(instance, rows)
    result: dict[str, Any] = {"rows": rows, "requests": requests, "calls": {}}
    with served(instance) as port:
        key = api_key(instance)
        app = App(Client(port), key)
        result["first_ms"] = [app.timed("getArtists", {}) for _ in range(4)]
        result["albums"], result["artists"] = app.counts()
        for name, calls in app.calls(some_ids(instance, 400)).items():
            for _ in range(4):  # both workers have what they read once
                app.timed(*next(calls))
            times = sorted(app.timed(*next(calls)) for _ in range(requests))
            result["calls"][name] = percentiles(times)
    result["calls"]["plain: LIKE in SQLite"] = percentiles(sorted(plain(instance, requests)))
    return result


def percentiles(times: list[float]) -> dict[str, float]:
    """Return the median and the 95th percentile of sorted times."""
    return {"p50": statistics.median(times), "p95": times[int(0.95 * len(times))]}


def build(instance: Path, rows: int) -> None:
    """Ingest a synthetic catalogue, train on it and give each song a row of a file."""
    instance.mkdir(parents=True)
    path = instance / "catalogue.csv"
    with (ROOT / "data" / "preprocess.csv").open(encoding="utf-8", newline="") as file:
        header, *songs = list(csv.reader(file))
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(header)
        for number in range(rows):
            song, turn = list(songs[number % len(songs)]), number // len(songs)
            # Other artists and albums in each turn, as a large library has.
            song[:3] = [f"{song[0]} {turn}", f"{song[1]} {number}", f"{song[2]} {turn}"]
            writer.writerow(song)
    for command in (
        ["db", "upgrade"],
        ["ingest", str(path), "--json"],
        ["train", "--representation", "pca", "--json"],
        ["create-user", "listener"],
    ):
        subprocess.run(
            [sys.executable, "-m", "flask", *command],
            cwd=ROOT,
            env=environment(instance),
            check=True,
            capture_output=True,
        )
    with sqlite3.connect(instance / "songrec.db") as database:
        database.execute(
            "INSERT INTO audio_file (public_id, track_id, root, path, part, content_hash, size, "
            "modified_ns, state, duration_s, sample_rate, channels, codec, has_cover, info, "
            "created_at, updated_at) SELECT 'f' || id, id, '/music', '/music/' || id || '.flac', "
            "0, 'h' || id, 30000000, 0, 'listed', 200.0, 44100, 2, 'flac', 0, "
            "'{\"track_number\": 1}', created_at, updated_at FROM track"
        )


def api_key(instance: Path) -> str:
    """Make a key for an app."""
    command = ["app-password", "listener", "--device", "benchmark", "--json"]
    answer = subprocess.run(
        [sys.executable, "-m", "flask", *command],
        cwd=ROOT,
        env=environment(instance),
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    return str(json.loads(answer)["api_key"])


class App:
    """Calls ``/rest`` as an app does."""

    def __init__(self, client: Client, key: str) -> None:
        self._client = client
        self._head = {"apiKey": key, "v": "1.16.1", "c": "benchmark", "f": "json"}

    def get(self, endpoint: str, params: dict[str, Any]) -> Any:
        """Return an answer; raise for an error."""
        address = f"/rest/{endpoint}?{urlencode({**self._head, **params})}"
        answer = json.loads(self._client.get(address))["subsonic-response"]
        if answer["status"] != "ok":
            raise RuntimeError(f"{endpoint} {params}: {answer['error']}")
        return answer

    def timed(self, endpoint: str, params: dict[str, Any]) -> float:
        """Return the milliseconds from the request to the last byte."""
        address = f"/rest/{endpoint}?{urlencode({**self._head, **params})}"
        start = time.perf_counter()
        body = self._client.get(address)
        took = (time.perf_counter() - start) * 1000
        if b'"status":"ok"' not in body[:80]:
            raise RuntimeError(f"{endpoint} {params}: {body[:300].decode()}")
        return took

    def counts(self) -> tuple[int, int]:
        """Return the numbers of albums and of artists."""
        artists = [
            artist
            for group in self.get("getArtists", {})["artists"]["index"]
            for artist in group["artist"]
        ]
        return sum(one["albumCount"] for one in artists), len(artists)

    def calls(self, songs: list[str]) -> dict[str, Iterator[tuple[str, dict[str, Any]]]]:
        """Return endless seeded calls of every kind."""
        choose = random.Random(3)
        page = self.get("getAlbumList2", {"type": "random", "size": 200})
        albums = [one["id"] for one in page["albumList2"]["album"]]
        artists = [one["artistId"] for one in page["albumList2"]["album"]]

        def endless(
            make: Callable[[], tuple[str, dict[str, Any]]],
        ) -> Iterator[tuple[str, dict[str, Any]]]:
            while True:
                yield make()

        def listed(kind: str, size: int) -> Iterator[tuple[str, dict[str, Any]]]:
            return endless(
                lambda: (
                    "getAlbumList2",
                    {"type": kind, "size": size, "offset": choose.randrange(0, 5_000)},
                )
            )

        return {
            "search3, a word": endless(lambda: ("search3", {"query": choose.choice(WORDS)})),
            "search3, everything, 20 a page": endless(
                lambda: (
                    "search3",
                    {"query": "", "songOffset": choose.randrange(100_000), "artistCount": 0},
                )
            ),
            "search3, everything, 500 songs a page": endless(
                lambda: (
                    "search3",
                    {
                        "query": "",
                        "songCount": 500,
                        "songOffset": choose.randrange(100_000),
                        "artistCount": 0,
                        "albumCount": 0,
                    },
                )
            ),
            "getAlbumList2, newest, 20": listed("newest", 20),
            "getAlbumList2, by name, 500": listed("alphabeticalByName", 500),
            "getArtists": endless(lambda: ("getArtists", {})),
            "getArtist": endless(lambda: ("getArtist", {"id": choose.choice(artists)})),
            "getAlbum": endless(lambda: ("getAlbum", {"id": choose.choice(albums)})),
            "getSong": endless(lambda: ("getSong", {"id": choose.choice(songs)})),
            "getGenres": endless(lambda: ("getGenres", {})),
            "getRandomSongs, 50": endless(lambda: ("getRandomSongs", {"size": 50})),
            "getSimilarSongs2, 50": endless(
                lambda: ("getSimilarSongs2", {"id": choose.choice([*songs, *artists]), "count": 50})
            ),
            "getSonicSimilarTracks, 20": endless(
                lambda: ("getSonicSimilarTracks", {"id": choose.choice(songs), "count": 20})
            ),
        }


def plain(instance: Path, requests: int) -> list[float]:
    """Return the milliseconds of searches by LIKE alone: 20 songs, albums and artists."""
    choose = random.Random(3)
    times = []
    with sqlite3.connect(instance / "songrec.db") as database:
        for _ in range(requests):
            word = f"%{choose.choice(WORDS)}%"
            start = time.perf_counter()
            for statement in (
                "SELECT * FROM track WHERE title LIKE ?1 OR artists LIKE ?1 "
                "ORDER BY sort_title LIMIT 20",
                "SELECT * FROM album WHERE title LIKE ?1 ORDER BY title LIMIT 20",
                "SELECT * FROM artist WHERE name LIKE ?1 ORDER BY name LIMIT 20",
            ):
                database.execute(statement, (word,)).fetchall()
            times.append((time.perf_counter() - start) * 1000)
    return times


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=114_000)
    parser.add_argument("--requests", type=int, default=120)
    parser.add_argument("--instance", type=Path, help="folder that is kept")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        place = options.instance or Path(temporary)
        print(json.dumps(measure(options.rows, options.requests, place), indent=2))
