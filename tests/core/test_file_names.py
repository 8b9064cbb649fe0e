"""Names for new files: every alphabet, no tricks."""

from __future__ import annotations

import ntpath
import sys
from pathlib import Path, PurePosixPath, PureWindowsPath

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from songrec.core.file_names import base_name, printable, safe_file_name


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Земфира - Искала.mp3", "Земфира - Искала.mp3"),
        ("晴天.flac", "晴天.flac"),
        ("فيروز - نسم علينا الهوى.ogg", "فيروز - نسم علينا الهوى.ogg"),
        ("می\u200cخواهم.mp3", "می\u200cخواهم.mp3"),
        ("Beyonce\u0301.mp3", "Beyonc\xe9.mp3"),
        ("../../etc/passwd", "passwd"),
        ("C:\\Music\\a.wav", "a.wav"),
        ("..\\..\\boot.ini", "boot.ini"),
        ("a/", "song"),
        ("..", "song"),
        ("", "song"),
        (".mp3", "song.mp3"),
        (".htaccess.mp3", "htaccess.mp3"),
        ("...And Justice for All.mp3", "…And Justice for All.mp3"),
        ("CON.mp3", "_CON.mp3"),
        ("nul", "_nul"),
        ("Lpt1 .wav", "_Lpt1.wav"),
        ("Concert.mp3", "Concert.mp3"),
        ("What?: <the> |*.mp3", "What？： ＜the＞ ｜＊.mp3"),
        ("two\nlines\t.mp3", "two lines.mp3"),
        ("bell\x07\x00.mp3", "bell.mp3"),
        ("a\u202e3pm.exe", "a3pm.exe"),
        ("broken\udce9.mp3", "broken.mp3"),
        ("dots. . .", "dots"),
        ("Vol. 2", "Vol. 2"),
    ],
)
def test_names_stay_as_close_as_file_systems_allow(name: str, expected: str) -> None:
    assert safe_file_name(name, "song") == expected


@pytest.mark.parametrize("letter", ["x", "ж", "七", "𝄞", "e\u0301"])
def test_long_names_keep_their_ending(letter: str, tmp_path: Path) -> None:
    name = safe_file_name(letter * 300 + ".flac")
    assert 245 < len(name.encode()) <= 255
    assert name.endswith(".flac")
    (tmp_path / name).touch()


def is_reserved(name: str) -> bool:
    """Whether Windows reserves a name; Python 3.13 moved the question elsewhere."""
    if sys.version_info >= (3, 13):
        return ntpath.isreserved(name)
    return PureWindowsPath(name).is_reserved()


@given(st.text(max_size=400))
@example("\ud800")
@example("con.")
@example("a." + "b" * 300)
def test_any_text_is_one_file_name(name: str) -> None:
    safe = safe_file_name(name)
    assert 0 < len(safe.encode()) <= 255
    assert PurePosixPath(safe).name == PureWindowsPath(safe).name == safe
    assert not is_reserved(safe)
    assert not safe.startswith(".")
    assert safe == safe.strip()
    assert printable(safe) == safe
    assert safe_file_name(safe) == safe


def test_a_base_name_is_shown_as_it_was_sent() -> None:
    assert base_name("0 \x08\r0") == "0 0"
    assert base_name("C:\\x\\What? <b>.mp3") == "What? <b>.mp3"
    assert base_name("a\u0308\r\n.mp3") == "ä .mp3"
