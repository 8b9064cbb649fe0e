"""Bytes of pages: a catalogue of N songs without sound, eight of them liked.

``python -m benchmarks.page_weights --rows 2000`` prints the median size of every kind of page,
plain and packed by gzip, without what a browser caches (styles, scripts, fonts, covers).
"""

from __future__ import annotations

import argparse
import gzip
import json
import statistics
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.pages import Client, build, pages, served


def measure(rows: int, requests: int = 15) -> dict[str, Any]:
    """Build a catalogue, serve it and weigh ``requests`` answers of every kind of page."""
    with tempfile.TemporaryDirectory() as folder:
        instance = Path(folder) / "instance"
        build(instance, rows)
        with served(instance) as port:
            client = Client(port)
            client.like_a_few(instance)
            return {
                "rows": rows,
                "pages": {
                    name: weight([client.get(next(addresses)) for _ in range(requests)])
                    for name, addresses in pages(instance).items()
                },
            }


def weight(answers: list[bytes]) -> dict[str, float]:
    """Return the median size in bytes of ``answers``, plain and packed by gzip at level 6."""
    return {
        "bytes": statistics.median(len(answer) for answer in answers),
        "gzip_bytes": statistics.median(len(gzip.compress(answer, 6)) for answer in answers),
    }


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=2_000)
    options = parser.parse_args()
    print(json.dumps(measure(options.rows), indent=2))
