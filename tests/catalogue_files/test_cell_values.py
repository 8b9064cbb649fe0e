from __future__ import annotations

import math

import pytest

from songrec.catalogue_files import cell_values
from songrec.catalogue_files.cell_values import CellFormat
from songrec.catalogue_files.durations import MILLISECONDS
from songrec.catalogue_files.numerals import NumberFormat
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


def test_a_decimal_comma_is_read_in_columns_that_have_one():
    comma = CellFormat(NumberFormat(comma="decimal"))
    for read in (
        cell_values.number,
        cell_values.share,
        cell_values.points,
        cell_values.decibels,
        cell_values.tempo,
    ):
        assert read("0,83", comma) == 0.83
        assert read("0.83", comma) == 0.83
    assert cell_values.number("1.234,5", comma) == 1234.5
    assert cell_values.flag("1,0", comma) == 1.0
    assert cell_values.pitch("5,0", comma) == 5
    assert cell_values.mode("0,0", comma) == 0
    assert cell_values.beats("4,0", comma) == 4
    assert cell_values.milliseconds("201000,0", CellFormat(comma.numbers, MILLISECONDS)) == 201_000
    assert cell_values.clock("201,5", comma) == 201_500


@pytest.mark.parametrize(
    ("read", "cell", "value"),
    [
        (cell_values.decibels, "\u22127.5 dB", -7.5),
        (cell_values.decibels, "-7.5 LUFS", -7.5),
        (cell_values.decibels, "-7.5\u00a0dBFS", -7.5),
        (cell_values.tempo, "120 BPM", 120.0),
        (cell_values.tempo, "120bpm", 120.0),
        (cell_values.tempo, "120 beats per minute", 120.0),
        (cell_values.share, "83 %", 0.83),
        (cell_values.share, "83\u00a0%", 0.83),
        (cell_values.share, "83/100", 0.83),
        (cell_values.share, "0.83", 0.83),
        (cell_values.points, "83%", 83.0),
        (cell_values.points, "83/100", 83.0),
    ],
)
def test_values_may_carry_their_unit(read, cell, value):
    assert read(cell) == pytest.approx(value)


def test_a_percent_sign_has_its_meaning_on_a_scale_to_a_hundred_too():
    assert cell_values.share("83 %", CellFormat(percent=1.0)) == 83.0


@pytest.mark.parametrize(
    "cell",
    ["-", "\u2013", "?", "unknown", "\\N", "(null)", "#N/A", "n.a.", "<NA>", "-nan", "NULL", "."],
)
def test_programs_and_people_write_nothing_in_many_ways(cell):
    assert cell_values.is_missing(cell)
    assert cell_values.number(cell) is None
    assert cell_values.year(cell) is None
    assert cell_values.clock(cell) is None


@pytest.mark.parametrize("cell", ["0", "no", "N", "loud", "None of us", "--5"])
def test_a_value_is_not_nothing(cell):
    assert not cell_values.is_missing(cell)


def test_an_empty_cell_of_a_database_is_no_text_and_a_marked_text_loses_its_mark():
    assert cell_values.line("\\N") == ""
    assert cell_values.lyrics(" \\N") is None
    assert cell_values.artists("\\N").names == ()
    assert cell_values.labels("\\N") == []
    assert cell_values.line('="0123"') == "0123"
    assert cell_values.line('="say ""hi"""') == 'say "hi"'
    assert cell_values.line("=not a mark") == "=not a mark"


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
        ("WAHR", 1.0),
        ("falsch", 0.0),
        ("VRAI", 1.0),
        ("FAUX", 0.0),
        ("VERDADERO", 1.0),
        ("Falso", 0.0),
        ("ИСТИНА", 1.0),
        ("ΨΕΥΔΗΣ", 0.0),
        ("はい", 1.0),
        ("Explicit", 1.0),
        ("Explicit Lyrics", 1.0),
        ("clean", 0.0),
        ("Not explicit", 0.0),
        ("notExplicit", 0.0),
        ("\u2713", 1.0),
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


@pytest.mark.parametrize("cell", ["spring", "20191614", "9999", "0007"])
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


def test_brackets_in_a_name_are_no_list():
    by_comma = cell_values.artists_between(",")
    for name in ("(G)I-DLE", "(((()))),surround.", "{Awake}", "[Unquoted]", "[Rock 'n' Roll]"):
        assert "".join(cell_values.artists(name).names) == name
    assert by_comma("(G)I-DLE,WENGIE").names == ("(G)I-DLE", "WENGIE")
    assert by_comma("('A', 'B')").names == ("A", "B")


def test_ids_of_genres_are_no_genres():
    with pytest.raises(ValueError, match="list of numbers"):
        cell_values.labels("[21, 45]")
    assert cell_values.labels("[{'genre_id': '21', 'genre_title': 'Hip-Hop'}]") == ["hip-hop"]


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


@pytest.mark.parametrize(
    "cell", ["5" + " " * 100_000 + "x", "9" * 100_000, "'" * 100_000, "[" * 50_000]
)
def test_a_hostile_cell_takes_no_time(cell):
    for read in (*cell_values.FORMATTED, cell_values.artists, cell_values.labels):
        try:
            read(cell)
        except ValueError as error:
            reason = str(error)
        else:
            reason = ""
        assert len(reason) < 80
