"""Vectors of runs in PostgreSQL with pgvector: one table per run, searched exactly.

The tables are derived from the run's folder and are in a separate schema outside the migrations.
They have no index: a search scans the whole table in parallel, with the same results as the memory
map. An approximate index (HNSW) would be faster, with different results.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Connection, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from songrec.core.errors import NotReady
from songrec.store.db import db

SCHEMA = "songrec_vectors"
WIDENING = 4
_EXTRA = 32  # extra rows, so that the first search usually suffices
_SLICE = 65_536  # rows per message of a COPY
_SIGNATURE = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_END = b"\xff\xff"


@dataclass(frozen=True)
class VectorTable:
    """The vectors of one run; see ``core.types.NeighbourIndex``."""

    run_id: str
    columns: tuple[str, ...]

    def nearest(self, point: NDArray[np.float32], count: int, rounding: float) -> NDArray[np.int64]:
        """Return rows that contain the ``count`` nearest to ``point``, unordered."""
        length = float(point @ point)
        look = count + _EXTRA
        while True:
            rows, apart = self._closest(point, look)
            if len(rows) <= count:
                return rows
            squares = apart**2
            last = float(squares[count - 1])
            within = squares <= last + rounding * (length + last)
            if len(rows) < look or not within[-1]:
                return rows[within]
            look *= WIDENING

    def _closest(
        self, point: NDArray[np.float32], count: int
    ) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        # Ordering by more than the bare operator prevents the use of an approximate index.
        statement = text(
            "SELECT row, vector <-> CAST(:point AS vector) AS apart "
            f"FROM {_name(self.run_id)} ORDER BY (vector <-> CAST(:point AS vector)) + 0, row "
            "LIMIT :count"
        )
        written = json.dumps([float(value) for value in point])
        answer = db.session.execute(statement, {"point": written, "count": count}).all()
        rows = np.fromiter((row for row, _ in answer), dtype=np.int64, count=len(answer))
        apart = np.fromiter((far for _, far in answer), dtype=np.float64, count=len(answer))
        return rows, apart


def open_table(session: Session, run_id: str) -> VectorTable | None:
    """Return the table of a run, or None if it has no table."""
    described = session.scalar(
        text("SELECT obj_description(to_regclass(:name), 'pg_class')"), {"name": _name(run_id)}
    )
    if described is None:
        return None
    return VectorTable(run_id, tuple(json.loads(described)))


def fill(
    session: Session, run_id: str, columns: Sequence[str], matrix: NDArray[np.float32]
) -> None:
    """Write the vectors of a run, ``(n, d)`` with columns ``columns``. The caller commits.

    Raises ``NotReady`` if pgvector is not installed.
    """
    connection = session.connection()
    _require_extension(session)
    connection.execute(text(f"CREATE SCHEMA IF NOT EXISTS {SCHEMA}"))
    connection.execute(text(f"DROP TABLE IF EXISTS {_name(run_id)}"))
    connection.execute(
        text(f"CREATE TABLE {_name(run_id)} (row integer, vector vector({matrix.shape[1]}))")
    )
    # Store vectors inline, because out-of-line values are fetched one by one.
    connection.execute(text(f"ALTER TABLE {_name(run_id)} ALTER vector SET STORAGE PLAIN"))
    _copy(connection, run_id, matrix)
    comment = json.dumps(list(columns)).replace("'", "''").replace(":", r"\:")
    connection.execute(text(f"COMMENT ON TABLE {_name(run_id)} IS '{comment}'"))
    connection.execute(text(f"ANALYZE {_name(run_id)}"))


def keep_only(session: Session, run_ids: Collection[str]) -> None:
    """Drop the tables of all other runs. The caller commits."""
    names = session.scalars(
        text("SELECT tablename FROM pg_tables WHERE schemaname = :schema"), {"schema": SCHEMA}
    )
    for run_id in names.all():
        if run_id not in run_ids:
            session.execute(text(f"DROP TABLE {_name(run_id)}"))


def _copy(connection: Connection, run_id: str, matrix: NDArray[np.float32]) -> None:
    """Write all rows by COPY in PostgreSQL's binary format, whose records have a fixed length."""
    dimensions = matrix.shape[1]
    record = np.dtype(
        [
            ("fields", ">i2"),
            ("row_length", ">i4"),
            ("row", ">i4"),
            ("vector_length", ">i4"),
            ("dimensions", ">i2"),
            ("unused", ">i2"),
            ("vector", ">f4", (dimensions,)),
        ]
    )
    cursor = connection.connection.driver_connection.cursor()  # type: ignore[union-attr]
    statement = f"COPY {_name(run_id)} (row, vector) FROM STDIN (FORMAT BINARY)"
    with cursor, cursor.copy(statement) as copy:
        copy.write(_SIGNATURE)
        for start in range(0, len(matrix), _SLICE):
            part = matrix[start : start + _SLICE]
            records = np.zeros(len(part), dtype=record)
            records["fields"] = 2
            records["row_length"] = 4
            records["row"] = np.arange(start, start + len(part))
            records["vector_length"] = 4 + 4 * dimensions
            records["dimensions"] = dimensions
            records["vector"] = part
            copy.write(records.tobytes())
        copy.write(_END)


def _require_extension(session: Session) -> None:
    if session.scalar(text("SELECT 1 FROM pg_extension WHERE extname = 'vector'")):
        return
    try:
        with session.begin_nested():
            session.execute(text("CREATE EXTENSION vector"))
    except DBAPIError as error:
        raise NotReady(
            "SONGREC_VECTORS=pgvector: the database has no pgvector. Install it and have a "
            "superuser run CREATE EXTENSION vector, or set SONGREC_VECTORS=files."
        ) from error


def _name(run_id: str) -> str:
    """Return the quoted name of a run's table."""
    return f"{SCHEMA}.{db.engine.dialect.identifier_preparer.quote_identifier(run_id)}"
