"""Times of plays in the formats of services."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any

_MIN_YEAR, _MAX_YEAR = 1900, 2200
_FORMATS = (
    "%d %b %Y, %H:%M",
    "%d %b %Y, %H:%M:%S",
    "%d %b %Y %H:%M",
    "%d %b %Y %H:%M:%S",
    "%d %B %Y, %H:%M",
    "%b %d, %Y, %I:%M %p",
    "%b %d, %Y, %I:%M:%S %p",
    "%b %d %Y %H:%M",
    "%Y/%m/%d %H:%M",
    "%Y/%m/%d %H:%M:%S",
    "%d.%m.%Y %H:%M",
    "%d.%m.%Y, %H:%M",
    "%d.%m.%Y, %H:%M:%S",
    "%d.%m.%Y %H:%M:%S",
    "%d.%m.%y %H:%M",
    "%d.%m.%y, %H:%M",
    "%d-%m-%Y %H:%M",
    "%d-%m-%Y %H:%M:%S",
    "%Y%m%d",
)
_latest = [_FORMATS[0]]
_CLOCKS = ("%H:%M", "%H:%M:%S", "%I:%M %p", "%I:%M:%S %p")
_SLASHED = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4}|\d{2}),? (.+)")
_ZONE = re.compile(r"(?:Z|UTC|\[UTC\]|[+-]\d\d:?\d\d)$")
_NUMBER = re.compile(r"\d{9,14}(?:\.\d+)?")


def moment(value: Any, *, day_first: bool = False) -> datetime | None:
    """Parse a time and return it in UTC (aware); None if it is unreadable.

    Numbers are seconds, or milliseconds, since 1970; a time without a zone is UTC. ``day_first``
    reads ``1/2/2021`` as 1 February.
    """
    if isinstance(value, datetime):
        return _in_range(value)
    if isinstance(value, bool) or value is None:
        return None
    if isinstance(value, int | float):
        return _from_number(value)
    text = " ".join(str(value).replace("\u202f", " ").split())
    if _NUMBER.fullmatch(text):
        return _from_number(float(text))
    text = text.removesuffix(" UTC").removesuffix("[UTC]")
    if re.fullmatch(r"\d{4}-\d\d-\d\d.*|\d{4}\d\d\d\dT.*", text):
        try:
            return _in_range(datetime.fromisoformat(text))
        except ValueError:
            return None
    slashed = _SLASHED.fullmatch(text)
    if slashed:
        return _from_slashes(*slashed.groups(), day_first=day_first)
    # Try the previous value's format first: a file has a single one, and strptime caches few.
    for form in (_latest[0], *_FORMATS):
        try:
            value = datetime.strptime(text, form)
        except ValueError:
            continue
        _latest[0] = form
        return _in_range(value)
    return None


def is_day_first(texts: Iterable[str]) -> bool | None:
    """Return whether dates with slashes begin with the day; None if the values are ambiguous."""
    numbers = [match.groups() for text in texts if (match := _SLASHED.fullmatch(text.strip()))]
    days = any(int(first) > 12 for first, *_ in numbers)
    months = any(int(second) > 12 for _, second, *_ in numbers)
    return None if days == months else days


def lacks_zone(text: str) -> bool:
    """Return whether ``text`` is a time of day without a time zone."""
    return ":" in text and not _ZONE.search(text.strip())


def has_time_of_day(text: str) -> bool:
    """Return whether ``text`` is a time of day or a Unix time rather than a date or a year."""
    is_precise = ":" in text or bool(_NUMBER.fullmatch(text.strip()))
    return is_precise and any(moment(text, day_first=first) is not None for first in (False, True))


def _from_slashes(
    first: str, second: str, year: str, clock: str, *, day_first: bool
) -> datetime | None:
    day, month = (first, second) if day_first else (second, first)
    century = "%y" if len(year) == 2 else "%Y"
    for form in _CLOCKS:
        try:
            text = f"{day}/{month}/{year} {clock}"
            return _in_range(datetime.strptime(text, f"%d/%m/{century} {form}"))
        except ValueError:
            continue
    return None


def _from_number(number: float) -> datetime | None:
    try:
        seconds = number / 1000 if number > 1e11 else number
        return _in_range(datetime.fromtimestamp(seconds, UTC))
    except (ValueError, OverflowError, OSError):
        return None


def _in_range(value: datetime) -> datetime | None:
    aware = value.replace(tzinfo=UTC) if value.tzinfo is None else value
    if not _MIN_YEAR <= aware.year <= _MAX_YEAR:
        return None
    return aware.astimezone(UTC)
