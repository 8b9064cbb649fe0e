"""gunicorn's threaded worker, with threads for whole requests only.

gunicorn's own gives a thread to a connection from its first byte to the last one that the client
has read, so a few clients that are slow, or pretend to be, hold all of them. Here the loop collects
heads and forms, and ``Sender`` threads send what a client does not take at once. A thread waits for
a client only while it reads a large upload, and few may do so at once.
"""

from __future__ import annotations

import contextlib
import errno
import socket
import time
from concurrent.futures import Future
from functools import partial
from selectors import EVENT_READ
from typing import Any

from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

from songrec.core import addresses, config
from songrec.web.serving.buffered_socket import BufferedSocket, Memory
from songrec.web.serving.request_buffer import RequestBuffer, State
from songrec.web.serving.sender import Sender
from songrec.web.serving.turns import Turns

FIRST_BYTE_SECONDS = 10.0
HEAD_SECONDS = 20.0
"""From the first byte of a request to the last one of its head."""
BODY_SECONDS = 20.0
"""For a form, and a second more for each ``FORM_RATE`` bytes of it."""
FORM_RATE = 16 * 1024
TURN_SECONDS = 60.0
"""Seconds that a request waits for a thread."""
THREADS_PER_ADDRESS = 4
"""As many work for one address at once, and as many read its uploads. Browsers open six
connections, which two processes share."""
CLOSE_SECONDS = 2.0
"""Seconds that a closed connection is kept open for the client to read its end."""
CLOSE_BYTES = 64 * 1024
BUFFER_BYTES = 64 * 2**20
"""Requests, and responses that are not read, take no more memory than this each."""
SPARE_CONNECTIONS = 16
NO_DESCRIPTORS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


def _refusal(status: str, *headers: str) -> bytes:
    lines = (f"HTTP/1.1 {status}", "Connection: close", "Content-Length: 0", *headers, "", "")
    return "\r\n".join(lines).encode()


TOO_SLOW = _refusal("408 Request Timeout")
HEAD_TOO_LARGE = _refusal("431 Request Header Fields Too Large")
BUSY = _refusal("503 Service Unavailable", "Retry-After: 10")


class Connection(TConn):
    """A client's connection and the request that arrives on it."""

    sock: BufferedSocket

    def __init__(self, cfg: Any, sock: BufferedSocket, client: Any, server: Any) -> None:
        super().__init__(cfg, sock, client, server)
        self.request = RequestBuffer()
        self.deadline = 0.0
        self.refusal = b""
        """Response after the deadline."""
        self.drained = 0
        self.address: str | None = None
        """The network whose requests count together; None for a client of whom that is unknown."""

    @property
    def is_idle(self) -> bool:
        """Whether nothing of a request has arrived."""
        return not self.request


