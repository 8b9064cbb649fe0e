"""Names of hosts, and networks of clients, by which tries and requests are counted."""

from __future__ import annotations

import ipaddress
import re

UNKNOWN = "unknown"
"""The one network of everybody whose address cannot be read."""
_WITH_PORT = re.compile(r"\[([^\]]+)\](?::\d{1,5})?|(\d{1,3}(?:\.\d{1,3}){3}):\d{1,5}")


def client_network(address: str | None) -> str:
    """Return the network that ``address`` belongs to.

    A home or a server gets a whole IPv6 /64, so 2001:db8::7 counts as 2001:db8::/64. An IPv4
    address counts alone, also when it is written as IPv6 (``::ffff:192.0.2.1``). A port, which some
    proxies add, is left out.
    """
    text = (address or "").strip()
    match = _WITH_PORT.fullmatch(text)
    if match:
        text = match[1] or match[2]
    try:
        parsed = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return UNKNOWN
    if isinstance(parsed, ipaddress.IPv4Address):
        return str(parsed)
    if parsed.ipv4_mapped is not None:
        return str(parsed.ipv4_mapped)
    return str(ipaddress.IPv6Network((parsed, 64), strict=False))


def canonical_host(name: str) -> str:
    """Return a host name or address as it is compared: lower case, no brackets, IPv6 short."""
    text = name.strip().lower().removesuffix(".").removeprefix("[").removesuffix("]")
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        return text


_NAME = re.compile(r"[a-z0-9_-]+(\.[a-z0-9_-]+)*", re.ASCII)


def is_host(text: str) -> bool:
    """Return whether a canonical text is a host name or an address, without a port."""
    if _NAME.fullmatch(text):
        return True
    try:
        ipaddress.IPv6Address(text)
    except ValueError:
        return False
    return "%" not in text  # a zone is nothing that a browser sends or the server binds to
