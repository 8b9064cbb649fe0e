"""Tags of audio files: title, artists, album, genre, year, lyrics, cover.

Read with mutagen and not with mediafile, which wraps it, because some tested cases need the raw
frames: several values in one text, damaged fields in five tag formats, and container metadata as a
substitute for missing tags.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import mutagen
from mutagen.apev2 import APEv2
from mutagen.flac import Picture
from mutagen.id3 import ID3, SYLT, TCON, Encoding, Frame, ID3NoHeaderError, ID3Tags

from songrec.audio_files.lyrics_text import (
    TimedLine,
    from_synchronised,
    read_beside,
    timed_lines,
    timed_units,
    without_times,
)
from songrec.audio_files.picture_size import picture_size
from songrec.audio_files.tag_text import LONGEST, clean
from songrec.audio_files.text_encoding import DecodedText, decode_bytes, likely_code_page, mend
from songrec.audio_files.trailing_tags import read_ape, read_id3v1
from songrec.audio_files.video_titles import is_video, split_video_title
from songrec.core.memory import bounded_growth

TAG_READER_VERSION = 2
"""Increase when the reader yields other tags: tags are then read again, audio is not analysed."""
_MILLISECONDS = 2
"""ID3's code for times in milliseconds in a SYLT frame."""
LONGEST_LYRICS = 50_000
LARGEST_COVER = 16 * 2**20
MOST_PIXELS = 50_000_000
"""Limit of a cover: browsers use four bytes a pixel, and a small file may claim 10⁹ pixels."""
MEMORY_BYTES = 256 * 2**20
"""Memory limit of reading tags: a compressed frame of 1 MB may expand to 1 GB."""
_LONGEST_TEXTS = 2**20
"""Limit of characters read per key, over all its texts."""
_MOST_VALUES = 100
"""Limit of genres, and of artists, per song."""

# Names of each field in ID3, MP4, ASF, APEv2 and Vorbis comments, in lower case; the first with a
# value counts. "txxx:" are ID3's frames and "----:" MP4's atoms with a name of their own.
_KEYS: dict[str, tuple[str, ...]] = {
    "title": ("tit2", "\xa9nam", "title", "----:title"),
    "artists": ("tpe1", "\xa9art", "author", "artist", "----:artist"),
    "artist_names": ("txxx:artists", "----:artists", "wm/artists", "artists"),
    "artist_ids": (
        "txxx:musicbrainz artist id",
        "----:musicbrainz artist id",
        "musicbrainz/artist id",
        "musicbrainz_artistid",
    ),
    "album_artist": (
        "tpe2",
        "aart",
        "wm/albumartist",
        "album artist",
        "albumartist",
        "album_artist",
    ),
    "album": ("talb", "\xa9alb", "wm/albumtitle", "album", "----:album"),
    "genre": ("tcon", "\xa9gen", "wm/genre", "genre", "----:genre"),
    "year": ("tdrc", "tyer", "tdrl", "\xa9day", "wm/year", "year", "date", "----:date"),
    "original_year": (
        "tdor",
        "tory",
        *(
            f"{prefix}{name}"
            for prefix in ("", "txxx:", "----:")
            for name in ("originaldate", "originalyear", "original year", "original_year")
        ),
        "wm/originalreleasetime",
        "wm/originalreleaseyear",
    ),
    "track": ("trck", "trkn", "wm/tracknumber", "track", "tracknumber"),
    "disc": ("tpos", "disk", "wm/partofset", "disc", "discnumber"),
    "language": ("tlan", "wm/language", "language", "----:language"),
    "lyrics": (
        "uslt",
        "\xa9lyr",
        "wm/lyrics",
        "lyrics",
        "unsyncedlyrics",
        "unsynced lyrics",
        "txxx:lyrics",
        "txxx:unsyncedlyrics",
        "----:lyrics",
        "sylt",
        "syncedlyrics",
        "txxx:syncedlyrics",
    ),
    "page": ("txxx:purl", "purl", "txxx:comment", "comment", "comm", "\xa9cmt", "wwwaudiofile"),
}
# FFmpeg's names, for containers that mutagen does not read (the INFO chunk of WAV).
_CONTAINER_KEYS: dict[str, tuple[str, ...]] = {
    "title": ("title",),
    "artists": ("artist", "author", "album_artist"),
    "album": ("album",),
    "genre": ("genre",),
    "year": ("date", "year", "creation_time"),
    "track": ("track",),
    "disc": ("disc",),
    "language": ("language",),
}


