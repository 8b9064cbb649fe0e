"""Times by five fields of cron, over changes of the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from songrec.core.errors import BadInput
from songrec.core.schedules import (
    check_schedule,
    daily_parts,
    describe_schedule,
    local_time_zone,
    next_time,
    time_zones,
)

BERLIN = "Europe/Berlin"


def times(schedule: str, zone: str, start: str, n: int) -> list[str]:
    at, found = datetime.fromisoformat(start).replace(tzinfo=UTC), []
    for _ in range(n):
        after = next_time(schedule, zone, at)
        assert after is not None
        at = after
        found.append(f"{at:%m-%d %H:%M}")
    return found


def test_a_morning_stays_at_its_hour_when_the_clocks_go_forward_and_back() -> None:
    assert times("30 6 * * *", BERLIN, "2027-03-26T12:00", 4) == [
        "03-27 05:30",
        "03-28 04:30",
        "03-29 04:30",
        "03-30 04:30",
    ]
    assert times("30 6 * * *", BERLIN, "2027-10-29T12:00", 3) == [
        "10-30 04:30",
        "10-31 05:30",
        "11-01 05:30",
    ]


def test_a_time_that_is_jumped_over_comes_at_the_jump_and_one_that_comes_twice_once() -> None:
    # 2:30 on 28 March 2027 does not exist in Berlin: the clocks go from 2:00 to 3:00, 1:00 UTC.
    assert times("30 2 * * *", BERLIN, "2027-03-27T12:00", 2) == ["03-28 01:00", "03-29 00:30"]
    assert times("30 2 * * *", BERLIN, "2027-10-30T12:00", 2) == ["10-31 00:30", "11-01 01:30"]


def test_the_next_time_is_later_even_in_the_hour_that_comes_twice() -> None:
    second_half_past_two = datetime(2027, 10, 31, 1, 30, tzinfo=UTC)
    after = next_time("45 2 * * *", BERLIN, second_half_past_two)
    assert after == datetime(2027, 11, 1, 1, 45, tzinfo=UTC)


def test_every_hour_goes_on_through_both_changes() -> None:
    for start in ("2027-03-27T20:00", "2027-10-30T20:00"):
        at = datetime.fromisoformat(start).replace(tzinfo=UTC)
        for _ in range(12):
            after = next_time("0 * * * *", BERLIN, at)
            assert after == at + timedelta(hours=1)
            at = after


def test_mondays_are_mondays_where_the_listener_is() -> None:
    # In Auckland Monday 6:00 is Sunday in UTC.
    assert times("0 6 * * 1", "Pacific/Auckland", "2027-06-01T00:00", 1) == ["06-06 18:00"]


def test_nothing_comes_without_a_schedule() -> None:
    assert next_time("", "UTC", datetime(2027, 1, 1, tzinfo=UTC)) is None


@pytest.mark.parametrize(
    ("schedule", "zone", "says"),
    [
        ("* * * * *", "UTC", "one minute"),
        ("*/5 * * * *", "UTC", "one minute"),
        ("0 6 * *", "UTC", "five fields"),
        ("0 25 * * *", "UTC", "hour"),
        ("0 6 30 2 *", "UTC", "day"),
        ("² 6 * * *", "UTC", "one minute"),
        (f"0 {','.join(['6'] * 60)} * * *", "UTC", "at most 100 characters"),
        ("0 6 * * *", "Mars/Olympus", "time zone"),
        ("0 6 * * *", "../etc/passwd", "time zone"),
    ],
)
def test_what_cannot_be_a_schedule_says_so(schedule: str, zone: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        check_schedule(schedule, zone)


def test_plain_schedules_are_described_in_words() -> None:
    assert check_schedule(" 5   6 * * * ", "UTC") == "5 6 * * *"
    assert describe_schedule("5 6 * * *") == "Every day at 6:05"
    assert describe_schedule("30 18 * * 1") == "Mondays at 18:30"
    assert describe_schedule("") == "Only when you ask"
    assert describe_schedule("0 6 1 * *") == "At times of its own (0 6 1 * *)"
    assert daily_parts("0 6 1 * *") is None


def test_this_machine_has_a_time_zone() -> None:
    assert local_time_zone() in time_zones()
