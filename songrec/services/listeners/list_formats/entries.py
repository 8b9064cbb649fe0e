"""Contents of a list of songs in any format: likes, plays, playlists and other data."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from songrec.catalogue_files import cell_values
from songrec.core.csv_output import defuse_formula, restore_text
from songrec.core.errors import BadInput
from songrec.core.track_identity import recording_key

KINDS = ("like", "dislike", "skip", "play", "playlist")
NAME_LENGTH = 200
TEXT_LENGTH = 500
PATH_LENGTH = 1_000
ID_LENGTH = 200
MAX_TIMES = 1_000_000
MAX_REFUSED = 100_000
_ARTIST_CELL = cell_values.artists_between(",")
_INVISIBLE = re.compile(r"[\x00-\x08\x0e-\x1b\x7f-\x84\x86-\x9f\ud800-\udfff]")
_UNSTORABLE = re.compile(r"[\x00\ud800-\udfff]")
_SEPARATORS = re.compile(r"[/:]")
VIDEO = "youtube:"
"""Namespace of the ids of videos."""


@dataclass(frozen=True, slots=True)
class ListEntry:
    """One song of a list.

    ``kind`` is one of ``KINDS``; ``ids`` are possible ids of the song in a catalogue, and ``path``
    is the path of its file in the list. ``weight`` is 1 to 3 for a like, else the number of skips
    or plays. ``playlist`` is the name of the playlist, and ``playlist_number`` its number in the
    list, -1 without one. A play has a time, or is the total of all plays until ``played_at``
    (``is_total``); ``own_id`` is the public id of a play's song in an export of songrec.
    """

    line: int
    kind: str = "like"
    ids: tuple[str, ...] = ()
    title: str = ""
    artists: str = ""
    weight: int = 1
    playlist: str = ""
    playlist_number: int = -1
    album: str = ""
    path: str = ""
    played_at: datetime | None = None
    ms_played: int | None = None
    is_skip: bool = False
    is_total: bool = False
    source: str = ""
    own_id: str = ""

    @property
    def label(self) -> str:
        """Artists and title, or the path, or the first id."""
        names = " – ".join(filter(None, (self.artists, self.title)))
        return names or self.path or (self.ids[0] if self.ids else "nothing")


@dataclass(frozen=True, slots=True)
class ListedPlaylist:
    """A playlist in a list; its name need not be unique."""

    name: str
    description: str = ""


@dataclass
class SongList:
    """Contents of a file.

    ``refused`` are unusable lines with the reason, ``passed_over`` counts things other than songs
    (albums, podcast episodes), ``notes`` are sentences on assumptions. ``mixes`` are settings of
    mixes, ``decisions`` songs of lists (artists, title) with the track chosen for them, if any.
    """

    format: str
    entries: list[ListEntry] = field(default_factory=list)
    refused: list[tuple[int, str]] = field(default_factory=list)
    playlists: list[ListedPlaylist] = field(default_factory=list)
    passed_over: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    mixes: list[dict[str, Any]] = field(default_factory=list)
    decisions: list[tuple[str, str, ListEntry | None]] = field(default_factory=list)

    def add(
        self,
        line: int,
        kind: str,
        *,
        ids: Iterable[Any] = (),
        title: Any = None,
        artists: Any = None,
        album: Any = None,
        weight: Any = 1,
        playlist: int = -1,
        playlist_name: str = "",
        path: str = "",
        played_at: datetime | None = None,
        ms_played: int | None = None,
        is_skip: bool = False,
        is_total: bool = False,
        source: str = "",
        own_id: str = "",
    ) -> None:
        """Add an entry; one without an id, a path, or both names is refused."""
        texts = [text for one in ids for text in _texts(one)]
        entry = ListEntry(
            line,
            kind,
            tuple(dict.fromkeys(one for text in texts for one in split_id(text))),
            one_line(title),
            artist_line(artists),
            whole(weight),
            self.playlists[playlist].name if playlist >= 0 else playlist_name[:NAME_LENGTH],
            playlist,
            one_line(album),
            _UNSTORABLE.sub("\ufffd", path)[:PATH_LENGTH],
            played_at,
            ms_played,
            is_skip,
            is_total,
            source,
            own_id[:ID_LENGTH],
        )
        if entry.own_id or entry.ids or entry.path or (entry.title and entry.artists):
            self.entries.append(entry)
        else:
            self.refuse(line, "has no id and no title with an artist")

    def refuse(self, line: int, reason: str) -> None:
        """Report an unusable line; ``BadInput`` if there are too many of them."""
        if len(self.refused) >= MAX_REFUSED:
            raise BadInput(f"More than {MAX_REFUSED:,} lines of this file are not songs.")
        self.refused.append((line, reason))

    def pass_over(self, what: str, number: int = 1) -> None:
        """Count things that are not songs; ``what`` is in the plural."""
        if number:
            self.passed_over[what] += number

    def note(self, sentence: str) -> None:
        """Add a sentence on an assumption, once."""
        if sentence not in self.notes:
            self.notes.append(sentence)

    def start_playlist(self, name: Any, description: Any = "") -> int:
        """Add a playlist and return its number, which is also its name if it has none."""
        title = one_line(name)[:NAME_LENGTH] or f"Playlist {len(self.playlists) + 1}"
        self.playlists.append(ListedPlaylist(title, one_line(description)))
        return len(self.playlists) - 1

    def number_of(self, name: str) -> int:
        """Return the number of the playlist with this name, adding it if necessary."""
        title = one_line(name)[:NAME_LENGTH]
        for number, playlist in enumerate(self.playlists):
            if playlist.name == title:
                return number
        return self.start_playlist(name)

    def append(self, other: SongList) -> None:
        """Append the contents of another file."""
        shift = len(self.playlists)
        self.playlists += other.playlists
        for entry in other.entries:
            if entry.playlist_number >= 0:
                entry = replace(entry, playlist_number=entry.playlist_number + shift)
            self.entries.append(entry)
        self.refused += other.refused
        self.passed_over += other.passed_over
        self.mixes += other.mixes
        self.decisions += other.decisions
        for sentence in other.notes:
            self.note(sentence)


def fill_names(listed: SongList) -> None:
    """Fill in the names of entries without names from other entries with the same id.

    A video without a name is refused, because catalogues have no ids of videos.
    """
    nameless = [one for one in listed.entries if not one.title and one.ids]
    if not nameless:
        return
    missing_ids = {id_ for one in nameless for id_ in one.ids}
    named: dict[str, ListEntry] = {}
    for one in listed.entries:
        if one.title and one.artists:
            for id_ in missing_ids.intersection(one.ids):
                named.setdefault(id_, one)
    entries: list[ListEntry] = []
    for one in listed.entries:
        source = next((named[id_] for id_ in one.ids if id_ in named), None)
        if source is not None and not one.title:
            ids = tuple(dict.fromkeys((*one.ids, *source.ids)))
            one = replace(
                one, ids=ids, title=source.title, artists=source.artists, album=source.album
            )
        if not one.title and one.ids and one.ids[0].startswith(VIDEO):
            listed.refuse(one.line, "is a video whose name is not in the file")
        else:
            entries.append(one)
    listed.entries = entries


def split_id(text: str) -> list[str]:
    """Return the given id and the id within a URI or address (``spotify:track:ID``).

    The last part of an address counts only where it is certain to be an id: after ``tracks`` or
    ``spotify:track``, or by its form. ``https://shazam.com/track/1`` does not name the song "1".
    """
    text = _INVISIBLE.sub("", text).strip().strip("'")
    if text.startswith("spotify:local:"):
        return []
    *before, last = _SEPARATORS.split(re.split(r"[?#]", text)[0].rstrip("/"))
    is_id = not before or recording_key(last) or before[-1] == "tracks"
    if not is_id and before[:2] != ["spotify", "track"]:
        last = text
    return [one for one in dict.fromkeys((text, last)) if one and len(one) <= ID_LENGTH]


def one_line(value: Any) -> str:
    """Return a text as a single line, without control characters and a spreadsheet's apostrophe."""
    if not isinstance(value, str):
        return ""
    text = restore_text(value)
    return " ".join(_INVISIBLE.sub("", text).split())[:TEXT_LENGTH]


