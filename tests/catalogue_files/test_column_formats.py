"""What a column as a whole says about its cells, from the file's text to the stored values."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from songrec.catalogue_files.dialect_detection import map_columns
from songrec.catalogue_files.reading import open_text
from songrec.catalogue_files.row_parser import ParsedBatch, RowParser
from songrec.catalogue_files.unit_detection import detect_scale
from songrec.core.attributes import ATTRIBUTE_NAMES
from tests.catalogue_files.samples import NAMED, PLAIN, as_text


def parse(text: str) -> tuple[ParsedBatch, list[str]]:
    """The rows of a catalogue's text, and what reading them assumes."""
    table = open_text(text.encode(), "songs.csv")
    (batch,) = table.batches()
    dialect, columns = map_columns(table.header, batch.rows)
    scale = detect_scale(dialect, table, batch, "auto", columns)
    parser = RowParser(dialect, table, scale=scale, source="songs", columns=columns)
    return parser.parse(batch), [str(one) for one in (*table.assumptions, *parser.assumptions)]


def column(name: str, cells: list[Any], **how: Any) -> tuple[ParsedBatch, list[str]]:
    """``parse`` for songs that differ in one column."""
    rows = [{**PLAIN, "song": f"S{i}", name: cell} for i, cell in enumerate(cells)]
    columns = NAMED if name in NAMED else (*NAMED, name)
    return parse(as_text(rows, columns, **how))


def attribute(parsed: ParsedBatch, name: str) -> list[float | None]:
    return [row.attributes[ATTRIBUTE_NAMES.index(name)] for row in parsed.rows]


def values(parsed: ParsedBatch, name: str) -> list[Any]:
    return [row.fields[name] for row in parsed.rows]


def test_a_decimal_comma_is_read_in_every_column_and_reported_once():
    cells = {
        "Tempo": "120,0",
        "Loudness": "-7,125",
        "Explicit": "1,0",
        "Energy": "0,6",
        "duration_ms": "201000,0",
        "key": "5,0",
        "mode": "0,0",
        "time signature": "4,0",
        "year": "2019,0",
    }
    rows = [{**PLAIN, **cells}, {**PLAIN, **cells, "song": "Other", "Tempo": "90,5"}]
    parsed, assumptions = parse(
        as_text(rows, (*NAMED, "duration_ms", "key", "mode", "time signature", "year"), ";")
    )
    assert attribute(parsed, "tempo") == [120.0, 90.5]
    assert attribute(parsed, "loudness") == [-7.125, -7.125]
    assert attribute(parsed, "explicit") == [1.0, 1.0]
    fields = ("duration_ms", "key", "mode", "time_signature", "year")
    assert [values(parsed, name)[0] for name in fields] == [201_000, 5, 0, 4, 2019]
    (assumption,) = assumptions
    assert assumption.startswith("Tempo: a comma is the decimal sign, '120,0' is 120; so in ")


def test_commas_between_thousands_are_seen_by_what_the_column_can_hold():
    parsed, assumptions = column("duration_ms", ["201,000", "180,500"])
    assert values(parsed, "duration_ms") == [201_000, 180_500]
    assert assumptions == ["duration_ms: a comma separates thousands, '180,500' is 180500"]
    parsed, _ = column("Tempo", ["120,125", "90,250"])
    assert attribute(parsed, "tempo") == [120.125, 90.25]


def test_points_between_thousands_are_seen_in_a_file_with_decimal_commas():
    cells = {name: str(value).replace(".", ",") for name, value in PLAIN.items()}
    rows = [{**cells, "duration_ms": "201.000"}]
    parsed, assumptions = parse(as_text(rows, (*NAMED, "duration_ms"), ";"))
    assert values(parsed, "duration_ms") == [201_000]
    assert "duration_ms: a point separates thousands, '201.000' is 201000" in assumptions


def test_units_beside_numbers_are_no_obstacle():
    assert attribute(column("Tempo", ["120 BPM", "90,5 bpm"], delimiter=";")[0], "tempo") == [
        120,
        90.5,
    ]
    assert attribute(column("Loudness", ["\u22127.5 dB"])[0], "loudness") == [-7.5]
    assert attribute(column("Popularity", ["44 %"])[0], "popularity") == [44.0]
    assert attribute(column("Energy", ["60 %", "60%"])[0], "energy") == [0.6, 0.6]


