"""Tags that unpack to more than a machine has: left out with one line, in bounded memory."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from mutagen.flac import FLAC, Picture
from mutagen.id3 import ID3, TIT2

from songrec.audio_files import tags
from songrec.audio_files.tags import read_cover, read_cue_sheet, read_tags
from songrec.core.isolation import IsolatedProcess, Limits
from tests.audio_files.bombs import id3_bomb, zeros_compressed
from tests.audio_files.sounds import tone, write

LIMITS = Limits(seconds=300.0, memory_bytes=2 * 2**30)


def read_all(path: str) -> list[Any]:
    """Return, in a child, what is read of a file's tags and the child's greatest memory."""
    file = Path(path)
    read = read_tags(file)
    sheet, cover = read_cue_sheet(file), read_cover(file)
    (peak,) = [
        int(line.split()[1]) * 1024
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("VmHWM")
    ]
    return [read.title, list(read.notes), sheet, cover and len(cover.data), peak]


@pytest.fixture(scope="module")
def child() -> Iterator[IsolatedProcess]:
    with IsolatedProcess() as process:
        yield process


def test_a_bomb_is_small_and_unpacks_to_what_it_should() -> None:
    import zlib

    assert zlib.decompress(zeros_compressed(1 / 32)) == bytes(2**25)
    assert len(id3_bomb(1.5)) < 1.7e6


@pytest.mark.parametrize("frame", [b"TIT2", b"APIC", b"USLT", b"TXXX", b"CHAP"])
def test_a_compressed_frame_takes_bounded_memory(
    child: IsolatedProcess, tmp_path: Path, frame: bytes
) -> None:
    path = tmp_path / "bomb.mp3"
    path.write_bytes(id3_bomb(1.5, frame))
    title, notes, sheet, cover, peak = child.call(read_all, str(path), limits=LIMITS)
    assert notes == ["its tags need more than 256 MiB of memory and are not read"]
    assert (title, sheet, cover) == (None, None, None)
    assert peak < tags.MEMORY_BYTES + 200 * 2**20


def test_a_frame_that_unpacks_to_little_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp3", tone(1.0, 22_050), 22_050, "libmp3lame")
    tag = ID3()
    tag.add(TIT2(encoding=3, text=["x" * 400]))
    tag.save(path)
    assert read_tags(path).title == "x" * 400


def test_texts_without_end_are_read_in_part(tmp_path: Path) -> None:
    path = write(tmp_path / "a.flac", tone(1.0, 22_050), 22_050, "flac")
    file = FLAC(path)
    file["title"] = ["", "Song"]
    file["lyrics"] = ["la la\n" * 200_000] * 4
    file["genre"] = [f"genre {number}" for number in range(200_000)]
    file.save()
    read = read_tags(path)
    assert read.title == "Song"
    assert len(read.lyrics or "") == tags.LONGEST_LYRICS
    assert read.genres == tuple(f"genre {number}" for number in range(100))


def test_a_picture_that_claims_more_than_there_is_costs_no_song(tmp_path: Path) -> None:
    path = write(tmp_path / "a.flac", tone(1.0, 22_050), 22_050, "flac")
    file = FLAC(path)
    file["title"] = "Song"
    picture = Picture()
    picture.type, picture.mime, picture.data = 3, "image/png", b"\x89PNG\r\n\x1a\n" + bytes(40)
    file.add_picture(picture)
    file.save()
    data = bytearray(path.read_bytes())
    at = data.index(b"\x89PNG") - 4
    data[at : at + 4] = b"\x7f\xff\xff\xff"
    path.write_bytes(data)
    assert read_tags(path).title in ("Song", None)
    assert read_cover(path) is None or len(read_cover(path).data) <= 48  # type: ignore[union-attr]
