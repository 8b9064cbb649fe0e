"""Requests to servers that a person has named: to their origin alone, bounded in size and time.

A name is resolved once for each connection and every address is checked before anything is sent,
so a name that later leads elsewhere (DNS rebinding) reaches nothing. Addresses of this machine and
of private networks (RFC 1918, RFC 4193) need permission; those that answer with the secrets of a
cloud machine are never asked. Redirects are followed within the origin only.
"""

from __future__ import annotations

import contextlib
import ipaddress
import json
import socket
import threading
import weakref
from collections.abc import Iterator
from typing import Any
from urllib.parse import SplitResult, urljoin, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

from songrec.core.errors import NotReady
from songrec.core.server_urls import PORTS
from songrec.core.version import VERSION

CONNECT_S = 10.0
READ_S = 60.0
"""The longest silence within an answer."""
LONGEST_S = 300.0
"""The longest time that an answer as a whole may take."""
AWAITED_S = 20.0
"""The same for an answer that a page waits for, which holds a thread of the web server."""
LARGEST_ANSWER = 64 * 2**20
"""Bytes of an answer that is read as a whole."""
MOST_REDIRECTS = 3
_METADATA = frozenset(
    ipaddress.ip_address(text)
    for text in (
        "169.254.169.254",
        "169.254.170.2",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd20:ce::254",
    )
)
_TRANSLATED = tuple(
    ipaddress.IPv6Network(text) for text in ("64:ff9b::/96", "64:ff9b:1::/48", "::/96")
)
"""Networks whose addresses end with the IPv4 address that they lead to (RFC 6052, RFC 8215)."""
_PIECE = 64 * 2**10
"""Bytes of an answer that are read at once, or fewer if they have not arrived yet."""


class AddressRefused(OSError):
    """A name leads to an address that requests may not go to."""


class TooLarge(NotReady):
    """Raised for a streamed answer of more bytes than are read."""


