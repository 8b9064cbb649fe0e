"""Bad rows, and an ingest that is tried, followed, cancelled or fails."""

from __future__ import annotations

import csv
import itertools

import pytest
from sqlalchemy import create_engine, select, text

from songrec.core.errors import BadInput, Cancelled
from songrec.services.catalogue.ingest import ingest_file
from songrec.store.tables import (
    Tag,
)
from tests.catalogue_files.samples import NAMED, song, write
from tests.catalogue_files.stored import batches_of, counts, search_is_intact, tracks


@pytest.mark.parametrize(
    ("changes", "column", "value", "reason"),
    [
        ({"Energy": "loud"}, "Energy", "loud", "is not a number"),
        ({"Energy": ""}, "Energy", "", "is empty"),
        ({"Energy": "NaN"}, "Energy", "NaN", "holds no value"),
        ({"Tempo": "inf"}, "Tempo", "inf", "is infinite"),
        ({"Tempo": "301"}, "Tempo", "301", "is outside 0 to 300"),
        ({"Loudness": "-81 dB"}, "Loudness", "-81 dB", "is outside -80 to 20"),
        ({"Popularity": "-1"}, "Popularity", "-1", "is outside 0 to 100"),
        ({"variance": "-0.1"}, "variance", "-0.1", "is outside 0 to 1e+09"),
        ({"Explicit": "2"}, "Explicit", "2", "is neither yes nor no"),
        ({"Energy": "1.5"}, "Energy", "1.5", "is outside 0 to 1 (--scale percent"),
        ({"song": "x" * 501}, "song", "x" * 79 + "…", "is longer than 500 characters"),
        ({"song": "a\x07b"}, "song", "a\\x07b", "holds control characters"),
    ],
)
def test_a_bad_row_is_rejected_with_line_column_value_and_reason(
    session, tmp_path, changes, column, value, reason
):
    rows = [song(), song(**{"song": "Bad", **changes}), song(song="Good")]
    path = write(tmp_path / "songs.csv", rows)
    report = ingest_file(session, path, rejects_path=tmp_path / "rejects" / "r.csv")
    assert counts(report) == (3, 2, 0, 0, 1)
    (reject,) = report.rejected
    assert (reject.row, reject.column, reject.value) == (3, column, value)
    assert reject.reason.startswith(reason)
    with (tmp_path / "rejects" / "r.csv").open(encoding="utf-8", newline="") as file:
        header, row = csv.reader(file)
    assert header == ["row", "column", "value", "reason", "lost"]
    assert (row[0], row[1], *row[3:]) == ("3", column, reject.reason, "row")


@pytest.mark.parametrize(
    ("column", "cell", "shown", "reason"),
    [
        ("genre", "g" * 101, "g" * 79 + "…", "has a name longer than 100"),
        ("year", "spring", "spring", "holds no year"),
        ("duration", "long", "long", "is not a duration"),
        ("key", "loud", "loud", "is not a key"),
        ("album", "a\x07b", "a\\x07b", "holds control characters"),
    ],
)
def test_a_cell_that_no_song_needs_costs_the_cell_only_and_is_reported(
    session, tmp_path, column, cell, shown, reason
):
    rows = [song(song=f"S{i}", **{column: "" if i < 2 else cell}) for i in range(5)]
    columns = (*NAMED, *({column} - set(NAMED)))
    path = write(tmp_path / "songs.csv", rows, columns)
    report = ingest_file(session, path, rejects_path=tmp_path / "r.csv")
    assert counts(report) == (5, 5, 0, 0, 0)
    (lost,) = report.to_json()["lost_cells"]
    assert lost["reason"].startswith(reason)
    assert lost == {
        "count": 3,
        "row": 4,
        "column": column,
        "value": shown,
        "reason": lost["reason"],
    }
    with (tmp_path / "r.csv").open(encoding="utf-8", newline="") as file:
        written = list(csv.DictReader(file))
    assert [(row["row"], row["lost"]) for row in written] == [(str(n), "cell") for n in (4, 5, 6)]
    assert ingest_file(session, path).unchanged == 5


def test_cells_of_rejected_rows_are_not_counted_as_lost(session, tmp_path):
    rows = [song(), song(song="Bad", Energy="x", year="spring")]
    report = ingest_file(session, write(tmp_path / "songs.csv", rows, (*NAMED, "year")))
    assert report.lost_cells == {}
    assert report.rejected_count == 1


def test_a_share_a_rounding_error_above_one_is_one(session, tmp_path):
    ingest_file(session, write(tmp_path / "songs.csv", [song(Energy="1.0000000000000002")]))
    assert tracks(session)[0].attributes.energy == 1.0


