from __future__ import annotations

import gzip
from pathlib import Path

import pytest

from songrec.catalogue_files import tolerant_csv
from songrec.catalogue_files.reading import open_table
from songrec.core.errors import BadInput

SIMPLE = "song,Tempo\nÉlan,120\nÖl,90\n"


def read(path: Path, **how):
    table = open_table(path)
    batches = list(table.batches(**how))
    rows = [list(row) for batch in batches for row in batch.rows]
    rejects = [reject for batch in batches for reject in batch.rejects]
    return table, rows, rejects


@pytest.mark.parametrize(
    ("content", "encoding"),
    [
        (SIMPLE.encode(), "UTF-8"),
        (b"\xef\xbb\xbf" + SIMPLE.encode(), "UTF-8"),
        (SIMPLE.encode("latin-1"), "Latin-1 (Windows-1252)"),
        (SIMPLE.replace("\n", "\r").encode("mac-roman"), "Mac Roman"),
        (SIMPLE.replace("\n", "\r").encode("cp1252"), "Latin-1 (Windows-1252)"),
        (SIMPLE.encode("utf-16"), "UTF-16"),
        (SIMPLE.encode("utf-16-le"), "UTF-16"),
        (SIMPLE.encode("utf-16-be"), "UTF-16"),
        (SIMPLE.encode("utf-32"), "UTF-32"),
    ],
)
def test_encodings_are_told_apart(tmp_path, content, encoding):
    path = tmp_path / "songs.csv"
    path.write_bytes(content)
    table, rows, rejects = read(path)
    assert table.encoding == encoding
    assert table.header == ["song", "Tempo"]
    assert rows == [["Élan", "120"], ["Öl", "90"]]
    assert rejects == []


def test_a_guess_at_the_encoding_shows_a_word(tmp_path):
    path = tmp_path / "songs.csv"
    path.write_bytes(SIMPLE.encode("latin-1"))
    (assumption,) = read(path)[0].assumptions
    assert str(assumption) == (
        "the text is not UTF-8 but Latin-1 (Windows-1252), as in “Élan”; if that is wrong, "
        "save the file as UTF-8"
    )
    path.write_bytes(SIMPLE.encode())
    assert read(path)[0].assumptions == []


def test_curly_quotes_of_windows_are_kept(tmp_path):
    path = tmp_path / "songs.csv"
    path.write_bytes("song,Tempo\nIt’s – “fine”,1\n".encode("cp1252"))
    assert read(path)[1] == [["It’s – “fine”", "1"]]


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
def test_delimiters_are_told_apart(tmp_path, delimiter):
    path = tmp_path / "songs.csv"
    path.write_text(SIMPLE.replace(",", delimiter), encoding="utf-8")
    assert read(path)[1] == [["Élan", "120"], ["Öl", "90"]]


def test_a_comma_in_a_quoted_header_does_not_count_as_a_delimiter(tmp_path):
    path = tmp_path / "songs.csv"
    path.write_text('"a,b,c,d";song\n1;2\n', encoding="utf-8")
    assert read(path)[0].header == ["a,b,c,d", "song"]


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_all_systems_work(tmp_path, end):
    path = tmp_path / "songs.csv"
    path.write_bytes(SIMPLE.replace("\n", end).encode())
    assert len(read(path)[1]) == 2


def test_a_gzipped_file_is_read_whatever_its_name(tmp_path):
    for name in ("songs.csv.gz", "songs.csv"):
        path = tmp_path / name
        path.write_bytes(gzip.compress(SIMPLE.encode()))
        assert len(read(path)[1]) == 2


def test_a_truncated_gzip_file_is_found_out_before_any_row(tmp_path):
    path = tmp_path / "songs.csv.gz"
    whole = gzip.compress(SIMPLE.encode() * 5000, mtime=0)
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(BadInput, match="ends too early"):
        open_table(path)