class OriginSession(requests.Session):
    """A session whose requests go to the origin of ``url`` and nowhere else.

    Environment (proxies, ``.netrc``) is ignored. Every request ends after ``longest_s``
    (``LONGEST_S`` by default), whatever the server does meanwhile; answers are streamed, and those
    read as a whole are bounded (``LARGEST_ANSWER``). Requests follow one another.
    """

    def __init__(
        self, url: str, *, allows_private: bool = False, longest_s: float | None = None
    ) -> None:
        super().__init__()
        self.trust_env = False
        self.max_redirects = MOST_REDIRECTS
        self.headers["User-Agent"] = f"songrec/{VERSION}"
        self._url = url
        self._origin = _origin(urlsplit(url))
        self._longest_s = longest_s
        self._adapter = _CheckedAdapter(allows_private)
        self.mount("http://", self._adapter)
        self.mount("https://", self._adapter)

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request as ``requests`` does; ``NotReady`` says why none could be answered.

        A status of 400 and above is no error here.
        """
        kwargs["timeout"] = (CONNECT_S, READ_S)
        streams = kwargs.get("stream", False)
        kwargs["stream"] = True
        with _Deadline(self._adapter, self._longest_s or LONGEST_S) as deadline:
            try:
                response = super().request(
                    method, urljoin(self._url + "/", str(url)), *args, **kwargs
                )
                if not streams:
                    _read_bounded(response, deadline)
            except requests.RequestException as error:
                late = requests.exceptions.ReadTimeout()
                reason = _reason(late if deadline.is_over else error)
                raise NotReady(f"{self._origin} {reason}") from None
        return response

    def get_redirect_target(self, resp: requests.Response) -> str | None:
        """Return where an answer leads to; an error for what no address can be read from."""
        try:
            target = super().get_redirect_target(resp)
            if target:
                _origin(urlsplit(urljoin(str(resp.url), target)))
        except ValueError:
            resp.close()
            raise requests.exceptions.InvalidURL(
                "answers with a redirect that leads nowhere"
            ) from None
        return target

    def send(self, request: requests.PreparedRequest, **kwargs: Any) -> requests.Response:
        """Send a prepared request, or refuse it: redirects come here too."""
        if _origin(urlsplit(str(request.url))) != self._origin:
            raise requests.exceptions.InvalidURL(
                "answers with a redirect to another server; enter the address it leads to"
            )
        return super().send(request, **kwargs)


def read_json(response: requests.Response) -> Any:
    """Return the JSON of an answer; ``NotReady`` where it is none."""
    try:
        return json.loads(response.content)
    except (ValueError, RecursionError):
        raise NotReady(
            f"{_origin(urlsplit(response.url))} answers with something that is not JSON: is this "
            "the address of the server, with its path?"
        ) from None


def read_chunks(response: requests.Response, most: int, seconds: float) -> Iterator[bytes]:
    """Yield the content of a streamed answer; ``NotReady`` beyond ``most`` bytes or ``seconds``."""
    origin = _origin(urlsplit(response.url))
    late = NotReady(f"{origin} took more than {seconds:.0f} s to send one song.")
    size = 0
    with _Deadline(response.connection, seconds) as deadline:  # type: ignore[attr-defined]
        try:
            for chunk in read_pieces(response):
                size += len(chunk)
                if size > most:
                    raise TooLarge(f"{origin} sends more than {most / 2**20:.0f} MiB for one song.")
                if deadline.is_over:
                    break
                yield chunk
        except requests.RequestException as error:
            if not deadline.is_over:
                raise NotReady(f"{origin} {_reason(error)}") from None
        finally:
            response.close()
        if deadline.is_over:  # what was cut off may look like the end
            raise late


def read_pieces(response: requests.Response) -> Iterator[bytes]:
    """Yield the content of a streamed answer as it arrives; ``RequestException`` if it breaks off.

    ``iter_content`` waits until a piece is full, which a server that sends a byte now and then
    makes it do for hours: no time limit is looked at meanwhile.
    """
    try:
        while piece := response.raw.read1(_PIECE, decode_content=True):
            yield piece
    except urllib3.exceptions.ReadTimeoutError as error:
        raise requests.exceptions.ReadTimeout(error) from error
    except urllib3.exceptions.DecodeError as error:
        raise requests.exceptions.ContentDecodingError("sends what cannot be decoded") from error
    except urllib3.exceptions.SSLError as error:
        raise requests.exceptions.SSLError(error) from error
    except urllib3.exceptions.HTTPError as error:
        raise requests.exceptions.ConnectionError(error) from error


def _read_bounded(response: requests.Response, deadline: _Deadline) -> None:
    content = bytearray()
    for chunk in read_pieces(response):
        content += chunk
        if len(content) > LARGEST_ANSWER:
            response.close()
            raise requests.exceptions.ContentDecodingError(
                f"sends an answer above {LARGEST_ANSWER // 2**20} MiB"
            )
    if deadline.is_over:  # what was cut off may look like the end
        response.close()
        raise requests.exceptions.ReadTimeout
    response._content = bytes(content)
    response._content_consumed = True  # type: ignore[attr-defined]


def _origin(parts: SplitResult) -> str:
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    return f"{parts.scheme}://{host}:{parts.port or PORTS.get(parts.scheme, 0)}"


def _reason(error: requests.RequestException) -> str:
    """Return why a request failed as the end of a sentence that begins with the server's name."""
    if isinstance(error, requests.exceptions.InvalidURL | requests.exceptions.ContentDecodingError):
        return f"{error}."
    if isinstance(error, requests.exceptions.TooManyRedirects):
        return "redirects in a circle."
    if isinstance(error, requests.exceptions.SSLError):
        return (
            "has a certificate that is not valid for this name: correct the address, or let the "
            "server have a certificate that this machine trusts."
        )
    if isinstance(error, requests.exceptions.Timeout):
        return "does not answer in time: is it running, and reachable from here?"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, AddressRefused):
            return f"{cause}."
        if isinstance(cause, socket.gaierror):
            return "cannot be found: is its name spelled right?"
        reason = getattr(cause, "reason", None)
        following = cause.__cause__ or cause.__context__
        first = cause.args[0] if cause.args else None
        cause = next(
            (value for value in (reason, first, following) if isinstance(value, BaseException)),
            None,
        )
    return "cannot be reached: is it running, and is the address right?"


