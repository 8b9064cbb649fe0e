"""Rate-limit counters that every process of the web server shares: a table of the database."""

from __future__ import annotations

import time
from pathlib import Path

from flask import current_app
from limits.storage import Storage
from sqlalchemy.exc import SQLAlchemyError

from songrec.store import rate_limits

SCHEME = "songrec-database"
URI = f"{SCHEME}://"


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
        return rate_limits.increment(_instance(), key, amount, now, now + expiry)

    def get(self, key: str) -> int:
        """Return the key's count in its current window."""
        return rate_limits.read(_instance(), key, time.time())[0]

    def get_expiry(self, key: str) -> float:
        """Return when the key's window ends, in seconds since the epoch."""
        return rate_limits.read(_instance(), key, time.time())[1]

    def check(self) -> bool:
        """Return whether the counters can be read."""
        self.get("")
        return True

    def reset(self) -> int:
        """Forget every count and return their number."""
        return rate_limits.delete_all(_instance())

    def clear(self, key: str) -> None:
        """Forget one key."""
        rate_limits.delete(_instance(), key)


def _instance() -> Path:
    folder: Path = current_app.config["INSTANCE"]
    return folder