def test_a_damaged_gzip_file_says_so(tmp_path):
    path = tmp_path / "songs.csv.gz"
    whole = bytearray(gzip.compress(SIMPLE.encode() * 5000))
    whole[-6] ^= 0xFF
    path.write_bytes(bytes(whole))
    with pytest.raises(BadInput, match="damaged"):
        open_table(path)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "the file is empty"),
        (b"\n\n  \n", "nothing but blank lines"),
        (b"x" * 200_000, "line 1 is longer than 131,072 characters"),
        (b'"variance,Tempo\n1,2\n', "line 1 opens a quote that is not closed"),
        (b"\x89PNG\r\n\x1a\n" + bytes(100), "a PNG picture"),
        (b"PK\x03\x04" + bytes(50), "ZIP archive"),
        (bytes(range(256)) * 40, "a binary file"),
        (b"PAR1 but not really", "Parquet file cannot be read"),
    ],
)
def test_what_is_no_catalogue_is_called_by_its_name(tmp_path, content, message):
    path = tmp_path / "songs.csv"
    path.write_bytes(content)
    with pytest.raises(BadInput, match=message) as error:
        open_table(path)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_a_line_without_end_is_not_read_whole(tmp_path, monkeypatch):
    monkeypatch.setattr(tolerant_csv, "MAX_LINE_LENGTH", 200_000)
    longest = []

    class Watched(tolerant_csv.TolerantReader):
        def __next__(self):
            line = super().__next__()
            longest.append(len(line))
            return line

    path = tmp_path / "songs.csv"
    path.write_text("a,b\n1,2\n" + "x" * 700_000 + "\n3,4\n", encoding="utf-8")
    with path.open("rb") as raw, tolerant_csv.text_lines(raw, "utf-8", "strict") as lines:
        found = list(Watched(lines, tolerant_csv.CsvSyntax(), 2).rows())
    assert max(longest) == 200_000
    assert [row for row in found if isinstance(row[1], list)] == [
        (1, ["a", "b"]),
        (2, ["1", "2"]),
        (3, ["x" * 100_000]),
        (4, ["3", "4"]),
    ]
    assert {cells for _, cells in found if isinstance(cells, str)} == {
        "is longer than 131,072 characters"
    }


def test_folders_and_missing_files_say_so(tmp_path):
    with pytest.raises(BadInput, match="is a folder"):
        open_table(tmp_path)
    with pytest.raises(BadInput, match="no such file"):
        open_table(tmp_path / "none.csv")


def test_text_called_parquet_is_no_parquet(tmp_path):
    path = tmp_path / "songs.parquet"
    path.write_text(SIMPLE, encoding="utf-8")
    with pytest.raises(BadInput, match="is not a Parquet file"):
        open_table(path)


def test_rows_of_another_width_are_rejected_with_their_line(tmp_path):
    path = tmp_path / "songs.csv"
    path.write_text("song,Tempo\nA,1\nB\n\nC,1,2\nD,4\n", encoding="utf-8")
    _, rows, rejects = read(path)
    assert rows == [["A", "1"], ["D", "4"]]
    assert [(r.row, r.reason) for r in rejects] == [
        (3, "has 1 cell, the header has 2"),
        (5, "has 3 cells, the header has 2"),
    ]


def test_a_quoted_line_break_stays_in_its_cell_and_lines_are_counted_physically(tmp_path):
    path = tmp_path / "songs.csv"
    path.write_text('song,Tempo\n"A\nB",1\nC,2,3\n', encoding="utf-8")
    _, rows, rejects = read(path)
    assert rows == [["A\nB", "1"]]
    assert rejects[0].row == 4


def test_a_quote_that_never_closes_costs_its_own_row_only(tmp_path):
    path = tmp_path / "songs.csv"
    path.write_text('song,Tempo\nA,1\n"B,2\nC,3\nD,4\n', encoding="utf-8")
    _, rows, rejects = read(path)
    assert rows == [["A", "1"], ["C", "3"], ["D", "4"]]
    assert [(r.row, r.reason) for r in rejects] == [(3, "opens a quote that is not closed")]


def test_a_stray_quote_does_not_swallow_the_rows_up_to_the_next_quote(tmp_path):
    path = tmp_path / "songs.csv"
    path.write_text('song,Tempo\n"A,1\nB,2\n"C, D",3\nE,4\n', encoding="utf-8")
    _, rows, rejects = read(path)
    assert rows == [["B", "2"], ["C, D", "3"], ["E", "4"]]
    assert [r.row for r in rejects] == [2]


def test_quotes_around_a_part_of_a_cell_are_taken_as_they_are_meant(tmp_path):
    path = tmp_path / "songs.csv"
    path.write_text('song,Tempo\n"Weird" Name,1\nThe "Best",2\n', encoding="utf-8")
    assert read(path)[1] == [['"Weird" Name', "1"], ['The "Best"', "2"]]


def test_one_row_of_broken_bytes_does_not_cost_the_others_their_accents(tmp_path):
    path = tmp_path / "songs.csv"
    path.write_bytes("song,Tempo\nÉlan,1\nÜber,2\n".encode() + b"br\xffken,3\n")
    table, rows, _ = read(path)
    assert table.encoding == "UTF-8"
    assert rows[:2] == [["Élan", "1"], ["Über", "2"]]
    assert rows[2] == ["br\udcffken", "3"]


def test_batches_have_the_size_asked_for_and_count_every_row(tmp_path):
    path = tmp_path / "songs.csv"
    path.write_text("a,b\n" + "1,2\n" * 10 + "bad\n", encoding="utf-8")
    batches = list(open_table(path).batches(size=4))
    assert [len(batch) for batch in batches] == [4, 4, 3]
    assert [n for batch in batches for n in batch.numbers] == list(range(1, 11))
    assert batches[-1].fraction == 1.0
