"""Counters of the web's rate limits, in the table ``rate_limit``.

On SQLite the table lies in a file of its own, ``<instance>/limits.db``: counting a try must not
wait for a job that is writing to the catalogue.
"""

from __future__ import annotations

from pathlib import Path

from flask import Flask, current_app
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.schema import CreateTable

from songrec.store.db import db
from songrec.store.tables import RateLimit

_ENGINES = "songrec-rate-limits"

_PRUNE = text("DELETE FROM rate_limit WHERE expires <= :now")
# One statement: two processes never read the same count.
_COUNT = text(
    "INSERT INTO rate_limit (key, count, expires) VALUES (:key, :amount, :expires) "
    "ON CONFLICT (key) DO UPDATE SET count = rate_limit.count + excluded.count RETURNING count"
)
_READ = text("SELECT count, expires FROM rate_limit WHERE key = :key AND expires > :now")


def increment(instance: Path, key: str, amount: int, now: float, expires: float) -> int:
    """Add ``amount`` to the key's count and return it; a new window ends at ``expires``.

    Windows that ended before ``now`` are deleted; both are seconds since the epoch.
    """
    with _engine(instance).begin() as connection:
        connection.execute(_PRUNE, {"now": now})
        row = {"key": key, "amount": amount, "expires": expires}
        return int(connection.scalar(_COUNT, row) or 0)


def read(instance: Path, key: str, now: float) -> tuple[int, float]:
    """Return the key's count in its current window and when that ends; 0 and ``now`` without."""
    with _engine(instance).connect() as connection:
        row = connection.execute(_READ, {"key": key, "now": now}).first()
    return (row[0], row[1]) if row else (0, now)


def delete_all(instance: Path) -> int:
    """Forget every count and return their number."""
    with _engine(instance).begin() as connection:
        return connection.execute(text("DELETE FROM rate_limit")).rowcount


def delete(instance: Path, key: str) -> None:
    """Forget the count of one key."""
    with _engine(instance).begin() as connection:
        connection.execute(text("DELETE FROM rate_limit WHERE key = :key"), {"key": key})


def close(app: Flask) -> None:
    """Close the connections to the file; the next call opens it again."""
    for engine in app.extensions.get(_ENGINES, {}).values():
        engine.dispose()


def _engine(instance: Path) -> Engine:
    if db.engine.dialect.name != "sqlite":
        return db.engine
    engines: dict[Path, Engine] = current_app.extensions.setdefault(_ENGINES, {})
    file = instance / "limits.db"
    if file not in engines:
        engines[file] = _own_file(file)
    return engines[file]


def _own_file(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", hide_parameters=True)
    with engine.begin() as connection:
        connection.execute(CreateTable(RateLimit.__table__, if_not_exists=True))  # type: ignore[arg-type]
    return engine
