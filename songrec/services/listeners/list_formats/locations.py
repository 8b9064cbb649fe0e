"""Locations of songs in playlist files: paths of any system, ``file://`` URLs, web addresses."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

_DRIVE = re.compile(r"^/?[A-Za-z]:[\\/]")
_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]+):")


def as_path(location: str) -> str:
    """Return the path of a location, with slashes; empty for an address or an id.

    ``file:///C:/a%20b.mp3`` is ``C:/a b.mp3``, ``file://server/share/a.mp3`` is
    ``//server/share/a.mp3``; ``..\\\\a.mp3`` is ``../a.mp3``.
    """
    text = location.strip()
    if _DRIVE.match(text):
        return text.lstrip("/").replace("\\", "/")
    scheme = _SCHEME.match(text)
    if scheme is None:
        is_windows = "\\" in text and "/" not in text
        return text.replace("\\", "/") if is_windows or text.startswith("\\\\") else text
    if scheme[1].lower() != "file":
        return ""
    try:
        parts = urlsplit(text)
    except ValueError:
        return ""
    # "?" and "#" without escapes are part of the name.
    rest = text.split("//", 1)[-1] if "//" in text[:8] else text[5:]
    host = parts.netloc if "//" in text[:8] else ""
    path = unquote(rest[len(host) :]).replace("\\", "/")
    if _DRIVE.match(path):
        return path.lstrip("/")
    return f"//{host}{path}" if host and host.lower() != "localhost" else path


def unescaped(path: str) -> str:
    """Return ``path`` without percent escapes, which relative URLs and some file names have."""
    return unquote(path)
