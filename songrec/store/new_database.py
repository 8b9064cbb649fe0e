"""Schema revisions, and new SQLite databases from a schema snapshot.

Running all migrations takes most of the time of the first start. ``migrations/schema.sql`` is a
snapshot of the tables up to the revision in its last line; later migrations run as for any
database. ``python -m songrec.store.new_database`` writes the snapshot.
"""

from __future__ import annotations

import re
import sqlite3
import tempfile
from pathlib import Path

from sqlalchemy import inspect, text
from sqlalchemy.engine import Engine

from songrec.core.config import ROOT
from songrec.core.files import atomic_file

MIGRATIONS = ROOT / "migrations"
SNAPSHOT = MIGRATIONS / "schema.sql"
# Order of statements, so that each only refers to earlier ones.
_ORDER = ("table", "view", "index", "trigger")


def newest_revision() -> str:
    """Return the revision that no migration follows."""
    revisions, followed = set(), set()
    for path in (MIGRATIONS / "versions").glob("*.py"):
        script = path.read_text(encoding="utf-8")
        revisions.update(re.findall(r'^revision(?:: str)? = "(\w+)"', script, re.MULTILINE))
        followed.update(re.findall(r'^down_revision\b.*? = "(\w+)"', script, re.MULTILINE))
    (newest,) = revisions - followed
    return newest


def current_revision(engine: Engine) -> str | None:
    """Return the revision that a database is at; None for one without tables."""
    with engine.connect() as connection:
        if not inspect(connection).has_table("alembic_version"):
            return None
        return connection.execute(text("SELECT version_num FROM alembic_version")).scalar()


def create_tables(engine: Engine) -> bool:
    """Create the snapshot's tables in an empty SQLite database; False for any other database."""
    if engine.dialect.name != "sqlite":
        return False
    raw = engine.raw_connection()
    try:
        connection = raw.driver_connection
        assert isinstance(connection, sqlite3.Connection)
        is_empty = connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None
        if is_empty:
            snapshot = SNAPSHOT.read_text(encoding="utf-8")
            try:
                connection.executescript(f"BEGIN IMMEDIATE;\n{snapshot}COMMIT;")
            except sqlite3.OperationalError:
                connection.rollback()
                if connection.execute("SELECT 1 FROM sqlite_master").fetchone() is None:
                    raise
                return False  # another process created them meanwhile
        return is_empty
    finally:
        raw.close()


def describe(connection: sqlite3.Connection) -> str:
    """Return the statements that create the tables of a database, and its revision."""
    # Virtual tables create their shadow tables, and tables the indexes of their constraints.
    shadows = {row[1] for row in connection.execute("PRAGMA table_list") if row[2] == "shadow"}
    rows = connection.execute("SELECT type, name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    items = [(kind, name, sql) for kind, name, sql in rows if name not in shadows]
    items.sort(key=lambda item: (_ORDER.index(item[0]), item[1]))
    (revision,) = connection.execute("SELECT version_num FROM alembic_version").fetchone()
    statements = [sql for _, _, sql in items]
    statements.append(f"INSERT INTO alembic_version VALUES ('{revision}')")
    return "".join(f"{statement};\n" for statement in statements)


def write_snapshot() -> None:
    """Write the snapshot of the newest revision, by running all migrations."""
    from flask_migrate import upgrade

    from songrec.store.db import database_app, db, enable_migrations

    with tempfile.TemporaryDirectory() as folder:
        database = Path(folder) / "songrec.db"
        app = database_app({"SQLALCHEMY_DATABASE_URI": f"sqlite:///{database}"})
        enable_migrations(app)
        with app.app_context():
            upgrade()
            db.engine.dispose()
        connection = sqlite3.connect(database)
        statements = describe(connection)
        connection.close()
    with atomic_file(SNAPSHOT) as temporary:
        temporary.write_text(statements, encoding="utf-8")


if __name__ == "__main__":
    write_snapshot()
