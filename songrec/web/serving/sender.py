"""A thread that sends to all slow readers of a process what their responses have left."""

from __future__ import annotations

import contextlib
import selectors
import threading
import time
from collections.abc import Callable
from typing import Any

from gunicorn.workers.gthread import PollableMethodQueue

from songrec.web.serving.buffered_socket import BufferedSocket

STALL_SECONDS = 120.0
"""A client that reads nothing for so long is gone. A browser that has buffered enough of a song
pauses reading, too; it asks for the rest of a file whose connection was closed."""
CLIENTS = 400
"""More do not read slowly at once; the one that has read nothing for longest is closed."""
CLIENTS_PER_ADDRESS = 100
"""The same per address, so that the downloads of one client do not block others."""

Done = Callable[[bool], None]


class Sender(threading.Thread):
    """A thread that sends the queues of sockets as their clients read.

    It is a separate thread, so that a hanging disk or network share does not block other requests.
    """

    def __init__(self, name: str) -> None:
        super().__init__(name=name, daemon=True)
        self._calls = PollableMethodQueue()
        self._calls.init()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._calls.fileno(), selectors.EVENT_READ, None)
        self._jobs: dict[BufferedSocket, tuple[str | None, Done]] = {}
        self._ends = False

    def submit(self, sock: BufferedSocket, address: str | None, done: Done) -> None:
        """Send the socket's queue, then call ``done`` with whether all of it was sent.

        ``address`` is the client whose downloads are counted together, None without one.
        """
        self._calls.defer(self._add, sock, address, done)

    def drop_slowest(self) -> None:
        """Close the connection of the client that has read nothing for longest."""
        self._calls.defer(self._drop_slowest, None)

    def stop(self) -> None:
        """End the thread; the sockets' owner handles unsent data."""
        self._calls.defer(self._end)

    def run(self) -> None:
        """Serve until ``stop``."""
        expiry = time.monotonic() + 1
        while not self._ends:
            for key, _ in self._selector.select(1.0):
                if key.data is None:
                    self._calls.run_callbacks(None)
                elif key.data in self._jobs:
                    self._send(key.data)
            if time.monotonic() > expiry:
                oldest = time.monotonic() - STALL_SECONDS
                for sock in [sock for sock in self._jobs if sock.progressed < oldest]:
                    self._finish(sock, sent=False)
                expiry = time.monotonic() + 1
        self._selector.close()
        self._calls.close()

    def _add(self, sock: BufferedSocket, address: str | None, done: Done) -> None:
        self._jobs[sock] = (address, done)
        sock.setblocking(False)
        self._selector.register(sock, selectors.EVENT_WRITE, sock)
        mine = sum(one == address for one, _ in self._jobs.values()) if address else 0
        if mine > CLIENTS_PER_ADDRESS:
            self._drop_slowest(address)
        if len(self._jobs) > CLIENTS:
            self._drop_slowest(None)

    def _drop_slowest(self, address: str | None) -> None:
        of = [sock for sock, (one, _) in self._jobs.items() if address in (None, one)]
        if of:
            self._finish(min(of, key=lambda sock: sock.progressed), sent=False)

    def _send(self, sock: BufferedSocket) -> None:
        try:
            if sock.flush():
                self._finish(sock, sent=True)
        except OSError:
            self._finish(sock, sent=False)

    def _finish(self, sock: BufferedSocket, *, sent: bool) -> None:
        _, done = self._jobs.pop(sock)
        with contextlib.suppress(KeyError, ValueError):
            self._selector.unregister(sock)
        done(sent)

    def _end(self, *_: Any) -> None:
        self._ends = True
