"""Parameters of a request: from the query, and from the body of a form (``formPost``)."""

from __future__ import annotations

from flask import request

from songrec.core.texts import storable
from songrec.web.subsonic.answers import GENERIC, MISSING_PARAMETER, SubsonicError

_LARGEST = 2**53
"""The largest whole number that every program reads alike."""


def text(name: str, default: str = "") -> str:
    """Return a parameter, ``default`` where it is missing."""
    return storable(request.values.get(name, default))


def optional(name: str) -> str | None:
    """Return a parameter, which may be empty; None where it is missing."""
    return text(name) if name in request.values else None


def texts(name: str) -> list[str]:
    """Return all values of a parameter that may be given several times."""
    return [storable(one) for one in request.values.getlist(name)]


def require(name: str) -> str:
    """Return a parameter; error 10 where it is missing or empty."""
    value = text(name)
    if not value:
        raise missing(name)
    return value


def missing(name: str) -> SubsonicError:
    """Return the error for a parameter that is missing."""
    return SubsonicError(MISSING_PARAMETER, f"Required parameter {name} is missing.")


def integer(
    name: str, default: int | None = None, *, low: int = 0, high: int = _LARGEST
) -> int | None:
    """Return a whole number within bounds, ``default`` where it is missing.

    What lies beyond a bound counts as the bound; what is no number is an error.
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
    """Return how many are requested: 0 to ``high``."""
    number = integer(name, default, high=high)
    return default if number is None else number


def flag(name: str, *, default: bool = False) -> bool:
    """Return a parameter that is true or false."""
    value = text(name).strip().lower()
    return default if not value else value in ("true", "1", "yes", "on")


def place(text: str, length: int) -> int | None:
    """Return the place in a list of ``length`` that a text names, counted from 0; None for none."""
    digits = text.strip()
    if not (digits.isascii() and digits.isdigit()):
        return None
    digits = digits.lstrip("0") or "0"
    return int(digits) if len(digits) < 10 and int(digits) < length else None
