"""Tags of audio files: title, artists, album, genre, year, lyrics, cover.

Read with mutagen and not with mediafile, which wraps it, because some tested cases need the raw
frames: several values in one text, damaged fields in five tag formats, and container metadata as a
substitute for missing tags.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mutagen
from mutagen.flac import Picture

LONGEST = {"title": 500, "artists": 500, "album": 500, "genre": 100}
LONGEST_LYRICS = 50_000
LARGEST_COVER = 16 * 2**20

# Names of each field in ID3, MP4, ASF, APEv2 and Vorbis comments.
_KEYS: dict[str, tuple[str, ...]] = {
    "title": ("TIT2", "\xa9nam", "Title", "title"),
    "artists": ("TPE1", "\xa9ART", "Author", "Artist", "artist"),
    "artist_names": ("TXXX:ARTISTS", "----:com.apple.iTunes:ARTISTS", "WM/ARTISTS", "ARTISTS"),
    "artist_ids": (
        "TXXX:MusicBrainz Artist Id",
        "----:com.apple.iTunes:MusicBrainz Artist Id",
        "MusicBrainz/Artist Id",
        "MUSICBRAINZ_ARTISTID",
    ),
    "album_artist": (
        "TPE2",
        "aART",
        "WM/AlbumArtist",
        "Album Artist",
        "albumartist",
        "album_artist",
    ),
    "album": ("TALB", "\xa9alb", "WM/AlbumTitle", "Album", "album"),
    "genre": ("TCON", "\xa9gen", "WM/Genre", "Genre", "genre"),
    "year": ("TDRC", "TDOR", "TYER", "\xa9day", "WM/Year", "Year", "date", "year", "originaldate"),
    "track": ("TRCK", "trkn", "WM/TrackNumber", "Track", "tracknumber"),
    "language": ("TLAN", "WM/Language", "Language", "language"),
    "lyrics": ("USLT", "\xa9lyr", "WM/Lyrics", "Lyrics", "lyrics", "unsyncedlyrics"),
}
# FFmpeg's names, for containers that mutagen does not read (the INFO chunk of WAV).
_CONTAINER_KEYS: dict[str, tuple[str, ...]] = {
    "title": ("title",),
    "artists": ("artist", "author", "album_artist"),
    "album": ("album",),
    "genre": ("genre",),
    "year": ("date", "year", "creation_time"),
    "track": ("track",),
    "language": ("language",),
}


@dataclass(frozen=True)
class FileTags:
    """Tags as printable text, cut to the lengths of the database columns.

    None (or empty ``genres``) where absent. ``artists`` is the artist line as written, several
    values joined by commas; ``artist_names`` are the artists if the file lists them,
    ``artist_ids`` their MusicBrainz ids.
    """

    title: str | None = None
    artists: str | None = None
    album: str | None = None
    genres: tuple[str, ...] = ()
    year: int | None = None
    track: int | None = None
    language: str | None = None
    lyrics: str | None = None
    has_cover: bool = False
    artist_names: tuple[str, ...] = ()
    artist_ids: tuple[str, ...] = ()
    album_artist: str | None = None

    def filled(self, metadata: Mapping[str, str]) -> FileTags:
        """Return these tags, with missing ones taken from a container's ``metadata``."""
        lower = {key.lower(): value for key, value in metadata.items()}
        texts = {
            name: [lower[key] for key in keys if key in lower][:1]
            for name, keys in _CONTAINER_KEYS.items()
        }
        from_container = _from_texts(texts)
        missing = {
            name: getattr(from_container, name)
            for name in ("title", "artists", "album", "genres", "year", "track")
            if not getattr(self, name)
        }
        return replace(self, **missing)


@dataclass(frozen=True)
class Cover:
    """Embedded picture: ``data`` as in the file, ``kind`` its media type."""

    kind: str
    data: bytes


def read_tags(path: Path) -> FileTags:
    """Read the tags of the file at ``path``; empty if it has none or they are unreadable."""
    file = _opened(path)
    if file is None:
        return FileTags()
    has_cover = _cover(file) is not None
    if file.tags is None:
        return FileTags(has_cover=has_cover)
    texts = {name: _texts(file.tags, keys) for name, keys in _KEYS.items()}
    return replace(_from_texts(texts), has_cover=has_cover)


def read_cover(path: Path) -> Cover | None:
    """Read the front cover (JPEG, PNG, GIF or WebP by content), else the first picture."""
    file = _opened(path)
    return None if file is None else _cover(file)


def _opened(path: Path) -> Any:
    try:
        return mutagen.File(path)
    # Broken tags make mutagen raise nearly any exception; a file without tags is acceptable.
    except Exception:  # noqa: BLE001
        return None


def _texts(tags: Any, keys: Iterable[str]) -> list[str]:
    for key in keys:
        values = _raw(tags, key)
        texts = [text for value in values for text in _as_text(value) if text.strip("\0 \t\r\n")]
        if texts:
            return texts
    return []


