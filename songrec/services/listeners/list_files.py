"""Reader of lists of songs in any format: likes, plays, playlists, exports of services.

Pure functions from bytes to entries. What a file is decides what it becomes; what is not read is
reported by line or counted, never dropped silently. The formats are in ``list_formats``.
"""

from __future__ import annotations

import gzip
import io
import re
import zipfile
import zlib
from dataclasses import replace
from pathlib import PurePosixPath

from songrec.catalogue_files.encoding import detect_encoding
from songrec.core.errors import BadInput
from songrec.services.listeners.list_formats import (
    lastfm,
    m3u,
    own_export,
    pls,
    tables,
    workbook,
    youtube,
)
from songrec.services.listeners.list_formats.entries import ListEntry, SongList, fill_names
from songrec.services.listeners.list_formats.itunes_xml import read_itunes
from songrec.services.listeners.list_formats.json_documents import read_json
from songrec.services.listeners.list_formats.xspf import check_xml, read_xspf

__all__ = [
    "FORMAT",
    "KINDS",
    "MAX_BYTES",
    "MAX_ENTRIES",
    "UNNAMED",
    "ListEntry",
    "SongList",
    "playlist_name",
    "read",
]

FORMAT = own_export.FORMAT
MAX_BYTES = 32 * 2**20
MAX_ENTRIES = 20_000
"""Likes, dislikes, skips and places in playlists of one file."""
MAX_PLAYS = 300_000
"""Plays of one file."""
KINDS = {
    "auto": "what the file is",
    "likes": "likes",
    "playlist": "a playlist",
}
"""What the songs of a list become."""
UNNAMED = "Imported playlist"
_CUE_SHEET = re.compile(r"^[ \t]*TRACK[ \t]+\d\d[ \t]+AUDIO[ \t]*$", re.MULTILINE)
_PLAYLIST_FILES = frozenset({"M3U", "PLS", "XSPF", "JSPF"})
_UNPACKED = 8
"""An archive holds this many times ``MAX_BYTES`` at most."""
_MOST_FILES = 10_000
_EXTENSIONS = frozenset(
    {
        "csv",
        "html",
        "json",
        "jsonl",
        "jspf",
        "log",
        "m3u",
        "m3u8",
        "pls",
        "tsv",
        "txt",
        "xlsx",
        "xml",
        "xspf",
    }
)
_OTHER_KINDS = {
    b"\x89PNG": "a PNG picture",
    b"\xff\xd8\xff": "a JPEG picture",
    b"%PDF": "a PDF document",
    b"SQLite format 3\0": "an SQLite database; export a playlist from the program it belongs to",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook; save its sheet as CSV",
    b"PAR1": "a Parquet file, which is read as a catalogue only",
    b"bplist": "a binary property list; export the library as XML (File, Library, Export Library)",
    b"BZh": "a bzip2 archive; unpack it",
    b"\xfd7zXZ": "an xz archive; unpack it",
    b"7z\xbc\xaf": "a 7-Zip archive; unpack it",
    b"Rar!": "a RAR archive; unpack it",
    b"ID3": "an MP3 file",
    b"OggS": "an Ogg file",
    b"fLaC": "a FLAC file",
    b"RIFF": "a sound file",
}
_XML_KINDS = {
    "html": "a web page, and no watch-history.html of Google Takeout",
    "dj_playlists": "a rekordbox collection; export the playlist as M3U8 instead",
    "nml": "a Traktor collection; export the playlist as M3U instead",
    "rss": "a feed",
    "smil": "a Windows Media playlist (WPL); save it as M3U instead",
    "asx": "a Windows Media playlist (ASX); save it as M3U instead",
}