@dataclass(frozen=True)
class FileTags:
    """Tags as printable text, cut to the lengths of the database columns.

    None (or empty ``genres``) where absent. ``artists`` is the artist line as written, several
    values joined by commas; ``artist_names`` are the artists if the file lists them,
    ``artist_ids`` their MusicBrainz ids. ``year`` is that of the first release where the file
    has both. ``notes`` list repaired, guessed and unreadable values; ``suspected_encoding`` is the
    likely code page of texts that were not decoded with it.
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
    notes: tuple[str, ...] = ()
    suspected_encoding: str | None = None
    disc: int | None = None

    def filled(self, metadata: Mapping[str, str], code_page: str | None = None) -> FileTags:
        """Replace missing and damaged tags by those of a container's ``metadata``.

        Bytes of ``metadata`` that are not UTF-8 are surrogates (``surrogateescape``).
        """
        lower = {key.lower(): value for key, value in metadata.items()}
        values = {
            key: [value.encode("utf-8", "surrogateescape")] for key, value in lower.items() if value
        }
        reader = _TextReader(code_page)
        texts = {name: reader.read(name, [values], keys) for name, keys in _CONTAINER_KEYS.items()}
        from_container = _from_texts(texts)
        missing = {
            name: getattr(from_container, name)
            for name in ("title", "artists", "album", "genres", "year", "track", "disc")
            if getattr(from_container, name) and _is_poor(getattr(self, name))
        }
        notes = reader.notes(missing)
        filled = replace(self, **missing, notes=(*self.notes, *notes))
        if (guess := reader.guess(missing)) is not None:
            filled = replace(filled, suspected_encoding=guess[0])
        pages = [lower[key] for key in ("purl", "comment") if key in lower]
        dates = [lower["date"]] if "date" in lower else []
        return filled._without_video_names(is_video(pages, dates))

    def _without_video_names(self, from_video: bool) -> FileTags:
        if not self.title:
            return self
        names = split_video_title(self.title, self.artists, from_video=from_video)
        if names is None:
            return self
        note = f"artist and title are taken from the title of a video: {self.title}"
        title, artists = names
        changes = {} if artists == self.artists else {"artist_names": (), "artist_ids": ()}
        return replace(self, title=title, artists=artists, notes=(*self.notes, note), **changes)


@dataclass(frozen=True)
class Cover:
    """Embedded picture: ``data`` as in the file, ``kind`` its media type."""

    kind: str
    data: bytes


def read_tags(path: Path, code_page: str | None = None) -> FileTags:
    """Read the tags of the file at ``path`` and the lyrics of an .lrc file beside it.

    Several kinds of tags in one file are merged: those of its format, ID3v2, APEv2, ID3v1. Damaged
    tags are left out and noted; no error is raised. ``code_page`` is the encoding of text that
    declares none (``SONGREC_TAG_ENCODING``).
    """
    try:
        with bounded_growth(MEMORY_BYTES):
            return _read_tags(path, code_page)
    except MemoryError:
        return FileTags(notes=(_TOO_LARGE,))


def _read_tags(path: Path, code_page: str | None) -> FileTags:
    opened = _open(path)
    reader = _TextReader(code_page)
    texts = {name: reader.read(name, opened.values, keys) for name, keys in _KEYS.items()}
    from_video = is_video(texts.pop("page"), texts["year"])
    if not texts["lyrics"] and (lyrics := read_beside(path, code_page)):
        texts["lyrics"] = [lyrics]
    tags = replace(
        _from_texts(texts),
        has_cover=_cover(opened) is not None,
        notes=(*opened.notes, *reader.notes()),
        suspected_encoding=guess[0] if (guess := reader.guess()) else None,
    )
    return tags._without_video_names(from_video)


def read_timed_lyrics(path: Path, code_page: str | None = None) -> list[TimedLine]:
    """Read synchronised lyrics from a file's tags; empty if they have no times."""
    opened = _open(path)
    texts = _TextReader(code_page).read("lyrics", opened.values, _KEYS["lyrics"])
    timed = next(filter(None, map(timed_lines, texts)), [])
    frames = (
        frame
        for source in opened.sources
        if isinstance(source, ID3Tags)
        for frame in source.getall("SYLT")
        if frame.format == _MILLISECONDS
    )
    return timed or next(filter(None, (timed_units(frame.text or []) for frame in frames)), [])


