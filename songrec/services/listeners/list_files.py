"""Lists of liked songs as files: CSV, JSPF, ListenBrainz feedback, songrec's own export.

Pure functions from bytes to entries; what cannot be read is told by line, never dropped silently.
"""

from __future__ import annotations

import csv
import io
import json
import re
from dataclasses import dataclass, field
from typing import Any

from songrec.core.errors import BadInput

FORMAT = "songrec listener"
LARGEST = 8 * 2**20
MOST = 10_000
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
class Entry:
    """One song of a list. ``kind`` is like, dislike, skip or playlist (then ``playlist`` names it);
    ``ids`` are all names that a catalogue may know it by; ``weight`` 1 to 3, of skips how often.
    """

    line: int
    kind: str = "like"
    ids: tuple[str, ...] = ()
    title: str = ""
    artists: str = ""
    weight: int = 1
    playlist: str = ""

    @property
    def shown(self) -> str:
        """How a person recognises it."""
        names = " – ".join(filter(None, (self.artists, self.title)))
        return names or (self.ids[0] if self.ids else "nothing")


@dataclass(frozen=True)
class Listed:
    """What a file holds; ``refused`` are lines that say nothing usable and why."""

    format: str
    entries: list[Entry] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    playlists: list[tuple[str, str]] = field(default_factory=list)


def read(content: bytes) -> Listed:
    """The entries of a file of any of the formats, which is told by what it holds.

    Raises ``BadInput`` for a file that is none of them, is empty or has too many entries.
    """
    text = _decoded(content)
    start = text.lstrip()[:1]
    if not start:
        raise BadInput("This file is empty.")
    found = _read_json(text) if start in "{[" else _read_csv(text)
    if len(found.entries) > MOST:
        raise BadInput(f"This list has {len(found.entries):,} songs; at most {MOST:,} are read.")
    if not found.entries and not found.refused and not found.playlists:
        raise BadInput("There is no song in this file.")
    return found


def _decoded(content: bytes) -> str:
    for encoding in (
        ("utf-8-sig", "utf-16") if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig",)
    ):
        try:
            return content.decode(encoding).replace("\0", "")
        except UnicodeDecodeError:
            continue
    return content.decode("cp1252", errors="replace").replace("\0", "")


def _read_json(text: str) -> Listed:
    try:
        whole = json.loads(text)
    except RecursionError:
        raise BadInput("This file is nested too deeply to be a list of songs.") from None
    except json.JSONDecodeError:
        return _feedback(_lines(text))
    if isinstance(whole, dict) and whole.get("format") == FORMAT:
        return _own(whole)
    if isinstance(whole, dict) and isinstance(whole.get("playlist"), dict):
        return _jspf(whole["playlist"])
    if isinstance(whole, dict) and isinstance(whole.get("feedback"), list):
        return _feedback(list(enumerate(whole["feedback"], 1)))
    if isinstance(whole, list):
        return _feedback(list(enumerate(whole, 1)))
    if isinstance(whole, dict) and {"recording_mbid", "recording_msid"} & set(whole):
        return _feedback([(1, whole)])
    raise BadInput("This JSON is neither a JSPF playlist nor ListenBrainz feedback nor our export.")


