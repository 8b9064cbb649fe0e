"""CUE sheets: the tracks of an album that is one file, or a few."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from songrec.audio_files.lyrics_text import decode_text_file
from songrec.audio_files.tag_text import LONGEST, clean
from songrec.audio_files.tags import FileTags, split_genres, year_of
from songrec.core.errors import BadInput
from songrec.core.files import open_regular

FRAMES_PER_S = 75
LARGEST_BYTES = 2**20
MOST_TRACKS = 999
_LINE = re.compile(r"([A-Za-z]+)\s*(.*)", re.DOTALL)
_TIME = re.compile(r"(\d{1,2})\s+(\d{1,4}):(\d{1,2})(?:[:.](\d{1,2}))?$")


@dataclass(frozen=True)
class CueTrack:
    """A track of a sheet, with its start and end in its file in seconds.

    ``end_s`` is None for the end of the file.
    """

    number: int
    start_s: float
    end_s: float | None = None
    title: str | None = None
    performer: str | None = None


@dataclass(frozen=True)
class CueFile:
    """A file that a sheet names, with the tracks that begin in it."""

    name: str
    tracks: tuple[CueTrack, ...] = ()


@dataclass(frozen=True)
class CueSheet:
    """An album: its files, and the values that hold for all of its tracks."""

    files: tuple[CueFile, ...]
    title: str | None = None
    performer: str | None = None
    genre: str | None = None
    date: str | None = None


def read(path: Path, code_page: str | None = None) -> CueSheet:
    """Read a .cue file; ``BadInput`` with one line of reason if it is not a CUE sheet."""
    try:
        with open_regular(path) as file:
            data = file.read(LARGEST_BYTES + 1)
        if len(data) > LARGEST_BYTES:
            raise BadInput("is too large for a cue sheet")
    except OSError as error:
        raise BadInput(f"cannot be read: {error.strerror}") from None
    return parse(decode_text_file(data, code_page))


@dataclass
class _Draft:
    number: int
    is_audio: bool
    values: dict[str, str] = field(default_factory=dict)
    indexes: dict[int, tuple[int, float]] = field(default_factory=dict)


def parse(text: str) -> CueSheet:
    """Parse a cue sheet.

    A track begins at its index 1 (else at its first index) in the last file named before it, and
    ends where the next track in that file begins. Data tracks are left out, unknown commands
    ignored.

    Raises ``BadInput`` where no track has a time, or the times do not ascend.
    """
    names: list[str] = []
    album: dict[str, str] = {}
    drafts: list[_Draft] = []
    for line in text.replace("\0", "").splitlines():
        match = _LINE.match(line.strip())
        if match is None:
            continue
        command, value = match[1].upper(), match[2]
        values = drafts[-1].values if drafts else album
        if command == "REM":
            key, _, value = value.partition(" ")
            album.setdefault(key.upper(), _unquoted(value))
        elif command == "FILE":
            names.append(_file_name(value))
        elif command == "TRACK":
            number = re.match(r"\d+", value)
            is_audio = not re.search(r"\b(MODE|CDI|CDG)", value.upper())
            drafts.append(_Draft(int(number[0]) if number else len(drafts) + 1, is_audio))
        elif command == "INDEX" and drafts and names:
            if (time := _TIME.match(value)) is not None:
                index, minutes, seconds, frames = (int(part or 0) for part in time.groups())
                at = 60 * minutes + seconds + frames / FRAMES_PER_S
                drafts[-1].indexes.setdefault(index, (len(names) - 1, at))
        elif command in ("TITLE", "PERFORMER"):
            values.setdefault(command, _unquoted(value))
    return CueSheet(
        tuple(_files(names, drafts)),
        _text(album, "TITLE", "album"),
        _text(album, "PERFORMER", "artists"),
        _text(album, "GENRE", "genre"),
        album.get("DATE"),
    )


def _files(names: Sequence[str], drafts: Iterable[_Draft]) -> Iterable[CueFile]:
    starts: dict[int, list[tuple[float, _Draft]]] = {at: [] for at in range(len(names))}
    for draft in drafts:
        if draft.indexes:
            file, start = draft.indexes.get(1) or draft.indexes[min(draft.indexes)]
            starts[file].append((start, draft))
    if not any(starts.values()):
        raise BadInput("names no tracks with times")
    if sum(map(len, starts.values())) > MOST_TRACKS:
        raise BadInput(f"names more than {MOST_TRACKS} tracks")
    for file, name in enumerate(names):
        yield CueFile(name, tuple(_tracks(starts[file])))


def _tracks(starts: Sequence[tuple[float, _Draft]]) -> Iterable[CueTrack]:
    ends = [start for start, _ in starts[1:]]
    for (start, draft), end in zip(starts, [*ends, None], strict=True):
        if end is not None and end <= start:
            raise BadInput(f"has times that do not ascend (track {draft.number})")
        if draft.is_audio:
            yield CueTrack(
                draft.number,
                round(start, 4),
                None if end is None else round(end, 4),
                _text(draft.values, "TITLE", "title"),
                _text(draft.values, "PERFORMER", "artists"),
            )


def _unquoted(value: str) -> str:
    """Return a value without its quotes, which may contain others."""
    value = value.strip()
    if value[:1] == '"':
        value = value[1:].rstrip()
        return value[:-1] if value.endswith('"') else value
    return value


def _file_name(value: str) -> str:
    """Return the name of ``FILE "name" WAVE``, folders separated by slashes."""
    quoted = re.match(r'"(.*)"', value)
    name = quoted[1] if quoted else re.sub(r"(?<!\s)\s+[A-Za-z0-9]+$", "", value)
    return name.strip().replace("\\", "/")


def _text(values: dict[str, str], key: str, field_name: str) -> str | None:
    return clean(values.get(key, ""))[: LONGEST[field_name]] or None


@dataclass(frozen=True)
class AlbumPart:
    """One track of an album file, with the sheet's values for the track and the album.

    ``sheet`` is the name of the .cue file, None for a sheet inside the album file's tags.
    """

    number: int
    start_s: float
    end_s: float | None
    title: str | None
    performer: str | None
    album: str | None
    album_performer: str | None
    genre: str | None
    date: str | None
    sheet: str | None = None


def parts_of(sheet: CueSheet, file: CueFile, name: str | None) -> tuple[AlbumPart, ...]:
    """Return the tracks of ``file`` as parts; empty if the file is a single track.

    Repeated numbers (two discs in one sheet) are replaced by consecutive ones.
    """
    if len(file.tracks) < 2:
        return ()
    numbers = [track.number for track in file.tracks]
    if len(set(numbers)) < len(numbers) or min(numbers) < 1:
        numbers = list(range(1, len(numbers) + 1))
    return tuple(
        AlbumPart(
            number,
            track.start_s,
            track.end_s,
            track.title,
            track.performer or sheet.performer,
            sheet.title,
            sheet.performer,
            sheet.genre,
            sheet.date,
            name,
        )
        for number, track in zip(numbers, file.tracks, strict=True)
    )


def tags_of(part: AlbumPart, album: FileTags) -> FileTags:
    """Combine the sheet's tags of the track with the file's tags of the album."""
    artists = part.performer or album.artists
    same = artists == album.artists
    return replace(
        album,
        title=part.title or f"Track {part.number}",
        artists=artists,
        album=album.album or part.album,
        genres=album.genres or tuple(split_genres(part.genre or "")),
        year=album.year or year_of(part.date),
        track=part.number,
        lyrics=None,
        artist_names=album.artist_names if same else (),
        artist_ids=album.artist_ids if same else (),
        album_artist=album.album_artist or part.album_performer,
    )


def match_file(name: str, sheet: Path, beside: Mapping[str, Path], *, is_only: bool) -> Path | None:
    """Find the sound file that a sheet refers to as ``name``; None if no file is certain.

    Tried in this order: the name without regard to case; the name with another extension (the album
    was encoded after the sheet was written); and, if the sheet names no other file (``is_only``),
    the sheet's own name, or the only sound file in the folder. ``beside`` maps the ``normalized``
    relative paths in and below the sheet's folder to sound files.
    """
    target = normalized(name)
    for candidate in (target, target.rpartition("/")[2]):
        if candidate in beside:
            return beside[candidate]
    here = {key: path for key, path in beside.items() if "/" not in key}
    base = target.rpartition("/")[2]
    stems = [base.rpartition(".")[0] or base]
    if is_only:
        stems.append(normalized(sheet.stem))
        stems.append(stems[-1].rpartition(".")[0])  # album.flac.cue
    for stem in filter(None, stems):
        same = [path for key, path in here.items() if stem in (key, key.rpartition(".")[0])]
        if len(same) == 1:
            return same[0]
    return next(iter(here.values())) if is_only and len(here) == 1 else None


def normalized(name: str) -> str:
    """Return a file's name for comparison: composed Unicode, without case."""
    return unicodedata.normalize("NFC", name).casefold()