def read_cue_sheet(path: Path, code_page: str | None = None) -> str | None:
    """Read the CUE sheet of an album file from its own tags; None without one."""
    keys = ("cuesheet", "txxx:cuesheet", "----:cuesheet")
    try:
        with bounded_growth(MEMORY_BYTES):
            texts = _TextReader(code_page).read("cue_sheet", _open(path).values, keys)
    except MemoryError:
        return None  # reading the other tags reports the error
    return "\n".join(texts) or None


def read_cover(path: Path) -> Cover | None:
    """Read the front cover (JPEG, PNG, GIF or WebP by content), else the first picture.

    Pictures above ``LARGEST_COVER`` bytes or ``MOST_PIXELS`` are ignored.
    """
    try:
        with bounded_growth(MEMORY_BYTES):
            return _cover(_open(path))
    except MemoryError:
        return None


_TOO_LARGE = f"its tags need more than {MEMORY_BYTES // 2**20} MiB of memory and are not read"


@dataclass
class _OpenedTags:
    """Tags of a file, best kind first: mutagen's objects, and values by lower-case key."""

    sources: list[Any] = field(default_factory=list)
    values: list[dict[str, list[str | bytes]]] = field(default_factory=list)
    pictures: list[Picture] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


def _open(path: Path) -> _OpenedTags:
    opened = _OpenedTags()
    file = _attempt(opened, lambda: mutagen.File(path))
    tags = None if file is None else file.tags
    if _starts_with_id3(path) or (isinstance(tags, ID3) and tags.version < (2,)):
        # Without ID3v1, which truncates values that APEv2 may have in full; dates unparsed.
        id3 = _attempt(opened, lambda: _id3v2(path))
        tags = None if isinstance(tags, ID3) else tags
    else:
        id3 = None
    opened.pictures = list(getattr(file, "pictures", None) or ())
    opened.sources = [source for source in (tags, id3) if source is not None]
    if not isinstance(tags, APEv2):
        opened.sources.append(read_ape(path))
    opened.values = [_values(source) for source in (*opened.sources, read_id3v1(path))]
    if any(opened.values):
        opened.notes = []  # what was wrong is the sound, which the decoder reports
    return opened


def _attempt(opened: _OpenedTags, read: Callable[[], Any]) -> Any:
    try:
        return read()
    except MemoryError:
        raise
    # Broken tags make mutagen raise nearly any exception; the song is kept.
    except Exception as error:  # noqa: BLE001
        what = clean(str(error))[:200]
        opened.notes = [f"its tags are damaged ({what})" if what else "its tags are damaged"]
        return None


