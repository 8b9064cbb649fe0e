"""Nearest neighbours of a track: memory maps, pgvector read in full, and pgvector's HNSW index.

python -m benchmarks.vectors                          114,000 and 1,200,000 vectors of 32 columns
python -m benchmarks.vectors --rows 10000000 --only files

A server of its own is started, the wheel's. Answers read in full are compared with the memory
map's, those of the index by recall@10.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from flask import Flask
from sqlalchemy import text

from songrec.core.array_files import map_array
from songrec.core.types import Ints, Space
from songrec.recommend.top_k import ROUNDING, distances, nearest_rows
from songrec.store.db import db
from songrec.store.runs import vector_tables

SIZES = (114_000, 1_200_000)
WANTED, LOOK = 10, 56  # what a page of 20 similar songs looks at first
EF_SEARCH = (40, 100, 400)
PLACES = ("files", "pgvector", "hnsw")
# Caches that hold the largest table; an index is built in memory.
SETTINGS = "shared_buffers = 2GB\nmaintenance_work_mem = 2GB\n"


def made_up_vectors(path: Path, rows: int, columns: int) -> None:
    """Write ten groups of ``(rows, columns)`` float32 to a file, part by part."""
    rng = np.random.default_rng(0)
    centres = rng.normal(size=(10, columns)).astype(np.float32)
    matrix = np.lib.format.open_memmap(path, "w+", np.float32, (rows, columns))
    for start in range(0, rows, 100_000):
        count = min(100_000, rows - start)
        noise = rng.standard_normal((count, columns), dtype=np.float32)
        matrix[start : start + count] = 0.6 * centres[rng.integers(0, 10, count)] + 0.8 * noise
    matrix.flush()


def space_over(path: Path) -> Space:
    """A space whose matrix is that file; no search for neighbours reads anything else."""
    matrix = map_array(path)
    rows, columns = matrix.shape
    none = np.empty((rows, 0), dtype=np.float32)
    ids = np.arange(rows)
    names = tuple(f"c{at}" for at in range(columns))
    labels = np.zeros(rows, dtype=np.int32)
    return Space("run", ids, matrix, names, none, (), none, labels, none, ids.astype(np.uint64))


def timed(search: Callable[[int], Ints], queries: list[int]) -> dict[str, float]:
    """Return the best, the median and the 95th percentile in ms; the first answer is not timed.

    The best is what an idle machine takes, even where others work on this one.
    """
    search(queries[0])
    taken = []
    for query in queries:
        begin = time.perf_counter()
        search(query)
        taken.append((time.perf_counter() - begin) * 1000)
    return {
        "best_ms": round(min(taken), 2),
        "median_ms": round(statistics.median(taken), 2),
        "p95_ms": round(sorted(taken)[int(0.95 * len(taken))], 2),
    }


def best(space: Space, rows: Ints, query: int) -> Ints:
    """Return the ``WANTED`` nearest of ``rows``, exactly."""
    apart = distances(space.matrix[rows].astype(np.float64), space.matrix[query])
    return rows[np.lexsort((rows, apart))[:WANTED]]


def measure_files(space: Space, queries: list[int]) -> dict[str, Any]:
    """Search the memory map."""
    begin = time.perf_counter()
    nearest_rows(space, 0, LOOK)  # also computes the lengths of all rows, once
    first = time.perf_counter() - begin
    result = timed(lambda query: nearest_rows(space, query, LOOK), queries)
    return {**result, "first_s": round(first, 2), "mb": round(space.matrix.nbytes / 2**20)}


def measure_table(space: Space, queries: list[int]) -> dict[str, Any]:
    """Fill a table and read it in full for each query."""
    begin = time.perf_counter()
    vector_tables.fill(db.session, "run", space.columns, space.matrix)
    db.session.commit()
    filled = time.perf_counter() - begin
    table = vector_tables.open_table(db.session, "run")
    assert table is not None
    rounding = ROUNDING * len(space.columns)

    def search(query: int) -> Ints:
        return table.nearest(space.matrix[query], LOOK, rounding)

    result = timed(search, queries)
    same = all(
        np.array_equal(
            best(space, search(query), query),
            best(space, nearest_rows(space, query, LOOK), query),
        )
        for query in queries
    )
    return {**result, "fill_s": round(filled, 1), "mb": _megabytes("run"), "same_answers": same}


def measure_index(space: Space, queries: list[int]) -> list[dict[str, Any]]:
    """Build an HNSW index and measure speed and recall."""
    exact = {query: best(space, nearest_rows(space, query, LOOK), query) for query in queries}
    begin = time.perf_counter()
    db.session.execute(
        text(f"CREATE INDEX hnsw ON {vector_tables.SCHEMA}.run USING hnsw (vector vector_l2_ops)")
    )
    db.session.commit()
    built = round(time.perf_counter() - begin, 1)
    statement = text(
        f"SELECT row FROM {vector_tables.SCHEMA}.run "
        "ORDER BY vector <-> CAST(:point AS vector) LIMIT :count"
    )
    results = []
    for ef_search in EF_SEARCH:
        db.session.execute(text(f"SET hnsw.ef_search = {ef_search}"))

        def search(query: int) -> Ints:
            point = json.dumps([float(value) for value in space.matrix[query]])
            rows = db.session.scalars(statement, {"point": point, "count": WANTED})
            return np.array(rows.all(), dtype=np.int64)

        hits = sum(len(set(search(q).tolist()) & set(exact[q].tolist())) for q in queries)
        results.append(
            {
                "ef_search": ef_search,
                **timed(search, queries),
                "recall_at_10": round(hits / (WANTED * len(queries)), 4),
                "build_s": built,
                "mb": _megabytes("hnsw"),
            }
        )
    return results


def _megabytes(name: str) -> int:
    size = text("SELECT pg_relation_size(CAST(:name AS regclass))")
    return round(db.session.scalar(size, {"name": f"{vector_tables.SCHEMA}.{name}"}) / 2**20)


def measure(rows: int, columns: int, queries: int, only: list[str], url: str) -> dict[str, Any]:
    """Measure one size in every place."""
    chosen = np.random.default_rng(1).integers(0, rows, queries).tolist()
    result: dict[str, Any] = {"rows": rows, "columns": columns}
    with tempfile.TemporaryDirectory() as folder:
        made_up_vectors(Path(folder) / "space.npy", rows, columns)
        space = space_over(Path(folder) / "space.npy")
        if "files" in only:
            result["files"] = measure_files(space, chosen)
        if {"pgvector", "hnsw"} & set(only):
            app = Flask("benchmark")
            app.config["SQLALCHEMY_DATABASE_URI"] = url
            db.init_app(app)
            with app.app_context():
                result["pgvector"] = measure_table(space, chosen)
                if "hnsw" in only:
                    result["hnsw"] = measure_index(space, chosen)
                db.session.remove()
                db.engine.dispose()
    return result


def main() -> None:
    """Print one JSON object with all results."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--columns", type=int, default=32)
    parser.add_argument("--queries", type=int, default=50)
    parser.add_argument("--only", nargs="+", choices=PLACES, default=list(PLACES))
    args = parser.parse_args()
    results = []
    from tests.postgresql import running_server

    with running_server(SETTINGS) as server:
        for rows in args.rows:
            with server.database() as url:
                results.append(measure(rows, args.columns, args.queries, args.only, url))
    print(json.dumps({"load": os.getloadavg()[0], "results": results}, indent=1))


if __name__ == "__main__":
    main()
