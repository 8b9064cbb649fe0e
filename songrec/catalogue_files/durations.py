"""Durations as people and programs write them, and the unit of a column of plain numbers."""

from __future__ import annotations

import re
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from songrec.catalogue_files.numerals import PLAIN, NumberFormat, parse_number, unify

MAX_SECONDS = 2_000_000
_CLOCK = re.compile(r"(?:(\d{1,4}):)?(\d{1,3}):([0-5]?\d(?:[.,]\d+)?)")
_TIME_OF_DAY = re.compile(r"(\d{1,2}):([0-5]\d):([0-5]\d)(?:\.0+)?\s*([ap])\.?m\.?", re.IGNORECASE)
_DAYS = re.compile(r"(\d+)\s*days?,?\s+(?:\+)?(?=\d{1,2}:)")
_ZERO_DAY = re.compile(r"(?:1899-12-3[01]|1900-01-0[01]|1904-01-01|1970-01-01)[T ](?=\d{1,2}:)")
_ISO = re.compile(
    r"P(?:(\d+(?:[.,]\d+)?)D)?(?:T(?:(\d+(?:[.,]\d+)?)H)?(?:(\d+(?:[.,]\d+)?)M)?"
    r"(?:(\d+(?:[.,]\d+)?)S)?)?",
    re.IGNORECASE,
)
_NUMBER = r"(\d+(?:[.,]\d+)?)\s*"
_WORDS = re.compile(
    rf"(?:{_NUMBER}(?:h|hrs?|hours?|std\.?|stunden?|heures?|horas?|ore|часо?в?)[\s,]*)?"
    rf"(?:{_NUMBER}(?:m|mins?\.?|minutes?|minuten?|minutos?|minuti|мин\.?|分鐘?|分钟?|분|['])[\s,]*)?"
    rf"(?:{_NUMBER}(?:s|secs?\.?|seconds?|sek\.?|sekunden?|secondes?|segundos?|secondi|сек\.?|秒|초"
    rf"|\"|'')[\s,]*)?"
    rf"(?:{_NUMBER}(?:ms|msecs?|millis|milliseconds?|millisekunden?)\s*)?",
    re.IGNORECASE,
)
_MINUTES_THEN_SECONDS = re.compile(r"(\d+)\s*(?:m|min|')\s*([0-5]\d)", re.IGNORECASE)
_CLOCK_UNIT = re.compile(r"\s*(?:min\.?|mins|minutes|minuten|h|hours|m:s|mm:ss)$", re.IGNORECASE)

SECONDS_PER_UNIT = {"ms": 1e-3, "s": 1.0, "min": 60.0, "day": 86_400.0, "µs": 1e-6, "ns": 1e-9}
"""Seconds per unit of a plain number."""
UNIT_NAMES = {
    "ms": "milliseconds",
    "s": "seconds",
    "min": "minutes",
    "m.ss": "minutes and seconds (3.47 is 3:47)",
    "day": "days, as a spreadsheet stores times",
    "µs": "microseconds",
    "ns": "nanoseconds",
}
_SHORTEST, _LONGEST = 0.1, 86_400.0


@dataclass(frozen=True, slots=True)
class DurationFormat:
    """Notation of durations in a column.

    Attributes
    ----------
    unit
        The unit of plain numbers: a key of ``SECONDS_PER_UNIT``, or "m.ss". None if it is not
        certain.
    is_declared
        Whether the column's name states the unit, so that any length is accepted.
    is_shifted
        Whether ``03:47:00`` means 3 minutes and 47 seconds, as written by spreadsheets.
    """

    unit: str | None = "s"
    is_declared: bool = True
    is_shifted: bool = False


SECONDS = DurationFormat()
MILLISECONDS = DurationFormat("ms")


def parse_duration(text: str, form: DurationFormat, numbers: NumberFormat = PLAIN) -> float:
    """Return the seconds of ``"3:47"``, ``"3m47s"``, ``"PT3M47S"`` or a number in ``form.unit``.

    Raises
    ------
    ValueError
        If the text is not a duration, or its unit is not certain.
    """
    text = unify(text).replace("″", '"').replace("”", '"').replace("′", "'")
    seconds = _clock(text, form)
    if seconds is None:
        seconds = _with_units(text)
    if seconds is None:
        seconds = _plain_number(text, form, numbers)
    if not 0 <= seconds < MAX_SECONDS:
        raise ValueError("is not a duration")
    return seconds


