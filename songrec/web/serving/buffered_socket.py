"""A client's socket that never makes a thread wait for a slow reader.

What the kernel does not take at once is queued, and a ``Sender`` sends it later. The files that a
response consists of are queued as open descriptors, not read.
"""

from __future__ import annotations

import errno
import os
import select
import socket
import threading
import time
from collections import deque
from dataclasses import dataclass
from typing import Any

QUEUED_BYTES = 8 * 2**20
"""Above this a response that is made piece by piece waits for its reader."""
GRACE_SECONDS = 30.0
"""After this time the mean rate counts, where a thread does wait for a client."""
MIN_RATE = 8 * 1024
"""Bytes a second below which such a client is too slow."""
TURN_BYTES = 2**20
"""Bytes sent to one client before the next client's turn."""


class ClientTooSlow(ConnectionResetError):
    """The client sent or read too slowly while a thread waited for it."""

    def __init__(self) -> None:
        super().__init__(errno.ECONNRESET, "The client is too slow")


@dataclass(slots=True)
class FilePart:
    """Bytes of an open file that are still to be sent."""

    descriptor: int
    offset: int
    left: int


class Memory:
    """Bytes in the queues of all sockets of a process."""

    def __init__(self) -> None:
        self.used = 0
        self._lock = threading.Lock()

    def add(self, count: int) -> None:
        """Add a number of bytes, which may be negative, to the count."""
        with self._lock:
            self.used += count


class BufferedSocket(socket.socket):
    """A socket whose ``sendall`` and ``sendfile`` queue what cannot be sent at once.

    One thread uses it at a time. In the loop it does not block. A thread that handles a request
    reads only from a ``streamed`` one: of any other everything has arrived.
    """

    memory: Memory
    streamed: bool
    queued: int
    progressed: float
    """When the client last took something."""
    _queue: deque[memoryview | FilePart]
    _since: float
    _received: int

    @classmethod
    def adopt(cls, accepted: socket.socket, memory: Memory) -> BufferedSocket:
        """Take over an accepted socket."""
        adopted = cls(accepted.family, accepted.type, accepted.proto, fileno=accepted.detach())
        adopted.memory = memory
        adopted.streamed = False
        adopted.queued = 0
        adopted.progressed = time.monotonic()
        adopted._queue = deque()
        adopted._since = adopted.progressed
        adopted._received = 0
        return adopted

    def start_request(self) -> None:
        """Note that a thread gets the request; it reads on only if the body is ``streamed``."""
        self._since = time.monotonic()
        self._received = 0

    def recv(self, size: int, flags: int = 0, /) -> bytes:
        """Receive; a thread gets the end of the input where it would wait, unless ``streamed``.

        Raises ``ClientTooSlow`` for a client that sends below ``MIN_RATE``.
        """
        own = self.gettimeout()
        if own == 0.0:
            return super().recv(size, flags)
        if not self.streamed:
            return b""
        left = GRACE_SECONDS + self._received / MIN_RATE - (time.monotonic() - self._since)
        if left <= 0:
            raise ClientTooSlow
        self.settimeout(left if own is None else min(left, own))
        try:
            data = super().recv(size, flags)
        except TimeoutError:
            raise ClientTooSlow from None
        finally:
            self.settimeout(own)
        self._received += len(data)
        return data

    def sendall(self, data: Any, flags: int = 0, /) -> None:
        """Send as much as possible without blocking and queue the rest."""
        if self.queued > QUEUED_BYTES:
            self._wait_for_reader()
        view = memoryview(data).cast("B")
        if not view.nbytes:
            return
        self._queue.append(view)
        self._count(view.nbytes)
        self.flush()

    def sendfile(self, file: Any, offset: int = 0, count: int | None = None) -> int:
        """Send as much of a file as possible without blocking and queue the rest."""
        if count is None:
            count = os.fstat(file.fileno()).st_size - offset
        if count > 0:
            self._queue.append(FilePart(os.dup(file.fileno()), offset, count))
            self.flush()
        return count

    @property
    def has_output(self) -> bool:
        """Whether something is queued."""
        return bool(self._queue)

    @property
    def has_file(self) -> bool:
        """Whether part of a file is queued."""
        return any(isinstance(part, FilePart) for part in self._queue)

    def flush(self) -> bool:
        """Send as much of the queue as possible without blocking; return whether it is empty.

        Raises ``OSError`` if the client is gone or a file became shorter.
        """
        own = self.gettimeout()
        if own != 0.0:
            self.settimeout(0.0)
        try:
            sent = 0
            while self._queue and sent < TURN_BYTES:
                sent += self._send_part(self._queue[0])
        except (BlockingIOError, InterruptedError):
            pass
        finally:
            if own != 0.0:
                self.settimeout(own)
        return not self._queue

    def _send_part(self, part: memoryview | FilePart) -> int:
        if isinstance(part, FilePart):
            count = os.sendfile(
                self.fileno(), part.descriptor, part.offset, min(part.left, TURN_BYTES)
            )
            if not count:
                raise ConnectionResetError(errno.ECONNRESET, "The file became shorter")
            part.offset += count
            part.left -= count
            if not part.left:
                self._queue.popleft()
                os.close(part.descriptor)
        else:
            count = self.send(part)
            self._count(-count)
            if count == part.nbytes:
                self._queue.popleft()
            else:
                self._queue[0] = part[count:]
        self.progressed = time.monotonic()
        return count

    def _wait_for_reader(self) -> None:
        """Wait until half of the queue is sent; ``ClientTooSlow`` if that takes too long."""
        started, before = time.monotonic(), self.queued
        poll = select.poll()
        poll.register(self, select.POLLOUT)
        while self.queued > QUEUED_BYTES // 2:
            sent = before - self.queued
            left = GRACE_SECONDS + sent / MIN_RATE - (time.monotonic() - started)
            if left <= 0 or not poll.poll(left * 1000):
                raise ClientTooSlow
            self.flush()

    def _count(self, count: int) -> None:
        self.queued += count
        self.memory.add(count)

    def close(self) -> None:
        """Close the socket and the files of its queue."""
        for part in self._queue:
            if isinstance(part, FilePart):
                os.close(part.descriptor)
        self._queue.clear()
        self._count(-self.queued)
        super().close()
