"""Catalogues with faults as people have them, from the folder of real data."""

from __future__ import annotations

import pytest

from songrec.services.catalogue.ingest import IngestReport, ingest_file
from tests.catalogue_files.stored import tracks

pytestmark = pytest.mark.realdata


@pytest.fixture
def faulty(session, real_data):
    """Ingest one of the faulty files, whole."""

    def ingest(name: str) -> IngestReport:
        report = ingest_file(session, real_data / "faults" / "catalogues" / name)
        assert report.rejected_count == 0
        return report

    return ingest


@pytest.mark.parametrize(
    ("name", "titles"),
    [
        ("backslash_quotes.csv", ['The "Best" Song', 'Say "Hi", Bob', "Good one"]),
        ("excel_sep_line.csv", ["One"]),
        ("r_rownames.csv", ["Good one", "Two"]),
        ("space_after_comma.csv", ["Les eaux, de mars"]),
        ("unicode_minus.csv", ["One"]),
        ("pandas_decimal_comma.csv", ["Eins", "Zwei"]),
    ],
)
def test_titles_lie_in_their_column(session, faulty, name, titles):
    faulty(name)
    stored = tracks(session)
    assert [track.title for track in stored] == titles
    assert {(track.attributes.tempo, track.year) for track in stored} == {(120.0, 2019)}


def test_flags_of_excel_are_read_in_its_languages(session, faulty):
    faulty("excel_de_flags.csv")
    assert [track.attributes.explicit for track in tracks(session)] == [1.0, 0.0, 1.0, 1.0, 1.0]


def test_decimal_commas_are_read_in_every_column(session, faulty):
    faulty("pandas_decimal_comma.csv")
    one, two = tracks(session)
    assert (one.duration_ms, one.key, one.mode, one.attributes.explicit) == (201_000, 5, 1, 0.0)
    assert (two.duration_ms, two.key, two.mode, two.attributes.explicit) == (None, None, None, 1.0)
    assert one.attributes.loudness == -7.1


def test_a_unicode_minus_is_a_minus(session, faulty):
    faulty("unicode_minus.csv")
    assert tracks(session)[0].attributes.loudness == -7.5


def test_no_duration_is_wrong_and_the_uncertain_one_is_named(session, faulty):
    report = faulty("durations.csv")
    durations = {track.title: track.duration_ms for track in tracks(session)}
    assert durations.pop("D") is None
    assert durations.pop("E") == 227_123
    assert set(durations.values()) == {227_000}
    lost = report.lost_cells["duration"]
    assert (lost.count, lost.example.value) == (1, "3.47")
    assert any(one.column == "duration" for one in report.assumptions)


def test_no_year_is_wrong_and_the_unreadable_one_is_named(session, faulty):
    report = faulty("date_cells.csv")
    years = {track.title: track.year for track in tracks(session)}
    assert [years[title] for title in "ABCDK"] == [2019] * 5
    assert [years[title] for title in "EGHI"] == [None] * 4
    assert (years["F"], years["J"]) == (1984, 1969)
    assert report.lost_cells["year"].example.value == "########"
    assert [one.column for one in report.assumptions] == ["year", "year"]


def test_lists_of_artists_are_read_in_all_their_forms(session, faulty):
    faulty("artists_forms.csv")
    artists = {track.title: track.artists for track in tracks(session)}
    assert artists["N0"] == "A, B's"
    for title in ("N1", "N4", "N5", "N7", "N10"):
        assert artists[title] == "A, B"
    for title in ("N2", "N3", "N14", "N16"):
        assert artists[title] == ""
    assert artists["N6"] == "A"
