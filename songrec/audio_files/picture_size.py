"""Width and height of a picture from its header, without decoding."""

from __future__ import annotations

import struct

_JPEG_SIZES = frozenset({*range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC})
"""Markers of the frames that state a size: all SOF but DHT, JPG and DAC."""


def picture_size(data: bytes) -> tuple[int, int] | None:
    """Return width and height in pixels of a JPEG, PNG, GIF or WebP; None if not stated."""
    try:
        if data.startswith(b"\x89PNG\r\n\x1a\n"):
            return struct.unpack_from(">II", data, 16)
        if data[:6] in (b"GIF87a", b"GIF89a"):
            return struct.unpack_from("<HH", data, 6)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp(data)
        if data.startswith(b"\xff\xd8"):
            return _jpeg(data)
    except (struct.error, IndexError, ValueError):
        pass  # cut off
    return None


def _webp(data: bytes) -> tuple[int, int] | None:
    match data[12:16]:
        case b"VP8 ":
            width, height = struct.unpack_from("<HH", data, 26)
            return width & 0x3FFF, height & 0x3FFF
        case b"VP8L":
            bits = struct.unpack_from("<I", data, 21)[0]
            return (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1
        case b"VP8X":
            width, height = (int.from_bytes(data[at : at + 3], "little") for at in (24, 27))
            return width + 1, height + 1
    return None


def _jpeg(data: bytes) -> tuple[int, int] | None:
    at = 2
    while True:
        at = data.index(b"\xff", at)
        while data[at] == 0xFF:  # fill bytes
            at += 1
        marker = data[at]
        at += 1
        if marker in _JPEG_SIZES:
            height, width = struct.unpack_from(">HH", data, at + 3)
            return width, height
        if marker == 0xDA:  # the picture itself begins
            return None
        if marker != 0x01 and not 0xD0 <= marker <= 0xD8:
            at += struct.unpack_from(">H", data, at)[0]
