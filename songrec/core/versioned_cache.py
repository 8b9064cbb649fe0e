"""Computed values that stay valid as long as a version stays the same."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class VersionedCache:
    """Values by key, each valid for one version; the ones unused for longest make room.

    Two threads may compute the same value at the same time; the lock guards the table only.
    """

    def __init__(self, limit: int) -> None:
        self._values: OrderedDict[Hashable, tuple[Hashable, Any]] = OrderedDict()
        self._lock = threading.Lock()
        self._limit = limit

    def get(self, key: Hashable, version: Hashable, compute: Callable[[], T]) -> T:
        """Return the value of ``key``; compute it unless it is cached for this ``version``."""
        with self._lock:
            cached = self._values.get(key)
            if cached is not None and cached[0] == version:
                self._values.move_to_end(key)
                value: T = cached[1]
                return value
        value = compute()
        with self._lock:
            self._values[key] = (version, value)
            self._values.move_to_end(key)
            while len(self._values) > self._limit:
                self._values.popitem(last=False)
        return value