class BufferingWorker(ThreadWorker):
    """A threaded worker that does not wait for slow clients."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.waiting: dict[Connection, None] = {}
        """Connections that no thread has: idle, with a request that arrives or waits for its turn,
        or closing; oldest first."""
        self.turns: dict[bool, Turns[Connection]] = {
            streamed: Turns(max(1, total), THREADS_PER_ADDRESS)
            for streamed, total in ((False, self.cfg.threads), (True, self.cfg.threads // 2))
        }
        """Turns of requests, and of those whose body a thread reads."""
        self.buffered = 0
        self.memory = Memory()
        self.next_expiry = 0.0
        # Behind a proxy every client has the proxy's address, and the proxy does the waiting.
        self.counts_addresses = config.proxies() == 0

    def run(self) -> None:
        """Serve until the worker is to stop."""
        self.senders = {False: Sender("send-pages"), True: Sender("send-files")}
        for sender in self.senders.values():
            sender.start()
        super().run()

    def accept(self, listener: Any) -> None:
        """Accept a connection and await its request."""
        if self.cfg.is_ssl:
            super().accept(listener)
            return
        try:
            accepted, client = listener.accept()
        except OSError as error:
            if error.errno in NO_DESCRIPTORS:
                self._make_room(None)
            elif error.errno not in (errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK):
                raise
            return
        self.nr_conns += 1
        sock = BufferedSocket.adopt(accepted, self.memory)
        connection = Connection(self.cfg, sock, client, listener.getsockname())
        if self.counts_addresses and isinstance(client, tuple):
            connection.address = addresses.client_network(client[0])
        self._await_request(connection, FIRST_BYTE_SECONDS)
        if self.nr_conns > self.worker_connections - SPARE_CONNECTIONS:
            self._make_room(connection)

    def _await_request(self, connection: Connection, seconds: float) -> None:
        connection.request = RequestBuffer()
        connection.refusal = b""
        connection.sock.setblocking(False)
        self._wait(connection, seconds, self._on_request_bytes)

    def _wait(self, connection: Connection, seconds: float, on_readable: Any) -> None:
        connection.deadline = time.monotonic() + seconds
        self.waiting[connection] = None
        self.poller.register(connection.sock, EVENT_READ, partial(on_readable, connection))

    def _leave(self, connection: Connection) -> None:
        del self.waiting[connection]
        self.turns[connection.sock.streamed].remove(connection.address, connection)
        with contextlib.suppress(KeyError, ValueError):
            self.poller.unregister(connection.sock)

    def _on_request_bytes(self, connection: Connection, _sock: Any) -> None:
        if connection not in self.waiting:
            return
        try:
            data = connection.sock.recv(64 * 1024)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if data:
            self._feed(connection, data)
        else:
            self._drop(connection)

    def _feed(self, connection: Connection, data: bytes) -> None:
        request = connection.request
        had_head, now = request.has_head, time.monotonic()
        if connection.is_idle:
            connection.deadline, connection.refusal = now + HEAD_SECONDS, TOO_SLOW
        self.buffered += len(data)
        state = request.feed(data)
        if state is State.TOO_LARGE:
            self._refuse(connection, HEAD_TOO_LARGE)
        elif self.buffered > BUFFER_BYTES:
            self._refuse(connection, BUSY)
        elif state is not State.INCOMPLETE:
            # No longer read from: TCP tells the client to wait.
            self.poller.unregister(connection.sock)
            connection.deadline, connection.refusal = now + TURN_SECONDS, BUSY
            connection.sock.streamed = state is State.STREAMED
            self.turns[connection.sock.streamed].add(connection.address, connection)
            self._start_requests()
        elif request.has_head and not had_head:
            connection.deadline = now + BODY_SECONDS + request.missing_bytes / FORM_RATE
            if request.expects_continue:
                with contextlib.suppress(OSError):
                    connection.sock.send(CONTINUE)

    def _start_requests(self) -> None:
        """Give requests whose turn it is to threads."""
        for turns in self.turns.values():
            while connection := turns.next():
                self._leave(connection)
                self.buffered -= len(connection.request)
                connection.sock.start_request()
                connection.data_ready = True
                connection.init()
                connection.parser.unreader.unread(connection.request.take())
                self.enqueue_req(connection)

    def _keepalive_after(self, conn: Any, keepalive: bool) -> bool:
        if isinstance(conn, Connection) and not conn.sock.streamed:
            # All that the application did not read is here: passing over it takes no time.
            return keepalive and bool(conn.parser.finish_body())
        return super()._keepalive_after(conn, keepalive)

    def finish_request(self, connection: Any, future: Future[Any]) -> None:
        """Send the remaining response, then await the next request or close."""
        if not isinstance(connection, Connection):
            super().finish_request(connection, future)
            return
        self.turns[connection.sock.streamed].end(connection.address)
        self._start_requests()
        try:
            keeps = bool(not future.cancelled() and future.result())
        except Exception:
            self.log.exception("Error handling a request")
            keeps = False
        if connection.sock.fileno() < 0:  # closed by the thread
            self.nr_conns -= 1
        elif connection.sock.has_output:
            sender = self.senders[connection.sock.has_file]
            if self.memory.used > BUFFER_BYTES:
                self.senders[False].drop_slowest()
            sender.submit(
                connection.sock,
                connection.address,
                lambda sent: self.method_queue.defer(self._finish, connection, keeps, sent),
            )
        else:
            self._finish(connection, keeps, sent=True)

    def _finish(self, connection: Connection, keeps: bool, sent: bool) -> None:
        if not sent:
            self.nr_conns -= 1
            connection.sock.close()
        elif keeps:
            rest = connection.parser.unreader.take_buffered()
            limits = (self.cfg.keepalive, *(() if self.alive else (STOP_KEEPALIVE_LINGER,)))
            self._await_request(connection, min(limits))
            if rest:
                self._feed(connection, rest)
        else:
            self._close(connection)

    def _close(self, connection: Connection) -> None:
        """End the connection (RFC 9112, 9.6): closed at once, its last bytes could be lost."""
        try:
            connection.sock.setblocking(False)
            connection.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.nr_conns -= 1
            connection.sock.close()
            return
        connection.refusal = b""
        self._wait(connection, CLOSE_SECONDS, self._on_rest)

    def _on_rest(self, connection: Connection, _sock: Any) -> None:
        if connection not in self.waiting:
            return
        try:
            data = connection.sock.recv(16 * 1024)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        connection.drained += len(data)
        if not data or connection.drained > CLOSE_BYTES:
            self._drop(connection)

    def _refuse(self, connection: Connection, refusal: bytes) -> None:
        with contextlib.suppress(OSError):
            connection.sock.send(refusal)
        self.buffered -= len(connection.request)
        connection.request = RequestBuffer()
        self._leave(connection)
        self._close(connection)

    def _drop(self, connection: Connection) -> None:
        self._leave(connection)
        self.buffered -= len(connection.request)
        self.nr_conns -= 1
        connection.sock.close()

    def _make_room(self, newest: Connection | None) -> None:
        """Close the connection whose loss matters least: idle, arriving for longest, unread."""
        of = [one for one in self.waiting if one is not newest]
        victim = next((one for one in of if one.is_idle), next(iter(of), None))
        if victim is not None:
            self._drop(victim)
        else:
            self.senders[True].drop_slowest()

    def murder_pending(self) -> None:
        """Close connections whose deadline has passed; looks once a second."""
        super().murder_pending()
        now = time.monotonic()
        if now < self.next_expiry:
            return
        self.next_expiry = now + 1
        for connection in [one for one in self.waiting if one.deadline < now]:
            if connection.refusal:
                self._refuse(connection, connection.refusal)
            else:
                self._drop(connection)

    def murder_keepalived(self, force: bool = False) -> None:
        """Close all connections on the loop and end the senders, at the very end."""
        super().murder_keepalived(force)
        if force:
            for connection in list(self.waiting):
                self._drop(connection)
            for sender in self.senders.values():
                sender.stop()
            for sender in self.senders.values():
                sender.join(1.0)

    def _cap_keepalive(self, deadline: float) -> None:
        super()._cap_keepalive(deadline)
        for connection in self.waiting:
            connection.deadline = min(connection.deadline, deadline)
