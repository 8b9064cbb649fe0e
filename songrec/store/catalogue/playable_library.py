"""In-memory index of the playable part of the catalogue, by albums and artists.

Apps page through albums and artists in a dozen orders and search them at every keystroke, with
counts and durations summed over songs. These change only with the catalogue, so they are read once
per process and version (about a second for 114,000 songs).

Songs without an album belong to an artificial album of their first artist, so that apps that only
list albums reach them; its public id begins with ``LOOSE``, unlike any in the catalogue.
"""

from __future__ import annotations

import threading
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from itertools import chain
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session

from songrec.core.search_terms import parse_search, search_terms, spelling_key
from songrec.core.sorting import sort_key
from songrec.core.term_index import TermIndex
from songrec.core.types import Ints
from songrec.store.catalogue import track_filters, tracks
from songrec.store.tables import (
    PLAYABLE,
    Album,
    Artist,
    AudioFile,
    Tag,
    Track,
    TrackArtist,
    TrackAttributes,
    TrackTag,
)

T = TypeVar("T")
LOOSE = "0"
LOOSE_TITLE = "Songs without an album"
IGNORED_ARTICLES = "The El La Los Las Le Les"
_ARTICLES = tuple(f"{article.lower()} " for article in IGNORED_ARTICLES.split())
_LAST_CHARACTER = "\U0010ffff"
_LOOK = 500
"""Largest number of prefix matches among which an exact match is searched."""
_EPOCH = datetime.fromtimestamp(0, UTC)
_NO_YEAR = 10_000
_ALBUM_COLUMNS = select(Album.id, Album.public_id, Album.title, Album.artist_id, Album.year)
_ARTIST_COLUMNS = select(Artist.id, Artist.public_id, Artist.name, Artist.musicbrainz_id)
_QUICK_S = 0.2
"""Longest reading time of a library that is read again at every change, in seconds."""
_PATIENCE = 20.0
"""Minimum age of a constantly changing library, as a multiple of its reading time."""


@dataclass(slots=True)
class PlayableArtist:
    """An artist with a playable album; ``songs`` is the number of songs on its albums."""

    id: int
    public_id: str
    name: str
    musicbrainz_id: str | None
    sort_name: str
    albums: list[int]
    songs: int = 0


@dataclass(slots=True)
class PlayableAlbum:
    """The playable part of an album; ``id`` is None for songs without an album."""

    row: int
    id: int | None
    public_id: str
    title: str
    sort_title: str
    artist: PlayableArtist | None
    year: int | None
    songs: int
    duration_s: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Genre:
    """The playable part of a genre."""

    name: str
    songs: int
    albums: int


