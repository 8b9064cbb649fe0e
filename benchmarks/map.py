"""The map: how many bytes it sends, and how long the server takes for each request.

``python -m benchmarks.map`` prints what ``measure()`` returns, ``--large`` what ``measure_large()``
does: views of a map that is sent in parts.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import math
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

SIZES = (17_000, 114_000)
LARGE = 1_200_000
ZOOMS = (1, 2, 4, 8, 16, 32, 64, 128)
VIEWS = 12
"""Views of each zoom, in places that are drawn by chance."""
CLUSTERS = 10
REPEATS = 30


def measure() -> dict[str, Any]:
    """Bytes and milliseconds for a run of each size.

    Per size: ``points_bytes`` and ``column_bytes`` as they are, ``…_gzip_bytes`` packed,
    ``total_bytes`` what a first visit takes as sent (points and one column), ``…_first_ms`` with
    empty caches, ``…_ms`` the median of 30 requests after that.
    """
    return {f"{n:,} tracks": _measure(n) for n in SIZES}


def _measure(n: int) -> dict[str, float]:
    with _planted(n) as (client, _, run):
        packed = {"Accept-Encoding": "gzip"}
        rows = ",".join(map(str, range(0, n, n // 25)))[:400].rpartition(",")[0]
        whole = "view=0,65535,0,65535"
        addresses = {
            "points": f"/map/points?run={run}",
            "column": f"/map/points?run={run}&column=energy",
            "genre": f"/map/points?run={run}&column=genre",
            "titles": f"/map/titles?run={run}&rows={rows}",
            "mine": "/map/mine",
            "search": "/map/search?q=song 42",
            "names": f"/map/names?run={run}&{whole}&size=1360,860",
            "page": "/map",
        }
        found: dict[str, float] = {}
        for name, address in addresses.items():
            first, body = _timed(client, address, packed)
            again = statistics.median(_timed(client, address, packed)[0] for _ in range(REPEATS))
            found[f"{name}_first_ms"] = round(first, 2)
            found[f"{name}_ms"] = round(again, 2)
            if name in ("points", "column", "genre"):
                plain = client.get(address).data
                found[f"{name}_bytes"] = len(plain)
                found[f"{name}_gzip_bytes"] = len(gzip.compress(plain, 6))
                found[f"{name}_sent_bytes"] = len(body)
        found["total_bytes"] = found["points_sent_bytes"] + found["column_sent_bytes"]
        return found


@contextlib.contextmanager
def _planted(n: int) -> Iterator[tuple[Any, Any, str]]:
    """A client of an instance with ``n`` planted songs, its application and the run."""
    from flask_migrate import upgrade

    from songrec import create_app
    from songrec.store.db import db
    from tests.planted_run import plant

    with tempfile.TemporaryDirectory() as folder:
        instance = Path(folder)
        app = create_app({"INSTANCE": instance})
        with app.app_context():
            upgrade(directory=str(Path(app.root_path).parent / "migrations"))
            run = plant(db.session, instance, n, CLUSTERS).run.public_id
            db.session.commit()
            db.session.remove()
        yield app.test_client(), app, run
        with app.app_context():
            db.engine.dispose()


def measure_large(n: int = LARGE) -> dict[str, Any]:
    """Milliseconds and bytes of views of a map of ``n`` songs, by zoom.

    A view is 1,100 by 690 pixels with an eighth of it around: what the page asks for. ``cells``
    are the songs or their density, ``names`` the names; the slowest and largest of 12 views in
    random places that hold songs, the bytes as sent. ``first_ms``: the first view and its names in
    a new process.
    """
    with _planted(n) as (client, _, run):
        packed = {"Accept-Encoding": "gzip"}
        rng = random.Random(3)
        first = {
            name: round(_timed(client, _view_address(run, name, 1, rng), packed)[0], 1)
            for name in ("cells", "names")
        }
        zooms = {}
        for zoom in ZOOMS:
            times: dict[str, list[float]] = {"cells": [], "names": []}
            sent: dict[str, list[int]] = {"cells": [], "names": []}
            for _ in range(VIEWS):
                place = rng.random()
                for name in times:
                    address = _view_address(run, name, zoom, random.Random(place))
                    elapsed, body = _timed(client, address, packed)
                    times[name].append(elapsed)
                    sent[name].append(len(body))
            zooms[str(zoom)] = {
                f"{name}_{what}": round(value, 1)
                for name in times
                for what, value in (
                    ("slowest_ms", max(times[name])),
                    ("most_kb", max(sent[name]) / 1000),
                )
            }
        mine, _ = _timed(client, "/map/mine", packed)
        page, body = _timed(client, "/map", packed)
        page_again, _ = _timed(client, "/map", packed)
        return {
            "songs": n,
            "first_ms": first,
            "zooms": zooms,
            "page_first_ms": round(page, 1),
            "page_ms": round(page_again, 1),
            "page_kb": round(len(body) / 1000, 1),
            "mine_ms": round(mine, 1),
        }


def _view_address(run: str, name: str, zoom: float, rng: random.Random) -> str:
    """Return the address of a view as wide as the plane over ``zoom``, around a random place."""
    width = int(65_535 / zoom)
    angle = rng.uniform(0, 6.28)
    middle = [32_768 + 0.33 * 65_535 * turn for turn in (math.cos(angle), math.sin(angle))]
    edges = []
    for at in middle:
        low = int(min(max(at - width / 2, 0), 65_535 - width))
        edges += [low, low + width]
    view = ",".join(map(str, edges))
    what = "cells=275,172" if name == "cells" else "size=1375,862"
    return f"/map/{name}?run={run}&view={view}&{what}"


def _timed(client: Any, address: str, headers: dict[str, str]) -> tuple[float, bytes]:
    begun = time.perf_counter()
    answer = client.get(address, headers=headers)
    body = answer.data
    elapsed = (time.perf_counter() - begun) * 1000
    assert answer.status_code == 200, (address, answer.status)
    return elapsed, body


if __name__ == "__main__":
    print(json.dumps(measure_large() if "--large" in sys.argv else measure(), indent=2))
