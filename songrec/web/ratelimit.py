"""Rate-limit counters that every process of the web server shares: a table of the database.

On SQLite the table lies in a file of its own, ``<instance>/limits.db``: counting a try must not
wait for a job that is writing to the catalogue.
"""

from __future__ import annotations

import functools
import time
from pathlib import Path

from flask import current_app
from limits.storage import Storage
from sqlalchemy import Engine, create_engine, text
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.schema import CreateTable

from songrec.store.db import db
from songrec.store.tables import RateLimit

SCHEME = "songrec-database"
URI = f"{SCHEME}://"
_PRUNE = text("DELETE FROM rate_limit WHERE expires <= :now")
# One statement: two processes never read the same count.
_COUNT = text(
    "INSERT INTO rate_limit (key, count, expires) VALUES (:key, :amount, :expires) "
    "ON CONFLICT (key) DO UPDATE SET count = rate_limit.count + excluded.count RETURNING count"
)
_READ = text("SELECT count, expires FROM rate_limit WHERE key = :key AND expires > :now")


class DatabaseCounters(Storage):
    """Fixed-window counters in the table ``rate_limit`` of the current application's database."""

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012 - the base class declares a list

    @property
    def base_exceptions(self) -> type[Exception]:
        """Exceptions of a broken storage."""
        return SQLAlchemyError

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add ``amount`` to the key's count and return it; a new window lasts ``expiry`` s."""
        now = time.time()
        with _engine().begin() as connection:
            connection.execute(_PRUNE, {"now": now})
            row = {"key": key, "amount": amount, "expires": now + expiry}
            return int(connection.scalar(_COUNT, row) or 0)

    def get(self, key: str) -> int:
        """Return the key's count in its current window."""
        return self._read(key)[0]

    def get_expiry(self, key: str) -> float:
        """Return when the key's window ends, in seconds since the epoch."""
        return self._read(key)[1]

    def _read(self, key: str) -> tuple[int, float]:
        now = time.time()
        with _engine().connect() as connection:
            row = connection.execute(_READ, {"key": key, "now": now}).first()
        return (row[0], row[1]) if row else (0, now)

    def check(self) -> bool:
        """Return whether the counters can be read."""
        self.get("")
        return True

    def reset(self) -> int:
        """Forget every count and return their number."""
        with _engine().begin() as connection:
            return connection.execute(text("DELETE FROM rate_limit")).rowcount

    def clear(self, key: str) -> None:
        """Forget one key."""
        with _engine().begin() as connection:
            connection.execute(text("DELETE FROM rate_limit WHERE key = :key"), {"key": key})


def _engine() -> Engine:
    if db.engine.dialect.name != "sqlite":
        return db.engine
    return _own_file(current_app.config["INSTANCE"] / "limits.db")


@functools.lru_cache(maxsize=2)
def _own_file(path: Path) -> Engine:
    engine = create_engine(f"sqlite:///{path}", hide_parameters=True)
    with engine.begin() as connection:
        connection.execute(CreateTable(RateLimit.__table__, if_not_exists=True))  # type: ignore[arg-type]
    return engine
