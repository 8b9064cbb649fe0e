"""Headers of several rows."""

from __future__ import annotations

import pytest

from songrec.catalogue_files.header_levels import join_levels
from songrec.catalogue_files.reading import open_table

PLAIN = [
    (["id", "name", "name"], [["1", "A", "B"]]),
    (["", "song", "artist"], [["", "Noon", "Ada"], ["", "Dusk", "Bo"]]),
    (["", "a", "a"], [["1", "2", "3"], ["2", "3", "4"]]),
    (["id", "song", "artist"], [["1", "", ""], ["2", "Noon", "Ada"]]),
    (["song"], [["Noon"]]),
    (["", "x", "x"], []),
]


@pytest.mark.parametrize(("header", "body"), PLAIN)
def test_an_ordinary_header_stays(header, body):
    assert join_levels(header, body) == (header, 0)


def test_levels_are_joined_and_the_index_is_named():
    header = ["", "album", "album", "track", "track"]
    body = [
        ["", "title", "id", "title", "Unnamed: 4_level_1"],
        ["track_id", "", "", "", ""],
        ["2", "Days", "1", "Noon", "7"],
    ]
    assert join_levels(header, body) == (
        ["track_id", "album title", "album id", "track title", "track"],
        2,
    )


def test_three_levels_and_an_index_name():
    header = ["", "echonest", "echonest", "echonest"]
    body = [
        ["", "audio_features", "audio_features", "metadata"],
        ["", "energy", "tempo", "artist_name"],
        ["track_id", "", "", ""],
        ["2", "0.5", "120", "Ada"],
    ]
    names, rows = join_levels(header, body)
    assert names[1:] == [
        "echonest audio_features energy",
        "echonest audio_features tempo",
        "echonest metadata artist_name",
    ]
    assert (names[0], rows) == ("track_id", 3)


def test_levels_without_a_name_of_the_index():
    header = ["", "song", "song", "sound", "sound"]
    body = [["", "title", "artist", "energy", "tempo"], ["0", "Noon", "Ada", "0.5", "120"]]
    assert join_levels(header, body) == (
        ["", "song title", "song artist", "sound energy", "sound tempo"],
        1,
    )


def test_rows_below_a_header_of_levels_keep_their_lines(tmp_path):
    path = tmp_path / "tracks.csv"
    path.write_text(
        ",track,track,track\n,title,title_words,number\ntrack_id,,,\n"
        '2,"Noon\nand more",x,1\n3,Dusk\n',
        encoding="utf-8",
    )
    table = open_table(path)
    assert table.header == ["track_id", "track title", "track title_words", "track number"]
    (batch,) = table.batches()
    assert (batch.rows, batch.places, batch.numbers) == (
        [["2", "Noon\nand more", "x", "1"]],
        [4],
        [1],
    )
    assert (batch.rejects[0].row, batch.rejects[0].reason) == (6, "has 2 cells, the header has 4")