def read(content: bytes, file_name: str = "", kind: str = "auto") -> SongList:
    """Read a file of any of the formats, detected from its content.

    ``file_name`` is the name of a playlist whose file has none. A ``kind`` other than ``auto``
    turns playlists into likes, or likes into a playlist. Raises ``BadInput`` for an unknown
    format, an empty file or too many entries.
    """
    result = _read_file(content, file_name, allow_archives=True)
    nameless = result.format == youtube.PLAYLIST
    fill_names(result)
    if nameless and not result.entries:
        raise BadInput(tables.TAKEOUT)
    if kind != "auto":
        result = _convert(result, kind, playlist_name(file_name))
    plays = sum(entry.kind == "play" for entry in result.entries)
    songs = len(result.entries) - plays
    for what, number in (
        ("songs", songs),
        ("playlists", len(result.playlists)),
        ("decisions", len(result.decisions)),
    ):
        if number > MAX_ENTRIES:
            raise BadInput(f"This list has {number:,} {what}; at most {MAX_ENTRIES:,} are read.")
    if plays > MAX_PLAYS:
        raise BadInput(f"This history has {plays:,} plays; at most {MAX_PLAYS:,} are read at once.")
    # An account may have empty playlists; a file of one playlist without songs holds nothing.
    is_kept = result.playlists and result.format not in _PLAYLIST_FILES
    others = is_kept or result.mixes or result.decisions
    if not result.entries and not result.refused and not others:
        held = ", ".join(f"{number:,} {what}" for what, number in result.passed_over.items())
        description = f" ({result.format}): it holds {held}" if held else ""
        raise BadInput(f"This file contains no songs{description}.")
    return result


def playlist_name(file_name: str) -> str:
    """Return the name of a playlist that is named after its file."""
    name = PurePosixPath(file_name.replace("\\", "/")).name
    stem, dot, extension = name.rpartition(".")
    return (stem if dot and extension.lower() in _EXTENSIONS else name).strip() or UNNAMED


def _read_file(content: bytes, file_name: str, *, allow_archives: bool) -> SongList:
    if content.startswith(b"\x1f\x8b") and allow_archives:
        content = _unzip(content)
        file_name = re.sub(r"\.gz$", "", file_name, flags=re.IGNORECASE)
    if content.startswith(b"PK\x03\x04") and allow_archives:
        return _read_archive(content)
    for magic, what in _OTHER_KINDS.items():
        if content.startswith(magic):
            raise BadInput(f"This is {what}, not a list of songs.")
    text = _decode(content)
    start = text.lstrip()[:1]
    if not start:
        raise BadInput("This file is empty.")
    name = playlist_name(file_name)
    extension = file_name.rpartition(".")[2].lower()
    if start in "{[" and not re.match(r"\s*\[playlist\]", text, re.IGNORECASE):
        return read_json(text, name)
    if start == "<":
        return _read_xml(text, name)
    if lastfm.looks_like_log(text.lstrip()):
        return lastfm.read_log(text)
    lines = re.split(r"\r\n|\r|\n", text)
    if text.lstrip().upper().startswith("#EXTM3U") or extension in m3u.EXTENSIONS:
        return m3u.read_m3u(lines, name)
    if _CUE_SHEET.search(text[:20_000]):
        raise BadInput(
            "This is a CUE sheet, which divides one sound file; analyse its folder instead."
        )
    if pls.looks_like_pls(lines):
        return pls.read_pls(lines, name)
    if m3u.looks_like_m3u(lines):
        result = m3u.read_m3u(lines, name)
        result.note("The lines were read as paths of sound files (M3U).")
        return result
    return tables.read_table(text, name)


def _decode(content: bytes) -> str:
    """Decode text in UTF-8, UTF-16 or UTF-32 (also without a byte order mark), or Windows-1252."""
    for mark, codec in (
        (b"\xff\xfe\0\0", "utf-32"),
        (b"\xff\xfe", "utf-16"),
        (b"\xfe\xff", "utf-16"),
    ):
        if content.startswith(mark):
            return content.decode(codec, errors="replace").replace("\0", "")
    head = content[:2000]
    for offset, codec in ((1, "utf-16-le"), (0, "utf-16-be")):
        zeros = head[offset::2].count(0)
        if (
            len(head) > 3
            and zeros > 0.4 * len(head[offset::2])
            and not head[1 - offset :: 2].count(0)
        ):
            return content.decode(codec, errors="replace").replace("\0", "")
    if head.count(0) > 8:
        raise BadInput("This is a binary file, not a list of songs.")
    detected = detect_encoding(io.BytesIO(content), "This file")
    text = content.decode(detected.codec, errors=detected.errors)
    return text.encode("utf-8", "surrogateescape").decode("utf-8", "replace").replace("\0", "")


