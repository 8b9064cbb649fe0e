"""How fast duplicates are looked for, shown, merged and undone, and how much memory that takes.

``python -m benchmarks.duplicates [--rows 114000]`` fills a fresh SQLite database with tracks, one
in twenty of them another one's remaster, and measures in a process of its own.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from songrec.store.instance import Instance

ONE_IN = 20


def fill(session: Any, rows: int) -> None:
    """Create tracks with distinct titles; every twentieth is a remaster of its predecessor."""
    from songrec.store.bulk import bind_datetime, bulk_writing, insert_many
    from songrec.store.db import now
    from songrec.store.tables import Track

    names = (
        "public_id",
        "source_key",
        "source",
        "fingerprint",
        "song_key",
        "title",
        "artists",
        "sort_title",
        "sort_artists",
        "duration_ms",
        "created_at",
        "updated_at",
    )
    with bulk_writing(session):
        moment = bind_datetime(session.connection(), now())
        for start in range(0, rows, 20_000):
            values = []
            for number in range(start, min(start + 20_000, rows)):
                again = number % ONE_IN == ONE_IN - 1
                song = number - 1 if again else number
                title = f"Paper Moon No. {song}" + (" - 2011 Remaster" if again else "")
                values.append(
                    (
                        f"b{number}",
                        f"b{number}",
                        "bench",
                        "",
                        number,
                        title,
                        f"The Singer {song % 5000}",
                        title.lower(),
                        "",
                        180_000 + song % 60_000,
                        moment,
                        moment,
                    )
                )
            insert_many(session.connection(), Track.__table__, names, values)
            session.commit()


def measure(rows: int) -> dict[str, Any]:
    """Measure the seconds of each step and the peak resident MiB of the process."""
    with tempfile.TemporaryDirectory(prefix="songrec-bench-") as folder:
        os.environ["SONGREC_INSTANCE"] = folder
        from flask_migrate import upgrade

        from songrec import create_app
        from songrec.services.catalogue import duplicate_search
        from songrec.store.catalogue import duplicates as store
        from songrec.store.catalogue import merging
        from songrec.store.db import db

        instance = Path(folder)
        app = create_app({"INSTANCE": instance})
        with app.app_context():
            upgrade()
            fill(db.session, rows)
            before = _peak()
            result: dict[str, Any] = {"rows": rows}
            result["search_seconds"], found = _timed(
                lambda: duplicate_search.search(Instance(instance, db.session))
            )
            result["groups"] = found.groups
            result["again_seconds"], _ = _timed(
                lambda: duplicate_search.search(Instance(instance, db.session))
            )
            newest = duplicate_search.newest_id(db.session) - 1
            result["import_seconds"], _ = _timed(
                lambda: duplicate_search.count_new(db.session, newest)
            )
            result["page_seconds"], groups = _timed(lambda: store.page(db.session, 1, 20))
            kept, other = (member.track.id for member in groups[0].members)
            result["merge_seconds"], row = _timed(lambda: merging.merge(db.session, kept, other))
            result["undo_seconds"], _ = _timed(lambda: merging.undo(db.session, row.id))
            result["peak_mib"] = round(_peak())
            result["more_mib"] = round(_peak() - before)
    if result["groups"] != rows // ONE_IN:
        raise RuntimeError(f"{rows // ONE_IN} groups expected, got {result['groups']}")
    return result


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    start = time.perf_counter()
    value = work()
    return round(time.perf_counter() - start, 4), value


def _peak() -> float:
    # Linux counts kibibytes, macOS bytes.
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (2**20 if sys.platform == "darwin" else 2**10)


def main() -> None:
    """Measure and print JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=114_000)
    print(json.dumps(measure(parser.parse_args().rows), indent=2))


if __name__ == "__main__":
    main()
