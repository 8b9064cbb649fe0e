"""Lyrics with times: LRC beside a song or in a tag, and ID3's synchronised lyrics."""

from __future__ import annotations

from pathlib import Path

import pytest
from mutagen.id3 import ID3, SYLT, USLT, Frame

from songrec.audio_files.lyrics_text import (
    TimedLine,
    from_synchronised,
    read_beside,
    timed_lines,
    timed_units,
    without_times,
)
from songrec.audio_files.tags import read_timed_lyrics

LRC = """[ar:Somebody]
[offset:+250]
[00:21.50]Second line
[00:12.00]First <00:13.10>line
[00:30][01:00.5]Chorus
behind the chorus
"""


def test_times_and_headers_are_left_out_and_repeats_are_sung_again() -> None:
    assert without_times(LRC).splitlines() == [
        "First line",
        "Second line",
        "Chorus",
        "Chorus",
        "behind the chorus",
    ]


def test_other_lyrics_stay_as_they_are() -> None:
    text = "[Chorus]\nla [x2]\n[Verse: 2]"
    assert without_times(text) == text


def test_units_are_lines_or_syllables() -> None:
    assert from_synchronised([("two", 900), ("one", 100)]) == "one\ntwo"
    assert from_synchronised([("\nHel", 1), ("lo", 2), ("\nyou", 3)]) == "Hello\nyou"


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_file_beside_the_song_is_read_in_any_encoding(tmp_path: Path, encoding: str) -> None:
    (tmp_path / "Song.lrc").write_bytes("[00:01.00]Déjà vu\r\n".encode(encoding))
    assert read_beside(tmp_path / "Song.mp3") == "Déjà vu"
    assert read_beside(tmp_path / "Other.mp3") is None


def test_a_file_that_is_too_large_or_empty_is_no_lyrics(tmp_path: Path) -> None:
    (tmp_path / "a.lrc").write_bytes(b"x" * (2**20 + 1))
    (tmp_path / "b.LRC").write_bytes(b"[ti:Only a header]\n[00:00.00]\n")
    assert read_beside(tmp_path / "a.mp3") is None
    assert read_beside(tmp_path / "b.mp3") is None


def test_lines_keep_their_times_in_the_order_in_which_they_are_sung() -> None:
    text = (
        "[ar:Nina]\n[offset:+500]\n[00:10.5][00:01:50]Again <00:11.0>and again\nno time\n[1:02]End"
    )
    assert timed_lines(text) == [
        TimedLine(1_000, "Again and again"),
        TimedLine(10_000, "Again and again"),
        TimedLine(61_500, "End"),
    ]
    assert timed_lines("Words\nwithout times") == []


def test_units_with_times_are_joined_to_lines() -> None:
    assert timed_units([("Hel", 0), ("lo", 400), ("\nyou", 900)]) == [
        TimedLine(0, "Hello"),
        TimedLine(900, "you"),
    ]
    assert timed_units([("Second", 900), ("First", 100)]) == [
        TimedLine(100, "First"),
        TimedLine(900, "Second"),
    ]


def test_times_are_read_from_the_tags_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.mp3"

    def lines(frame: Frame) -> list[TimedLine]:
        tags = ID3()
        tags.add(frame)
        path.unlink(missing_ok=True)
        tags.save(path)
        return read_timed_lyrics(path)

    units = [("One", 500), ("Two", 1_500)]
    synchronised = SYLT(encoding=3, lang="eng", format=2, type=1, text=units)
    assert lines(synchronised) == [TimedLine(500, "One"), TimedLine(1_500, "Two")]
    assert lines(USLT(encoding=3, text="[00:02.00]Three")) == [TimedLine(2_000, "Three")]
    assert lines(USLT(encoding=3, text="No times")) == []
