"""Catalogues in JSON."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from songrec.catalogue_files import json_tables
from songrec.catalogue_files.batches import Batch
from songrec.catalogue_files.json_tables import JsonTable
from songrec.catalogue_files.reading import TextTable, open_table
from songrec.core.errors import BadInput

SONGS = [
    {"name": "Noon", "artists": [{"name": "Ada"}, {"name": "Bo"}], "album": {"name": "Days"}},
    {"name": "Dusk", "artists": [{"name": "Cleo"}], "tempo": 118.5, "explicit": False},
]


def read(path: Path, size: int = 10_000) -> tuple[Any, list[Batch]]:
    table = open_table(path)
    return table, list(table.batches(size))


def write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    path.write_bytes(text.encode(encoding))
    return path


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("form", ["array", "lines", "document"])
def test_records_become_rows(tmp_path, monkeypatch, form, encoding, indent):
    monkeypatch.setattr(json_tables, "_CHUNK", 7)
    text = {
        "array": json.dumps(SONGS, indent=indent, ensure_ascii=False),
        "lines": "\n".join(json.dumps(song) for song in SONGS),
        "document": json.dumps({"total": 2, "items": SONGS}, indent=indent),
    }[form]
    table, (batch,) = read(write(tmp_path / "songs.json", text, encoding))
    assert table.header == ["name", "artists", "album name", "tempo", "explicit"]
    assert batch.rows == [
        ["Noon", ["Ada", "Bo"], "Days", None, None],
        ["Dusk", ["Cleo"], None, 118.5, False],
    ]
    assert (batch.places, batch.fraction) == ([1, 2], 1.0)


def test_playlists_give_a_row_per_track(tmp_path):
    document = {
        "info": {"slice": "0-1"},
        "playlists": [
            {"name": "Mornings", "pid": 7, "tracks": [{"pos": 0, "t": "a"}, {"pos": 1, "t": "b"}]},
            {"name": "Empty", "pid": 8, "tracks": []},
            {"name": "Nights", "id": "x9", "tracks": {"items": [{"t": "c"}, 5]}},
        ],
    }
    table, (batch,) = read(write(tmp_path / "slice.json", json.dumps(document)))
    assert table.header == ["playlist id", "playlist name", "pos", "t"]
    assert batch.rows == [
        ["mpd:7", "Mornings", 0, "a"],
        ["mpd:7", "Mornings", 1, "b"],
        ["x9", "Nights", None, "c"],
    ]
    assert [str(reject) for reject in batch.rejects] == [
        "row 3: is a playlist without tracks: Empty",
        "row 5: is not a track: 5",
    ]


def test_a_gzipped_file_in_batches(tmp_path):
    path = tmp_path / "songs.json.gz"
    path.write_bytes(gzip.compress(json.dumps([{"n": n} for n in range(5)]).encode()))
    _, batches = read(path, size=2)
    assert [batch.rows for batch in batches] == [[[0], [1]], [[2], [3]], [[4]]]
    assert [batch.numbers for batch in batches] == [[1, 2], [3, 4], [5]]


def test_a_bad_line_costs_itself(tmp_path):
    text = '{"n": 1}\n{"n": 2\n[3]\n\n{"n": 4}\n'
    _, (batch,) = read(write(tmp_path / "songs.jsonl", text))
    assert batch.rows == [[1], [4]]
    assert [reject.row for reject in batch.rejects] == [2, 3]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ('[{"n": 1}, {"n": 2}', "ends too early, after value 2"),
        ('[{"n": 1}, {"n": oops}]', "damaged after value 1"),
        ('{"items": [{"n": 1}], "x" 2}', "':' is missing"),
        ("[" + '{"a":' * 100_000, "damaged"),
        ("{}", "holds no records"),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path, text, says):
    path = write(tmp_path / "songs.json", text)
    with pytest.raises(BadInput, match=says) as error:
        read(path)
    assert str(error.value).startswith(str(path))


def test_a_record_of_any_length_is_not_read_to_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr(json_tables, "MAX_RECORD_LENGTH", 1000)
    monkeypatch.setattr(json_tables, "_CHUNK", 100)
    path = write(tmp_path / "songs.json", '[{"n": 1}, {"n": "' + "x" * 5000 + '"}]')
    with pytest.raises(BadInput, match="longer than 1,000 characters"):
        read(path)


@pytest.mark.parametrize("text", ["[song],Tempo\nNoon,1\n", '{song},"a"\nNoon,1\n'])
def test_a_csv_file_that_begins_with_a_bracket_is_csv(tmp_path, text):
    assert isinstance(open_table(write(tmp_path / "songs.csv", text)), TextTable)


def test_json_is_known_by_its_content(tmp_path):
    assert isinstance(open_table(write(tmp_path / "songs.txt", '\n [ {"a": 1}]')), JsonTable)
