"""What differs between SQLite and PostgreSQL is decided in the store alone."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.orm import Session

import songrec
from songrec.store.db import BUSY_TIMEOUT_MS, short_transaction

# Of an engine, a connection or a bind; a *dialect* of catalogue files is another thing.
_CHECK = re.compile(
    r"(engine|connection|bind|get_bind\(\)|db)\.dialect\b|\bPRAGMA\b|sqlalchemy\.dialects"
)


@pytest.mark.parametrize(
    "line",
    [
        'if db.engine.dialect.name == "sqlite":',
        'if session.get_bind().dialect.name != "sqlite":',
        "kind = connection.dialect",
        'session.execute(text("PRAGMA busy_timeout=200"))',
        "from sqlalchemy.dialects import sqlite",
    ],
)
def test_a_check_of_the_dialect_is_recognised(line: str) -> None:
    assert _CHECK.search(line)


def test_the_dialect_of_the_database_is_checked_in_the_store_alone() -> None:
    folder = Path(songrec.__file__).parent
    files = [path for path in folder.rglob("*.py") if _CHECK.search(path.read_text("utf-8"))]
    rooms = {path.relative_to(folder).as_posix() for path in files}
    assert {name for name in rooms if not name.startswith("store/")} == set()
    assert "store/db.py" in rooms


@pytest.mark.sqlite
def test_a_short_transaction_leaves_the_connection_as_patient_as_it_was(
    app: Flask, session: Session
) -> None:
    with short_transaction(session):
        assert session.scalar(text("PRAGMA busy_timeout")) == 200
    assert session.scalar(text("PRAGMA busy_timeout")) == BUSY_TIMEOUT_MS
