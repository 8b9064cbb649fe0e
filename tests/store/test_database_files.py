"""SQLite on local and network file systems, full and read-only."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import OperationalError

from songrec.store import db as database
from songrec.store.db import explain_failure


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[Engine]:
    """An engine on a file."""
    engine = create_engine(f"sqlite:///{tmp_path / 'songrec.db'}")
    yield engine
    engine.dispose()


def pragmas(engine: Engine) -> tuple[str, int]:
    """Journal mode and synchronous (1 normal, 2 full) of a connection."""
    with engine.connect() as connection:
        return (
            connection.scalar(text("PRAGMA journal_mode")),
            connection.scalar(text("PRAGMA synchronous")),
        )


def test_sqlite_writes_ahead_on_a_local_disk_only(
    engine: Engine, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    assert pragmas(engine) == ("wal", 1)
    assert not caplog.records
    engine.dispose()
    # The instance was moved to a share: the log is merged into the file.
    monkeypatch.setattr(database, "network_type", lambda path: "nfs4")
    assert pragmas(engine) == ("delete", 2)
    assert [record.getMessage() for record in caplog.records] == [
        f"{engine.url.database} lies on a network file system (nfs4): a writer blocks readers "
        "there. Use a local disk, or PostgreSQL (SONGREC_DATABASE_URL), above all for several "
        "machines."
    ]


def test_a_database_in_memory_needs_no_file_system(caplog: pytest.LogCaptureFixture) -> None:
    engine = create_engine("sqlite://")
    assert pragmas(engine)[0] == "memory"
    engine.dispose()
    assert not caplog.records


def test_a_full_disk_is_explained(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execute(text("CREATE TABLE a (b BLOB)"))
        connection.execute(text("PRAGMA max_page_count = 5"))
        with pytest.raises(OperationalError) as error:
            connection.execute(text("INSERT INTO a VALUES (zeroblob(100000))"))
    assert explain_failure(error.value) == "The disk is full: free some space, then try again."


def test_a_disk_too_full_to_open_the_database_is_explained(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Cursor:
        """Fails as SQLite does without room for the index of its log."""

        answers: tuple[object, ...] = ()

        def execute(self, statement: str) -> Cursor:
            is_list = statement.endswith("database_list")
            self.answers = (0, "main", str(engine.url.database)) if is_list else ("delete",)
            if "=WAL" in statement:
                error = sqlite3.OperationalError("disk I/O error")
                error.sqlite_errorcode = sqlite3.SQLITE_IOERR_SHMSIZE
                raise error
            return self

        def fetchone(self) -> tuple[object, ...]:
            return self.answers

    cursor = cast(sqlite3.Cursor, Cursor())
    usage = shutil.disk_usage("/")
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=4096))
    with pytest.raises(OSError, match="No space left") as error:
        database._set_journal(cursor)
    assert str(explain_failure(error.value)).startswith("The disk is full")
    # With room, it is the file system that has no shared maps.
    monkeypatch.setattr(shutil, "disk_usage", lambda path: usage._replace(free=2**30))
    assert not database._set_journal(cursor)


def test_a_read_only_database_is_explained(engine: Engine) -> None:
    with engine.connect() as connection:
        connection.execute(text("PRAGMA query_only = ON"))
        with pytest.raises(OperationalError) as error:
            connection.execute(text("CREATE TABLE a (b BLOB)"))
    assert str(explain_failure(error.value)).startswith("The file system is read-only")
    assert explain_failure(sqlite3.OperationalError("syntax error")) is None


def test_a_page_says_that_the_disk_is_full(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full() -> str:
        raise OSError(28, "No space left on device", "/srv/songrec/songs/x")

    monkeypatch.setitem(app.view_functions, "upload.index", full)
    answer = client.get("/upload")
    page = answer.get_data(as_text=True)
    assert answer.status_code == 503
    assert "The disk is full: free some space" in page
    assert "/srv/songrec" not in page
