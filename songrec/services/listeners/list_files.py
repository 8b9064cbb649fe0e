"""Reader of lists of songs: CSV, JSPF, ListenBrainz feedback, songrec's own export.

Pure functions from bytes to entries; unreadable rows are reported by line, never dropped silently.
"""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass, field
from typing import Any

from songrec.catalogue_files import cell_values
from songrec.core.errors import BadInput

FORMAT = "songrec listener"
_ARTIST_CELL = cell_values.artists_between(",")
MAX_BYTES = 8 * 2**20
MAX_ENTRIES = 10_000
_TITLES = ("title", "track name", "track", "song", "name", "track_name")
_ARTISTS = ("artists", "artist", "artist name(s)", "artist name", "creator", "artist_name")
_IDS = (
    "external_id",
    "track_id",
    "spotify_id",
    "spotify id",
    "id",
    "uri",
    "track uri",
    "isrc",
    "spotify_track_uri",
    "address",
)
_VALUES = {"like": "like", "dislike": "dislike", "skip": "skip", "1": "like", "-1": "dislike"}


@dataclass(frozen=True, slots=True)
class ListEntry:
    """One song of a list.

    ``kind`` is like, dislike, skip or playlist (then ``playlist`` is its name); ``ids`` are the ids
    under which a catalogue may have it; ``weight`` is 1 to 3, or the number of skips.
    """

    line: int
    kind: str = "like"
    ids: tuple[str, ...] = ()
    title: str = ""
    artists: str = ""
    weight: int = 1
    playlist: str = ""

    @property
    def label(self) -> str:
        """Artists and title, or the first id."""
        names = " – ".join(filter(None, (self.artists, self.title)))
        return names or (self.ids[0] if self.ids else "nothing")


@dataclass(frozen=True)
class SongList:
    """Contents of a file; ``refused`` are unusable lines with the reason."""

    format: str
    entries: list[ListEntry] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    playlists: list[tuple[str, str]] = field(default_factory=list)


def read(content: bytes) -> SongList:
    """Read a file of any of the formats, detected from its content.

    Raises ``BadInput`` for an unknown format, an empty file or too many entries.
    """
    text = _decode(content)
    start = text.lstrip()[:1]
    if not start:
        raise BadInput("This file is empty.")
    result = _read_json(text) if start in "{[" else _read_csv(text)
    if len(result.entries) > MAX_ENTRIES:
        raise BadInput(
            f"This list has {len(result.entries):,} songs; at most {MAX_ENTRIES:,} are read."
        )
    if not result.entries and not result.refused and not result.playlists:
        raise BadInput("This file contains no songs.")
    return result


def _decode(content: bytes) -> str:
    for encoding in (
        ("utf-8-sig", "utf-16") if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",)
    ):
        try:
            return content.decode(encoding).replace("\0", "")
        except UnicodeDecodeError:
            continue
    return content.decode("cp1252", errors="replace").replace("\0", "")


def _read_json(text: str) -> SongList:
    try:
        document = json.loads(text)
    except RecursionError:
        raise BadInput("This file is nested too deeply to be a list of songs.") from None
    except json.JSONDecodeError:
        return _read_feedback(_json_lines(text))
    if isinstance(document, dict) and document.get("format") == FORMAT:
        return _read_export(document)
    if isinstance(document, dict) and isinstance(document.get("playlist"), dict):
        return _read_jspf(document["playlist"])
    if isinstance(document, dict) and isinstance(document.get("feedback"), list):
        return _read_feedback(list(enumerate(document["feedback"], 1)))
    if isinstance(document, list):
        return _read_feedback(list(enumerate(document, 1)))
    if isinstance(document, dict) and {"recording_mbid", "recording_msid"} & set(document):
        return _read_feedback([(1, document)])
    raise BadInput(
        "This JSON is not a JSPF playlist, ListenBrainz feedback or an export of songrec."
    )


