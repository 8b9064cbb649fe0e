"""Database handle, naming convention of constraints and SQLite pragmas."""

from __future__ import annotations

import errno
import functools
import itertools
import logging
import os
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from sqlalchemy import BigInteger, DateTime, Integer, MetaData, event, func, inspect, select, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Engine, ExceptionContext
from sqlalchemy.exc import DataError, IntegrityError, OperationalError, SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Session
from sqlalchemy.types import TypeDecorator

from songrec.core.file_systems import DISK_FULL, explain, network_type

log = logging.getLogger("songrec.database")

T = TypeVar("T")

# SQLite's INTEGER has 64 bits.
LONG = BigInteger().with_variant(Integer, "sqlite")
"""Column type of 64-bit integers."""


class Base(DeclarativeBase):
    """Base of all tables; named constraints can be changed by Alembic on SQLite too."""

    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime, also on SQLite, which stores naive ones."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Store UTC."""
        return value.astimezone(UTC) if value is not None else None

    def process_result_value(self, value: datetime | None, dialect: Any) -> datetime | None:
        """Read UTC, aware."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


def now() -> datetime:
    """Return the current time, aware, in UTC."""
    return datetime.now(UTC)


db = SQLAlchemy(model_class=Base)


def clock(session: Session) -> datetime:
    """Return the time by the database's clock, which is the same for all hosts.

    For SQLite this is the machine's clock.
    """
    if session.get_bind().dialect.name == "sqlite":
        return now()
    moment: datetime = session.execute(select(func.clock_timestamp())).scalar_one()
    return moment.astimezone(UTC)


def insert(session: Session, table: Any) -> postgresql.Insert | sqlite.Insert:
    """Return an INSERT that supports ON CONFLICT, for the session's database."""
    dialect = sqlite if session.get_bind().dialect.name == "sqlite" else postgresql
    return dialect.insert(table)


def database_app(overrides: dict[str, Any] | None = None) -> Flask:
    """Create an application with only settings and database, for processes without pages."""
    from songrec.core import config, private_files

    private_files.start_private()
    app = Flask("songrec")
    app.config.from_mapping(config.load())
    app.config.from_mapping(overrides or {})
    db.init_app(app)
    return app


def enable_migrations(app: Flask) -> None:
    """Set up Alembic for an application, unless that is done already."""
    from flask_migrate import Migrate

    from songrec.core import config

    if "migrate" not in app.extensions:
        Migrate(app, db, directory=str(config.ROOT / "migrations"), render_as_batch=True)


BUSY_TIMEOUT_MS = 30_000
"""Time that a statement waits on SQLite for another writer before it fails."""
_SHORT_TIMEOUT_MS = 200


@event.listens_for(Engine, "connect")
def _sqlite_pragmas(connection: Any, record: Any) -> None:
    if not isinstance(connection, sqlite3.Connection):
        return
    cursor = connection.cursor()
    # Set the timeout first, because the next pragma may have to wait.
    cursor.execute(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")
    writes_ahead = _set_journal(cursor)
    for pragma in (
        f"synchronous={'NORMAL' if writes_ahead else 'FULL'}",
        "foreign_keys=ON",
        "temp_store=MEMORY",
        "cache_size=-32000",
    ):
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


_LEAST_FREE_BYTES = 2**16
"""Free space that SQLite needs for the files beside the database."""


def require_space(file: Path) -> None:
    """Raise ``OSError`` if an SQLite file cannot be opened because of a full disk."""
    if shutil.disk_usage(file.parent).free < _LEAST_FREE_BYTES:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(file))


