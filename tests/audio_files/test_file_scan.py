"""Which files of a folder are sound, and what cannot be looked at."""

from __future__ import annotations

import hashlib
import os
import socket
from collections import Counter
from pathlib import Path

import pytest

from songrec.audio_files import file_scan
from songrec.audio_files.file_scan import ScannedFile, content_hash, shown, walk
from songrec.core.errors import BadInput
from tests.audio_files.sounds import tone, write_wav


def names(root: Path) -> list[str]:
    return [str(scanned.path.relative_to(root)) for scanned in walk(root)]


def put(path: Path, content: bytes = b"sound") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_sound_is_found_by_extension_and_by_content(tmp_path: Path) -> None:
    put(tmp_path / "a.MP3")
    put(tmp_path / "sub" / "b.flac")
    put(tmp_path / "notes.txt", b"words")
    put(tmp_path / "cover.jpg", b"\xff\xd8\xff\xe0")
    put(tmp_path / "utf16.txt", "ÿ words".encode("utf-16"))
    put(tmp_path / "no_extension", b"fLaC\0\0\0\x22")
    put(tmp_path / "renamed.txt", b"ID3\x03\0\0\0\0\0\0")
    write_wav(tmp_path / "wave.data", tone(0.1))
    assert names(tmp_path) == ["a.MP3", "no_extension", "renamed.txt", "wave.data", "sub/b.flac"]


def test_hidden_files_and_folders_are_passed_over(tmp_path: Path) -> None:
    put(tmp_path / "._a.mp3")
    put(tmp_path / ".trash" / "b.mp3")
    put(tmp_path / "c.mp3")
    assert names(tmp_path) == ["c.mp3"]


def test_a_loop_of_links_ends_and_a_folder_linked_twice_is_walked_once(tmp_path: Path) -> None:
    put(tmp_path / "music" / "a.mp3")
    (tmp_path / "music" / "back").symlink_to(tmp_path)
    (tmp_path / "again").symlink_to(tmp_path / "music")
    (tmp_path / "itself").symlink_to(tmp_path / "itself")
    ignored: Counter[str] = Counter()
    assert len(list(walk(tmp_path, ignored))) == 1
    assert ignored == {"links to folders that are read already": 3}


def test_links_that_lead_nowhere_are_told(tmp_path: Path) -> None:
    (tmp_path / "a.mp3").symlink_to(tmp_path / "gone.mp3")
    (tmp_path / "b.mp3").symlink_to(tmp_path / "b.mp3")
    scanned = list(walk(tmp_path))
    assert [f.reason for f in scanned] == ["is a link that leads nowhere"] * 2
    assert all(f.passing for f in scanned)


def test_a_folder_that_cannot_be_opened_is_told_and_the_rest_is_walked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path / "closed" / "a.mp3")
    put(tmp_path / "open" / "b.mp3")
    real = os.scandir

    def scandir(path: str | Path) -> object:
        if Path(path).name == "closed":
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(file_scan.os, "scandir", scandir)
    scanned = {f.path.name: f.reason for f in walk(tmp_path)}
    assert scanned == {"closed": "cannot be opened: Permission denied", "b.mp3": None}


def test_what_is_no_file_is_rejected_by_its_kind_and_never_opened(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.mp3")
    os.mkfifo(tmp_path / "no_sound")
    (tmp_path / "b.wav").symlink_to("/dev/zero")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "c.ogg"))
    reasons = {scanned.path.name: scanned.reason for scanned in walk(tmp_path)}
    assert reasons == {
        "a.mp3": "is a named pipe, not a file",
        "b.wav": "is a device, not a file",
        "c.ogg": "is a socket, not a file",
    }
    with pytest.raises(BadInput, match="Not a regular file"):
        content_hash(tmp_path / "a.mp3")


@pytest.mark.parametrize("seconds", [-(2**31), -1, 2**33, 9_300_000_000, 15_000_000_000])
def test_dates_before_1970_and_beyond_2262_fit_into_64_bits(tmp_path: Path, seconds: int) -> None:
    path = put(tmp_path / "a.mp3")
    os.utime(path, (seconds, seconds))
    (scanned,) = walk(tmp_path)
    assert -(2**63) <= scanned.modified_ns < 2**63
    assert scanned == ScannedFile.at(path)


def test_trash_system_folders_and_unfinished_downloads_are_counted(tmp_path: Path) -> None:
    for folder in ("#Recycle", "$RECYCLE.BIN", "@eaDir", "lost+found", "__MACOSX", ".Trashes"):
        put(tmp_path / "music" / folder / "gone.mp3")
    for name in ("a.flac.part", "b.mp3.crdownload", "c.ogg.tmp", "d.m4a.part-Frag3", "e.mp3.!qB"):
        put(tmp_path / "music" / name, b"ID3\x03\0\0\0\0\0\0")
    put(tmp_path / "music" / "Thumbs.db", b"ID3")
    put(tmp_path / "music" / "._f.mp3")
    put(tmp_path / "music" / ".DS_Store", b"ID3")
    put(tmp_path / "System Volume Information" / "g.mp3")
    put(tmp_path / "music" / "Trash" / "Garbage - Milk.mp3")
    put(tmp_path / "music" / "Part.mp3")
    ignored: Counter[str] = Counter()
    assert [scanned.path.name for scanned in walk(tmp_path, ignored)] == [
        "Part.mp3",
        "Garbage - Milk.mp3",
    ]
    assert ignored == {"hidden": 2, "trash and system": 7, "unfinished downloads": 5}


def test_a_path_is_shown_as_one_line(tmp_path: Path) -> None:
    assert shown(Path("/m/a\nb\x1b[31m.mp3")) == "/m/a\\nb\\x1b[31m.mp3"
    assert shown(Path("/m/Кино\u3000七里香.mp3")) == "/m/Кино\u3000七里香.mp3"
    assert shown(Path("/m/\ud800.mp3")) == "/m/\\ud800.mp3"


def test_empty_files_and_names_that_are_no_text_are_refused(tmp_path: Path) -> None:
    put(tmp_path / "a.mp3", b"")
    bad = Path(os.fsdecode(os.fsencode(tmp_path) + b"/b\xff.mp3"))
    put(bad)
    scanned = list(walk(tmp_path))
    assert [f.reason for f in scanned] == ["is empty", "its name is not valid UTF-8: rename it"]
    assert shown(bad).endswith("b\\xff.mp3")
    put(Path(os.fsdecode(os.fsencode(tmp_path) + b"/sub\xff")) / "c.mp3")
    assert list(walk(tmp_path))[-1].reason == "the name of its folder is not valid UTF-8: rename it"


def test_a_path_that_is_no_folder_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(BadInput, match="No such file"):
        list(walk(tmp_path / "gone"))
    with pytest.raises(BadInput, match="is a file"):
        list(walk(put(tmp_path / "a.mp3")))


def test_the_hash_is_that_of_the_bytes_and_may_be_stopped(tmp_path: Path) -> None:
    path = put(tmp_path / "a.mp3", bytes(3 * 2**20))
    assert content_hash(path) == hashlib.sha256(bytes(3 * 2**20)).hexdigest()

    def stop() -> None:
        raise BadInput("too slow")

    with pytest.raises(BadInput, match="too slow"):
        content_hash(path, stop)
    with pytest.raises(BadInput, match="cannot be read: No such file"):
        content_hash(tmp_path / "gone")