class PlayableLibrary:
    """Playable songs, albums and artists; ``track_ids`` ascend."""

    def __init__(self, session: Session) -> None:
        columns = _read_songs(session)
        self.track_ids: Ints = columns["id"]
        self._prepared: dict[str, Any] = {}
        self.read_at = datetime.now(UTC)
        self._album_row, self.albums = _read_albums(session, columns)
        self._by_album = np.argsort(self._album_row, kind="stable")
        self._album_starts = np.searchsorted(
            self._album_row[self._by_album], np.arange(len(self.albums) + 1)
        )
        self._ms = columns["ms"]
        self._albums_by_id = {album.public_id: album for album in self.albums}
        self._rows_by_id = {one.id: one.row for one in self.albums if one.id is not None}
        artists: dict[int, PlayableArtist] = {}
        for album in self.albums:
            if album.artist is not None:
                artists[album.artist.id] = album.artist
                album.artist.albums.append(album.row)
                album.artist.songs += album.songs
        self.artists = sorted(artists.values(), key=lambda one: (one.sort_name, one.id))
        self._artists_by_id = {artist.public_id: artist for artist in self.artists}
        # One rank of popularity per song, so that any subset is sorted by integers.
        self._by_rank = np.lexsort((self.track_ids, -columns["popularity"]))
        self._rank = np.empty_like(self._by_rank)
        self._rank[self._by_rank] = np.arange(len(self._by_rank))
        self.genres, self._album_genres = self._read_genres(session)

    def album(self, public_id: str) -> PlayableAlbum | None:
        """Return the album with this public id."""
        return self._albums_by_id.get(public_id)

    def artist(self, public_id: str) -> PlayableArtist | None:
        """Return the artist with this public id, if an album is theirs."""
        return self._artists_by_id.get(public_id)

    def album_tracks(self, album: PlayableAlbum) -> list[int]:
        """Return the ids of an album's songs, ascending."""
        start, stop = self._album_starts[album.row : album.row + 2]
        return self.track_ids[self._by_album[start:stop]].tolist()

    def rows_of_albums(self, album_ids: Sequence[int]) -> Ints:
        """Return the rows of the playable albums among ``album_ids``, in the given order."""
        rows = (self._rows_by_id.get(album_id) for album_id in album_ids)
        return np.array([row for row in rows if row is not None], dtype=np.int64)

    def playable(self, track_ids: Sequence[int] | Ints) -> Ints:
        """Return the playable tracks among ``track_ids``, in the given order."""
        ids = np.asarray(track_ids, dtype=np.int64)
        return ids[self._places(ids)[1]]

    def seconds_of(self, track_ids: Sequence[int] | Ints) -> int:
        """Return the total duration of the playable tracks among ``track_ids`` in seconds."""
        places, is_playable = self._places(np.asarray(track_ids, dtype=np.int64))
        return round(int(self._ms[places[is_playable]].sum()) / 1000)

    def albums_of(self, track_ids: Sequence[int] | Ints) -> Ints:
        """Return the album row of each playable track among ``track_ids``, in the given order."""
        places, is_playable = self._places(np.asarray(track_ids, dtype=np.int64))
        return self._album_row[places[is_playable]]

    def best_known_first(self, track_ids: Sequence[int] | Ints) -> Ints:
        """Return the playable tracks among ``track_ids``, the most popular first."""
        places, is_playable = self._places(np.asarray(track_ids, dtype=np.int64))
        return self.track_ids[self._by_rank[np.sort(self._rank[places[is_playable]])]]

    def _places(self, ids: Ints) -> tuple[Ints, NDArray[np.bool_]]:
        """Return the positions of ``ids`` among ``track_ids``, and the mask of those present."""
        if not len(self.track_ids):
            return np.zeros(len(ids), dtype=np.int64), np.zeros(len(ids), dtype=bool)
        places = np.searchsorted(self.track_ids, ids).clip(max=len(self.track_ids) - 1)
        return places, self.track_ids[places] == ids

    def album_genres(self, album: PlayableAlbum) -> list[str]:
        """Return the genres of an album, sorted by descending number of songs."""
        return [self.genres[at].name for at in self._album_genres.get(album.row, ())]

    @cached_property
    def by_title(self) -> Ints:
        """The album rows in alphabetical order."""
        rows = sorted(self.albums, key=lambda one: (one.sort_title, one.row))
        return np.array([one.row for one in rows], dtype=np.int64)

    @cached_property
    def by_artist(self) -> Ints:
        """The album rows in the order of their artists, then of year and title."""

        def key(album: PlayableAlbum) -> tuple[Any, ...]:
            by = album.artist.sort_name if album.artist else "\uffff"
            return by, album.year or 9999, album.sort_title, album.row

        rows = sorted(self.albums, key=key)
        return np.array([one.row for one in rows], dtype=np.int64)

    @cached_property
    def newest(self) -> Ints:
        """The album rows by descending date of addition."""
        added = np.array([one.created_at.timestamp() for one in self.albums])
        return np.lexsort((-np.arange(len(added)), -added)).astype(np.int64)

    @cached_property
    def years(self) -> Ints:
        """The year of each album row, -1 if unknown."""
        values = [one.year if one.year is not None else -1 for one in self.albums]
        return np.array(values, dtype=np.int64)

    @cached_property
    def _album_terms(self) -> TermIndex:
        return TermIndex(
            [
                search_terms(
                    album.title if album.id is not None else "",
                    album.artist.name if album.artist else "",
                )
                for album in self.albums
            ]
        )

    @cached_property
    def _artist_terms(self) -> TermIndex:
        return TermIndex([search_terms(artist.name) for artist in self.artists])

    def search_albums(self, words: str) -> Ints:
        """Return the rows of albums with every word in title or artist.

        Titles that begin with the words come first, then the others, both sorted by name.
        """
        rows = self._album_terms.matching(parse_search(words))
        order = np.sort(self._title_rank[rows])
        first, last = _range_of(self._sorted_titles, sort_name(words))
        begins = (order >= first) & (order < last)
        beginning = self.by_title[order[begins]]
        first_rows = _exact_first(beginning, words, lambda row: self.albums[row].title)
        return np.concatenate([first_rows, self.by_title[order[~begins]]])

    def search_artists(self, words: str) -> Ints:
        """Return the positions of artists whose name has every word.

        An exact match comes first, then names that begin with the words, then others, each by
        descending number of songs.
        """
        rows = self._artist_terms.matching(parse_search(words))
        first, last = _range_of(self._sorted_names, sort_name(words))
        order = rows[np.lexsort((rows, -self._songs_of_artists[rows]))]
        begins = (order >= first) & (order < last)
        first_rows = _exact_first(order[begins], words, lambda row: self.artists[row].name)
        return np.concatenate([first_rows, order[~begins]])

    @cached_property
    def _sorted_titles(self) -> list[str]:
        return [self.albums[row].sort_title for row in self.by_title.tolist()]

    @cached_property
    def _title_rank(self) -> Ints:
        rank = np.empty_like(self.by_title)
        rank[self.by_title] = np.arange(len(rank))
        return rank

    @cached_property
    def _sorted_names(self) -> list[str]:
        return [artist.sort_name for artist in self.artists]

    @cached_property
    def _songs_of_artists(self) -> Ints:
        return np.array([artist.songs for artist in self.artists], dtype=np.int64)

    def _read_genres(self, session: Session) -> tuple[list[Genre], dict[int, list[int]]]:
        """Return the genres by name, and the genres of each album row."""
        query = (
            select(TrackTag.tag_id, TrackTag.track_id)
            .join(Tag, Tag.id == TrackTag.tag_id)
            .where(Tag.kind == "genre")
        )
        tags, ids = read_numbers(session, query, 2)
        places, is_playable = self._places(ids)
        tags, rows = tags[is_playable], self._album_row[places[is_playable]]
        songs = dict(zip(*_counted(tags), strict=True))
        pairs, counts = np.unique(np.stack([rows, tags]), axis=1, return_counts=True)
        albums = dict(zip(*_counted(pairs[1]), strict=True))
        names = session.execute(select(Tag.id, Tag.name).where(Tag.kind == "genre"))
        listed = sorted(
            ((tag_id, name) for tag_id, name in names if tag_id in songs),
            key=lambda one: sort_key(one[1]),
        )
        place = {tag_id: at for at, (tag_id, _) in enumerate(listed)}
        order = np.lexsort((pairs[1], -counts, pairs[0]))
        of_albums: dict[int, list[int]] = {}
        for row, tag_id in pairs.T[order].tolist():
            of_albums.setdefault(row, []).append(place[tag_id])
        return [Genre(name, songs[id_], albums[id_]) for id_, name in listed], of_albums

    def prepared(self, name: str, make: Callable[[], T]) -> T:
        """Return the cached result of ``make`` for this library under ``name``."""
        if name not in self._prepared:
            self._prepared[name] = make()
        result: T = self._prepared[name]
        return result

    def artists_by_letter(self) -> list[tuple[str, list[PlayableArtist]]]:
        """Return the artists by the first letter of their name, without its article."""
        groups: dict[str, list[PlayableArtist]] = {}
        for artist in self.artists:
            groups.setdefault(_letter(artist.sort_name), []).append(artist)
        return sorted(groups.items(), key=lambda item: (item[0] == "#", item[0]))


