"""Times of plays in the formats of services."""

from __future__ import annotations

import re
import unicodedata
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
_MONTHS = {
    name: number
    for number, names in enumerate(
        (
            "jan gen ene sty oca янв",
            "feb fev lut sub фев",
            "mar mrt мар",
            "apr abr avr kwi nis апр",
            "may mai maj mag mei маи мая",
            "jun juin giu cze haz июн",
            "jul juil lug lip tem июл",
            "aug ago aou sie agu авг",
            "sep set wrz eyl сен",
            "oct okt ott out paz eki окт",
            "nov lis kas ноя",
            "dec dez dic des gru ara дек",
        ),
        1,
    )
    for name in names.split()
}
"""Months by the first letters of their names, without accents, in the languages of services."""
_CLOCK = r"(\d{1,2})[:.](\d\d)(?:[:.](\d\d))?"
# "5 Sept 2023, 3:04:05 pm", "5 de jan. de 2023, 15:04", "5 янв. 2023 г., 15:04"
_DAY_FIRST = re.compile(
    r"(\d{1,2})\.?(?: de)? ([^\W\d_]{3,12}|\d{1,2})\.?(?: de)? (\d{4})(?: ?г\.?)?,? "
    rf"(?:[^\W\d_]{{1,4}}\.? )?{_CLOCK}(?: ?([ap])\.? ?m\.?)?",
    re.IGNORECASE,
)
# "2023. 1. 5. 오후 3:04:05", "2023年1月5日 15:04:05"
_YEAR_FIRST = re.compile(
    r"(\d{4})[.年] ?(\d{1,2})[.月] ?(\d{1,2})[.日]? ?"
    rf"(오전|오후|上午|下午|午前|午後)? ?{_CLOCK}"
)
_AFTERNOON = frozenset({"p", "오후", "下午", "午後"})
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
    written = _DAY_FIRST.fullmatch(text)
    if written:
        day, month, year, *clock, half = written.groups()
        return _from_parts(year, _month(month), day, clock, half)
    written = _YEAR_FIRST.fullmatch(text)
    if written:
        year, month, day, half, *clock = written.groups()
        return _from_parts(year, _month(month), day, clock, half)
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


def _month(name: str) -> int:
    """Return the number of a month by its number or name; 0 for an unknown one."""
    if name.isdecimal():
        return int(name)
    decomposed = unicodedata.normalize("NFD", name.casefold())
    letters = "".join(one for one in decomposed if not unicodedata.combining(one))
    return _MONTHS.get(letters[:4]) or _MONTHS.get(letters[:3], 0)


def _from_parts(
    year: str, month: int, day: str, clock: list[str | None], half: str | None
) -> datetime | None:
    """Return a time from its parts; ``half`` of the day, if the clock has 12 hours."""
    hour, minute, second = (int(part or 0) for part in clock)
    if half:
        hour = hour % 12 + 12 * (half.lower() in _AFTERNOON)
    try:
        return _in_range(datetime(int(year), month, int(day), hour, minute, second))
    except ValueError:
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
