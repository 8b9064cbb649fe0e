"""Bulk inserts: pragmas, parameter styles and the full-text index during long writes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, Table, insert
from sqlalchemy.orm import Session

from songrec.store.db import take_write_turn
from songrec.store.tables import Track

_CHUNK_SIZE = 1_000
# Random keys touch most pages of an index. A larger cache and fewer checkpoints greatly reduce the
# bytes written during a long import.
_BULK_PRAGMAS = {"cache_size": -128_000, "wal_autocheckpoint": 10_000}


def chunks(values: list[Any]) -> Iterable[list[Any]]:
    """Split ``values`` into pieces that fit into one ``IN (...)`` of any database."""
    for start in range(0, len(values), _CHUNK_SIZE):
        yield values[start : start + _CHUNK_SIZE]


@contextmanager
def bulk_writing(session: Session) -> Iterator[None]:
    """Enlarge SQLite's cache (to about 130 MiB) during a long write.

    Commit before leaving; on an error uncommitted changes are rolled back.
    """
    connection = session.connection()
    pragmas = _BULK_PRAGMAS if connection.dialect.name == "sqlite" else {}
    before = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in pragmas}
    for name, value in pragmas.items():
        connection.exec_driver_sql(f"PRAGMA {name} = {value}")
    try:
        yield
    except BaseException:
        session.rollback()
        raise
    finally:
        for name, value in before.items():
            session.connection().exec_driver_sql(f"PRAGMA {name} = {value}")


def insert_many(
    connection: Connection, table: Table, names: Sequence[str], rows: Sequence[tuple[Any, ...]]
) -> None:
    """Insert rows of plain values into the columns ``names``."""
    if not rows:
        return
    if connection.dialect.paramstyle != "qmark":
        connection.execute(insert(table), [dict(zip(names, row, strict=True)) for row in rows])
        return
    # Tuples are passed to SQLite directly: binding by name and type takes longer than writing.
    quote = connection.dialect.identifier_preparer.quote
    columns = ", ".join(map(quote, names))
    marks = ", ".join("?" * len(names))
    connection.exec_driver_sql(
        f"INSERT INTO {quote(table.name)} ({columns}) VALUES ({marks})", list(rows)
    )


def bind_datetime(connection: Connection, moment: datetime) -> Any:
    """Convert a datetime for ``insert_many``: SQLite's driver takes text."""
    if connection.dialect.paramstyle != "qmark":
        return moment
    kind = Track.__table__.c.created_at.type.dialect_impl(connection.dialect)
    process = kind.bind_processor(connection.dialect)
    return process(moment) if process else moment


class SearchIndex:
    """SQLite's full-text index, updated in bulk with its triggers dropped.

    Triggers make SQLite write the index after every row, which takes longer than the rest of an
    import. They are dropped and recreated in the transaction of the writes, so concurrent readers,
    and a restart after a crash, see the triggers and an index that matches the table. On
    PostgreSQL, which has no such index, this only waits for other writers.
    """

    _TRIGGERS = (
        "track_search_insert",
        "track_search_forget",
        "track_search_update",
        "track_search_untagged",
        "track_search_tagged",
        "track_search_tag_goes",
        "track_search_tag_gone",
    )

    def __init__(self, session: Session) -> None:
        self._session = session
        self._connection = session.connection()
        self._triggers: list[str] = []

    def __enter__(self) -> SearchIndex:
        # Python's sqlite3 would run DDL outside a transaction; this begins one.
        take_write_turn(self._session)
        if self._connection.dialect.name != "sqlite":
            return self
        for name in self._TRIGGERS:
            statement = self._connection.exec_driver_sql(
                "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = ?", (name,)
            ).scalar()
            if statement:
                self._triggers.append(statement)
                self._connection.exec_driver_sql(f"DROP TRIGGER {name}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # After an error the caller rolls back, which restores the triggers as well.
        if error is None:
            for statement in self._triggers:
                self._connection.exec_driver_sql(statement)

    def remove(self, track_ids: list[int]) -> None:
        """Remove tracks from the index, before their text changes."""
        self._insert("(track_search, rowid, terms) SELECT 'delete',", track_ids)

    def add(self, track_ids: list[int]) -> None:
        """Add tracks to the index with their current text."""
        self._insert("(rowid, terms) SELECT", track_ids)

    def _insert(self, statement: str, track_ids: list[int]) -> None:
        if not self._triggers:
            return
        for part in chunks(track_ids):
            marks = ", ".join("?" * len(part))
            self._connection.exec_driver_sql(
                f"INSERT INTO track_search{statement} id, terms FROM track_terms "
                f"WHERE id IN ({marks})",
                tuple(part),
            )