def _counted(values: Ints) -> tuple[list[int], list[int]]:
    distinct, counts = np.unique(values, return_counts=True)
    return distinct.tolist(), counts.tolist()


def _range_of(names: Sequence[str], beginning: str) -> tuple[int, int]:
    """Return the range of sorted names that begin with ``beginning``."""
    last = bisect_left(names, beginning + _LAST_CHARACTER)
    return bisect_left(names, beginning), last


def _exact_first(rows: Ints, words: str, name: Callable[[int], str]) -> Ints:
    """Return rows with exact matches of the words first, unless there are too many rows."""
    if not 1 < len(rows) <= _LOOK:
        return rows
    key = spelling_key(words)
    listed = sorted(rows.tolist(), key=lambda row: spelling_key(name(row)) != key)
    return np.array(listed, dtype=np.int64)


def tracks_of_genre(session: Session, name: str) -> Ints:
    """Return the tracks of a genre, ascending."""
    tag = select(Tag.id).where(Tag.kind == "genre", Tag.name == name.lower()).scalar_subquery()
    query = select(TrackTag.track_id).where(TrackTag.tag_id == tag)
    return read_numbers(session, query.order_by(TrackTag.track_id), 1)[0]


def tracks_with_words(session: Session, words: str) -> Ints:
    """Return the tracks with every word in title, artists, album or genre."""
    matching = track_filters.matching(session, words)
    if session.get_bind().dialect.name != "sqlite":
        return read_numbers(session, matching, 1)[0]
    # A word like "a" is in most songs; a single text of all ids takes a third of the time of rows.
    ids = matching.subquery()
    text = session.scalar(select(func.group_concat(next(iter(ids.c)))))
    return np.fromstring(text, dtype=np.int64, sep=",") if text else np.empty(0, dtype=np.int64)


