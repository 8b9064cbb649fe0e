from __future__ import annotations

import math

import pytest

from songrec.catalogue_files import cell_values
from songrec.core.artist_credits import ArtistField


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("0.83", 0.83),
        (" 7 ", 7.0),
        ("-1e-3", -0.001),
        (3, 3.0),
        ("", None),
        ("NaN", None),
        (None, None),
        (math.nan, None),
        ("N/A", None),
    ],
)
def test_numbers_are_read_and_empty_cells_are_nothing(cell, value):
    assert cell_values.number(cell) == value


@pytest.mark.parametrize(
    ("cell", "reason"),
    [
        ("loud", "not a number"),
        ("inf", "infinite"),
        ("-Infinity", "infinite"),
        ("1_000", "not a"),
        ("0,83", "not a number"),
        ("1e999", "infinite"),
        ("0x10", "not a number"),
    ],
)
def test_what_is_no_number_says_so(cell, reason):
    with pytest.raises(ValueError, match=reason):
        cell_values.number(cell)


def test_a_decimal_comma_is_read_where_the_comma_parts_no_cells():
    assert cell_values.number("0,83", decimal_comma=True) == 0.83
    assert cell_values.number("0.83", decimal_comma=True) == 0.83
    with pytest.raises(ValueError, match="not a number"):
        cell_values.number("1.234,5", decimal_comma=True)


@pytest.mark.parametrize("cell", ["-6.85db", "-6.85 dB", "-6.85dBFS", "-6.85", -6.85])
def test_loudness_may_carry_its_unit(cell):
    assert cell_values.decibels(cell) == -6.85


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("Yes", 1.0),
        ("no", 0.0),
        ("TRUE", 1.0),
        ("False", 0.0),
        ("1", 1.0),
        ("0.0", 0.0),
        (True, 1.0),
        (False, 0.0),
        ("", None),
    ],
)
def test_explicit_is_read_in_all_its_spellings(cell, value):
    assert cell_values.flag(cell) == value


def test_an_explicit_cell_that_is_neither_is_refused():
    with pytest.raises(ValueError, match="neither yes nor no"):
        cell_values.flag("maybe")


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("29th April 2013", 2013),
        ("2019-06-14", 2019),
        ("2019-06", 2019),
        ("2019", 2019),
        (2019, 2019),
        ("2019.0", 2019),
        ("0000", None),
        ("0", None),
        ("", None),
    ],
)
def test_years_are_found_in_dates(cell, value):
    assert cell_values.year(cell) == value


@pytest.mark.parametrize("cell", ["spring", "20190614", "9999", "0007"])
def test_a_date_without_a_year_is_refused(cell):
    with pytest.raises(ValueError, match="year"):
        cell_values.year(cell)


@pytest.mark.parametrize(
    ("cell", "value"), [("03:47", 227_000), ("1:02:03", 3_723_000), ("215.5", 215_500), ("0", None)]
)
def test_durations_are_read_as_clock_or_seconds(cell, value):
    assert cell_values.clock(cell) == value


def test_durations_in_milliseconds_stay():
    assert cell_values.milliseconds("194754") == 194_754
    assert cell_values.milliseconds("0") is None
    with pytest.raises(ValueError, match="duration"):
        cell_values.milliseconds("-5")


@pytest.mark.parametrize(
    ("cell", "key", "mode"),
    [
        ("D min", 2, 0),
        ("A# Maj", 10, 1),
        ("F♯ minor", 6, 0),
        ("Bb", 10, None),
        ("Cb Maj", 11, 1),
        ("7", 7, None),
        ("-1", None, None),
        ("", None, None),
    ],
)
def test_keys_are_read_by_name_and_by_number(cell, key, mode):
    assert cell_values.pitch(cell) == key
    assert cell_values.mode_of_key(cell) == mode


def test_a_key_that_is_none_is_refused():
    for cell in ("H", "12", "2.5", "loud"):
        with pytest.raises(ValueError, match="key"):
            cell_values.pitch(cell)


def test_time_signatures_count_beats():
    assert [cell_values.beats(c) for c in ("4/4", "3", "5/4", "0", "")] == [4, 3, 5, None, None]


@pytest.mark.parametrize(
    ("cell", "names"),
    [
        ("['A', 'B']", ["A", "B"]),
        ("[\"Guns N' Roses\", 'X']", ["Guns N' Roses", "X"]),
        (r"['Sinead O\'Connor']", ["Sinead O'Connor"]),
        ("[]", []),
        ("[Unquoted]", ["[Unquoted]"]),
        ("Tyler, The Creator", ["Tyler, The Creator"]),
        (["A", "B"], ["A", "B"]),
        ("", []),
    ],
)
def test_artists_are_read_from_lists_and_plain_names(cell, names):
    assert cell_values.names(cell) == names


def test_separated_artists_come_apart_and_names_with_a_comma_stay_whole():
    assert cell_values.artists_between(";")("A;B; C") == ArtistField(("A", "B", "C"), True)
    assert cell_values.artists_between(";")("Tyler, The Creator").is_list
    assert cell_values.artists_between("+")("A + B") == ArtistField(("A", "B"), True)
    by_comma = cell_values.artists_between(",")
    assert by_comma("Ty Dolla,Tyler, The Creator") == ArtistField(
        ("Ty Dolla", "Tyler, The Creator"), True
    )
    assert by_comma("Ada;Earth, Wind & Fire").names == ("Ada", "Earth, Wind & Fire")
    assert by_comma("['A,B']") == ArtistField(("A,B",), True)
    for name in ("10,000 Maniacs", "Tyler, The Creator", "Earth, Wind & Fire", "Fingertips, Inc."):
        assert by_comma(name) == ArtistField((name,))
    assert by_comma("U2,100 gecs,10,000 Maniacs").names == ("U2", "100 gecs", "10,000 Maniacs")


def test_genres_are_lower_case_and_named_once():
    assert cell_values.labels("Rock,pop, ROCK ") == ["rock", "pop"]
    assert cell_values.labels("nan") == []


def test_text_is_one_line_without_control_characters():
    assert cell_values.line("  a\n\tb  ") == "a b"
    assert cell_values.line(None) == ""
    for cell in ("a\x00b", "a\x1b[31mb", "a\x85b", "a\udcffb"):
        with pytest.raises(ValueError, match="control characters"):
            cell_values.line(cell)


def test_emoji_joined_by_invisible_characters_are_text():
    family = "\U0001f469\u200d\U0001f4bb"
    assert cell_values.line(family) == family