def _raw(tags: Any, key: str) -> list[Any]:
    if hasattr(tags, "getall"):  # ID3: frames such as USLT have a description in their key
        frames = tags.getall(key) if key.startswith("TXXX:") or _is_frame(key) else []
        return [value for frame in frames for value in _frame_values(frame)]
    try:
        value = tags[key]
    except (KeyError, ValueError):
        return []
    return list(value) if isinstance(value, list) else [value]


def _is_frame(key: str) -> bool:
    return len(key) == 4 and key.isupper()


def _frame_values(frame: Any) -> list[Any]:
    if hasattr(frame, "genres"):
        return list(frame.genres)  # "(17)" is "Rock"
    text = getattr(frame, "text", None)
    return list(text) if isinstance(text, list) else [text] if text else []


def _as_text(value: Any) -> list[str]:
    if isinstance(value, tuple):  # MP4's (track, of how many)
        return [str(value[0])] if value and value[0] else []
    if isinstance(value, bytes):
        return [value.decode("utf-8", "replace")]
    return str(value).split("\0")  # several values in one ID3v2.4 or APEv2 text


def _from_texts(texts: Mapping[str, list[str]]) -> FileTags:
    def first(name: str) -> str | None:
        return next((value for raw in texts.get(name, []) if (value := clean(raw))), None)

    def one_line(name: str) -> str | None:
        value = first(name)
        return value[: LONGEST[name]] if value else None

    def several(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(filter(None, map(clean, texts.get(name, [])))))

    artists = several("artists")
    listed = several("artist_names") or (artists if len(artists) > 1 else ())
    ids = tuple(part for value in several("artist_ids") for part in re.split(r"[/;]\s*", value))
    if len(ids) == 1 and len(artists) == 1 and not listed:
        listed = artists  # one id: one artist, whatever its name looks like
    genres = [
        part.strip()[: LONGEST["genre"]]
        for raw in texts.get("genre", [])
        for part in re.split(r"[;,]|(?<=\S) / (?=\S)", clean(raw))
        if part.strip()
    ]
    lyrics = "\n\n".join(_lines(raw) for raw in texts.get("lyrics", []))
    return FileTags(
        title=one_line("title"),
        artists=", ".join(artists)[: LONGEST["artists"]] or None,
        album=one_line("album"),
        genres=tuple(dict.fromkeys(genres)),
        year=_year(first("year")),
        track=_number(first("track")),
        language=(first("language") or "").lower()[:40] or None,
        lyrics=lyrics.strip()[:LONGEST_LYRICS] or None,
        artist_names=listed,
        artist_ids=ids if len(ids) == len(listed) else (),
        album_artist=(first("album_artist") or "")[: LONGEST["artists"]] or None,
    )


def clean(text: str) -> str:
    """Return one line without control characters, lone surrogates and runs of spaces."""
    text = text.encode("utf-8", "replace").decode("utf-8")
    printable = (" " if unicodedata.category(c) in ("Cc", "Zl", "Zp") else c for c in text)
    return " ".join("".join(printable).replace("\ufeff", "").split())


def _lines(text: str) -> str:
    return "\n".join(clean(line) for line in text.replace("\0", "").splitlines())


def _year(text: str | None) -> int | None:
    match = re.search(r"(?<!\d)(1\d{3}|20\d{2})(?!\d{3})", text or "")
    return int(match[1]) if match else None


def _number(text: str | None) -> int | None:
    match = re.match(r"\s*(\d{1,5})", text or "")
    return int(match[1]) if match and int(match[1]) else None


def _cover(file: Any) -> Cover | None:
    pictures = list(_pictures(file))
    fronts = [data for kind, data in pictures if kind == 3]
    for data in [*fronts, *(data for _, data in pictures)]:
        media = _media_type(data)
        if media and len(data) <= LARGEST_COVER:
            return Cover(media, data)
    return None


def _pictures(file: Any) -> Iterable[tuple[int, bytes]]:
    """Yield the kind (3: front cover, in all formats) and data of embedded pictures."""
    for picture in getattr(file, "pictures", None) or ():
        yield picture.type, picture.data
    tags = file.tags
    if tags is None:
        return
    if hasattr(tags, "getall"):
        for frame in tags.getall("APIC"):
            yield frame.type, frame.data
        return
    for value in _raw(tags, "covr"):
        yield 3, bytes(value)
    for key in ("metadata_block_picture", "METADATA_BLOCK_PICTURE"):
        for value in _raw(tags, key):
            try:
                picture = Picture(base64.b64decode(value))
            except (mutagen.MutagenError, binascii.Error, ValueError, TypeError):
                continue
            yield picture.type, picture.data
    for value in _raw(tags, "Cover Art (Front)"):
        data = getattr(value, "value", b"")
        if isinstance(data, bytes):
            yield 3, data.partition(b"\0")[2]
    for value in _raw(tags, "WM/Picture"):
        data = getattr(value, "value", b"")
        if isinstance(data, bytes) and len(data) > 5:
            # kind, length of the data, media type and description in UTF-16, the data itself
            yield data[0], data[-int.from_bytes(data[1:5], "little") or len(data) :]


def _media_type(data: bytes) -> str | None:
    if data.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if data[:6] in (b"GIF87a", b"GIF89a"):
        return "image/gif"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return None