def _json_lines(text: str) -> list[tuple[int, Any]]:
    rows: list[tuple[int, Any]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                rows.append((number, json.loads(line)))
            except (json.JSONDecodeError, RecursionError):
                rows.append((number, None))
    if all(row is None for _, row in rows):
        raise BadInput("This file begins like JSON but is not valid JSON.")
    return rows


def _read_jspf(playlist: dict[str, Any]) -> SongList:
    result = SongList("JSPF")
    tracks = playlist.get("track")
    for number, track in enumerate(tracks if isinstance(tracks, list) else [], 1):
        if not isinstance(track, dict):
            result.refused.append((number, "is not a track"))
            continue
        ids = [
            *_texts(track.get("identifier")),
            *_texts(track.get("location")),
            *_texts(track.get("info")),
        ]
        _add(result, number, "like", ids, track.get("title"), track.get("creator"))
    return result


def _read_feedback(rows: list[tuple[int, Any]]) -> SongList:
    result = SongList("ListenBrainz")
    for number, row in rows:
        if not isinstance(row, dict):
            result.refused.append((number, "is not a JSON object"))
            continue
        score = row.get("score", 1)
        if score not in (1, -1):
            result.refused.append((number, "is neither loved nor hated"))
            continue
        metadata = row.get("track_metadata")
        metadata = metadata if isinstance(metadata, dict) else {}
        more = metadata.get("additional_info")
        more = more if isinstance(more, dict) else {}
        ids = [
            *_texts(more.get("spotify_id")),
            *_texts(more.get("isrc")),
            *_texts(row.get("recording_mbid")),
            *_texts(row.get("recording_msid")),
        ]
        _add(
            result,
            number,
            "like" if score == 1 else "dislike",
            ids,
            metadata.get("track_name"),
            metadata.get("artist_name"),
        )
    return result


def _read_export(document: dict[str, Any]) -> SongList:
    result = SongList("songrec")
    number = 0
    for kind, name in (("like", "likes"), ("dislike", "dislikes"), ("skip", "skips")):
        for row in _rows(document.get(name)):
            number += 1
            _add_exported(result, number, kind, row)
    for playlist in _rows(document.get("playlists")):
        if not isinstance(playlist, dict) or not str(playlist.get("name") or "").strip():
            result.refused.append((number, "is a playlist without a name"))
            continue
        name = str(playlist["name"])[:200]
        result.playlists.append((name, str(playlist.get("description") or "")[:500]))
        for row in _rows(playlist.get("tracks")):
            number += 1
            _add_exported(result, number, "playlist", row, name)
    for row in _rows(document.get("waiting")):
        number += 1
        fields = row if isinstance(row, dict) else {}
        kind = str(fields.get("kind"))
        kind = kind if kind in ("like", "dislike", "skip", "playlist") else "like"
        _add_exported(result, number, kind, row, str(fields.get("playlist") or ""))
    return result


def _add_exported(result: SongList, number: int, kind: str, row: Any, playlist: str = "") -> None:
    if not isinstance(row, dict):
        result.refused.append((number, "is not a song"))
        return
    weight = row.get("times" if kind == "skip" else "weight", 1)
    _add(
        result,
        number,
        kind,
        [*_texts(row.get("id")), *_texts(row.get("external_id"))],
        row.get("title"),
        row.get("artists"),
        weight,
        playlist,
    )


def _read_csv(text: str) -> SongList:
    result = SongList("CSV")
    head = text.lstrip().splitlines()[0]
    delimiter = max(",;\t", key=head.count)
    rows = csv.reader(io.StringIO(text.lstrip()), delimiter=delimiter)
    try:
        names = [name.strip().lower() for name in next(rows)]
        title, artists = _column(names, _TITLES), _column(names, _ARTISTS)
        ids = [names.index(name) for name in _IDS if name in names]
        if title is None and not ids:
            raise BadInput(
                "This CSV has no column for titles or ids "
                f"({', '.join(_IDS[:3])}); its first line must name the columns."
            )
        value, weight = _column(names, ("value", "score")), _column(names, ("weight",))
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue

            def cell(at: int | None, row: list[str] = row) -> str:
                return row[at] if at is not None and at < len(row) else ""

            kind = _VALUES.get(cell(value).strip().lower() or "like")
            if kind is None:
                result.refused.append((rows.line_num, f"says {cell(value)[:20]!r}, not like"))
                continue
            _add(
                result,
                rows.line_num,
                kind,
                [cell(at) for at in ids],
                cell(title),
                cell(artists),
                cell(weight) or 1,
            )
    except csv.Error as error:
        raise BadInput(f"Line {rows.line_num} of this CSV cannot be read: {error}.") from error
    return result


def _column(names: list[str], aliases: tuple[str, ...]) -> int | None:
    return next((names.index(name) for name in aliases if name in names), None)


def _add(
    result: SongList,
    line: int,
    kind: str,
    ids: list[str],
    title: Any,
    artists: Any,
    weight: Any = 1,
    playlist: str = "",
) -> None:
    names = tuple(dict.fromkeys(one for text in ids for one in _split_id(text)))
    entry = ListEntry(
        line, kind, names, _name(title), _artist_line(artists), _whole(weight), playlist
    )
    if entry.ids or (entry.title and entry.artists):
        result.entries.append(entry)
    else:
        result.refused.append((line, "has no id and no title with an artist"))


def _split_id(text: str) -> list[str]:
    """Return the id as written and the last part of a URI or address (``spotify:track:ID``)."""
    text = text.strip().strip("'")[:200]
    last = re.split(r"[/:]", text.split("?")[0].rstrip("/"))[-1]
    return [one for one in dict.fromkeys((text, last)) if one]


def _rows(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _name(value: Any) -> str:
    text = " ".join(value.split())[:500] if isinstance(value, str) else ""
    # `playlist_export.defuse_formula` put an apostrophe before it.
    return text[1:] if re.match(r"'[=+\-@]", text) else text


def _artist_line(value: Any) -> str:
    """The artist line; names that the file separates ("A;B", "A,B") are joined as in catalogues."""
    return _ARTIST_CELL(_name(value)).line if isinstance(value, str) else ""


def _whole(value: Any) -> int:
    try:
        return min(max(int(value), 1), 1000)
    except (TypeError, ValueError, OverflowError):
        return 1
