from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songrec.catalogue_files.numerals import (
    NumberFormat,
    comma_evidence,
    detect_number_format,
    parse_number,
    unify,
)

COMMA, THOUSANDS = NumberFormat("decimal"), NumberFormat("thousands")


@pytest.mark.parametrize(
    ("cell", "value"),
    [
        ("\u22127.5", -7.5),
        ("\u20137.5", -7.5),
        ("\u20147.5", -7.5),
        ("\ufe637.5", -7.5),
        ("\u207b7.5", -7.5),
        ("- 7.5", -7.5),
        ("7.5-", -7.5),
        ("(7.5)", -7.5),
        ("+7.5", 7.5),
        ("１２０．５", 120.5),
        ("−１２，３４５．５", -12345.5),
        ("٣٫٥", 3.5),
        ("201\u00a0000", 201_000),
        ("201\u202f000.5", 201_000.5),
        ("201 000", 201_000),
        ("201'000", 201_000),
        ("201’000", 201_000),
        ("1,234,567", 1_234_567),
        ("1,234,567.8", 1_234_567.8),
        ("1.234.567,8", 1_234_567.8),
        ("12,34,567", 1_234_567),
        ("1.2e\u22125", 1.2e-5),
        ("1.2×10^-5", 1.2e-5),
        ("'0.5", 0.5),
        ('="0.5"', 0.5),
        (".5", 0.5),
    ],
)
def test_numbers_are_read_in_all_their_notations(cell, value):
    assert parse_number(cell) == pytest.approx(value)


@pytest.mark.parametrize(
    "cell",
    [
        "0,83",
        "1,234",
        "loud",
        "1_000",
        "",
        "-",
        ",",
        "1..5",
        "1,2,3",
        "12 34",
        "10²",
        "½",
        "5 5",
        "0,123,456",
    ],
)
def test_what_is_not_certain_is_no_number(cell):
    with pytest.raises(ValueError, match=r"number|comma"):
        parse_number(cell)


def test_a_comma_has_the_meaning_of_its_column():
    assert parse_number("1,234", COMMA) == 1.234
    assert parse_number("1,234", THOUSANDS) == 1234
    assert parse_number("1,2e-5", COMMA) == 1.2e-5
    assert parse_number(",5", COMMA) == 0.5
    assert parse_number("1.234", NumberFormat("decimal", "thousands")) == 1234
    with pytest.raises(ValueError, match="not a number"):
        parse_number("1,23", THOUSANDS)


ANY, TEMPO, LENGTH = (-1e9, 1e9), (0, 300), (1_000, 1e8)


@pytest.mark.parametrize(
    ("cells", "plausible", "file_comma", "expected"),
    [
        (["0,5", "1,234"], ANY, None, COMMA),
        (["-7,125", "-7,1"], ANY, None, COMMA),
        (["1,234,567", "1,234"], ANY, None, THOUSANDS),
        (["1,234", "0.5"], ANY, None, THOUSANDS),
        (["1.234,5", "2,345"], ANY, None, NumberFormat("decimal", "thousands")),
        (["1,234"], ANY, "thousands", THOUSANDS),
        (["1,234"], ANY, "decimal", COMMA),
        (["1,234"], ANY, None, COMMA),  # what is usual in the kind of file
        (["120,125"], TEMPO, "thousands", COMMA),
        (["120,125 BPM"], TEMPO, None, COMMA),
        (["201,000"], LENGTH, "decimal", THOUSANDS),
        (["201.000"], LENGTH, "decimal", NumberFormat(None, "thousands")),
        (["120.125"], TEMPO, "decimal", NumberFormat()),
        (["loud", "3:47"], ANY, None, NumberFormat()),
    ],
)
def test_the_column_decides_what_comma_and_point_mean(cells, plausible, file_comma, expected):
    low, high = plausible
    form = detect_number_format(
        cells,
        is_plausible=lambda value: low <= value <= high,
        default_comma="decimal",
        file_comma=file_comma,
    )
    assert form == expected


def test_one_column_tells_what_a_comma_means_in_the_others():
    assert comma_evidence(["0,5", "x"]) == "decimal"
    assert comma_evidence(["0.5"]) == "thousands"
    assert comma_evidence(["1,234"]) is None
    assert comma_evidence(["4/4", "3:47", "7"]) is None


def test_marks_and_invisible_characters_are_taken_off():
    assert unify("\ufeff \u200b7\u00a0 5 ") == "7 5"
    assert unify("’84") == "84"


@given(
    value=st.integers(-(10**9), 10**9).map(lambda n: n / 1000),
    decimal=st.sampled_from(".,"),
    group=st.sampled_from(["", " ", "\u00a0", "\u202f", "'", "\u2019"]),
    minus=st.sampled_from(["-", "\u2212", "\u2013", "\ufe63", "\uff0d"]),
    wide=st.booleans(),
)
def test_every_number_comes_back_from_every_notation(value, decimal, group, minus, wide):
    text = f"{abs(value):,.3f}".replace(",", "_").replace(".", decimal).replace("_", group)
    text = (minus if value < 0 else "") + text
    if wide:
        text = "".join(chr(ord(c) + 0xFEE0) if c.isdigit() else c for c in text)
    assert parse_number(text, NumberFormat("decimal" if decimal == "," else None)) == value
