"""The size that a picture states, and pictures too large for a browser."""

from __future__ import annotations

import io
import struct
from pathlib import Path

import av
import numpy as np
import pytest
from mutagen.id3 import APIC, ID3

from songrec.audio_files.picture_size import picture_size
from songrec.audio_files.tags import read_cover
from tests.audio_files.sounds import tone, write


def png(width: int, height: int) -> bytes:
    """Return the beginning of a PNG, as far as its size."""
    return b"\x89PNG\r\n\x1a\n" + struct.pack(">I4sII", 13, b"IHDR", width, height) + bytes(20)


def encoded(codec: str, container: str, width: int = 62, height: int = 34) -> bytes:
    """Return a picture as FFmpeg writes it."""
    file = io.BytesIO()
    with av.open(file, "w", format=container) as out:
        stream = out.add_stream(codec, rate=1)
        pixel_format = {"mjpeg": "yuvj420p", "gif": "rgb8"}.get(codec, "rgb24")
        stream.width, stream.height, stream.pix_fmt = width, height, pixel_format
        image = av.VideoFrame.from_ndarray(np.zeros((height, width, 3), np.uint8), "rgb24")
        out.mux(stream.encode(image.reformat(format=pixel_format)))
        out.mux(stream.encode(None))
    return file.getvalue()


@pytest.mark.parametrize(
    ("codec", "container"), [("mjpeg", "image2pipe"), ("png", "image2pipe"), ("gif", "gif")]
)
def test_the_size_is_that_of_the_encoder(codec: str, container: str) -> None:
    assert picture_size(encoded(codec, container)) == (62, 34)


def test_a_jpeg_with_a_thumbnail_states_its_own_size() -> None:
    thumbnail = encoded("mjpeg", "image2pipe", 16, 16)
    exif = b"\xff\xe1" + struct.pack(">H", len(thumbnail) + 2) + thumbnail
    whole = encoded("mjpeg", "image2pipe")
    assert picture_size(whole[:2] + exif + whole[2:]) == (62, 34)


@pytest.mark.parametrize(
    ("chunk", "body", "size"),
    [
        (b"VP8 ", bytes(3) + b"\x9d\x01\x2a" + struct.pack("<HH", 640, 0x4000 | 480), (640, 480)),
        (b"VP8L", b"\x2f" + struct.pack("<I", 639 | 479 << 14), (640, 480)),
        (b"VP8X", bytes(4) + b"\x7f\x02\x00" + b"\xdf\x01\x00", (640, 480)),
    ],
)
def test_webp_states_its_size_in_three_ways(
    chunk: bytes, body: bytes, size: tuple[int, int]
) -> None:
    head = b"RIFF" + bytes(4) + b"WEBP" + chunk + struct.pack("<I", len(body))
    assert picture_size(head + body) == size


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8\xff", b"\xff\xd8\xff\xda\0\2", b"GIF89a", png(1, 1)[:18]]
)
def test_what_states_none_or_is_cut_off_has_none(data: bytes) -> None:
    assert picture_size(data) is None


def test_a_cover_too_large_for_a_browser_is_passed_over(tmp_path: Path) -> None:
    path = write(tmp_path / "a.mp3", tone(1.0, 22_050), 22_050, "libmp3lame")
    tag = ID3()
    for number, data in enumerate((png(60_000, 60_000), png(600, 600))):
        tag.add(APIC(encoding=3, mime="image/png", type=3, desc=str(number), data=data))
    tag.save(path)
    cover = read_cover(path)
    assert cover is not None
    assert picture_size(cover.data) == (600, 600)
