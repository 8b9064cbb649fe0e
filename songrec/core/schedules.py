"""Times at which something is done again: five fields of cron in a time zone."""

from __future__ import annotations

import functools
import os
import re
import zoneinfo
from datetime import UTC, datetime
from pathlib import Path

from cronsim import CronSim, CronSimError

from songrec.core.errors import BadInput

WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
_DAILY = re.compile(r"^(\d{1,2}) (\d{1,2}) \* \* ([*0-7])$")
_LOCAL_TIME = Path("/etc/localtime")
MAX_LENGTH = 100
"""Characters of a schedule that the database stores."""


def check_schedule(schedule: str, time_zone: str) -> str:
    """Return ``schedule`` with single spaces; ``BadInput`` where it cannot be used.

    A schedule names one minute, so that nothing is done more often than once an hour. Empty is
    allowed: never by itself.
    """
    check_time_zone(time_zone)
    fields = schedule.split()
    if not fields:
        return ""
    text = " ".join(fields)
    if len(fields) != 5:
        raise BadInput(
            "A schedule has five fields, minute, hour, day, month and weekday: “30 6 * * *” is "
            f"every day at 6:30. This one has {len(fields)}."
        )
    if len(text) > MAX_LENGTH:
        raise BadInput(f"A schedule has at most {MAX_LENGTH} characters; this one has {len(text)}.")
    if not fields[0].isdecimal():
        raise BadInput(
            "A schedule names one minute, as in “30 6 * * *”: once an hour is the most often."
        )
    if next_time(text, time_zone, datetime.now(UTC)) is None:
        raise BadInput(f"The time “{text}” never comes; no mix would be made.")
    return text


def check_time_zone(name: str) -> str:
    """Return the name of a time zone; ``BadInput`` for an unknown one."""
    if name not in time_zones():
        raise BadInput(f"There is no time zone {name[:60]!r}; Europe/Berlin is one, for example.")
    return name


@functools.cache
def time_zones() -> tuple[str, ...]:
    """Return the names of all time zones, those without a continent last."""
    names = zoneinfo.available_timezones()
    return tuple(sorted(names, key=lambda name: ("/" not in name, name)))


def local_time_zone() -> str:
    """Return the time zone of this machine, UTC where it does not say."""
    for name in (os.environ.get("TZ", ""), _named_by_link()):
        if name in time_zones():
            return name
    return "UTC"


def _named_by_link() -> str:
    try:
        return str(_LOCAL_TIME.readlink()).partition("zoneinfo/")[2]
    except OSError:
        return ""


def next_time(schedule: str, time_zone: str, after: datetime) -> datetime | None:
    """Return the first time of ``schedule`` later than ``after``, in UTC; None if none comes.

    A time that the clocks jump over is at the jump, one that comes twice counts once.

    Raises
    ------
    BadInput
        If the schedule or the time zone cannot be read.
    """
    if not schedule:
        return None
    zone = zoneinfo.ZoneInfo(check_time_zone(time_zone))
    try:
        times = CronSim(schedule, after.astimezone(zone))
    except CronSimError as error:
        raise BadInput(f"The schedule “{schedule[:60]}” cannot be read: {error}.") from error
    # By the clock on the wall a time may be later and yet lie before ``after``.
    later = (one.astimezone(UTC) for one in times)
    return next((one for one in later if one > after), None)


def describe_schedule(schedule: str) -> str:
    """Describe a schedule: ``Every day at 6:30``, ``Mondays at 6:30``, ``Only when you ask``."""
    if not schedule:
        return "Only when you ask"
    if parts := daily_parts(schedule):
        hour, minute, weekday = parts
        day = "Every day" if weekday is None else f"{WEEKDAYS[weekday]}s"
        return f"{day} at {hour}:{minute:02d}"
    return f"At times of its own ({schedule})"


def daily_parts(schedule: str) -> tuple[int, int, int | None] | None:
    """Return hour, minute and weekday (0 is Sunday, None every day) of a plain schedule."""
    match = _DAILY.match(schedule)
    if match is None:
        return None
    minute, hour, weekday = match.groups()
    return int(hour), int(minute), None if weekday == "*" else int(weekday) % 7