def artist_line(value: Any) -> str:
    """Return the artist line, with separated names ("A;B", "A,B") joined by ", "."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        names = [one_line(one.get("name") if isinstance(one, dict) else one) for one in value]
        return ", ".join(filter(None, names))[:TEXT_LENGTH]
    text = one_line(value)
    # Lists have names in brackets ("(G)I-DLE (live)", "{0}"), but no notation of lists.
    if text.startswith("[") or (text[:1], text[-1:]) in (("(", ")"), ("{", "}")):
        return text
    return _ARTIST_CELL(defuse_formula(text)).line or text


def whole(value: Any) -> int:
    """Return a count of at least 1."""
    try:
        return min(max(int(value), 1), MAX_TIMES)
    except (TypeError, ValueError, OverflowError):
        return 1


def milliseconds(value: Any) -> int | None:
    """Return a number of milliseconds that fits into the database, or None."""
    is_number = isinstance(value, int | float) and not isinstance(value, bool)
    return int(value) if is_number and 0 <= value < 2**31 else None


def rows(value: Any) -> list[Any]:
    """Return ``value`` if it is a list, else an empty list."""
    return value if isinstance(value, list) else []


def fields(value: Any) -> dict[str, Any]:
    """Return ``value`` if it is a JSON object, else an empty one."""
    return value if isinstance(value, dict) else {}


def _texts(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, int) and not isinstance(value, bool):
        return [str(value)]
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []
