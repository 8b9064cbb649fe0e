"""Parameters of a request: from the query, and from the body of a form (``formPost``)."""

from __future__ import annotations

from flask import request

from songrec.core.texts import storable
from songrec.web.subsonic.answers import GENERIC, MISSING_PARAMETER, SubsonicError

_LARGEST = 2**53
"""Largest integer that is exact in all JSON parsers."""


def text(name: str, default: str = "") -> str:
    """Return a parameter, ``default`` if it is missing."""
    return storable(request.values.get(name, default))


def optional(name: str) -> str | None:
    """Return a possibly empty parameter, None if it is missing."""
    return text(name) if name in request.values else None


def texts(name: str) -> list[str]:
    """Return all values of a repeatable parameter."""
    return [storable(one) for one in request.values.getlist(name)]


def require(name: str) -> str:
    """Return a parameter; error 10 if it is missing or empty."""
    value = text(name)
    if not value:
        raise missing(name)
    return value


def missing(name: str) -> SubsonicError:
    """Return the error for a missing parameter."""
    return SubsonicError(MISSING_PARAMETER, f"Required parameter {name} is missing.")


def integer(
    name: str, default: int | None = None, *, low: int = 0, high: int = _LARGEST
) -> int | None:
    """Return an integer clipped to bounds, ``default`` if it is missing.

    Text that is not an integer is an error.
    """
    value = text(name).strip()
    if not value:
        return default
    try:
        number = int(value[:40])
    except ValueError:
        raise SubsonicError(GENERIC, f"{name} must be a whole number.") from None
    return min(max(number, low), high)


def count(name: str, default: int, high: int) -> int:
    """Return a requested number of items, 0 to ``high``."""
    number = integer(name, default, high=high)
    return default if number is None else number


def flag(name: str, *, default: bool = False) -> bool:
    """Return a boolean parameter."""
    value = text(name).strip().lower()
    return default if not value else value in ("true", "1", "yes", "on")


def place(text: str, length: int) -> int | None:
    """Parse an index, from 0, into a list of ``length``; None if it is invalid."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit()):
        return None
    digits = digits.lstrip("0") or "0"
    return int(digits) if len(digits) < 10 and int(digits) < length else None
