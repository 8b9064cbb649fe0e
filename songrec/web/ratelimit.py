"""Counting tries so that every process of the web server sees the same count.

Flask-Limiter's in-memory counters are per process. With Redis set it counts there; otherwise in
``<instance>/limits.db``, through the small storage defined here (the ``limits`` package brings
none for a file).
"""

from __future__ import annotations

import importlib.util
import sqlite3
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from limits.storage import Storage

SCHEME = "songrec-sqlite"


def storage_uri(instance: Path, redis_url: str | None) -> str:
    """Where the counters are: Redis if there is one, else a file in the instance folder.

    Without the redis package it is the file too: whoever asks for a job is told what is missing,
    and pages go on working until then.
    """
    if redis_url and importlib.util.find_spec("redis"):
        return redis_url
    return f"{SCHEME}://{instance / 'limits.db'}"


class SqliteCounters(Storage):
    """Fixed-window counters in an SQLite file shared by all processes of one machine."""

    STORAGE_SCHEME = [SCHEME]  # noqa: RUF012 - the base class declares a list

    def __init__(self, uri: str, wrap_exceptions: bool = False, **options: Any) -> None:
        super().__init__(uri, wrap_exceptions=wrap_exceptions, **options)
        self.path = uri.removeprefix(f"{SCHEME}://")

    @property
    def base_exceptions(self) -> type[Exception]:
        """What a broken storage raises."""
        return sqlite3.Error

    @contextmanager
    def _connection(self) -> Iterator[sqlite3.Connection]:
        with closing(sqlite3.connect(self.path, timeout=10, isolation_level=None)) as connection:
            # A power cut may forget a count; waiting for the disk at every try would cost more.
            connection.execute("PRAGMA synchronous=OFF")
            connection.execute(
                "CREATE TABLE IF NOT EXISTS counter "
                "(key TEXT PRIMARY KEY, count INTEGER NOT NULL, expires REAL NOT NULL)"
            )
            yield connection

    def incr(self, key: str, expiry: float, amount: int = 1) -> int:
        """Add ``amount`` to the key's count and return it; a new window lasts ``expiry`` s."""
        now = time.time()
        with self._connection() as connection:
            connection.execute("DELETE FROM counter WHERE expires <= ?", (now,))
            # One statement: two processes never read the same count.
            row = connection.execute(
                "INSERT INTO counter VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE "
                "SET count = count + excluded.count RETURNING count",
                (key, amount, now + expiry),
            ).fetchone()
        return int(row[0])

    def get(self, key: str) -> int:
        """The key's count in its current window."""
        return int(self._row(key)[0])

    def get_expiry(self, key: str) -> float:
        """When the key's window ends, in seconds since the epoch."""
        return float(self._row(key)[1])

    def _row(self, key: str) -> tuple[int, float]:
        now = time.time()
        with self._connection() as connection:
            row = connection.execute(
                "SELECT count, expires FROM counter WHERE key = ? AND expires > ?", (key, now)
            ).fetchone()
        return row or (0, now)

    def check(self) -> bool:
        """Whether the file can be read."""
        self.get("")
        return True

    def reset(self) -> int:
        """Forget every count and return how many there were."""
        with self._connection() as connection:
            return connection.execute("DELETE FROM counter").rowcount

    def clear(self, key: str) -> None:
        """Forget one key."""
        with self._connection() as connection:
            connection.execute("DELETE FROM counter WHERE key = ?", (key,))