def read_numbers(session: Session, query: Select[Any], n: int) -> list[Ints]:
    """Return the ``n`` integer columns of a query as arrays, for many thousands of rows."""
    # The driver's own tuples, because SQLAlchemy's row objects take ten times as long.
    with session.connection().execute(query) as result:
        rows = result.cursor.fetchall() if result.cursor is not None else []
    values = np.fromiter(chain.from_iterable(rows), dtype=np.int64, count=n * len(rows))
    return list(values.reshape(-1, n).T)


def sort_name(name: str) -> str:
    """Return the sort key of a name, without a leading article."""
    key = sort_key(name)
    for article in _ARTICLES:
        if key.startswith(article) and len(key) > len(article):
            return key[len(article) :]
    return key


def version(session: Session) -> tuple[Any, ...]:
    """Return a value that changes with any track or file of the library, by index look-ups."""
    newest = select(func.max(AudioFile.id)).scalar_subquery()
    changed = select(func.max(AudioFile.updated_at)).scalar_subquery()
    row = session.execute(select(newest, changed)).one()
    return tracks.version(session), *row


_libraries: dict[str, tuple[tuple[Any, ...], float, float, PlayableLibrary]] = {}
_reading = threading.Lock()


def playable_library(session: Session) -> PlayableLibrary:
    """Return the playable library, cached.

    While a folder is analysed, the library changes with every file; it is then read again only at
    intervals, so new songs appear with a delay.
    """
    name = str(session.get_bind().engine.url)
    current = version(session)
    if (held := _held(name, current)) is not None:
        return held
    with _reading:
        if (held := _held(name, current)) is not None:
            return held
        started = time.thread_time()
        library = PlayableLibrary(session)
        seconds = time.thread_time() - started
        _libraries.clear()  # one database per process
        _libraries[name] = current, time.monotonic(), seconds, library
        return library