def detect_format(
    values: Sequence[float], declared: str | None, cells: Iterable[str]
) -> DurationFormat:
    """Detect the notation of durations in a column.

    Parameters
    ----------
    values
        The plain numbers of the column, without zeros.
    declared
        The unit that its name states: "ms", "s", "min" or None.
    cells
        All cells, for the form of clock times.
    """
    is_shifted = is_shifted_clock(cells)
    if declared and (
        not values or 1 <= statistics.median(values) * SECONDS_PER_UNIT[declared] <= 15_000
    ):
        if declared == "min" and _minutes(values) == "m.ss":
            return DurationFormat("m.ss", False, is_shifted)
        return DurationFormat(declared, True, is_shifted)
    return DurationFormat(_unit_of(values), False, is_shifted)


def _unit_of(values: Sequence[float]) -> str | None:
    """Return the unit in which the numbers are plausible song lengths, None if uncertain."""
    median = statistics.median(values) if values else 0.0
    if 0.0002 <= median <= 0.05:
        return "day"
    if 1.5 <= median < 8:
        return _minutes(values)
    if median < 6_000:
        return "s"
    if median < 15_000:
        return None  # long mixes in seconds, or short excerpts in milliseconds
    return next(
        (unit for unit in ("ms", "µs", "ns") if median * SECONDS_PER_UNIT[unit] < 6_000), None
    )


def is_shifted_clock(cells: Iterable[str]) -> bool:
    """Return whether all clock times of a column have hours and no seconds: ``03:47:00``."""
    matches = [match for cell in cells if (match := _CLOCK.fullmatch(unify(cell)))]
    with_hours = [match for match in matches if match[1]]
    return (
        len(with_hours) > 2
        and len(with_hours) == len(matches)
        and all(float(match[3].replace(",", ".")) == 0 for match in with_hours)
        and statistics.median(int(match[1] or 0) for match in with_hours) >= 1
    )


def _minutes(values: Sequence[float]) -> str | None:
    """Distinguish decimal minutes (3.78) from minutes and seconds with a point (3.47)."""
    hundredths = [round(value % 1 * 100, 6) for value in values]
    if any(part >= 60 or part != round(part) for part in hundredths):
        return "min"
    # By chance ten decimal minutes end below .60 once in 160 files.
    return "m.ss" if len(values) >= 10 and any(hundredths) else None


def _clock(text: str, form: DurationFormat) -> float | None:
    if match := _TIME_OF_DAY.fullmatch(text):
        return _time_of_day(match)
    days = 0
    if match := _DAYS.match(text):
        days, text = int(match[1]), text[match.end() :]
    elif match := _ZERO_DAY.match(text):
        text = text[match.end() :]
    match = _CLOCK.fullmatch(_CLOCK_UNIT.sub("", text))
    if not match:
        return None
    hours, minutes, seconds = int(match[1] or 0), int(match[2]), float(match[3].replace(",", "."))
    if form.is_shifted and match[1] and not days:
        hours, minutes, seconds = 0, hours, float(minutes)
    return days * 86_400 + hours * 3600 + minutes * 60 + seconds


def _time_of_day(match: re.Match[str]) -> float:
    """Return the seconds of a duration that a spreadsheet shows as a time of day.

    Spreadsheets turn an input of 3:47 into ``3:47:00 AM``, and 0:03:47 into ``12:03:47 AM``.
    """
    hours, minutes, seconds = int(match[1]) % 12, int(match[2]), int(match[3])
    hours += 12 * (match[4].lower() == "p")
    if hours == 0:
        return minutes * 60 + seconds
    if seconds == 0:
        return hours * 60 + minutes
    raise ValueError("is a time of day")


def _with_units(text: str) -> float | None:
    iso = _ISO.fullmatch(text)
    if iso and any(iso.groups()):
        return _sum(iso.groups(), (86_400, 3600, 60, 1))
    if match := _MINUTES_THEN_SECONDS.fullmatch(text):
        return _sum(match.groups(), (60, 1))
    words = _WORDS.fullmatch(text)
    if words and any(words.groups()):
        return _sum(words.groups(), (3600, 60, 1, 1e-3))
    return None


def _sum(parts: Iterable[str | None], seconds: Sequence[float]) -> float:
    return sum(
        float((part or "0").replace(",", ".")) * each
        for part, each in zip(parts, seconds, strict=True)
    )


def _plain_number(text: str, form: DurationFormat, numbers: NumberFormat) -> float:
    try:
        value = parse_number(text, numbers)
    except ValueError:
        raise ValueError("is not a duration") from None
    if value == 0:
        return 0.0
    if form.unit is None:
        raise ValueError("is a number whose unit is not certain")
    if form.unit == "m.ss":
        minutes = int(value)
        seconds = minutes * 60 + round((value - minutes) * 100)
    else:
        seconds = value * SECONDS_PER_UNIT[form.unit]
    if not form.is_declared and not _SHORTEST <= seconds <= _LONGEST:
        raise ValueError(f"is not the length of a song in {UNIT_NAMES[form.unit]}")
    return seconds