def test_percent_signs_speak_for_themselves_in_a_file_that_counts_to_a_hundred():
    shares = dict.fromkeys(("Danceability", "Positiveness", "Liveness", "Speechiness"), 40)
    shares |= {"Acousticness": 40, "Instrumentalness": 40, "Energy": "60 %"}
    parsed, _ = parse(as_text([{**PLAIN, **shares}], NAMED))
    assert (attribute(parsed, "energy"), attribute(parsed, "liveness")) == ([0.6], [0.4])


def test_a_column_that_counts_to_one_in_a_file_that_counts_to_a_hundred_is_pointed_out():
    shares = dict.fromkeys(("Danceability", "Positiveness", "Energy", "Acousticness"), 40)
    rows = [{**PLAIN, **shares, "song": f"S{i}", "Liveness": f"0.{i:02}"} for i in range(1, 40)]
    assert parse(as_text(rows, NAMED))[1] == [
        "Liveness: values up to 0.39 were read as per cent, because other columns count to 100",
        # The speechiness and the instrumentalness of all the songs are the same.
    ]


@pytest.mark.parametrize(
    ("name", "cells", "milliseconds", "assumption"),
    [
        ("duration", ["227000", "180500"], [227_000, 180_500], "such as 227000, are milliseconds"),
        ("duration", ["227", "180.5"], [227_000, 180_500], "such as 227, are seconds"),
        ("duration", ["227,5", "180,5"], [227_500, 180_500], "such as 227.5, are seconds"),
        ("duration", ["3.75", "4.8"], [225_000, 288_000], "such as 4.8, are minutes"),
        ("duration_min", ["3.75", "4.25"], [225_000, 255_000], ""),
        ("duration_s", ["227", "4"], [227_000, 4_000], ""),
        ("duration_ms", ["227000", "4"], [227_000, 4], ""),
        ("duration_ms", ["227", "180"], [227_000, 180_000], "not milliseconds as the name says"),
        ("duration_ms", ["3:47", "180000"], [227_000, 180_000], ""),
        ("duration", ["3:47", "PT3M47S"], [227_000, 227_000], ""),
        ("Length", ["03:47:00", "04:05:00", "3:59:00"], [227_000, 245_000, 239_000], "clock times"),
    ],
)
def test_the_unit_of_a_duration_is_that_of_the_column(name, cells, milliseconds, assumption):
    parsed, assumptions = column(name, cells, delimiter=";")
    assert values(parsed, "duration_ms") == milliseconds
    about = [one for one in assumptions if one.startswith(name) and "comma" not in one]
    assert bool(about) == bool(assumption)
    assert not about or assumption in about[0]


def test_durations_of_an_uncertain_unit_are_left_out_and_reported():
    parsed, assumptions = column("duration", ["3.47", "4.12", "5:00"])
    assert values(parsed, "duration_ms") == [None, None, 300_000]
    assert [cell.reason for cell in parsed.lost_cells] == [
        "is a number whose unit is not certain"
    ] * 2
    assert assumptions == [
        "duration: plain numbers, such as 4.12, were not read, because their unit is not certain"
    ]


def test_years_of_two_digits_and_dates_as_numbers_are_reported():
    parsed, assumptions = column("release date", ["6/14/19", "43630", "2019", "########", "\\N"])
    assert values(parsed, "year") == [2019, 2019, 2019, None, None]
    assert [(cell.row, cell.value) for cell in parsed.lost_cells] == [(5, "########")]
    assert assumptions == [
        "release date: years have two digits, '6/14/19' is in 2019",
        "release date: dates are stored as numbers, '43630' is in 2019",
    ]


def test_keys_give_the_mode_where_nothing_else_does():
    parsed, _ = column("key", ["8A", "5B", "F♯ minor", "7", ""])
    assert values(parsed, "key") == [9, 3, 6, 7, None]
    assert values(parsed, "mode") == [0, 1, 0, None, None]
    rows = [{**PLAIN, "song": f"S{i}", "key": "8A", "mode": m} for i, m in enumerate(["1", ""])]
    parsed, _ = parse(as_text(rows, (*NAMED, "key", "mode")))
    assert values(parsed, "mode") == [1, 0]


def test_german_names_of_keys_are_seen_by_their_h():
    parsed, assumptions = column("key", ["H", "B", "Bm", "Cis"])
    assert values(parsed, "key")[:3] == [11, 10, 10]
    assert assumptions == ["key: keys have German names: 'H' is B, and B is B flat"]
    assert values(column("key", ["B"])[0], "key") == [11]