def _starts_with_id3(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return file.read(3) == b"ID3"
    except OSError:
        return False


def _id3v2(path: Path) -> ID3 | None:
    try:
        return ID3(path, translate=False, load_v1=False)
    except ID3NoHeaderError:
        return None


def _values(tags: Any) -> dict[str, list[str | bytes]]:
    """Return the values of all texts by key in lower case."""
    values: dict[str, list[str | bytes]] = {}
    if isinstance(tags, ID3Tags):
        for frame in tags.values():
            key = f"{frame.FrameID}:{frame.desc}" if frame.FrameID == "TXXX" else frame.FrameID
            values.setdefault(key.lower(), []).extend(_frame_texts(frame))
        return values
    for key, raw in tags.items():
        if key.startswith("----:"):  # MP4: "----:com.apple.iTunes:ARTISTS"
            key = "----:" + key.rpartition(":")[2]
        for value in raw if isinstance(raw, list) else [raw]:
            values.setdefault(key.lower(), []).extend(_as_texts(value))
    return values


def _frame_texts(frame: Frame) -> list[str | bytes]:
    text = getattr(frame, "text", None) or getattr(frame, "url", None)
    if isinstance(frame, SYLT):
        return [from_synchronised(text or [])]
    texts = [str(part) for part in text] if isinstance(text, list) else [text] if text else []
    if getattr(frame, "encoding", None) == Encoding.LATIN1:
        return [part.encode("latin-1", "replace") for part in texts]
    return texts


def _as_texts(value: Any) -> list[str | bytes]:
    if isinstance(value, tuple):  # MP4's (track, of how many)
        return [str(value[0])] if value and value[0] else []
    if isinstance(value, bytes):
        return list(value.split(b"\0"))
    return list(str(value).split("\0"))  # several values in one APEv2 text


class _TextReader:
    """Decoder of a file's texts that records repaired and doubtful values."""

    def __init__(self, code_page: str | None) -> None:
        self._code_page = code_page
        self._mended: dict[str, dict[str, None]] = {}
        self._doubtful: dict[str, str] = {}

    def read(
        self, name: str, sources: Iterable[Mapping[str, Sequence[str | bytes]]], keys: Iterable[str]
    ) -> list[str]:
        """Return the texts of the first key that has a usable value in the first such source."""
        is_usable = _PARSERS.get(name, clean)
        for source in sources:
            for key in keys:
                texts = [
                    (part, decoded.how)
                    for value in _beginning(source.get(key, ()))
                    for decoded in [self._decode(value)]
                    for part in decoded.text.split("\0")
                    if is_usable(part)
                ]
                if texts:
                    self._note(name, texts)
                    return [text for text, _ in texts]
        return []

    def notes(self, fields: Container[str] | None = None) -> list[str]:
        """Describe repaired and doubtful values of ``fields`` (None: all fields)."""
        notes = []
        for how, names in self._mended.items():
            shown = [_SHOWN[name] for name in names if fields is None or name in fields]
            if shown:
                notes.append(f"{', '.join(shown)}: {how} in a field declared otherwise, mended")
        if (guess := self.guess(fields)) is not None:
            page, text = guess
            names = [_SHOWN[name] for name in self._doubtful if fields is None or name in fields]
            notes.append(
                f"{', '.join(names)}: looks like {page} ({text[:100]}): if that is right, set "
                f"SONGREC_TAG_ENCODING={page} and analyse again"
            )
        return notes

    def guess(self, fields: Container[str] | None = None) -> tuple[str, str] | None:
        """Guess the code page of texts that make no sense as Windows-1252, with the text in it."""
        texts = [text for name, text in self._doubtful.items() if fields is None or name in fields]
        return likely_code_page(texts)

    def _decode(self, value: str | bytes) -> DecodedText:
        if isinstance(value, bytes):
            return decode_bytes(value, self._code_page)
        return mend(value, self._code_page)

    def _note(self, name: str, texts: list[tuple[str, str | None]]) -> None:
        if name not in _SHOWN:
            return
        for text, how in texts:
            if how is not None:
                self._mended.setdefault(how, {})[name] = None
            elif not text.isascii():
                self._doubtful.setdefault(name, clean(text))


def _beginning(values: Iterable[str | bytes]) -> Iterator[str | bytes]:
    left = _LONGEST_TEXTS
    for value in values:
        if left <= 0:
            return
        yield value[:left]
        left -= len(value) + 1


_SHOWN = {"title": "title", "artists": "artist", "album": "album", "album_artist": "album artist"}


def _from_texts(texts: Mapping[str, list[str]]) -> FileTags:
    def first(name: str) -> str | None:
        return next((value for raw in texts.get(name, []) if (value := clean(raw))), None)

    def one_line(name: str) -> str | None:
        value = first(name)
        return value[: LONGEST[name]] if value else None

    def several(name: str) -> tuple[str, ...]:
        values = dict.fromkeys(filter(None, map(clean, texts.get(name, []))))
        return tuple(values)[:_MOST_VALUES]

    artists = several("artists")
    listed = several("artist_names") or (artists if len(artists) > 1 else ())
    ids = tuple(part for value in several("artist_ids") for part in re.split(r"[/;]\s*", value))
    if len(ids) == 1 and len(artists) == 1 and not listed:
        listed = artists  # a single id means a single artist, even with "&" in the name
    genres = [genre for raw in texts.get("genre", []) for genre in split_genres(raw)]
    lyrics = "\n\n".join(without_times(_lines(raw)) for raw in texts.get("lyrics", []))
    return FileTags(
        title=one_line("title"),
        artists=", ".join(artists)[: LONGEST["artists"]] or None,
        album=one_line("album"),
        genres=tuple(dict.fromkeys(genres))[:_MOST_VALUES],
        year=_first_release(year_of(first("original_year")), year_of(first("year"))),
        track=_number(first("track")),
        disc=_number(first("disc")),
        language=(first("language") or "").lower()[:40] or None,
        lyrics=lyrics.strip()[:LONGEST_LYRICS] or None,
        artist_names=listed,
        artist_ids=ids if len(ids) == len(listed) else (),
        album_artist=(first("album_artist") or "")[: LONGEST["artists"]] or None,
    )


def _is_poor(value: Any) -> bool:
    """Return whether a tag is missing or has characters that could not be decoded."""
    texts = value if isinstance(value, tuple) else (value,)
    return not value or any("\ufffd" in text for text in texts if isinstance(text, str))


def _lines(text: str) -> str:
    return "\n".join(clean(line) for line in text.replace("\0", "").splitlines())


def split_genres(text: str) -> list[str]:
    """Split a genre tag; ID3's numbers become names: ``17``, ``(17)``, ``(17)Rock``."""
    text = clean(text)
    numbers = re.match(r"(?:\((?:\d{1,3}|RX|CR)\))*", text)
    coded = re.findall(r"\(([^)]*)\)", numbers[0]) if numbers else []
    rest = text[numbers.end() :].strip() if numbers else text
    if not coded and (alone := re.fullmatch(r"(\d{1,3})|(RX|CR)", rest)):
        coded, rest = [alone[1] or alone[2]], ""
    if rest.startswith("(("):  # ID3's escape for a literal parenthesis
        rest = rest[1:]
    named = [part.strip() for part in re.split(r"[;,]|(?<=\S) / (?=\S)", rest)]
    return [name[: LONGEST["genre"]] for name in (*map(_numbered_genre, coded), *named) if name]


def _numbered_genre(code: str) -> str | None:
    if code in ("RX", "CR"):
        return {"RX": "Remix", "CR": "Cover"}[code]
    return TCON.GENRES[int(code)] if int(code) < len(TCON.GENRES) else None  # 255: none


def year_of(text: str | None) -> int | None:
    """Return the year of a date in any usual notation, or None."""
    if text is None:
        return None
    if compact := re.search(r"(?<!\d)(1\d{3}|20\d{2})(0\d|1[0-2])([0-2]\d|3[01])?(?!\d)", text):
        return int(compact[1])  # yt-dlp: 20190614
    match = re.search(r"(?<!\d)(1\d{3}|20\d{2})(?!\d)", text)
    return int(match[1]) if match else None


def _first_release(original: int | None, release: int | None) -> int | None:
    """Return the year of the first release, which cannot be later than this one."""
    years = [year for year in (original, release) if year is not None]
    return min(years, default=None)


def _number(text: str | None) -> int | None:
    match = re.match(r"\s*(\d{1,5})", text or "")
    return int(match[1]) if match and int(match[1]) else None


_PARSERS: dict[str, Callable[[str], Any]] = {
    "genre": split_genres,
    "year": year_of,
    "original_year": year_of,
    "track": _number,
    "disc": _number,
}


def _cover(opened: _OpenedTags) -> Cover | None:
    pictures = list(_pictures(opened))
    fronts = [data for kind, data in pictures if kind == 3]
    for data in [*fronts, *(data for _, data in pictures)]:
        media = _media_type(data)
        if media and len(data) <= LARGEST_COVER:
            width, height = picture_size(data) or (0, 0)
            if width * height <= MOST_PIXELS:
                return Cover(media, data)
    return None


def _pictures(opened: _OpenedTags) -> Iterator[tuple[int, bytes]]:
    """Yield the kind (3: front cover, in all formats) and data of embedded pictures."""
    for picture in opened.pictures:
        yield picture.type, picture.data
    for source in opened.sources:
        try:
            if isinstance(source, ID3Tags):
                yield from ((frame.type, frame.data) for frame in source.getall("APIC"))
            else:
                yield from _keyed_pictures(source)
        except MemoryError:
            raise
        except Exception as error:  # noqa: BLE001 - damaged beyond what mutagen checks
            opened.notes.append(f"a picture is damaged ({type(error).__name__})")


def _keyed_pictures(tags: Any) -> Iterator[tuple[int, bytes]]:
    for key, raw in tags.items():
        for value in raw if isinstance(raw, list) else [raw]:
            data = value if isinstance(value, bytes) else getattr(value, "value", b"")
            match key.lower():
                case "covr":
                    yield 3, bytes(value)
                case "metadata_block_picture":
                    if (picture := _flac_picture(value)) is not None:
                        yield picture.type, picture.data
                case "coverart":  # what came before metadata_block_picture
                    yield 3, _base64(value)
                case "cover art (front)" if isinstance(data, bytes):
                    yield 3, data.partition(b"\0")[2]
                case "wm/picture" if isinstance(data, bytes) and len(data) > 5:
                    # kind, length of the data, media type and description in UTF-16, the data
                    yield data[0], data[-int.from_bytes(data[1:5], "little") or len(data) :]


def _flac_picture(value: str) -> Picture | None:
    try:
        return Picture(_base64(value))
    except (mutagen.MutagenError, ValueError, TypeError):
        return None


def _base64(value: str) -> bytes:
    try:
        return base64.b64decode(value)
    except (binascii.Error, ValueError, TypeError):
        return b""


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
