"""Tables and lists without a header: ids, plays of Last.fm, lines of ``Artist - Title``."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from songrec.core.track_identity import recording_key
from songrec.services.listeners.list_formats.dates import has_time_of_day, moment
from songrec.services.listeners.list_formats.entries import SongList
from songrec.services.listeners.list_formats.m3u import split_name

_SURE = 0.8
LINES = "Text"
"""Name of the format of lines with two names."""
ARTIST_FIRST = "The lines were read as “Artist - Title”."
TITLE_FIRST = "The lines were read as “Title - Artist”."


@dataclass
class RawTable:
    """A table: names of columns, and for each line its cells or the error of reading it."""

    header: list[str]
    rows: list[tuple[int, list[str] | str]]
    notes: list[str] = field(default_factory=list)

    @property
    def cells(self) -> list[list[str]]:
        """The readable rows."""
        return [row for _, row in self.rows if not isinstance(row, str)]

    def column(self, at: int) -> list[str]:
        """Return the non-empty cells of a column."""
        return [row[at].strip() for row in self.cells if at < len(row) and row[at].strip()]


def read_without_header(table: RawTable, text: str) -> SongList | None:
    """Read a file without a header; None if its format is unknown."""
    return _read_ids(table) or _read_headerless(table) or _read_lines(text)


def _read_ids(table: RawTable) -> SongList | None:
    """Read rows with ids of recordings and no header: one Spotify address per line."""
    if not any(map(recording_key, table.header)):
        return None
    result = SongList("Ids")
    result.note("The columns have no names; the ids in them were read.")
    for line, row in [(1, table.header), *table.rows]:
        ids = [] if isinstance(row, str) else [cell for cell in row if recording_key(cell)]
        if ids:
            result.add(line, "like", ids=ids)
        else:
            result.refuse(line, row if isinstance(row, str) else "has no id")
    return result


def _read_headerless(table: RawTable) -> SongList | None:
    """Read plays without a header: artist, album, track, time; or date, time, artist, title."""
    rows = [(1, table.header), *table.rows]
    lines = [row for _, row in rows if not isinstance(row, str) and any(row)]
    at_end = [row for row in lines if len(row) in (3, 4) and has_time_of_day(row[-1])]
    at_start = [row for row in lines if len(row) == 4 and has_time_of_day(f"{row[0]} {row[1]}")]
    result = SongList("Last.fm")
    if len(at_end) >= _SURE * len(lines):
        result.note("The columns have no names; they were read as artist, album, track, time.")
    elif len(at_start) >= _SURE * len(lines):
        result.note("The columns have no names; they were read as date, time, artist, title.")
    else:
        return None
    for line, row in rows:
        if isinstance(row, str) or len(row) not in (3, 4):
            result.refuse(
                line, row if isinstance(row, str) else "has fewer or more cells than other lines"
            )
            continue
        from_end = len(at_end) >= _SURE * len(lines)
        played_at = moment(row[-1] if from_end else f"{row[0]} {row[1]}")
        if played_at is None:
            result.refuse(line, "has no readable time")
            continue
        title, artists = (row[-2], row[0]) if from_end else (row[3], row[2])
        result.add(
            line,
            "play",
            title=title,
            artists=artists,
            album=row[1] if from_end and len(row) == 4 else "",
            played_at=played_at,
            source="lastfm",
        )
    return result


def _read_lines(text: str) -> SongList | None:
    """Read lines of ``Artist - Title``."""
    lines = [(number, line.strip()) for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1)]
    lines = [(number, line) for number, line in lines if line and not line.startswith("#")]
    dashed = sum(bool(split_name(line)[0]) for _, line in lines)
    if not lines or dashed < _SURE * len(lines):
        return None
    result = SongList(LINES)
    result.note(ARTIST_FIRST)
    for number, line in lines:
        artists, title = split_name(re.sub(r"^\d{1,4}[.)]\s+", "", line))
        result.add(number, "like", title=title, artists=artists)
    return result
