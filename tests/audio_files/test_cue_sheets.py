"""CUE sheets: as ripping programs write them, and as people have edited them since."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from songrec.audio_files import cue_sheets
from songrec.audio_files.cue_sheets import match_file, normalized, parse, parts_of
from songrec.core.errors import BadInput

SHEET = """REM GENRE "Dream Pop"
REM DATE 1990
REM COMMENT "ExactAudioCopy v1.0"
PERFORMER "Somebody"
TITLE "An Album"
FILE "An Album.wav" WAVE
  TRACK 01 AUDIO
    TITLE "First"
    PERFORMER "Somebody & Else"
    ISRC GBAYE0000001
    INDEX 01 00:00:00
  TRACK 02 AUDIO
    TITLE "He said "hi""
    FLAGS DCP
    INDEX 00 03:10:70
    INDEX 01 03:12:15
  TRACK 03 AUDIO
    INDEX 01 75:00:37
"""


def test_a_sheet_gives_names_and_times() -> None:
    sheet = parse(SHEET)
    assert (sheet.title, sheet.performer, sheet.genre, sheet.date) == (
        "An Album",
        "Somebody",
        "Dream Pop",
        "1990",
    )
    (file,) = sheet.files
    assert file.name == "An Album.wav"
    assert [(t.number, t.title, t.start_s, t.end_s) for t in file.tracks] == [
        (1, "First", 0.0, 192.2),
        (2, 'He said "hi"', 192.2, 4500.4933),
        (3, None, 4500.4933, None),
    ]
    parts = parts_of(sheet, file, "An Album.cue")
    assert [part.performer for part in parts] == ["Somebody & Else", "Somebody", "Somebody"]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("ending", ["\n", "\r\n", "\r"])
def test_encodings_and_line_ends_do_not_matter(tmp_path: Path, encoding: str, ending: str) -> None:
    path = tmp_path / "a.cue"
    text = SHEET.replace("First", "Déjà vu").replace("\n", ending)
    path.write_bytes(text.encode(encoding))
    sheet = cue_sheets.read(path)
    assert sheet.files[0].tracks[0].title == "Déjà vu"
    assert len(sheet.files[0].tracks) == 3


def test_another_code_page_is_read_by_the_setting(tmp_path: Path) -> None:
    path = tmp_path / "a.cue"
    path.write_bytes(SHEET.replace("First", "Группа крови").encode("cp1251"))
    assert cue_sheets.read(path, "cp1251").files[0].tracks[0].title == "Группа крови"


def test_what_is_written_carelessly_is_read() -> None:
    sheet = parse(
        "title An Album\nfile An Album.flac WAVE\ntrack 1 audio\n\ttitle One \n index 01 0:00:00\n"
        'TRACK 2\nTITLE "Two\nINDEX 01 02:00\nnonsense\nINDEX 02 02:30:00\n'
    )
    assert sheet.title == "An Album"
    (file,) = sheet.files
    assert file.name == "An Album.flac"
    assert [(t.title, t.start_s, t.end_s) for t in file.tracks] == [
        ("One", 0.0, 120.0),
        ("Two", 120.0, None),
    ]


def test_tracks_belong_to_the_file_in_which_they_begin() -> None:
    # As EAC writes gaps: index 0 at the end of the file before.
    sheet = parse(
        'FILE "a.wav" WAVE\nTRACK 01 AUDIO\nINDEX 01 00:00:00\nTRACK 02 AUDIO\nINDEX 00 04:00:00\n'
        'FILE "b.wav" WAVE\nINDEX 01 00:00:00\nTRACK 03 AUDIO\nINDEX 01 03:00:00\n'
    )
    assert [(f.name, [t.number for t in f.tracks]) for f in sheet.files] == [
        ("a.wav", [1]),
        ("b.wav", [2, 3]),
    ]
    assert parts_of(sheet, sheet.files[0], None) == ()
    assert [part.number for part in parts_of(sheet, sheet.files[1], None)] == [2, 3]


def test_data_tracks_are_left_out_and_end_the_one_before() -> None:
    sheet = parse(
        'FILE "a.bin" BINARY\nTRACK 01 AUDIO\nINDEX 01 00:00:00\n'
        "TRACK 02 AUDIO\nINDEX 01 01:00:00\n"
        "TRACK 03 MODE1/2352\nINDEX 01 02:00:00\n"
    )
    assert [(t.number, t.end_s) for t in sheet.files[0].tracks] == [(1, 60.0), (2, 120.0)]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "names no tracks"),
        ("TRACK 01 AUDIO\nINDEX 01 00:00:00", "names no tracks"),
        ('FILE "a.wav" WAVE\nTRACK 01 AUDIO\nTITLE "x"', "names no tracks"),
        (
            'FILE "a.wav" WAVE\nTRACK 01 AUDIO\nINDEX 01 02:00:00\nTRACK 02 AUDIO\n'
            "INDEX 01 01:00:00",
            "do not ascend",
        ),
    ],
)
def test_what_cannot_be_used_is_refused_in_one_line(text: str, reason: str) -> None:
    with pytest.raises(BadInput, match=reason):
        parse(text)


def test_numbers_that_repeat_are_counted_anew() -> None:
    sheet = parse(
        'FILE "a.wav" WAVE\nTRACK 01 AUDIO\nINDEX 01 00:00:00\nTRACK 01 AUDIO\nINDEX 01 01:00:00\n'
    )
    assert [part.number for part in parts_of(sheet, sheet.files[0], None)] == [1, 2]


@given(st.text(max_size=200))
def test_any_text_is_a_sheet_or_a_reason(text: str) -> None:
    try:
        sheet = parse('FILE "a.wav" WAVE\nTRACK 01 AUDIO\nINDEX 01 00:00:00\n' + text)
    except BadInput as error:
        reason = str(error)
    else:
        reason = ""
        assert sheet.files
    assert "\n" not in reason


@pytest.mark.parametrize(
    ("name", "files", "is_only", "expected"),
    [
        ("Album.wav", ["Album.wav", "Album.flac"], True, "Album.wav"),
        ("ALBUM.WAV", ["album.wav"], True, "album.wav"),
        ("Album.wav", ["Album.flac", "other.flac"], True, "Album.flac"),
        (r"C:\rips\Album.wav", ["Album.flac"], True, "Album.flac"),
        ("CD1/Album.wav", ["CD1/Album.wav", "CD2/Album.wav"], False, "CD1/Album.wav"),
        ("Cafe\u0301.wav", ["Caf\u00e9.flac"], True, "Caf\u00e9.flac"),
        ("CDImage.wav", ["sheet.ape", "other.ape"], True, "sheet.ape"),
        ("CDImage.wav", ["only.ape"], True, "only.ape"),
        ("CDImage.wav", ["one.ape", "two.ape"], True, None),
        ("a.wav", ["only.ape"], False, None),
        ("Album.wav", ["Album.flac", "Album.mp3"], True, None),
    ],
)
def test_the_file_that_a_sheet_means_is_found(
    name: str, files: list[str], is_only: bool, expected: str | None
) -> None:
    folder = Path("/music")
    beside = {normalized(file): folder / file for file in files}
    sheet = folder / "sheet.cue"
    name = parse(f'FILE "{name}" WAVE\nTRACK 01 AUDIO\nINDEX 01 00:00:00').files[0].name
    found = match_file(name, sheet, beside, is_only=is_only)
    assert found == (folder / expected if expected else None)
