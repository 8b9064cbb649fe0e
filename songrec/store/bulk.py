"""Writing many rows at once: what a database needs for it beyond plain statements."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from types import TracebackType
from typing import Any

from sqlalchemy import Connection, Table, insert
from sqlalchemy.orm import Session

from songrec.store.tables import Track

_IN_ONE_QUERY = 1_000
# Random keys touch most pages of an index. With more of them in memory, and copied from the log
# to the database less often, a long ingest writes a fraction of what it would.
_ROOMY = {"cache_size": -128_000, "wal_autocheckpoint": 10_000}


def chunks(values: list[Any]) -> Iterable[list[Any]]:
    """``values`` in pieces that fit into one ``IN (...)`` of any database."""
    for start in range(0, len(values), _IN_ONE_QUERY):
        yield values[start : start + _IN_ONE_QUERY]


@contextmanager
def bulk_writing(session: Session) -> Iterator[None]:
    """Give SQLite room for a long write (about 130 MiB), and take it back; PostgreSQL has its own.

    Commit before leaving; what is not committed when an error comes by is rolled back.
    """
    connection = session.connection()
    if connection.dialect.name != "sqlite":
        yield
        return
    before = {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar_one() for name in _ROOMY}
    for name, value in _ROOMY.items():
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
    """Insert rows of plain values; ``names`` are their columns."""
    if not rows:
        return
    if connection.dialect.paramstyle != "qmark":
        connection.execute(insert(table), [dict(zip(names, row, strict=True)) for row in rows])
        return
    # SQLite takes the tuples as they are; naming each value and looking up its type again for
    # every row takes longer than writing it.
    quote = connection.dialect.identifier_preparer.quote
    columns = ", ".join(map(quote, names))
    marks = ", ".join("?" * len(names))
    connection.exec_driver_sql(
        f"INSERT INTO {quote(table.name)} ({columns}) VALUES ({marks})", list(rows)
    )


def stored_moment(connection: Connection, moment: datetime) -> Any:
    """``moment`` as ``insert_many`` wants it: SQLite's driver takes text."""
    if connection.dialect.paramstyle != "qmark":
        return moment
    kind = Track.__table__.c.created_at.type.dialect_impl(connection.dialect)
    process = kind.bind_processor(connection.dialect)
    return process(moment) if process else moment


class SearchIndex:
    """SQLite's full-text index, kept in bulk while the triggers that usually keep it are away.

    A trigger makes SQLite write the index out after every single row, which takes longer than
    everything else an ingest does. Dropping triggers, writing and making them again happen in one
    transaction: whoever reads meanwhile, and whoever finds the database after a crash, sees the
    triggers and an index that agrees with the table. PostgreSQL keeps its own index; nothing is
    done there.
    """

    _TRIGGERS = ("track_search_insert", "track_search_update")
    _COLUMNS = "title, artists, album, genre"

    def __init__(self, session: Session) -> None:
        self._connection = session.connection()
        self._triggers: list[str] = []

    def __enter__(self) -> SearchIndex:
        if self._connection.dialect.name != "sqlite":
            return self
        raw = self._connection.connection.driver_connection
        if raw is not None and not raw.in_transaction:
            # Python's sqlite3 would run DDL outside a transaction. IMMEDIATE waits for its turn to
            # write here, where waiting works, and not at the first write, where it may not.
            self._connection.exec_driver_sql("BEGIN IMMEDIATE")
        for name in self._TRIGGERS:
            found = self._connection.exec_driver_sql(
                "SELECT sql FROM sqlite_master WHERE type = 'trigger' AND name = ?", (name,)
            ).scalar()
            if found:
                self._triggers.append(found)
                self._connection.exec_driver_sql(f"DROP TRIGGER {name}")
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        # After an error the caller rolls back, which brings the triggers back as well.
        if error is None:
            for statement in self._triggers:
                self._connection.exec_driver_sql(statement)

    def forget(self, track_ids: list[int]) -> None:
        """Take tracks out, before their words change."""
        self._each(f"(track_search, rowid, {self._COLUMNS}) SELECT 'delete',", track_ids)

    def learn(self, track_ids: list[int]) -> None:
        """Put tracks in, as the table has them now."""
        self._each(f"(rowid, {self._COLUMNS}) SELECT", track_ids)

    def _each(self, what: str, track_ids: list[int]) -> None:
        if not self._triggers:
            return
        for part in chunks(track_ids):
            marks = ", ".join("?" * len(part))
            self._connection.exec_driver_sql(
                f"INSERT INTO track_search{what} id, {self._COLUMNS} FROM track "
                f"WHERE id IN ({marks})",
                tuple(part),
            )