def test_a_formula_is_text_in_the_catalogue_and_inert_in_the_rejects(session, tmp_path):
    formula = '=HYPERLINK("http://example.org","x")'
    rows = [song(song=formula), song(song="Bad", Tempo="=1+1")]
    rejects = tmp_path / "r.csv"
    ingest_file(session, write(tmp_path / "songs.csv", rows), rejects_path=rejects)
    assert tracks(session)[0].title == formula
    with rejects.open(encoding="utf-8", newline="") as file:
        assert next(csv.DictReader(file))["value"] == "'=1+1"


def test_when_every_row_is_rejected_the_ingest_failed(session, tmp_path):
    path = write(tmp_path / "songs.csv", [song(Energy="x"), song(Tempo="y")])
    with pytest.raises(BadInput, match=r"all 2 rows were rejected. The first: row 2: Energy 'x'"):
        ingest_file(session, path, rejects_path=tmp_path / "r.csv")
    assert tracks(session) == []
    assert (tmp_path / "r.csv").exists()


def test_the_report_holds_the_first_rejects_and_the_file_all(session, tmp_path):
    rows = [song(), *(song(song=f"S{i}", Energy="x") for i in range(150))]
    report = ingest_file(session, write(tmp_path / "songs.csv", rows), rejects_path=tmp_path / "r")
    said = report.to_json()
    assert len(said["rejected"]) == 100
    assert said["rejected_count"] == 150
    assert said["rejected"][0] == {
        "row": 3,
        "column": "Energy",
        "value": "x",
        "reason": "is not a number",
    }
    assert len((tmp_path / "r").read_text(encoding="utf-8").splitlines()) == 151


def test_no_rejects_no_file(session, tmp_path):
    report = ingest_file(
        session, write(tmp_path / "songs.csv", [song()]), rejects_path=tmp_path / "r.csv"
    )
    assert report.rejects_path is None
    assert not (tmp_path / "r.csv").exists()


def test_a_dry_run_says_the_same_and_writes_nothing(session, tmp_path):
    path = write(
        tmp_path / "songs.csv", [song(), song(song="B"), song(), song(song="C", Tempo="x")]
    )
    assert counts(ingest_file(session, path, dry_run=True)) == (4, 2, 0, 1, 1)
    assert tracks(session) == []
    assert counts(ingest_file(session, path)) == (4, 2, 0, 1, 1)
    write(path, [song(Energy=0.1), song(song="B"), song(song="D")])
    assert counts(ingest_file(session, path, dry_run=True)) == (3, 1, 1, 1, 0)
    assert len(tracks(session)) == 2


def test_progress_goes_from_nothing_to_all(session, tmp_path, monkeypatch):
    monkeypatch.setattr("songrec.catalogue_files.reading.TextTable.batches", batches_of(3))
    seen = []
    path = write(tmp_path / "songs.csv", [song(song=f"S{i}") for i in range(8)])
    ingest_file(session, path, on_progress=lambda f, m, d=None: seen.append((f, m, d["read"])))
    assert [read for _, _, read in seen] == [3, 6, 8]
    assert seen[-1][:2] == (1.0, "8 rows read")
    assert all(a[0] <= b[0] for a, b in itertools.pairwise(seen))


def test_a_cancelled_ingest_keeps_what_was_committed_and_can_be_run_again(
    session, tmp_path, monkeypatch
):
    monkeypatch.setattr("songrec.catalogue_files.reading.TextTable.batches", batches_of(2))
    path = write(tmp_path / "songs.csv", [song(song=f"S{i}") for i in range(6)])

    def stop(fraction, message, details=None):
        if details["read"] >= 4:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        ingest_file(session, path, on_progress=stop)
    assert len(tracks(session)) == 4
    assert counts(ingest_file(session, path)) == (6, 2, 0, 4, 0)
    search_is_intact(session)
    if session.get_bind().dialect.name == "sqlite":
        assert session.scalar(text("PRAGMA cache_size")) == -32000


def test_an_error_half_way_leaves_triggers_and_index_as_they_were(session, tmp_path, monkeypatch):
    from songrec.store.catalogue.tag_playlist_links import TagPlaylistLinks

    def fail(*_):
        raise RuntimeError("disk full")

    monkeypatch.setattr(TagPlaylistLinks, "add_to_playlists", fail)
    with pytest.raises(RuntimeError, match="disk full"):
        ingest_file(session, write(tmp_path / "songs.csv", [song()]))
    assert tracks(session) == []
    search_is_intact(session)


def test_nothing_is_locked_while_progress_is_told(session, tmp_path, database_url):
    """A worker writes the progress into the same database, through a connection of its own."""

    def tell(fraction, message, details=None):
        with other.begin() as connection:
            connection.execute(
                text("INSERT INTO tag (kind, name) VALUES ('tag', :name)"), {"name": message}
            )

    other = create_engine(database_url)
    report = ingest_file(session, write(tmp_path / "songs.csv", [song()]), on_progress=tell)
    other.dispose()
    assert report.inserted == 1
    assert session.scalar(select(Tag.name).where(Tag.kind == "tag")) == "1 row read"
