"""Turns of clients at something of which few go at once."""

from __future__ import annotations

from collections import Counter, deque
from typing import Generic, TypeVar

T = TypeVar("T")


class Turns(Generic[T]):
    """Round-robin scheduler of at most ``total`` items at once, and ``per_client`` of one client.

    Waiting clients take turns, regardless of their number of items. Items without a client (None)
    only count towards the total.
    """

    def __init__(self, total: int, per_client: int) -> None:
        self.total = total
        self.per_client = per_client
        self._running: Counter[str | None] = Counter()
        self._waiting: dict[str | None, deque[T]] = {}

    def add(self, client: str | None, thing: T) -> None:
        """Queue an item."""
        self._waiting.setdefault(client, deque()).append(thing)

    def remove(self, client: str | None, thing: T) -> None:
        """Remove an item from the queue, if it waits."""
        things = self._waiting.get(client)
        if things is not None and thing in things:
            things.remove(thing)
            if not things:
                del self._waiting[client]

    def next(self) -> T | None:
        """Return the thing whose turn it is, which counts as started; None if all must wait."""
        if self._running.total() >= self.total:
            return None
        for client in self._waiting:
            if client is None or self._running[client] < self.per_client:
                break
        else:
            return None
        things = self._waiting.pop(client)
        thing = things.popleft()
        if things:
            self._waiting[client] = things  # behind the others
        self._running[client] += 1
        return thing

    def end(self, client: str | None) -> None:
        """Note that one of the client's things has ended."""
        self._running[client] -= 1
        if not self._running[client]:
            del self._running[client]