def test_words_for_nothing_are_no_artists_and_no_albums_and_stay_titles():
    rows = [
        {**PLAIN, "song": "None", "artist": "['Ada']", "album": "None", "year": "NULL"},
        {**PLAIN, "song": "NULL", "artist": "None", "album": "nan", "year": "2001"},
        {**PLAIN, "song": "Other", "artist": "NULL", "album": "\\N", "year": "2001"},
    ]
    parsed, assumptions = parse(as_text(rows, (*NAMED, "album", "year")))
    assert values(parsed, "title") == ["None", "NULL", "Other"]
    assert [row.artists.names for row in parsed.rows] == [("Ada",), (), ()]
    assert [row.album for row in parsed.rows] == [None, None, None]
    assert assumptions == [
        "artist: cells with 'NULL', 'None' are empty (2 of 3 sampled)",
        "album: cells with 'None', 'nan' are empty (2 of 3 sampled)",
    ]
    assert column("artist", ["None", "Null"])[0].rows[0].fields["artists"] == "None"


signs = st.sampled_from(["-", "\u2212", "\u2013", "\uff0d"])
blanks = st.sampled_from(["", " ", "\u00a0", "\u202f"])
thousandths = st.integers(1, 999).map(lambda n: n / 1000)


@settings(max_examples=150, deadline=None)
@given(
    songs=st.lists(
        st.tuples(thousandths, thousandths, st.integers(60_000, 600_000), st.integers(1950, 2020)),
        min_size=2,
        max_size=6,
    ),
    decimal=st.sampled_from(".,"),
    minus=signs,
    blank=blanks,
    group=blanks,
    quoting=st.sampled_from([csv.QUOTE_MINIMAL, csv.QUOTE_ALL]),
    percent=st.booleans(),
    clock=st.booleans(),
    unit=st.booleans(),
    nothing=st.sampled_from(["", "\\N", "NULL", "n/a", "-"]),
)
def test_what_goes_in_comes_out_in_every_notation(
    songs, decimal, minus, blank, group, quoting, percent, clock, unit, nothing
):
    def write(value: float, digits: int = 3) -> str:
        text = f"{abs(value):.{digits}f}".replace(".", decimal)
        return (minus if value < 0 else "") + text

    def duration(ms: int) -> str:
        return (
            f"{ms // 60_000}:{ms % 60_000 / 1000:06.3f}" if clock else f"{ms:,}".replace(",", group)
        )

    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";", quoting=quoting)
    columns = (*NAMED, "duration_ms", "year", "mode")
    writer.writerow(columns)
    for i, (energy, loudness, ms, year) in enumerate(songs):
        cells = {
            **{name: write(PLAIN[name]) for name in NAMED[4:]},
            **{name: PLAIN[name] for name in NAMED[:4]},
            "song": f"S{i}",
            "Explicit": "WAHR" if i % 2 else "FALSCH",
            "Energy": f"{write(energy * 100, 1)}{blank}%" if percent else write(energy),
            "Loudness": f"{write(-10 * loudness, 2)}{blank}dB"
            if unit
            else write(-10 * loudness, 2),
            "duration_ms": duration(ms),
            "year": f"14.06.{year}",
            "mode": nothing,
        }
        writer.writerow([cells[name] for name in columns])
    parsed, _ = parse(out.getvalue())
    assert parsed.rejects == []
    assert parsed.lost_cells == []
    assert attribute(parsed, "energy") == pytest.approx([energy for energy, *_ in songs])
    assert attribute(parsed, "loudness") == pytest.approx([-10 * db for _, db, *_ in songs])
    assert attribute(parsed, "explicit") == [float(i % 2) for i in range(len(songs))]
    assert values(parsed, "duration_ms") == [ms for *_, ms, _ in songs]
    assert values(parsed, "year") == [year for *_, year in songs]
    assert values(parsed, "mode") == [None] * len(songs)


odd_cells = st.text(
    st.sampled_from("0123456789.,:;-/%'\"() \u2212\u00a0eEdBAMPTs№NULL\\"), max_size=10
)


@settings(max_examples=300, deadline=None)
@given(
    name=st.sampled_from(
        ["duration", "duration_ms", "year", "key", "mode", "time signature", "genre"]
    ),
    cells=st.lists(odd_cells, min_size=1, max_size=6),
)
def test_an_odd_cell_is_read_missing_or_named(name, cells):
    parsed, _ = column(name, cells)
    assert len(parsed.rows) == len(cells)
    lost = {cell.row for cell in parsed.lost_cells}
    for row in parsed.rows:
        field = {"duration": "duration_ms", "time signature": "time_signature"}.get(name, name)
        value = row.fields.get(field)
        assert value is None or row.number + 1 not in lost
        assert value is None or isinstance(value, int)
