"""Requests to servers that a person has named: to their origin alone, bounded in size and time.

A name is resolved once for each connection and every address is checked before anything is sent,
so a name that later leads elsewhere (DNS rebinding) reaches nothing. Addresses of this machine and
of private networks (RFC 1918, RFC 4193) need permission; those that answer with the secrets of a
cloud machine are never asked. Redirects are followed within the origin only.
"""

from __future__ import annotations

import ipaddress
import json
import socket
import time
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


class OriginSession(requests.Session):
    """A session whose requests go to the origin of ``url`` and nowhere else.

    Environment (proxies, ``.netrc``) is ignored. Every request has time limits; answers are
    streamed, and those read as a whole are bounded (``LARGEST_ANSWER``).
    """

    def __init__(self, url: str, *, allows_private: bool = False) -> None:
        super().__init__()
        self.trust_env = False
        self.max_redirects = MOST_REDIRECTS
        self.headers["User-Agent"] = f"songrec/{VERSION}"
        self._url = url
        self._origin = _origin(urlsplit(url))
        self.mount("http://", _CheckedAdapter(allows_private))
        self.mount("https://", _CheckedAdapter(allows_private))

    def request(self, method: Any, url: Any, *args: Any, **kwargs: Any) -> requests.Response:
        """Send a request as ``requests`` does; ``NotReady`` says why none could be answered.

        A status of 400 and above is no error here.
        """
        kwargs["timeout"] = (CONNECT_S, READ_S)
        streams = kwargs.get("stream", False)
        kwargs["stream"] = True
        try:
            response = super().request(method, urljoin(self._url + "/", str(url)), *args, **kwargs)
            if not streams:
                _read_bounded(response)
        except requests.RequestException as error:
            raise NotReady(f"{self._origin} {_reason(error)}") from None
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
    deadline = time.monotonic() + seconds
    size = 0
    try:
        for chunk in read_pieces(response):
            size += len(chunk)
            if size > most:
                raise NotReady(f"{origin} sends more than {most / 2**20:.0f} MiB for one song.")
            if time.monotonic() > deadline:
                raise NotReady(f"{origin} took more than {seconds:.0f} s to send one song.")
            yield chunk
    except requests.RequestException as error:
        raise NotReady(f"{origin} {_reason(error)}") from None
    finally:
        response.close()


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


def _read_bounded(response: requests.Response) -> None:
    deadline = time.monotonic() + LONGEST_S
    content = bytearray()
    for chunk in read_pieces(response):
        content += chunk
        if len(content) > LARGEST_ANSWER:
            response.close()
            raise requests.exceptions.ContentDecodingError(
                f"sends an answer above {LARGEST_ANSWER // 2**20} MiB"
            )
        if time.monotonic() > deadline:
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

    allows_private = False

    def _new_conn(self) -> socket.socket:
        return _connect(self, self.allows_private)


class _TlsConnection(HTTPSConnection):
    """The same with TLS; the certificate is checked against the name."""

    allows_private = False

    def _new_conn(self) -> socket.socket:
        return _connect(self, self.allows_private)


def _connect(connection: HTTPConnection, allows_private: bool) -> socket.socket:
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
        _check(str(address[0]), allows_private)
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
            return connected
    raise urllib3.exceptions.NewConnectionError(connection, str(error)) from error


class _CheckedAdapter(HTTPAdapter):
    """Sends over connections that check where they lead."""

    def __init__(self, allows_private: bool) -> None:
        self._allows_private = allows_private
        super().__init__(pool_maxsize=4, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        """Let the pools make connections of these kinds."""
        super().init_poolmanager(*args, **kwargs)
        chosen = {"allows_private": self._allows_private}
        plain = type("_Plain", (_Connection,), chosen)
        secure = type("_Secure", (_TlsConnection,), chosen)
        self.poolmanager.pool_classes_by_scheme = {
            "http": type("_PlainPool", (HTTPConnectionPool,), {"ConnectionCls": plain}),
            "https": type("_SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": secure}),
        }
