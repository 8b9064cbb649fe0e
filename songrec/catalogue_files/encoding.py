"""Detection of a text file's encoding by reading it once from end to end."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import IO

from songrec.core.errors import BadInput

_CHUNK = 1 << 20
_WIDE_HEAD = 1 << 16
_BROKEN = re.compile(r"[\udc80-\udcff]")
_BEYOND_ASCII = re.compile(r"[^\x00-\x7f\udc80-\udcff]")
_UNDEFINED_IN_CP1252 = re.compile(rb"[\x81\x8d\x8f\x90\x9d]")
_LOWER, _UPPER = re.compile(rb"[\x80-\x9f]"), re.compile(rb"[\xa0-\xff]")


@dataclass(frozen=True)
class Encoding:
    """A codec, its error handler for undecodable bytes, and its name in reports."""

    codec: str
    errors: str
    label: str


def detect_encoding(raw: IO[bytes], name: str) -> Encoding:
    """Detect the encoding of ``raw``: UTF-8, UTF-16 or UTF-32 (with or without BOM), else Latin-1
    or, where lines end with CR alone, Mac Roman.

    Everything is read first so that a truncated gzip file or a binary file is detected before
    a single row is stored. ``BadInput`` for a binary file.
    """
    decoder = codecs.getincrementaldecoder("utf-8")("strict")
    valid = True
    valid_beyond = broken = 0
    undefined = False
    has_line_feed = False
    lower = upper = 0
    tolerant = codecs.getincrementaldecoder("utf-8")("surrogateescape")
    chunk = raw.read(_CHUNK)
    wide = _wide_codec(chunk)
    if wide is not None:
        while raw.read(_CHUNK):
            pass
        return Encoding(wide, "replace", wide[:6].upper())
    # One stray NUL is a bad row; many mean a binary file.
    if chunk[:65536].count(0) > 8:
        raise BadInput(f"{name}: is a binary file, not a CSV or Parquet catalogue.")
    while chunk:
        if valid:
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                valid = False
        if not valid:
            text = tolerant.decode(chunk)
            broken += len(_BROKEN.findall(text))
            valid_beyond += len(_BEYOND_ASCII.findall(text))
            undefined = undefined or bool(_UNDEFINED_IN_CP1252.search(chunk))
            lower += len(_LOWER.findall(chunk))
            upper += len(_UPPER.findall(chunk))
        has_line_feed = has_line_feed or b"\n" in chunk
        chunk = raw.read(_CHUNK)
    if valid or valid_beyond > broken:
        # Mostly UTF-8: the few rows with broken bytes are rejected, not the names of all others.
        return Encoding("utf-8-sig", "surrogateescape", "UTF-8")
    if lower > upper and not has_line_feed:
        # Mac Roman: lines end with CR alone, and bytes of Windows' symbols are accented letters.
        return Encoding("mac-roman", "strict", "Mac Roman")
    if undefined:
        return Encoding("latin-1", "strict", "Latin-1")
    return Encoding("cp1252", "strict", "Latin-1 (Windows-1252)")


def _wide_codec(chunk: bytes) -> str | None:
    """Return the codec of text of two or four bytes per character, by its BOM or its zeros."""
    # The BOM of UTF-32 begins with that of UTF-16.
    if chunk.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return "utf-32"
    if chunk.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    head = chunk[: _WIDE_HEAD - _WIDE_HEAD % 2]
    pairs = len(head) // 2
    even, odd = head[::2].count(0), head[1::2].count(0)
    # Delimiters and digits have a zero byte in any language; text without BOM has few others.
    if pairs >= 8 and min(even, odd) == 0 and max(even, odd) > pairs // 4:
        return "utf-16-le" if odd else "utf-16-be"
    return None