def _set_journal(cursor: sqlite3.Cursor) -> bool:
    """Enable SQLite's write-ahead log if that is safe, so that writers do not block readers.

    It is not safe on network file systems, because the log's index is in shared memory. Raises
    ``OSError`` on a full disk.
    """
    file = cursor.execute("PRAGMA database_list").fetchone()[2]
    network = network_type(Path(file).parent) if file else None
    mode = ""
    if network is None:
        try:
            (mode,) = cursor.execute("PRAGMA journal_mode=WAL").fetchone()
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_IOERR:
                raise
            require_space(Path(file))
    if mode != "wal":
        (mode,) = cursor.execute("PRAGMA journal_mode=DELETE").fetchone()
    if file and mode != "wal":
        _warn_of_journal(file, network)
    return bool(mode == "wal")


@functools.cache
def _warn_of_journal(file: str, network: str | None) -> None:
    where = f"a network file system ({network})" if network else "a file system without shared maps"
    log.warning(
        "%s lies on %s: a writer blocks readers there. Use a local disk, or PostgreSQL "
        "(SONGREC_DATABASE_URL), above all for several machines.",
        file,
        where,
    )


@event.listens_for(Engine, "handle_error")
def _unstorable_is_data_error(context: ExceptionContext) -> DataError | None:
    """Raise ``DataError`` for what drivers refuse by errors of their own.

    These are integers beyond SQLite's 64 bits, and halves of surrogate pairs, which JSON can hold.
    """
    if isinstance(context.original_exception, OverflowError | UnicodeEncodeError):
        return DataError(context.statement, None, context.original_exception, hide_parameters=True)
    return None


# Data exceptions and violated constraints, whose messages quote values.
_QUOTING = ("22", "23")


@event.listens_for(Engine, "handle_error")
def _values_stay_out_of_messages(context: ExceptionContext) -> None:
    """Remove values from PostgreSQL's messages, such as "Key (name)=(Anna) already exists".

    Kind of error, state, table, column and constraint remain. SQLite's messages only name columns.
    """
    error = context.original_exception
    state = getattr(error, "sqlstate", None)
    if state is None or context.sqlalchemy_exception is None:
        return
    parts = {
        name: getattr(error.diag, f"{name}_name") for name in ("table", "column", "constraint")
    }
    if state.startswith(_QUOTING):
        message = ", ".join(
            [f"SQLSTATE {state}", *(f"{name} {value}" for name, value in parts.items() if value)]
        )
    else:
        message = str(error.diag.message_primary or error)
    error.args = (message,)
    kind = type(error)
    context.sqlalchemy_exception.args = (f"({kind.__module__}.{kind.__name__}) {message}",)


@contextmanager
def short_transaction(session: Session) -> Iterator[None]:
    """Run and **commit** a transaction that on SQLite gives up soon where another one is writing.

    Raises ``OperationalError`` then. What was not committed before is rolled back in any case.
    """
    is_sqlite = session.get_bind().dialect.name == "sqlite"
    try:
        if is_sqlite:
            session.execute(text(f"PRAGMA busy_timeout={_SHORT_TIMEOUT_MS}"))
        yield
        session.commit()
    finally:
        session.rollback()
        if is_sqlite:
            session.execute(text(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}"))
            session.rollback()


def overwrite_deleted(session: Session) -> None:
    """Make SQLite overwrite deleted content, which otherwise stays readable in the file.

    The write-ahead log is emptied by ``truncate_log``.
    """
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA secure_delete=ON")


def truncate_log(session: Session) -> None:
    """Empty SQLite's write-ahead log as far as readers allow, because it has deleted content."""
    connection = session.connection()
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")


_CATALOGUE_LOCK = 7_102_734
"""Key of PostgreSQL's advisory lock for writing tracks, artists and albums."""


def take_write_turn(session: Session) -> None:
    """Lock the catalogue against other writers until the commit.

    Values read afterwards stay current until they are written: of two processes with the same new
    artist, one inserts it and the other finds it. Other processes can read, and on PostgreSQL write
    to tables outside the catalogue.
    """
    connection = session.connection()
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(_CATALOGUE_LOCK)))
        return
    raw = connection.connection.driver_connection
    if isinstance(raw, sqlite3.Connection) and not raw.in_transaction:
        # Not at the first write, because a read transaction cannot always be upgraded.
        connection.exec_driver_sql("BEGIN IMMEDIATE")