def _read_xml(text: str, name: str) -> SongList:
    if youtube.looks_like_history(text):
        return youtube.read_html(text)
    check_xml(text)
    root = re.search(r"<\s*(?:\w+:)?([A-Za-z_][\w.-]*)", text)
    tag = root[1].lower() if root else ""
    if tag == "plist":
        return read_itunes(text, name)
    if tag == "playlist":
        return read_xspf(text, name)
    what = _XML_KINDS.get("html" if "<!doctype html" in text[:200].lower() else tag)
    if what:
        raise BadInput(f"This is {what}.")
    raise BadInput(f"This XML is neither an XSPF playlist nor an iTunes library (<{tag[:40]}>).")


def _unzip(content: bytes) -> bytes:
    try:
        with gzip.open(io.BytesIO(content)) as file:
            unpacked = file.read(_UNPACKED * MAX_BYTES + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise BadInput(f"This gzip file is damaged or was cut off ({error}).") from None
    if len(unpacked) > _UNPACKED * MAX_BYTES:
        raise BadInput("This gzip file unpacks to too much to be a list of songs.")
    return unpacked


def _read_archive(content: bytes) -> SongList:
    """Read all lists within a ZIP archive, as services send their exports."""
    result = SongList("ZIP archive")
    formats: dict[str, None] = {}
    others: list[str] = []
    budget = _UNPACKED * MAX_BYTES
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            if len(archive.infolist()) > _MOST_FILES:
                raise BadInput(f"This ZIP archive holds more than {_MOST_FILES:,} files.")
            members = [one for one in archive.infolist() if not one.is_dir()]
            if any(one.filename == workbook.MARK for one in members):
                return workbook.read_workbook(archive, budget)
            if any(one.filename == "mimetype" for one in members):
                raise BadInput("This is a spreadsheet; save the sheet with the songs as CSV.")
            for member in sorted(members, key=lambda one: one.filename):
                path = PurePosixPath(member.filename.replace("\\", "/"))
                if path.parts[:1] == ("__MACOSX",) or path.name.startswith("."):
                    continue
                if path.suffix[1:].lower() not in _EXTENSIONS:
                    others.append(path.name)
                    continue
                with archive.open(member) as file:
                    data = file.read(budget + 1)
                budget -= len(data)
                if budget < 0:
                    raise BadInput("This archive unpacks to too much; import its files one by one.")
                try:
                    part = _read_member(data, path.name, budget)
                except BadInput:
                    others.append(path.name)
                    continue
                formats.setdefault(part.format)
                result.append(part)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError) as error:
        raise BadInput(f"This ZIP archive is damaged ({error}); download it again.") from None
    except RuntimeError:
        raise BadInput("This ZIP archive is encrypted; unpack it first.") from None
    if not formats:
        raise BadInput(
            f"This ZIP archive contains no list of songs; it contains {_shorten(others)}."
        )
    result.format = f"ZIP archive: {', '.join(formats)}"
    if others:
        result.note(f"Files of the archive that are not lists of songs: {_shorten(others)}.")
    return result


def _read_member(data: bytes, name: str, budget: int) -> SongList:
    """Read a file of an archive; workbooks are the only archives read within it."""
    if not data.startswith(b"PK\x03\x04"):
        return _read_file(data, name, allow_archives=False)
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as inner:
            if workbook.MARK in inner.namelist():
                return workbook.read_workbook(inner, budget)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, EOFError, RuntimeError):
        pass
    raise BadInput("This is an archive within an archive.")


def _shorten(names: list[str], most: int = 8) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return (", ".join(names[:most]) or "nothing") + more


def _convert(listed: SongList, kind: str, name: str) -> SongList:
    """Return ``listed`` with its playlists as likes, or its likes as a playlist."""
    if kind not in KINDS:
        raise BadInput(f"A list becomes {', '.join(KINDS)}, not {kind!r}.")
    if kind == "likes":
        listed.entries = [
            replace(entry, kind="like", playlist="", playlist_number=-1)
            if entry.kind == "playlist"
            else entry
            for entry in listed.entries
        ]
        listed.playlists.clear()
    elif any(entry.kind == "like" for entry in listed.entries):
        number = listed.start_playlist(name)
        listed.entries = [
            replace(
                entry,
                kind="playlist",
                playlist=listed.playlists[number].name,
                playlist_number=number,
                weight=1,
            )
            if entry.kind == "like"
            else entry
            for entry in listed.entries
        ]
    return listed
