"""Addresses of servers that a person names, as they are entered and stored."""

from __future__ import annotations

import ipaddress
from urllib.parse import urlsplit

from songrec.core.errors import BadInput

PORTS = {"http": 80, "https": 443}
"""The schemes, with the ports that an address leaves out."""
LISTENBRAINZ = "https://api.listenbrainz.org"


def normalise_url(text: str) -> str:
    """Return the address of a server as it is stored: scheme, host, port and path, no more.

    ``http://`` is added where no scheme is given. ``BadInput`` for other schemes, for user names,
    queries and fragments, and for no host.
    """
    text = text.strip()
    address = text if "://" in text else f"http://{text}"
    try:
        parts = urlsplit(address)
        port = parts.port
    except ValueError:
        raise BadInput(
            f"{text[:200]!r} is not an address like https://music.example.org."
        ) from None
    if parts.scheme not in PORTS or not parts.hostname:
        raise BadInput(f"{text[:200]!r} is not an address like https://music.example.org.")
    if parts.username is not None or parts.query or parts.fragment:
        raise BadInput(
            "Give the server's address alone, as https://music.example.org, without a name, a "
            "password or a query in it."
        )
    host = f"[{parts.hostname}]" if ":" in parts.hostname else parts.hostname
    shown = f":{port}" if port is not None and port != PORTS[parts.scheme] else ""
    return f"{parts.scheme}://{host}{shown}{parts.path.rstrip('/')}"


def names_private_address(url: str) -> bool:
    """Return whether ``url`` itself names this machine or an address of a private network."""
    host = (urlsplit(url).hostname or "").lower()
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return False
