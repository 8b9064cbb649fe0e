"""Searching segments: how long the exact answer takes.

    python -m benchmarks.segments [--rows 1000000] [--dimensions 256] [--flat]

Planted songs of 27 windows around a centre each; the variance of the directions falls as 1 / their
rank, as that of embeddings does, or is the same in all with ``--flat``, the worst case.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from songrec.recommend.similarity import segment_search
from songrec.store.sound import segment_index as store

WINDOWS = 27
LIKES = 10
POINTS = 32
QUESTIONS = 20
COUNT = 20


def songs(rows: int, dimensions: int, flat: bool, seed: int) -> Iterator[store.SongSegments]:
    """Create ``rows`` synthetic segments."""
    random = np.random.default_rng(seed)
    spread = np.ones(dimensions) if flat else 1 / np.sqrt(np.arange(1, dimensions + 1))
    genres = random.normal(size=(30, dimensions))
    starts = np.arange(WINDOWS, dtype=np.float32)
    for track in range(rows // WINDOWS):
        centre = genres[track % 30] + random.normal(size=dimensions)
        vectors = (centre + 0.7 * random.normal(size=(WINDOWS, dimensions))) * spread
        yield store.SongSegments(track + 1, starts, vectors.astype(np.float32))


def main() -> None:
    """Print one JSON document."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, default=100_000)
    parser.add_argument("--dimensions", type=int, default=256)
    parser.add_argument("--flat", action="store_true")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        instance = Path(temporary)
        started = time.perf_counter()
        told = store.write(
            instance, songs(asked.rows, asked.dimensions, asked.flat, 0), seconds=5, made_by="bench"
        )
        building = time.perf_counter() - started
        found = store.load(instance, told["name"])
        assert found is not None
        owner = np.repeat(np.arange(len(found.track_ids)), np.diff(found.first))
        random = np.random.default_rng(1)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        seconds, cpu = [], []
        for _ in range(QUESTIONS + 1):
            # Likes of one listener lie in few genres.
            genres = random.choice(30, 3, replace=False)
            near = np.flatnonzero(np.isin(np.arange(len(found.track_ids)) % 30, genres))
            liked = random.choice(near, LIKES, replace=False)
            rows = random.choice(np.flatnonzero(np.isin(owner, liked)), POINTS, replace=False)
            points = found.vectors[rows].astype(np.float64)
            allowed = np.where(np.isin(owner, liked), -1, owner)
            started, worked = time.perf_counter(), time.process_time()
            segment_search.search_segments(found, points, COUNT, songs=allowed)
            seconds.append(time.perf_counter() - started)
            cpu.append(time.process_time() - worked)
        seconds, cpu = seconds[1:], cpu[1:]  # the first reads the map from the disk
        print(
            json.dumps(
                {
                    "rows": told["fragments"],
                    "songs": told["tracks"],
                    "dimensions": asked.dimensions,
                    "flat": asked.flat,
                    "build_seconds": round(building, 1),
                    "median_ms": round(1000 * float(np.median(seconds)), 1),
                    "fastest_ms": round(1000 * min(seconds), 1),
                    "slowest_ms": round(1000 * max(seconds), 1),
                    "processor_ms": round(1000 * float(np.median(cpu)), 1),
                    "peak_mib_before": before // 1024,
                    "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
                }
            )
        )


if __name__ == "__main__":
    main()
