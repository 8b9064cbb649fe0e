"""The map: how many bytes it sends, and how long the server takes for each request.

``python -m benchmarks.map`` prints what ``measure()`` returns.
"""

from __future__ import annotations

import gzip
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

SIZES = (17_000, 114_000)
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
        client = app.test_client()
        packed = {"Accept-Encoding": "gzip"}
        rows = ",".join(map(str, range(0, n, n // 25)))[:400].rpartition(",")[0]
        addresses = {
            "points": f"/map/points?run={run}",
            "column": f"/map/points?run={run}&column=energy",
            "genre": f"/map/points?run={run}&column=genre",
            "titles": f"/map/titles?run={run}&rows={rows}",
            "mine": "/map/mine",
            "search": "/map/search?q=song 42",
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
        with app.app_context():
            db.engine.dispose()
    return found


def _timed(client: Any, address: str, headers: dict[str, str]) -> tuple[float, bytes]:
    begun = time.perf_counter()
    answer = client.get(address, headers=headers)
    body = answer.data
    elapsed = (time.perf_counter() - begun) * 1000
    assert answer.status_code == 200, (address, answer.status)
    return elapsed, body


if __name__ == "__main__":
    print(json.dumps(measure(), indent=2))