def _lines(text: str) -> list[tuple[int, Any]]:
    rows: list[tuple[int, Any]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip():
            try:
                rows.append((number, json.loads(line)))
            except (json.JSONDecodeError, RecursionError):
                rows.append((number, None))
    if all(row is None for _, row in rows):
        raise BadInput("This file begins like JSON but is none.")
    return rows


def _jspf(playlist: dict[str, Any]) -> Listed:
    found = Listed("JSPF")
    tracks = playlist.get("track")
    for number, track in enumerate(tracks if isinstance(tracks, list) else [], 1):
        if not isinstance(track, dict):
            found.refused.append((number, "is no track"))
            continue
        ids = [
            *_texts(track.get("identifier")),
            *_texts(track.get("location")),
            *_texts(track.get("info")),
        ]
        _take(found, number, "like", ids, track.get("title"), track.get("creator"))
    return found


def _feedback(rows: list[tuple[int, Any]]) -> Listed:
    found = Listed("ListenBrainz")
    for number, row in rows:
        if not isinstance(row, dict):
            found.refused.append((number, "is no JSON object"))
            continue
        score = row.get("score", 1)
        if score not in (1, -1):
            found.refused.append((number, "says neither loved nor hated"))
            continue
        named = row.get("track_metadata")
        named = named if isinstance(named, dict) else {}
        more = named.get("additional_info")
        more = more if isinstance(more, dict) else {}
        ids = [
            *_texts(more.get("spotify_id")),
            *_texts(more.get("isrc")),
            *_texts(row.get("recording_mbid")),
            *_texts(row.get("recording_msid")),
        ]
        _take(
            found,
            number,
            "like" if score == 1 else "dislike",
            ids,
            named.get("track_name"),
            named.get("artist_name"),
        )
    return found


def _own(whole: dict[str, Any]) -> Listed:
    found = Listed("songrec")
    number = 0
    for kind, name in (("like", "likes"), ("dislike", "dislikes"), ("skip", "skips")):
        for row in _rows(whole.get(name)):
            number += 1
            _take_own(found, number, kind, row)
    for playlist in _rows(whole.get("playlists")):
        if not isinstance(playlist, dict) or not str(playlist.get("name") or "").strip():
            found.refused.append((number, "is a playlist without a name"))
            continue
        name = str(playlist["name"])[:200]
        found.playlists.append((name, str(playlist.get("description") or "")[:500]))
        for row in _rows(playlist.get("tracks")):
            number += 1
            _take_own(found, number, "playlist", row, name)
    for row in _rows(whole.get("waiting")):
        number += 1
        said = row if isinstance(row, dict) else {}
        kind = str(said.get("kind"))
        kind = kind if kind in ("like", "dislike", "skip", "playlist") else "like"
        _take_own(found, number, kind, row, str(said.get("playlist") or ""))
    return found


def _take_own(found: Listed, number: int, kind: str, row: Any, playlist: str = "") -> None:
    if not isinstance(row, dict):
        found.refused.append((number, "is no song"))
        return
    weight = row.get("times" if kind == "skip" else "weight", 1)
    _take(
        found,
        number,
        kind,
        [*_texts(row.get("id")), *_texts(row.get("external_id"))],
        row.get("title"),
        row.get("artists"),
        weight,
        playlist,
    )


def _read_csv(text: str) -> Listed:
    found = Listed("CSV")
    head = text.lstrip().splitlines()[0]
    delimiter = max(",;\t", key=head.count)
    rows = csv.reader(io.StringIO(text.lstrip()), delimiter=delimiter)
    try:
        names = [name.strip().lower() for name in next(rows)]
        title, artists = _column(names, _TITLES), _column(names, _ARTISTS)
        ids = [names.index(name) for name in _IDS if name in names]
        if title is None and not ids:
            raise BadInput(
                "This CSV has neither a column title nor one of ids "
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
                found.refused.append((rows.line_num, f"says {cell(value)[:20]!r}, not like"))
                continue
            _take(
                found,
                rows.line_num,
                kind,
                [cell(at) for at in ids],
                cell(title),
                cell(artists),
                cell(weight) or 1,
            )
    except csv.Error as error:
        raise BadInput(f"Line {rows.line_num} of this CSV cannot be read: {error}.") from error
    return found


def _column(names: list[str], wanted: tuple[str, ...]) -> int | None:
    return next((names.index(name) for name in wanted if name in names), None)


def _take(
    found: Listed,
    line: int,
    kind: str,
    ids: list[str],
    title: Any,
    artists: Any,
    weight: Any = 1,
    playlist: str = "",
) -> None:
    names = tuple(dict.fromkeys(one for text in ids for one in _ids_in(text)))
    entry = Entry(line, kind, names, _name(title), _name(artists), _whole(weight), playlist)
    if entry.ids or (entry.title and entry.artists):
        found.entries.append(entry)
    else:
        found.refused.append((line, "names neither an id nor title and artist"))


def _ids_in(text: str) -> list[str]:
    """The id as written, and what is left of ``spotify:track:ID`` and of an address."""
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
    # What `playlist_files.harmless` put in front of what a spreadsheet would run.
    return text[1:] if re.match(r"'[=+\-@]", text) else text


def _whole(value: Any) -> int:
    try:
        return min(max(int(value), 1), 1000)
    except (TypeError, ValueError, OverflowError):
        return 1
