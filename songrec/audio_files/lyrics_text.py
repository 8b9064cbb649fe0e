"""Lyrics without their times: LRC, as a file beside the song or inside a tag."""

from __future__ import annotations

import codecs
import re
import stat
from pathlib import Path

from songrec.audio_files.text_encoding import decode_bytes, mend
from songrec.core.files import open_regular

LARGEST_BYTES = 2**20
"""A larger .lrc file contains something else than lyrics."""

_TIME = re.compile(r"\[(\d{1,3}):(\d{1,2}(?:[.:]\d{1,3})?)\]")
_LEADING_TIMES = re.compile(rf"\s*((?:{_TIME.pattern}\s*)+)")
_WORD_TIME = re.compile(r"<\d{1,3}:\d{1,2}(?:[.:]\d{1,3})?>\s?")
_HEADER = re.compile(r"\s*\[[A-Za-z#][A-Za-z_ ]{0,20}:[^\]]*\]\s*")


def without_times(text: str) -> str:
    """Return the lines of LRC in the order in which they are sung; other text as it is.

    A line with several times is sung several times. Headers (``[ar:…]``) are left out.
    """
    if not any(map(_LEADING_TIMES.match, text.splitlines())):
        return text
    lines: list[tuple[float, str]] = []
    now = 0.0
    for line in text.splitlines():
        times = _LEADING_TIMES.match(line)
        if times is None:
            if not _HEADER.fullmatch(line):
                lines.append((now, line))
            continue
        words = _WORD_TIME.sub("", line[times.end() :]).strip()
        for minutes, seconds in _TIME.findall(times[1]):
            now = 60 * int(minutes) + float(seconds.replace(":", "."))
            lines.append((now, words))
    # Stable: lines without a time stay behind the one they follow.
    return "\n".join(words for _, words in sorted(lines, key=lambda line: line[0]))


def from_synchronised(units: list[tuple[str, int]]) -> str:
    """Join the units of an ID3 SYLT frame, syllables or lines, each with a time."""
    texts = [text for text, _ in sorted(units, key=lambda unit: unit[1])]
    # Units that are syllables begin a line with a line feed; else each unit is a line.
    between = "" if any("\n" in text or "\r" in text for text in texts) else "\n"
    return between.join(texts).strip()


def read_beside(path: Path, code_page: str | None = None) -> str | None:
    """Read the lyrics of a sound file from the .lrc file of the same name, without their times."""
    file = lrc_of(path)
    if file is None:
        return None
    try:
        with open_regular(file) as opened:
            data = opened.read(LARGEST_BYTES + 1)
    except OSError:
        return None
    if len(data) > LARGEST_BYTES:
        return None
    text = decode_text_file(data, code_page)
    return without_times(text).strip() or None


def lrc_of(path: Path) -> Path | None:
    """Return the .lrc file beside a sound file, or None."""
    for suffix in (".lrc", ".LRC", ".Lrc"):
        file = path.with_suffix(suffix)
        try:
            if stat.S_ISREG(file.stat().st_mode):
                return file
        except OSError:  # absent, or a name too long with this ending
            continue
    return None


def decode_text_file(data: bytes, code_page: str | None = None) -> str:
    """Decode a text file: by its byte order mark, else as ``decode_bytes`` does."""
    for mark, encoding in (
        (codecs.BOM_UTF8, "utf-8"),
        (codecs.BOM_UTF16_LE, "utf-16-le"),
        (codecs.BOM_UTF16_BE, "utf-16-be"),
    ):
        if data.startswith(mark):
            return mend(data[len(mark) :].decode(encoding, "replace"), code_page).text
    return decode_bytes(data, code_page).text
