from __future__ import annotations

import pytest

from songrec.catalogue_files.durations import (
    DurationFormat,
    detect_format,
    is_shifted_clock,
    parse_duration,
)

GUESSED = DurationFormat("ms", is_declared=False)


@pytest.mark.parametrize(
    ("cell", "seconds"),
    [
        ("3:47", 227),
        ("03:47", 227),
        ("0:03:47", 227),
        ("00:03:47.500", 227.5),
        ("00:03:47,500", 227.5),
        ("３：４７", 227),
        ("1:02:03", 3723),
        ("75:30", 4530),
        ("0 days 00:03:47", 227),
        ("0 days 00:03:47.500000", 227.5),
        ("1899-12-30 00:03:47", 227),
        ("12:03:47 AM", 227),
        ("3:47:00 AM", 227),
        ("3:47 min", 227),
        ("3m47s", 227),
        ("3m 47s", 227),
        ("3 min 47 sec", 227),
        ("3 Min. 47 Sek.", 227),
        ("3 minutes, 47 seconds", 227),
        ("3'47\"", 227),
        ("3′47″", 227),
        ("3'47", 227),
        ("1h 2m 3s", 3723),
        ("227 s", 227),
        ("227000 ms", 227),
        ("3,5 min", 210),
        ("PT3M47S", 227),
        ("PT227.5S", 227.5),
        ("PT1H2M3S", 3723),
        ("P0DT0H3M47S", 227),
        ("4分3秒", 243),
    ],
)
def test_durations_that_name_their_units_are_read_in_any_column(cell, seconds):
    for form in (DurationFormat(), GUESSED, DurationFormat(None)):
        assert parse_duration(cell, form) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "cell", ["long", "3:75", "P", "PT", "3:47:12 PM", "4-Apr", "1 2 3", "-5", "5 apples"]
)
def test_what_is_no_duration_says_so(cell):
    with pytest.raises(ValueError, match=r"duration|time of day"):
        parse_duration(cell, DurationFormat())


@pytest.mark.parametrize(
    ("values", "unit"),
    [
        ([227_000, 180_500], "ms"),
        ([227, 180.5], "s"),
        ([30, 29.9], "s"),
        ([10.0, 10.0], "s"),
        ([5400, 4900], "s"),
        ([3.78333, 4.2, 2.9], "min"),
        ([3.78, 4.75, 2.9], "min"),
        ([3.47, 4.12, 2.59], None),
        ([3.47, 4.12, 2.59, 3.0, 2.31, 5.05, 3.33, 4.4, 2.02, 3.15], "m.ss"),
        ([0.002627, 0.0021], "day"),
        ([227_000_000, 180_000_000], "µs"),
        ([227e9, 180e9], "ns"),
        ([7200.0], None),
        ([12_000.0], None),
    ],
)
def test_the_unit_is_that_in_which_the_numbers_are_lengths_of_songs(values, unit):
    form = detect_format(values, None, [])
    assert (form.unit, form.is_declared) == (unit, False)


def test_a_declared_unit_is_believed_unless_no_song_is_so_long():
    assert detect_format([227], "s", []) == DurationFormat("s")
    assert detect_format([3.78], "min", []) == DurationFormat("min")
    assert detect_format([227_000], "ms", []) == DurationFormat("ms")
    assert detect_format([], "ms", []) == DurationFormat("ms")
    assert detect_format([12_000], "ms", []) == DurationFormat("ms")
    assert detect_format([227, 180], "ms", []) == DurationFormat("s", is_declared=False)
    assert detect_format([227_000], "s", []) == DurationFormat("ms", is_declared=False)


def test_numbers_are_lengths_in_the_unit_of_their_column():
    assert parse_duration("227000", GUESSED) == 227
    assert parse_duration("3.47", DurationFormat("m.ss", is_declared=False)) == 227
    assert parse_duration("0.002627", DurationFormat("day", is_declared=False)) == pytest.approx(
        227, abs=0.1
    )
    with pytest.raises(ValueError, match="not the length of a song in milliseconds"):
        parse_duration("3.47", GUESSED)
    with pytest.raises(ValueError, match="unit is not certain"):
        parse_duration("3.47", DurationFormat(None))
    assert parse_duration("0", DurationFormat(None)) == 0


def test_clock_times_that_a_spreadsheet_shifted_are_minutes_and_seconds():
    assert is_shifted_clock(["03:47:00", "04:05:00", "2:59:00"])
    assert not is_shifted_clock(["03:47:00", "04:05:10", "2:59:00"])
    assert not is_shifted_clock(["00:03:00", "00:04:00", "00:05:00"])
    assert not is_shifted_clock(["1:02:00"])
    assert parse_duration("03:47:00", DurationFormat(is_shifted=True)) == 227
