"""Export of a run's clusters as CSV, row by row."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.csv_output import CsvWriter
from songrec.core.files import atomic_file
from songrec.store.tables import Cluster, ClusterAssignment, Run, Track

COLUMNS = (
    "track_id",
    "title",
    "artists",
    "cluster",
    "cluster_name",
    "confidence",
    "x",
    "y",
)
ROWS_PER_FETCH = 10_000


def file_name(run: Run) -> str:
    """Return the default file name, which contains the run's clustering."""
    return f"audio_clustering_results_{run.clustering}.csv"


def rows(session: Session, run: Run) -> Iterator[tuple[Any, ...]]:
    """Yield a row per track, in the order of ``COLUMNS``, by ascending database id.

    Cluster -1 is noise; ``track_id`` is the public id.
    """
    assigned = ClusterAssignment
    query = (
        select(
            Track.public_id,
            Track.title,
            Track.artists,
            assigned.label,
            Cluster.name,
            assigned.confidence,
            assigned.x,
            assigned.y,
        )
        .join(Track, Track.id == assigned.track_id)
        .outerjoin(
            Cluster, (Cluster.run_id == assigned.run_id) & (Cluster.number == assigned.label)
        )
        .where(assigned.run_id == run.id)
        .order_by(assigned.track_id)
        .execution_options(yield_per=ROWS_PER_FETCH)
    )
    for *about, label, name, confidence, x, y in session.execute(query):
        yield (*about, label, name or "", round(confidence, 6), round(x, 6), round(y, 6))


def write_csv(session: Session, run: Run, out: Path | None = None) -> Path | None:
    """Write the table atomically to ``out`` (default: ``file_name`` in the working directory).

    Returns the path, or None for ``-``, standard output.
    """
    if out is not None and str(out) == "-":
        _write(session, run, sys.stdout)
        return None
    path = out or Path(file_name(run))
    with (
        atomic_file(path) as temporary,
        temporary.open("w", encoding="utf-8", newline="") as file,
    ):
        _write(session, run, file)
    return path


def _write(session: Session, run: Run, stream: TextIO) -> None:
    table = CsvWriter(stream, lineterminator="\n")
    table.writerow(COLUMNS)
    table.writerows(rows(session, run))
