"""Tables of songs: CSV and similar formats, read as tolerantly as catalogues.

The columns are recognised like those of a catalogue; additional ones determine the kind of the
songs: the time of a play, the name of a playlist, like or dislike. Services whose whole tables are
playlists or histories are recognised by their headers.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from songrec.catalogue_files import cell_values
from songrec.catalogue_files.column_names import parse_column_name
from songrec.catalogue_files.column_recognition import ColumnMapping, recognise_columns
from songrec.catalogue_files.dialect_detection import normalize
from songrec.catalogue_files.reading import open_text
from songrec.catalogue_files.rejects import Reject
from songrec.core.errors import BadInput
from songrec.core.track_identity import recording_key
from songrec.services.listeners.list_formats import youtube
from songrec.services.listeners.list_formats.dates import (
    has_time_of_day,
    is_day_first,
    lacks_zone,
    moment,
)
from songrec.services.listeners.list_formats.entries import SongList, one_line
from songrec.services.listeners.list_formats.headerless import RawTable, read_without_header
from songrec.services.listeners.list_formats.itunes_xml import add_rating
from songrec.services.listeners.list_formats.locations import as_path
from songrec.services.listeners.list_formats.m3u import split_name
from songrec.services.listeners.list_formats.table_services import (
    COLUMN_NAMES,
    DISLIKED,
    FIELDS,
    IDS,
    LIKED,
    ROLES,
    SERVICES,
    TYPES,
    VALUES,
    YES,
    Service,
)
from songrec.store.listeners.skips import MAX_SECONDS

_VIDEO_ID = re.compile(r"[\w-]{11}")
_VIDEO_COLUMN = re.compile(r"vid|wideo|film|видео|動画|동영상|影片|視頻|视频")
TAKEOUT = (
    "This is a playlist of Google Takeout, which names its videos by id only. Import the whole "
    "ZIP, with the history and the library in it, or export the playlist with titles "
    "(TuneMyMusic, Soundiiz)."
)
_SURE = 0.8


@dataclass
class _Layout:
    """Recognised columns of a table: ``columns`` by field or role, ``ids`` the columns of ids.

    ``isrcs`` are columns of ISRC codes, ``artists`` columns of one artist each; ``star`` is the
    value of one star in a column of ratings, 0 without ratings; ``day_first``: whether ``1/2/2021``
    is in February; ``splits_titles``: whether titles are ``Artist - Title``.
    """

    columns: dict[str, int]
    ids: list[int]
    service: Service | None
    mapping: ColumnMapping
    isrcs: frozenset[int] = frozenset()
    artists: tuple[int, ...] = ()
    star: float = 0.0
    day_first: bool = False
    splits_titles: bool = False

    def cell(self, row: Sequence[str], name: str) -> str:
        """Return a cell by its field or role, empty without that column."""
        at = self.columns.get(name)
        return row[at].strip() if at is not None and at < len(row) else ""


def read_table(text: str, name: str) -> SongList:
    """Read a table with a header, or in one of the known formats without one."""
    table = _open(text)
    layout = None if any(map(recording_key, table.header)) else _layout(table)
    if layout and not {"artists", "both", "path"} & set(layout.columns) and _is_takeout(table):
        layout = None
    if layout is None:
        result = read_without_header(table, text)
        if result is not None:
            return result
        message = _explain(table)
        if message == TAKEOUT:
            numbered = [(1, table.header), *((n, row) for n, row in table.rows if row)]
            return youtube.read_playlist(
                [(n, row) for n, row in numbered if not isinstance(row, str)], name
            )
        raise BadInput(message)
    result = SongList(layout.service.label if layout.service else "CSV")
    result.notes += table.notes
    _note_columns(result, table, layout)
    _read_rows(result, table, layout, name)
    return result


def _open(text: str) -> RawTable:
    opened = open_text(text.encode("utf-8", "replace"), "This table", is_column_name=_is_column)
    rows: list[tuple[int, list[str] | str]] = []
    for line, cells in opened.rows(any_width=True):
        rows.append((line, cells.reason if isinstance(cells, Reject) else cells))
    notes = [assumption.text[:1].upper() + assumption.text[1:] for assumption in opened.assumptions]
    return RawTable(opened.header, rows, [f"{note.rstrip('.')}." for note in notes])


def _is_column(name: str) -> bool:
    """Return whether a first cell is the name of a column rather than a title above the header."""
    normalized = normalize(name)
    return normalized in COLUMN_NAMES or bool(parse_column_name(name).meanings)


def _layout(table: RawTable) -> _Layout | None:
    names = [normalize(name) for name in table.header]
    service = next((one for one in SERVICES if any(need <= set(names) for need in one.needs)), None)
    if service is None and names == ["title", "artist", "album", "isrc"]:
        service = next(one for one in SERVICES if one.label == "Soundiiz")
    columns: dict[str, int] = {}
    for role, spellings in ROLES.items():
        at = next((names.index(one) for one in spellings if one in names), None)
        if at is not None:
            columns[role] = at
    tagged = next((i for i, one in enumerate(table.header) if one.startswith("Date#")), None)
    if tagged is not None:
        columns["moment"] = tagged  # lastfmstats.com: Date#NAME-OF-THE-USER
    _check_moment(table, columns, service)
    mapping = recognise_columns(table.header, table.cells, fields=FIELDS)
    columns |= {k: v for k, v in mapping.places.items() if v not in columns.values()}
    several = [i for i, one in enumerate(names) if re.fullmatch(r"artistname\d+", one)]
    if several:
        columns["artists"] = several[0]
    ids = list(mapping.id_columns)
    ids += [i for i, one in enumerate(names) if one in IDS and i not in ids]
    if "video" not in columns and _holds_videos(table, names):
        # Takeout names the column in the language of the account.
        columns = {name: at for name, at in columns.items() if at} | {"video": 0}
        ids = [at for at in ids if at]
    if not {"title", "both"} & set(columns) and not ids and "path" not in columns:
        return None
    isrcs = frozenset(at for at, one in enumerate(names) if "isrc" in one)
    layout = _Layout(columns, ids, service, mapping, isrcs, tuple(several))
    layout.day_first = bool(is_day_first(_times(table, columns)))
    if "rating" in columns:
        layout.star = _star(table.column(columns["rating"]))
    if "artists" not in columns and "title" in columns:
        titles = table.column(columns["title"])
        dashed = sum(bool(split_name(title)[0]) for title in titles)
        layout.splits_titles = bool(titles) and dashed >= _SURE * len(titles)
    return layout


def _holds_videos(table: RawTable, names: Sequence[str]) -> bool:
    """Return whether the first column is one of ids of videos."""
    cells = table.column(0)
    is_named = bool(names) and bool(_VIDEO_COLUMN.search(names[0]))
    return is_named and bool(cells) and all(map(_VIDEO_ID.fullmatch, cells))


def _times(table: RawTable, columns: dict[str, int]) -> list[str]:
    """Return the cells of the times of plays."""
    at = columns.get("moment", columns.get("last_played"))
    return table.column(at) if at is not None else []


def _star(ratings: Sequence[str]) -> float:
    """Return the rating of one star (of five): 1, 2 or 20; 0 without any rating."""
    highest = max((_decimal(rating) or 0.0 for rating in ratings), default=0.0)
    if highest <= 0:
        return 0.0
    return 1.0 if highest <= 5 else 2.0 if highest <= 10 else 20.0


def _check_moment(table: RawTable, columns: dict[str, int], service: Service | None) -> None:
    """Drop a column of dates other than times of plays: dates of releases or additions."""
    at = columns.get("moment")
    if at is None:
        return
    name = normalize(table.header[at])
    certain = name not in ("date", "time", "datetime", "timestamp")
    cells = table.column(at)
    timed = sum(has_time_of_day(cell) for cell in cells)
    if (service is not None and not service.played_at) or not (
        certain or (cells and timed >= _SURE * len(cells)) or (service and service.source)
    ):
        del columns["moment"]


def _note_columns(result: SongList, table: RawTable, layout: _Layout) -> None:
    read = {at: name for name, at in layout.columns.items()}
    for at in layout.ids:
        read.setdefault(at, "id")
    words = {"external_id": "id", "moment": "time of the play", "both": "artist and title"}
    parts = [
        f"“{table.header[at]}” as {words.get(name, name.replace('_', ' '))}"
        for at, name in sorted(read.items())
    ]
    result.note(f"Columns read: {', '.join(parts)}.")
    others = [name for at, name in enumerate(table.header) if at not in read and name]
    if others:
        more = f" and {len(others) - 12} more" if len(others) > 12 else ""
        result.note(f"Columns passed over: {', '.join(others[:12])}{more}.")
    if "title" not in layout.columns or "artists" not in layout.columns:
        warnings = () if layout.splits_titles else layout.mapping.warnings
        for text in (warning.text for warning in warnings):
            result.note(f"{text[:1].upper()}{text[1:]}.")
    times = _times(table, layout.columns)
    if any(map(lacks_zone, times)):
        result.note("Times without a zone were read as UTC.")
    if any("/" in one for one in times) and is_day_first(times) is None:
        result.note("Dates such as 1/2/2021 were read with the month first.")
    if layout.splits_titles:
        result.note("Artists were taken from the titles (“Artist - Title”).")


def _read_rows(result: SongList, table: RawTable, layout: _Layout, name: str) -> None:
    width = len(table.header)
    service = layout.service
    listed = -1
    kind = service.kind if service else "like"
    named = "like" if LIKED.fullmatch(name) else "dislike" if DISLIKED.fullmatch(name) else ""
    if named and (kind == "playlist" or "moment" in layout.columns):
        kind = named
        layout.columns.pop("moment", None)
        result.note(f"The songs became {kind}s because the file is called “{name}”.")
    if kind == "playlist" and "playlist_name" not in layout.columns:
        listed = result.start_playlist(name)
    for line, row in table.rows:
        if isinstance(row, str):
            result.refuse(line, row)
        elif not any(cell.strip() for cell in row):
            continue
        elif any(cell.strip() for cell in row[width:]):
            result.refuse(line, f"has {len(row)} cells, the header has {width}")
        elif [cell.strip() for cell in row] == table.header:
            result.pass_over("lines that repeat the header")
        else:
            _read_row(result, layout, line, row, kind, listed)


def _read_row(
    result: SongList, layout: _Layout, line: int, row: list[str], kind: str, listed: int
) -> None:
    names = _names(layout, row)
    if layout.cell(row, "item_type").lower() not in ("", "song", "track", "songs"):
        result.pass_over(f"rows of the type {layout.cell(row, 'item_type')[:20]!r}")
        return
    if any(one.startswith("spotify:episode:") for one in names["ids"]):
        result.pass_over("podcast episodes")
        return
    value = layout.cell(row, "value").lower()
    if "value" in layout.columns and value:
        decided = VALUES.get(value)
        if decided is None:
            result.refuse(line, f"says {value[:20]!r}, not like")
            return
        result.add(line, decided, weight=layout.cell(row, "weight") or 1, **names)
        return
    if "playlist_name" in layout.columns:
        _read_place(result, layout, line, row, names)
    elif "moment" in layout.columns:
        _read_play(result, layout, line, row, names)
    elif kind == "playlist":
        result.add(line, "playlist", playlist=listed, **names)
    elif "loved" in layout.columns and layout.cell(row, "loved").lower() not in YES:
        result.pass_over("songs that are not marked as liked")
    elif layout.star:
        _read_rating(result, layout, line, row, names)
    else:
        result.add(line, kind, weight=layout.cell(row, "weight") or 1, **names)
    if layout.service and layout.service.source == "itunes":
        _read_counts(result, layout, line, row, names)


def _names(layout: _Layout, row: list[str]) -> dict[str, Any]:
    title, artists = layout.cell(row, "title"), layout.cell(row, "artists")
    if "both" in layout.columns and not (title and artists):
        artists, title = split_name(layout.cell(row, "both"))
    elif layout.splits_titles:
        artists, title = split_name(title)
    names: str | list[str] = artists
    if layout.artists:
        names = [row[at].strip() for at in layout.artists if at < len(row)]
    elif artists.startswith("["):
        names = cell_values.names(one_line(artists))  # "['A', 'B']"
    path = as_path(layout.cell(row, "path"))
    if path and "/" not in path and path.count(":") > 1:
        path = path.replace(":", "/")  # a path of classic Mac OS, as iTunes writes it
    return {
        "ids": [
            *(_id(layout, row[at], at) for at in layout.ids if at < len(row)),
            youtube.video_id(layout.cell(row, "video")),
        ],
        "title": title,
        "artists": names,
        "album": layout.cell(row, "album"),
        "path": path,
    }


def _id(layout: _Layout, cell: str, at: int) -> str:
    """Return an id; ISRC codes in capitals, as some programs do not write them."""
    return cell.strip().upper() if at in layout.isrcs else cell


def _read_place(
    result: SongList, layout: _Layout, line: int, row: list[str], names: dict[str, Any]
) -> None:
    kind = TYPES.get(layout.cell(row, "type").lower())
    if "type" in layout.columns and kind is None:
        result.pass_over(f"rows of the type {layout.cell(row, 'type')[:20]!r}")
        return
    playlist = layout.cell(row, "playlist_name")
    is_song = any(names["ids"]) or names["path"] or (names["title"] and names["artists"])
    # A refused row must not create a playlist.
    if kind == "like" or not playlist or not is_song:
        result.add(line, "like", **names)
    else:
        result.add(line, "playlist", playlist=result.number_of(playlist), **names)


def _read_play(
    result: SongList, layout: _Layout, line: int, row: list[str], names: dict[str, Any]
) -> None:
    event = layout.cell(row, "event")
    if event and event.upper() != "PLAY_END":
        result.pass_over("events that are not the end of a play")
        return
    played_at = moment(layout.cell(row, "moment"), day_first=layout.day_first)
    if played_at is None:
        result.refuse(line, f"has no readable time ({layout.cell(row, 'moment')[:30]!r})")
        return
    ms_played = _number(layout.cell(row, "ms_played"))
    seconds = _number(layout.cell(row, "seconds_played"))
    if ms_played is None and seconds is not None:
        ms_played = seconds * 1000
    plays = _number(layout.cell(row, "plays"))
    result.add(
        line,
        "play",
        weight=plays or 1,
        played_at=played_at,
        ms_played=ms_played,
        is_skip=ms_played is not None and ms_played < MAX_SECONDS * 1000,
        source=layout.service.source if layout.service else "csv",
        **names,
    )


def _read_rating(
    result: SongList, layout: _Layout, line: int, row: list[str], names: dict[str, Any]
) -> None:
    rating = layout.cell(row, "rating")
    stars = (_decimal(rating) or 0.0) / layout.star
    if stars > 0:
        add_rating(result, line, stars, names)
    elif rating.lower() in VALUES:
        result.add(line, VALUES[rating.lower()], **names)
    else:
        result.pass_over("songs without a rating")


def _read_counts(
    result: SongList, layout: _Layout, line: int, row: list[str], names: dict[str, Any]
) -> None:
    """Add the rating, plays and skips in an iTunes playlist."""
    rating = _number(layout.cell(row, "rating"))
    if rating:
        add_rating(result, line, rating / 20, names)  # iTunes writes 20 for a star
    plays, skips = _number(layout.cell(row, "plays")), _number(layout.cell(row, "skips"))
    if plays:
        result.add(
            line,
            "play",
            weight=plays,
            played_at=moment(layout.cell(row, "last_played"), day_first=layout.day_first),
            is_total=True,
            source="itunes",
            **names,
        )
    if skips:
        result.add(line, "skip", weight=skips, **names)


def _number(cell: str) -> int | None:
    value = _decimal(cell)
    return None if value is None else int(min(value, 2**31 - 1))


def _decimal(cell: str) -> float | None:
    try:
        value = float(cell.replace(",", "."))
    except ValueError:
        return None
    return max(value, 0.0) if value == value else None


def _is_takeout(table: RawTable) -> bool:
    """Return whether a line begins with the name of a column of video ids."""
    return any(row and normalize(row[0]) == "videoid" for row in [table.header, *table.cells[:20]])


def _explain(table: RawTable) -> str:
    if _is_takeout(table):
        return TAKEOUT
    header = ", ".join(name[:30] for name in table.header[:8] if name)
    ids = table.column(0)
    if ids and all(_VIDEO_ID.fullmatch(one) for one in ids) and len(table.header) <= 3:
        return TAKEOUT
    first = table.rows[0][1] if table.rows else ""
    if isinstance(first, str) and not table.header:
        return f"The first line of this CSV {first}."
    recognised = [name for name in table.header if parse_column_name(name).meanings]
    hint = " None of them is known." if not recognised else ""
    return (
        f"This CSV has no column for titles or ids; its first line must name the columns, and it "
        f"says {header[:150] or 'nothing'}.{hint}"
    )
