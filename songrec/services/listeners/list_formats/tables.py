"""Tables of songs: CSV and its kin, read as tolerantly as catalogues are.

The columns are recognised as a catalogue's are; a few more say what the songs become: the time of
a play, the name of a playlist, like or dislike. A service whose tables mean something else by
themselves (a playlist, a history) is known by its header.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

from songrec.catalogue_files import cell_values
from songrec.catalogue_files.column_names import parse_column_name
from songrec.catalogue_files.column_recognition import ColumnMapping, recognise_columns
from songrec.catalogue_files.dialect_detection import normalize
from songrec.catalogue_files.reading import open_text
from songrec.catalogue_files.rejects import Reject
from songrec.core.errors import BadInput
from songrec.core.track_identity import recording_key
from songrec.services.listeners.list_formats.dates import has_time_of_day, moment
from songrec.services.listeners.list_formats.entries import SongList, one_line
from songrec.services.listeners.list_formats.itunes_xml import add_rating
from songrec.services.listeners.list_formats.locations import as_path
from songrec.services.listeners.list_formats.m3u import split_name
from songrec.store.listeners.skips import MAX_SECONDS

_NAMES = ("title", "artists", "album", "external_id", "playlist_name")
_IDS = ("id", "uri", "isrc", "address", "trackid", "externalid", "spotifyid", "trackuri")
_ROLES: dict[str, tuple[str, ...]] = {
    "value": ("value", "score", "preference", "feedback", "reaction"),
    "weight": ("weight",),
    "type": ("type",),
    "moment": (
        "uts",
        "unixtime",
        "isotime",
        "listenedat",
        "playedat",
        "endtime",
        "ts",
        "scrobbledat",
        "scrobbletime",
        "scrobbledate",
        "eventendtimestamp",
        "eventstarttimestamp",
        "lastplayeddate",
        "dateplayed",
        "playedon",
        "playdateutc",
        "utctime",
        "timestamp",
        "datetime",
        "date",
        "time",
    ),
    "ms_played": ("msplayed", "playdurationmilliseconds"),
    "seconds_played": ("listeningtime",),
    "event": ("eventtype",),
    "both": ("trackdescription", "itemdescription"),
    "plays": ("plays", "playcount", "wiedergaben", "reproducciones", "lectures", "riproduzioni"),
    "last_played": ("lastplayed", "zuletztgespielt", "dernierelecture", "ultimareproduccion"),
    "skips": ("skips", "skipcount"),
    "rating": ("myrating", "meinewertung", "rating", "stars", "bewertung"),
    "loved": ("loved", "liked", "favorite", "favourite", "favorited", "starred", "isliked"),
    "item_type": ("itemtype", "favoritetype"),
    "path": ("location", "path", "filepath", "filename", "file", "ort", "emplacement"),
}
_ROLE_NAMES = frozenset(one for names in _ROLES.values() for one in (*names, *_IDS))
_VALUES = {
    "like": "like",
    "dislike": "dislike",
    "skip": "skip",
    "1": "like",
    "-1": "dislike",
    "love": "like",
    "loved": "like",
    "liked": "like",
    "hate": "dislike",
    "hated": "dislike",
    "disliked": "dislike",
}
_TYPES = {
    "favorite": "like",
    "favourite": "like",
    "favorites": "like",
    "playlist": "playlist",
    "track": "playlist",
    "": "playlist",
}
_LIKED = re.compile(
    r"(?:liked|loved)(?:[\W_].*)?"
    r"|(?:my[ _-]?)?(?:like|loved?|favou?rites?|saved|starred)(?:[ _-]?(?:songs?|tracks?|music))?"
    r"(?:[ _-]?\(?\d+\)?)?",
    re.IGNORECASE,
)
_DISLIKED = re.compile(r"(?:banned|disliked?|hated)(?:[\W_].*)?", re.IGNORECASE)
_VIDEO_ID = re.compile(r"[\w-]{11}")
_TAKEOUT = (
    "This is a playlist of Google Takeout, which names its videos by id only. Export it with "
    "titles (TuneMyMusic, Soundiiz) and import that."
)
_YES = frozenset({"1", "true", "yes", "y", "x", "t", "1.0"})
_SURE = 0.8


@dataclass(frozen=True)
class Service:
    """A service's table: names that its header has, and what the songs become.

    ``needs`` are sets of normalized names, one of which must be in the header whole.
    """

    label: str
    kind: str
    needs: tuple[frozenset[str], ...]
    source: str = ""
    played_at: bool = True


def _needs(*headers: str) -> tuple[frozenset[str], ...]:
    return tuple(frozenset(header.split()) for header in headers)


SERVICES = (
    Service("songrec playlist", "playlist", _needs("position title artists trackid address")),
    Service("Shazam", "like", _needs("tagtime trackkey"), played_at=False),
    Service("TuneMyMusic", "playlist", _needs("trackname artistname playlistname type")),
    Service(
        "Exportify",
        "playlist",
        _needs(
            "trackuri trackname artistnames addedat",
            "spotifyid trackname artistnames addedat",
            "trackuri trackname artistnames albumname",
            "spotifyuri trackname artistnames",
        ),
        played_at=False,
    ),
    Service(
        "Soundiiz",
        "playlist",
        _needs("title artist album isrc addeddate", "title artist album isrc platform"),
        played_at=False,
    ),
    Service("YouTube Music library", "like", _needs("songtitle albumtitle artistnames")),
    Service("YouTube Music library", "like", _needs("songtitle albumtitle artistname1")),
    Service("YouTube Music library", "like", _needs("songtitle albumtitle artistname")),
    Service("Deezer", "like", _needs("songtitle artist isrc albumtitle"), "deezer"),
    Service("Apple Music plays", "like", _needs("songname eventtype"), "apple"),
    Service("Apple Music plays", "like", _needs("contentname eventtype"), "apple"),
    Service("Apple Music plays", "like", _needs("trackname lastplayeddate"), "apple"),
    Service("Apple Music plays", "like", _needs("trackdescription dateplayed"), "apple"),
    Service("Apple Music favourites", "like", _needs("itemdescription preference")),
    Service("Last.fm", "like", _needs("uts artist track", "artist album albumid track"), "lastfm"),
    Service("Last.fm", "like", _needs("utctime artist track"), "lastfm"),
    Service("iTunes text", "playlist", _needs("name artist kind location"), "itunes", False),
    Service("iTunes text", "playlist", _needs("name artist plays myrating"), "itunes", False),
    Service("iTunes text", "playlist", _needs("name interpret wiedergaben"), "itunes", False),
)
"""In the order in which a header is compared with them."""


@dataclass
class _Table:
    header: list[str]
    rows: list[tuple[int, list[str] | str]]
    notes: list[str] = field(default_factory=list)

    @property
    def cells(self) -> list[list[str]]:
        """The rows that could be read."""
        return [row for _, row in self.rows if not isinstance(row, str)]

    def column(self, at: int) -> list[str]:
        """The filled cells of a column."""
        return [row[at].strip() for row in self.cells if at < len(row) and row[at].strip()]


@dataclass
class _Layout:
    """Which column is what: ``columns`` by field or role, ``ids`` the columns of ids.

    ``isrcs`` are those of ISRC codes; ``star`` is what a column of ratings writes for one star, 0
    without ratings; ``splits_titles``: titles are ``Artist - Title``.
    """

    columns: dict[str, int]
    ids: list[int]
    service: Service | None
    mapping: ColumnMapping
    isrcs: frozenset[int] = frozenset()
    star: float = 0.0
    splits_titles: bool = False

    def cell(self, row: Sequence[str], name: str) -> str:
        """Return a cell by its field or role, empty without that column."""
        at = self.columns.get(name)
        return row[at].strip() if at is not None and at < len(row) else ""


def read_table(text: str, name: str) -> SongList:
    """Read a table whose first line names its columns, or one of the known forms without it."""
    table = _open(text)
    layout = None if any(map(recording_key, table.header)) else _layout(table)
    if layout and not {"artists", "both", "path"} & set(layout.columns) and _is_takeout(table):
        layout = None
    if layout is None:
        result = _read_ids(table) or _read_headerless(table) or _read_lines(text)
        if result is not None:
            return result
        raise BadInput(_explain(table))
    result = SongList(layout.service.label if layout.service else "CSV")
    result.notes += table.notes
    _note_columns(result, table, layout)
    _read_rows(result, table, layout, name)
    return result


def _open(text: str) -> _Table:
    opened = open_text(text.encode("utf-8", "replace"), "This table", is_column_name=_is_column)
    rows: list[tuple[int, list[str] | str]] = []
    for line, cells in opened.rows(any_width=True):
        rows.append((line, cells.reason if isinstance(cells, Reject) else cells))
    notes = [assumption.text[:1].upper() + assumption.text[1:] for assumption in opened.assumptions]
    return _Table(opened.header, rows, [f"{note.rstrip('.')}." for note in notes])


def _is_column(name: str) -> bool:
    """Whether a first cell is the name of a column and not a title above the header."""
    normalized = normalize(name)
    return normalized in _ROLE_NAMES or bool(parse_column_name(name).meanings)


def _layout(table: _Table) -> _Layout | None:
    names = [normalize(name) for name in table.header]
    service = next((one for one in SERVICES if any(need <= set(names) for need in one.needs)), None)
    if service is None and names == ["title", "artist", "album", "isrc"]:
        service = next(one for one in SERVICES if one.label == "Soundiiz")
    columns: dict[str, int] = {}
    for role, spellings in _ROLES.items():
        at = next((names.index(one) for one in spellings if one in names), None)
        if at is not None:
            columns[role] = at
    tagged = next((i for i, one in enumerate(table.header) if one.startswith("Date#")), None)
    if tagged is not None:
        columns["moment"] = tagged  # lastfmstats.com: Date#NAME-OF-THE-USER
    _check_moment(table, columns, service)
    mapping = recognise_columns(table.header, table.cells, fields=_NAMES)
    columns |= {k: v for k, v in mapping.places.items() if v not in columns.values()}
    several = [i for i, one in enumerate(names) if re.fullmatch(r"artistname\d+", one)]
    if several:
        columns["artists"] = several[0]
    ids = list(mapping.id_columns)
    ids += [i for i, one in enumerate(names) if one in _IDS and i not in ids]
    if not {"title", "both"} & set(columns) and not ids and "path" not in columns:
        return None
    isrcs = frozenset(at for at, one in enumerate(names) if "isrc" in one)
    layout = _Layout(columns, ids, service, mapping, isrcs)
    if "rating" in columns:
        layout.star = _star(table.column(columns["rating"]))
    if "artists" not in columns and "title" in columns:
        titles = table.column(columns["title"])
        dashed = sum(bool(split_name(title)[0]) for title in titles)
        layout.splits_titles = bool(titles) and dashed >= _SURE * len(titles)
    return layout


def _star(ratings: Sequence[str]) -> float:
    """Return what ratings write for one star, of five: 1, 2 or 20; 0 without any rating."""
    highest = max((_decimal(rating) or 0.0 for rating in ratings), default=0.0)
    if highest <= 0:
        return 0.0
    return 1.0 if highest <= 5 else 2.0 if highest <= 10 else 20.0


def _check_moment(table: _Table, columns: dict[str, int], service: Service | None) -> None:
    """Drop a column of dates that are not times of plays: of releases, of additions."""
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


def _note_columns(result: SongList, table: _Table, layout: _Layout) -> None:
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
        for warning in layout.mapping.warnings:
            result.note(warning)
    if layout.splits_titles:
        result.note("Artists were taken from the titles (“Artist - Title”).")


def _read_rows(result: SongList, table: _Table, layout: _Layout, name: str) -> None:
    width = len(table.header)
    service = layout.service
    listed = -1
    kind = service.kind if service else "like"
    named = "like" if _LIKED.fullmatch(name) else "dislike" if _DISLIKED.fullmatch(name) else ""
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
    value = layout.cell(row, "value").lower()
    if "value" in layout.columns and value:
        decided = _VALUES.get(value)
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
    elif "loved" in layout.columns and layout.cell(row, "loved").lower() not in _YES:
        result.pass_over("songs that are not marked as liked")
    elif layout.star:
        _read_rating(result, layout, line, row, names)
    else:
        result.add(line, kind, weight=layout.cell(row, "weight") or 1, **names)
    if layout.service and layout.service.source == "itunes":
        _read_counts(result, layout, line, row, names)


def _names(layout: _Layout, row: list[str]) -> dict[str, object]:
    title, artists = layout.cell(row, "title"), layout.cell(row, "artists")
    if "both" in layout.columns and not (title and artists):
        artists, title = split_name(layout.cell(row, "both"))
    elif layout.splits_titles:
        artists, title = split_name(title)
    names: str | list[str] = artists
    if artists.startswith("["):
        names = cell_values.names(one_line(artists))  # "['A', 'B']"
    path = as_path(layout.cell(row, "path"))
    if path and "/" not in path and path.count(":") > 1:
        path = path.replace(":", "/")  # a path of classic Mac OS, as iTunes writes it
    return {
        "ids": [_id(layout, row[at], at) for at in layout.ids if at < len(row)],
        "title": title,
        "artists": names,
        "album": layout.cell(row, "album"),
        "path": path,
    }


def _id(layout: _Layout, cell: str, at: int) -> str:
    """Return an id; ISRC codes in capitals, as some programs do not write them."""
    return cell.strip().upper() if at in layout.isrcs else cell


def _read_place(
    result: SongList, layout: _Layout, line: int, row: list[str], names: dict[str, object]
) -> None:
    kind = _TYPES.get(layout.cell(row, "type").lower())
    if "type" in layout.columns and kind is None:
        result.pass_over(f"rows of the type {layout.cell(row, 'type')[:20]!r}")
        return
    playlist = layout.cell(row, "playlist_name")
    if kind == "like" or not playlist:
        result.add(line, "like", **names)  # type: ignore[arg-type]
    else:
        result.add(line, "playlist", playlist=result.number_of(playlist), **names)  # type: ignore[arg-type]


def _read_play(
    result: SongList, layout: _Layout, line: int, row: list[str], names: dict[str, object]
) -> None:
    event = layout.cell(row, "event")
    if event and event.upper() != "PLAY_END":
        result.pass_over("events that are not the end of a play")
        return
    played_at = moment(layout.cell(row, "moment"))
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
        **names,  # type: ignore[arg-type]
    )


def _read_rating(
    result: SongList, layout: _Layout, line: int, row: list[str], names: dict[str, object]
) -> None:
    rating = layout.cell(row, "rating")
    stars = (_decimal(rating) or 0.0) / layout.star
    if stars > 0:
        add_rating(result, line, stars, names)
    elif rating.lower() in _VALUES:
        result.add(line, _VALUES[rating.lower()], **names)  # type: ignore[arg-type]
    else:
        result.pass_over("songs without a rating")


def _read_counts(
    result: SongList, layout: _Layout, line: int, row: list[str], names: dict[str, object]
) -> None:
    """Add what iTunes counts beside the places in a playlist: rating, plays, skips."""
    rating = _number(layout.cell(row, "rating"))
    if rating:
        add_rating(result, line, rating / 20, names)  # iTunes writes 20 for a star
    plays, skips = _number(layout.cell(row, "plays")), _number(layout.cell(row, "skips"))
    if plays:
        result.add(
            line,
            "play",
            weight=plays,
            played_at=moment(layout.cell(row, "last_played")),
            is_total=True,
            source="itunes",
            **names,  # type: ignore[arg-type]
        )
    if skips:
        result.add(line, "skip", weight=skips, **names)  # type: ignore[arg-type]


def _number(cell: str) -> int | None:
    value = _decimal(cell)
    return None if value is None else int(min(value, 2**31 - 1))


def _decimal(cell: str) -> float | None:
    try:
        value = float(cell.replace(",", "."))
    except ValueError:
        return None
    return max(value, 0.0) if value == value else None


def _read_ids(table: _Table) -> SongList | None:
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


def _read_headerless(table: _Table) -> SongList | None:
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
            result.refuse(line, row if isinstance(row, str) else "has not as many cells as others")
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
    result = SongList("Text")
    result.note("The lines were read as “Artist - Title”.")
    for number, line in lines:
        artists, title = split_name(re.sub(r"^\d{1,4}[.)]\s+", "", line))
        result.add(number, "like", title=title, artists=artists)
    return result


def _is_takeout(table: _Table) -> bool:
    """Whether a line begins with the name of a column of video ids."""
    return any(row and normalize(row[0]) == "videoid" for row in [table.header, *table.cells[:20]])


def _explain(table: _Table) -> str:
    if _is_takeout(table):
        return _TAKEOUT
    header = ", ".join(name[:30] for name in table.header[:8] if name)
    ids = table.column(0)
    if ids and all(_VIDEO_ID.fullmatch(one) for one in ids) and len(table.header) <= 3:
        return _TAKEOUT
    first = table.rows[0][1] if table.rows else ""
    if isinstance(first, str) and not table.header:
        return f"The first line of this CSV {first}."
    known = [name for name in table.header if parse_column_name(name).meanings]
    hint = " None of them is known." if not known else ""
    return (
        f"This CSV has no column for titles or ids; its first line must name the columns, and it "
        f"says {header[:150] or 'nothing'}.{hint}"
    )
