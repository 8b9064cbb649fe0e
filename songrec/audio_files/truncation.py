"""Detection of truncated files by the sizes of their chunks, boxes or pages.

Formats with a stated duration are checked against the decoded length instead (``decoding``).
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import BinaryIO

_STREAMED = 0x7FFF0000
"""Smallest placeholder size: streaming writers do not know the size of a chunk yet."""
_OGG_SEARCH_BYTES = 2**17
"""More than two pages of Ogg, to find the last page of a stream."""


def is_cut_off(path: Path) -> bool:
    """Return whether a RIFF, MP4, Ogg or Wave64 file is truncated.

    False for other formats and for files that cannot be read.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            head = file.read(16)
            if head[:4] == b"RIFF" and len(head) == 16:
                stated = int.from_bytes(head[4:8], "little")
                return stated < _STREAMED and stated + 8 > size + 1  # a missing pad byte is common
            if head[4:8] == b"ftyp":
                return _boxes_end(file, size) > size
            if head[:4] == b"riff":
                file.seek(16)
                return int.from_bytes(file.read(8), "little") > size
            if head[:4] == b"OggS":
                return not _ends_stream(file, size)
    except OSError:
        return False
    return False


def _boxes_end(file: BinaryIO, size: int) -> int:
    """Return where the last box of an MP4 file should end."""
    at = 0
    while at < size:
        file.seek(at)
        head = file.read(16)
        length = int.from_bytes(head[:4], "big")
        if len(head) < 8 or not head[4:8].isascii():
            return at  # bytes that are no box follow the last one
        if length == 1:
            length = int.from_bytes(head[8:16], "big")
        if length == 0:  # to the end of the file
            return size
        if length < 8:
            return at
        at += length
    return at


def _ends_stream(file: BinaryIO, size: int) -> bool:
    """Return whether the last page of an Ogg file is complete and marked as the end of a stream."""
    file.seek(max(0, size - _OGG_SEARCH_BYTES), os.SEEK_SET)
    end = file.read()
    at = end.rfind(b"OggS\0")
    if at < 0 or len(end) < at + 27:
        return False
    segments = end[at + 27 : at + 27 + end[at + 26]]
    is_complete = len(segments) == end[at + 26] and at + 27 + len(segments) + sum(segments) <= len(
        end
    )
    return is_complete and bool(end[at + 5] & 4)