def _held(name: str, current: tuple[Any, ...]) -> PlayableLibrary | None:
    held = _libraries.get(name)
    if held is None:
        return None
    read_version, read_at, seconds, library = held
    is_recent = seconds > _QUICK_S and time.monotonic() - read_at < _PATIENCE * seconds
    return library if read_version == current or is_recent else None


def _letter(key: str) -> str:
    return key[0].upper() if key[0].isalpha() else "#"


def _read_songs(session: Session) -> dict[str, Any]:
    """Return the columns of the playable tracks for the sums of albums."""
    first = (
        select(AudioFile.track_id, func.min(AudioFile.created_at).label("created_at"))
        .where(AudioFile.state.in_(PLAYABLE), AudioFile.track_id.is_not(None))
        .group_by(AudioFile.track_id)
        .subquery()
    )
    query = (
        select(
            Track.id,
            Track.album_id,
            Track.year,
            Track.duration_ms,
            TrackAttributes.popularity,
            TrackArtist.artist_id,
            first.c.created_at,
        )
        .join(first, first.c.track_id == Track.id)
        .join(TrackAttributes, TrackAttributes.track_id == Track.id, isouter=True)
        .join(
            TrackArtist,
            and_(TrackArtist.track_id == Track.id, TrackArtist.position == 0),
            isouter=True,
        )
        .order_by(Track.id)
    )
    rows = [tuple(row) for row in session.execute(query)]
    values = list(zip(*rows, strict=True)) if rows else [()] * 7

    def numbers(at: int, missing: int = 0) -> Ints:
        return np.array([missing if one is None else one for one in values[at]], dtype=np.int64)

    popularity = [-1.0 if one is None else one for one in values[4]]
    added = [(one or _EPOCH).timestamp() for one in values[6]]
    return {
        "id": numbers(0),
        "album": numbers(1),
        "year": numbers(2),
        "ms": numbers(3),
        "popularity": np.array(popularity, dtype=np.float64),
        "artist": numbers(5),
        "added": np.array(added, dtype=np.float64),
    }


def _read_albums(session: Session, songs: dict[str, Any]) -> tuple[Ints, list[PlayableAlbum]]:
    """Return the album row of each song, and the albums."""
    # Songs of an album are grouped by its id, songs without one by the negative id of their artist.
    keys = np.where(songs["album"] > 0, songs["album"], -songs["artist"])
    distinct, row_of = np.unique(keys, return_inverse=True)
    row_of = row_of.reshape(-1).astype(np.int64)
    n = len(distinct)
    counts = np.bincount(row_of, minlength=n)
    seconds = np.round(np.bincount(row_of, weights=songs["ms"], minlength=n) / 1000)
    added = np.full(n, np.inf)
    np.minimum.at(added, row_of, songs["added"])
    years = np.full(n, _NO_YEAR)
    has_year = songs["year"] > 0
    np.minimum.at(years, row_of[has_year], songs["year"][has_year])
    named = {row.id: row for row in session.execute(_ALBUM_COLUMNS)}
    artists = {
        id_: PlayableArtist(id_, public_id, name, musicbrainz_id, sort_name(name), [])
        for id_, public_id, name, musicbrainz_id in session.execute(_ARTIST_COLUMNS)
    }
    albums = []
    for row, key in enumerate(distinct.tolist()):
        album = named.get(key) if key > 0 else None
        artist = artists.get(album.artist_id if album else -key)
        year = album.year if album and album.year else int(years[row])
        title = album.title if album else LOOSE_TITLE
        albums.append(
            PlayableAlbum(
                row=row,
                id=album.id if album else None,
                public_id=album.public_id
                if album
                else LOOSE + (artist.public_id if artist else ""),
                title=title,
                sort_title=sort_name(title),
                artist=artist,
                year=year if album and year < _NO_YEAR else None,
                songs=int(counts[row]),
                duration_s=int(seconds[row]),
                created_at=datetime.fromtimestamp(added[row], UTC),
            )
        )
    return row_of, albums