def _check(address: str, allows_private: bool) -> None:
    """Raise ``AddressRefused`` for an address that no request may go to."""
    parsed = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(parsed, ipaddress.IPv6Address):
        parsed = parsed.ipv4_mapped or parsed.sixtofour or parsed
    if any(parsed in network for network in _TRANSLATED):
        parsed = ipaddress.IPv4Address(int(parsed) & 0xFFFF_FFFF)
    if parsed in _METADATA or parsed.is_multicast or parsed.is_unspecified:
        raise AddressRefused(f"leads to {address}, which is never asked")
    if not parsed.is_global and not allows_private:
        raise AddressRefused(
            f"leads to {address}, which belongs to this machine or a private network: an admin "
            "can allow that for this server"
        )


class _Connection(HTTPConnection):
    """A connection to an address that was checked."""

    adapter: weakref.ref[_CheckedAdapter]

    def _new_conn(self) -> socket.socket:
        return _connect(self, self.adapter())


class _TlsConnection(HTTPSConnection):
    """The same with TLS; the certificate is checked against the name."""

    adapter: weakref.ref[_CheckedAdapter]

    def _new_conn(self) -> socket.socket:
        return _connect(self, self.adapter())


def _connect(connection: HTTPConnection, adapter: _CheckedAdapter | None) -> socket.socket:
    assert adapter is not None
    host = connection._dns_host.strip("[]")
    error: OSError | None = None
    try:
        addresses = socket.getaddrinfo(host, connection.port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as failure:
        raise urllib3.exceptions.NameResolutionError(
            host,
            connection,
            failure if isinstance(failure, socket.gaierror) else socket.gaierror(str(failure)),
        ) from failure
    for family, kind, protocol, _, address in addresses:
        _check(str(address[0]), adapter.allows_private)
        connected = socket.socket(family, kind, protocol)
        try:
            connected.settimeout(CONNECT_S)
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connected.connect(address)
        except TimeoutError as failure:
            connected.close()
            raise urllib3.exceptions.ConnectTimeoutError(connection, "no connection") from failure
        except OSError as failure:
            connected.close()
            error = failure
        else:
            adapter.watch(connected)
            return connected
    raise urllib3.exceptions.NewConnectionError(connection, str(error)) from error


class _CheckedAdapter(HTTPAdapter):
    """Sends over connections that check where they lead, and that another thread may end."""

    def __init__(self, allows_private: bool) -> None:
        self.allows_private = allows_private
        self._is_cut = False
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._forget: weakref.finalize[Any, Any] | None = None
        super().__init__(pool_maxsize=4, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Let the pools make connections of these kinds."""
        super().init_poolmanager(*args, **kwargs)
        own = {"adapter": weakref.ref(self)}
        plain = type("_Plain", (_Connection,), own)
        secure = type("_Secure", (_TlsConnection,), own)
        self.poolmanager.pool_classes_by_scheme = {
            "http": type("_PlainPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
            "https": type("_SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
        }

    def watch(self, connected: socket.socket) -> None:
        """Note the connection that ``cut`` ends, in place of an earlier one."""
        # Another descriptor of it: TLS and pools close the first one at times of their own.
        watched = connected.dup()
        self.forget()
        self._socket, self._forget = watched, weakref.finalize(self, watched.close)
        if self._is_cut:
            self.cut()

    def cut(self) -> None:
        """End the connection, from another thread than the one that waits for it."""
        self._is_cut = True
        with self._lock, contextlib.suppress(OSError):  # closed by the server already
            if self._socket is not None:
                self._socket.shutdown(socket.SHUT_RDWR)

    def resume(self) -> None:
        """Allow connections again."""
        self._is_cut = False

    def forget(self) -> None:
        """Close what is held of the connection."""
        with self._lock:
            self._socket = None
            if self._forget is not None:
                self._forget()

    def close(self) -> None:
        """Close all connections."""
        super().close()
        self.forget()


class _Deadline:
    """Ends the connection of an adapter after ``seconds``.

    Limits of the time between two bytes do not bound how long heads, lengths of chunks and
    handshakes take.
    """

    def __init__(self, adapter: _CheckedAdapter, seconds: float) -> None:
        self.is_over = False
        self._adapter = adapter
        self._timer = threading.Timer(seconds, self._end)
        self._timer.daemon = True

    def __enter__(self) -> _Deadline:
        self._adapter.resume()
        self._timer.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._timer.cancel()

    def _end(self) -> None:
        self.is_over = True
        self._adapter.cut()
