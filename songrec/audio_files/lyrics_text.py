"""Synchronised lyrics (LRC, ID3 SYLT), with and without their times."""

from __future__ import annotations

import codecs
import re
import stat
from dataclasses import dataclass
from pathlib import Path

from songrec.audio_files.text_encoding import decode_bytes, mend
from songrec.core.files import open_regular

LARGEST_BYTES = 2**20
"""Size limit of .lrc files: larger ones do not contain lyrics."""

_TIME = re.compile(r"\[(\d{1,3}):(\d{1,2}(?:[.:]\d{1,3})?)\]")
_LEADING_TIMES = re.compile(rf"\s*((?:{_TIME.pattern}\s*)+)")
_WORD_TIME = re.compile(r"<\d{1,3}:\d{1,2}(?:[.:]\d{1,3})?>\s?")
_OFFSET = re.compile(
    r"^\s*\[offset:\s*([+-]?\d{1,6})\s*\]", re.ASCII | re.IGNORECASE | re.MULTILINE
)
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


@dataclass(frozen=True, slots=True)
class TimedLine:
    """A line of lyrics and its start in milliseconds."""

    start_ms: int
    words: str


def timed_lines(text: str) -> list[TimedLine]:
    """Return the lines of LRC in the order in which they are sung; none for other text.

    A positive ``[offset:…]`` (milliseconds) makes all lines earlier.
    """
    lines: list[TimedLine] = []
    offset = _OFFSET.search(text)
    sooner = int(offset[1]) if offset else 0
    for line in text.splitlines():
        times = _LEADING_TIMES.match(line)
        if times is None:
            continue
        words = _WORD_TIME.sub("", line[times.end() :]).strip()
        for minutes, seconds in _TIME.findall(times[1]):
            at = 60 * int(minutes) + float(seconds.replace(":", "."))
            lines.append(TimedLine(max(0, round(1000 * at) - sooner), words))
    return sorted(lines, key=lambda line: line.start_ms)


def from_synchronised(units: list[tuple[str, int]]) -> str:
    """Join the timed units (syllables or lines) of an ID3 SYLT frame to text."""
    texts = [text for text, _ in sorted(units, key=lambda unit: unit[1])]
    # Units that are syllables begin a line with a line feed; else each unit is a line.
    between = "" if any("\n" in text or "\r" in text for text in texts) else "\n"
    return between.join(texts).strip()


def timed_units(units: list[tuple[str, int]]) -> list[TimedLine]:
    """Join the units of an ID3 SYLT frame to lines with times in milliseconds."""
    has_breaks = any("\n" in text or "\r" in text for text, _ in units)
    lines: list[TimedLine] = []
    for text, at in sorted(units, key=lambda unit: unit[1]):
        if has_breaks and lines and not text.startswith(("\n", "\r")):
            lines[-1] = TimedLine(lines[-1].start_ms, lines[-1].words + text)
        else:
            lines.append(TimedLine(at, text))
    return [TimedLine(line.start_ms, line.words.strip()) for line in lines]


def read_beside(path: Path, code_page: str | None = None) -> str | None:
    """Read the lyrics of a sound file from the .lrc file of the same name, without their times."""
    text = read_timed_beside(path, code_page)
    return None if text is None else without_times(text).strip() or None


def read_timed_beside(path: Path, code_page: str | None = None) -> str | None:
    """Read the .lrc file of the same name as a sound file, as it is."""
    file = lrc_of(path)
    if file is None:
        return None
    try:
        with open_regular(file) as opened:
            data = opened.read(LARGEST_BYTES + 1)
    except OSError:
        return None
    return decode_text_file(data, code_page) if len(data) <= LARGEST_BYTES else None


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