ATTEMPTS = 10
"""Attempts of a write that conflicts with rows of other processes."""
_RETRY_S = 0.5
# PostgreSQL: deadlock, serialization failure, lock not available. SQLite: busy, locked.
_TRANSIENT_STATES = frozenset({"40P01", "40001", "55P03"})
_TRANSIENT_CODES = frozenset({sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED})


def write_with_retries(
    session: Session, write: Callable[[], T], on_wait: Callable[[str], None] = lambda _: None
) -> T:
    """Run ``write`` and **commit**; retry on conflicts and while the database is locked.

    A row inserted meanwhile by another process exists at the next attempt, so ``write`` must read
    before it inserts. Each attempt starts after a rollback. ``on_wait`` is called with a message
    before a retry at a busy database, and may raise to give up.
    """
    for attempt in itertools.count(1):
        try:
            result = write()
            session.commit()
        except IntegrityError:
            session.rollback()
            if attempt >= ATTEMPTS:
                raise
        except OperationalError as error:
            session.rollback()
            if not is_transient(error):
                raise
            on_wait("The database is busy; waiting for another process.")
            time.sleep(_RETRY_S)
        else:
            return result
    raise AssertionError  # unreachable: the last attempt returns or raises


def is_transient(error: OperationalError) -> bool:
    """Return whether a retry may succeed: the database is locked, or a deadlock occurred."""
    state = getattr(error.orig, "sqlstate", None)
    # The low byte of an extended result code is the primary code.
    code = (getattr(error.orig, "sqlite_errorcode", None) or 0) & 0xFF
    return state in _TRANSIENT_STATES or code in _TRANSIENT_CODES


NOT_SET_UP = "The database has not been set up: run `flask db upgrade`, or `make run`."
OLD_SCHEMA = "The database is older than this songrec: run `flask db upgrade`, or `make run`."


def describe_schema_error(error: SQLAlchemyError) -> str | None:
    """Return advice if a statement failed because of a missing table or column, else None."""
    original = getattr(error, "orig", None)
    described = f"{type(original).__name__} {original}".lower()
    if any(sign in described for sign in ("no such table", "undefinedtable")):
        return NOT_SET_UP
    if any(sign in described for sign in ("no such column", "has no column", "undefinedcolumn")):
        return OLD_SCHEMA
    return None


def schema_problem(engine: Engine) -> str | None:
    """Return advice if a table or column is missing, else None."""
    columns = {
        name: {column["name"] for column in described}
        for (_, name), described in inspect(engine).get_multi_columns().items()
    }
    if not columns.keys() & Base.metadata.tables.keys():
        return NOT_SET_UP
    for table in Base.metadata.tables.values():
        if not columns.get(table.name, set()).issuperset(table.columns.keys()):
            return OLD_SCHEMA
    return None


_DISK_FULL_STATE = "53100"


def explain_failure(error: BaseException) -> str | None:
    """Describe a failure caused by the disk or the system in one line; None for other errors."""
    if isinstance(error, OSError):
        return explain(error)
    original = getattr(error, "orig", error)
    if getattr(original, "sqlstate", None) == _DISK_FULL_STATE:
        return DISK_FULL
    code = (getattr(original, "sqlite_errorcode", None) or 0) & 0xFF
    return {
        sqlite3.SQLITE_FULL: DISK_FULL,
        sqlite3.SQLITE_READONLY: explain(OSError(errno.EROFS, "")),
        sqlite3.SQLITE_IOERR: explain(OSError(errno.EIO, "")),
        sqlite3.SQLITE_PROTOCOL: NO_SQLITE_LOCKS,
    }.get(code)


NO_SQLITE_LOCKS = (
    "SQLite cannot lock the database on this file system: set SONGREC_INSTANCE to a folder on a "
    "local disk, or use PostgreSQL (SONGREC_DATABASE_URL)."
)
