"""Artists, albums and the credits of tracks: writing them in bulk, and splitting joint names.

Credits are written with each track, before the catalogue is complete. A joint name ("Queen & David
Bowie") is one artist until ``split_joint_artists`` finds its parts among all artists.
"""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import and_, delete, func, select, update
from sqlalchemy.orm import Session

from songrec.core.artist_credits import (
    ArtistField,
    Credit,
    Evidence,
    artist_key,
    candidate_names,
    may_be_several,
    split_name,
)
from songrec.core.search_terms import meets, parse_search, search_terms, spelling_key
from songrec.core.songs import album_public_id, public_id
from songrec.store.bulk import chunks, insert_many
from songrec.store.catalogue import track_filters
from songrec.store.db import take_write_turn
from songrec.store.tables import PLAYABLE, Album, Artist, AudioFile, MatchKey, Track, TrackArtist

_ARTIST = Artist.__table__
_ALBUM = Album.__table__
_TRACK = Track.__table__
_CREDIT = TrackArtist.__table__
_MATCH_KEY = MatchKey.__table__
LONGEST_JOINER = 40
MOST_REMEMBERED = 200_000
"""Limit of names in a writer's cache of ids, which is then cleared to bound memory."""


@dataclass(frozen=True, slots=True)
class TrackNames:
    """The artists and the album of a track according to its source.

    Without ``album_artist`` the album is by the track's first artist.
    """

    artists: ArtistField
    album: str | None = None
    album_artist: str | None = None
    year: int | None = None

    @property
    def by(self) -> Credit | None:
        """The artist of the album."""
        if self.album_artist:
            return Credit(self.album_artist)
        return next(iter(self.artists.certain_credits), None)


@dataclass(frozen=True, slots=True)
class _Row:
    """A row of the artist table."""

    id: int
    key: str
    name: str
    musicbrainz_id: str | None
    confirmed: bool


_ROW = (
    _ARTIST.c.id,
    _ARTIST.c.key,
    _ARTIST.c.name,
    _ARTIST.c.musicbrainz_id,
    _ARTIST.c.confirmed,
)


class CreditWriter:
    """Writer of artists, albums and credits with a cache of ids.

    Call ``meet`` first, which inserts the artists and albums of a batch; then ``album_id`` and
    ``write``.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._artists: dict[str, _Row] = {}
        self._by_id: dict[str, _Row] = {}
        self._albums: dict[str, int] = {}

    def meet(self, rows: Sequence[TrackNames]) -> None:
        """Insert the artists and albums of ``rows`` that are not stored yet."""
        if len(self._artists) + len(self._albums) > MOST_REMEMBERED:
            for remembered in (self._artists, self._by_id, self._albums):
                remembered.clear()
        credits = [
            (credit, row.artists.is_list) for row in rows for credit in row.artists.certain_credits
        ]
        credits += [(Credit(row.album_artist), False) for row in rows if row.album_artist]
        self.meet_artists(credits)
        self._meet_albums([row for row in rows if row.album])

    def meet_artists(self, credits: Iterable[tuple[Credit, bool]]) -> None:
        """Insert credited artists that are not stored yet; the flag marks names from a list."""
        take_write_turn(self._session)
        named: dict[str, Credit] = {}
        with_id: dict[str, Credit] = {}
        confirmed = set()
        for credit, is_listed in credits:
            named.setdefault(credit.key, credit)
            if credit.musicbrainz_id:
                with_id.setdefault(credit.musicbrainz_id, credit)
            elif is_listed:
                confirmed.add(credit.key)
        self._find(_ARTIST.c.key, [key for key in named if key not in self._artists])
        self._find(_ARTIST.c.musicbrainz_id, [id_ for id_ in with_id if id_ not in self._by_id])
        new = {key: credit for key, credit in named.items() if key not in self._artists}
        for id_, credit in with_id.items():
            if id_ in self._by_id:
                continue
            stored = self._artists.get(credit.key)
            if stored is not None and stored.musicbrainz_id is None:
                self._change([stored.id], musicbrainz_id=id_, confirmed=True)
                self._remember(replace(stored, musicbrainz_id=id_, confirmed=True))
            elif stored is not None or new[credit.key].musicbrainz_id not in (None, id_):
                new[f"{credit.key} [{id_}]"] = credit
            else:
                new[credit.key] = credit
        self._insert(new, confirmed)
        unconfirmed = [stored for key in confirmed if not (stored := self._artists[key]).confirmed]
        self._change([stored.id for stored in unconfirmed], confirmed=True)
        for stored in unconfirmed:
            self._remember(replace(stored, confirmed=True))

    def artist(self, credit: Credit) -> tuple[int, str]:
        """Return the id and name of a credited artist after ``meet``."""
        row = self._row(credit)
        return row.id, row.name

    def album_id(self, row: TrackNames) -> int | None:
        """Return the id of a track's album; None if its source names no album."""
        return self._albums[self._album_key(row)] if row.album else None

    def write(self, tracks: Sequence[tuple[int, Sequence[Credit]]], *, fresh: bool) -> None:
        """Write the credits of tracks by id; ``fresh`` tracks have none yet."""
        if not fresh:
            for part in chunks([track_id for track_id, _ in tracks]):
                self._run(delete(_CREDIT).where(_CREDIT.c.track_id.in_(part)))
        rows = []
        for track_id, credits in tracks:
            for position, credit in enumerate(credits):
                id_, name = self.artist(credit)
                spelt = None if credit.name == name else credit.name
                joiner = credit.joiner[:LONGEST_JOINER]
                rows.append((track_id, position, id_, credit.role, joiner, spelt))
        names = ("track_id", "position", "artist_id", "role", "joiner", "credited_as")
        insert_many(self._session.connection(), _CREDIT, names, rows)

    def _run(self, statement: Any, values: Any = None) -> Any:
        return self._session.connection().execute(statement, values)

    def _row(self, credit: Credit) -> _Row:
        by_id = self._by_id.get(credit.musicbrainz_id) if credit.musicbrainz_id else None
        return by_id or self._artists[credit.key]

    def _remember(self, row: _Row) -> None:
        self._artists[row.key] = row
        if row.musicbrainz_id:
            self._by_id[row.musicbrainz_id] = row

    def _find(self, column: Any, values: list[str]) -> None:
        for part in chunks(values):
            for row in self._run(select(*_ROW).where(column.in_(part))):
                self._remember(_Row(*row))

    def _change(self, ids: list[int], **values: Any) -> None:
        for part in chunks(ids):
            self._run(update(_ARTIST).where(_ARTIST.c.id.in_(part)).values(**values))

    def _insert(self, new: dict[str, Credit], confirmed: set[str]) -> None:
        insert_many(
            self._session.connection(),
            _ARTIST,
            ("public_id", "key", "name", "musicbrainz_id", "confirmed"),
            [
                (
                    public_id(f"artist:{key}"),
                    key,
                    credit.name,
                    credit.musicbrainz_id,
                    key in confirmed or credit.musicbrainz_id is not None,
                )
                for key, credit in new.items()
            ],
        )
        self._find(_ARTIST.c.key, list(new))

    def _album_key(self, row: TrackNames) -> str:
        by = row.by
        return album_public_id(row.album or "", self._row(by).key if by else "")

    def _meet_albums(self, rows: list[TrackNames]) -> None:
        by_key: dict[str, TrackNames] = {}
        for row in rows:
            by_key.setdefault(self._album_key(row), row)
        self._find_albums([key for key in by_key if key not in self._albums])
        new = [key for key in by_key if key not in self._albums]
        values = []
        for key in new:
            row = by_key[key]
            artist_id = self._row(row.by).id if row.by else None
            terms = search_terms(row.album or "")
            values.append((key, row.album, artist_id, row.year, terms))
        names = ("public_id", "title", "artist_id", "year", "search_terms")
        insert_many(self._session.connection(), _ALBUM, names, values)
        self._find_albums(new)

    def _find_albums(self, keys: list[str]) -> None:
        for part in chunks(keys):
            query = select(_ALBUM.c.public_id, _ALBUM.c.id).where(_ALBUM.c.public_id.in_(part))
            self._albums |= {key: id_ for key, id_ in self._run(query)}  # noqa: C416 -- rows


@dataclass(frozen=True, slots=True)
class CreditView:
    """A credit for display; ``name`` is in the track's spelling."""

    public_id: str
    name: str
    role: str
    joiner: str
    artist_id: int
    artist_name: str


def credits_of_tracks(
    session: Session, track_ids: Sequence[int]
) -> dict[int, tuple[CreditView, ...]]:
    """Return the credits of each track that has any, in the order of its artist line."""
    credits: dict[int, list[CreditView]] = {}
    for part in chunks(list(track_ids)):
        query = (
            select(
                _CREDIT.c.track_id,
                _ARTIST.c.public_id,
                _ARTIST.c.name,
                _CREDIT.c.credited_as,
                _CREDIT.c.role,
                _CREDIT.c.joiner,
                _ARTIST.c.id,
            )
            .join(_ARTIST, _ARTIST.c.id == _CREDIT.c.artist_id)
            .where(_CREDIT.c.track_id.in_(part))
            .order_by(_CREDIT.c.track_id, _CREDIT.c.position)
        )
        for track_id, public, name, spelt, role, joiner, id_ in session.execute(query):
            view = CreditView(public, spelt or name, role, joiner, id_, name)
            credits.setdefault(track_id, []).append(view)
    return {track_id: tuple(views) for track_id, views in credits.items()}


@dataclass(frozen=True, slots=True)
class ArtistView:
    """An artist for display; ``tracks`` is the number of tracks that credit it."""

    id: int
    public_id: str
    name: str
    musicbrainz_id: str | None
    tracks: int = 0


@dataclass(frozen=True, slots=True)
class AlbumView:
    """An album for display; ``artist`` is its artist's name, ``artist_id`` the public id."""

    id: int
    public_id: str
    title: str
    year: int | None
    artist: str | None
    artist_id: str | None
    tracks: int = 0


def find_artist(session: Session, name: str) -> ArtistView | None:
    """Return the artist with this public id or this name, in any spelling."""
    columns = (Artist.id, Artist.public_id, Artist.name, Artist.musicbrainz_id)
    count = (
        select(func.count(TrackArtist.track_id.distinct()))
        .where(TrackArtist.artist_id == Artist.id)
        .scalar_subquery()
    )
    for condition in (Artist.public_id == name, Artist.key == artist_key(name)):
        row = session.execute(select(*columns, count).where(condition)).first()
        if row is not None:
            return ArtistView(*row)
    key = spelling_key(name)
    return next((one for one in search(session, name) if key == spelling_key(one.name)), None)


def search(session: Session, words: str, limit: int = 50) -> list[ArtistView]:
    """Return artists whose name has every word (the last one may be a prefix).

    An exact match comes first, then the artists with most tracks.
    """
    query = parse_search(words)
    if not query:
        return []
    columns = (Artist.id, Artist.public_id, Artist.name, Artist.musicbrainz_id)
    matching = track_filters.matching(session, words)
    count = func.count(TrackArtist.track_id.distinct())
    rows = session.execute(
        select(*columns, count)
        .join(TrackArtist, TrackArtist.artist_id == Artist.id)
        .where(TrackArtist.track_id.in_(matching))
        .group_by(*columns)
        .order_by(count.desc(), Artist.id)
    )
    named = [ArtistView(*row) for row in rows if meets(query, search_terms(row.name))]
    key = spelling_key(words)
    return sorted(named, key=lambda one: spelling_key(one.name) != key)[:limit]


def find_artists(session: Session, ids: Sequence[int]) -> list[ArtistView]:
    """Return the artists with these ids, in the order given; unknown ids are left out."""
    columns = (Artist.id, Artist.public_id, Artist.name, Artist.musicbrainz_id)
    by_id = {
        row.id: ArtistView(*row)
        for part in chunks(list(ids))
        for row in session.execute(select(*columns).where(Artist.id.in_(part)))
    }
    return [by_id[id_] for id_ in ids if id_ in by_id]


def beginning_with(session: Session, name: str, limit: int) -> list[int]:
    """Return the ids of artists whose name begins with ``name``, the shortest names first."""
    query = (
        select(Artist.id)
        .where(track_filters.begins_with(session, Artist.key, artist_key(name)))
        .order_by(func.length(Artist.key), Artist.key)
        .limit(limit)
    )
    return list(session.scalars(query))


def track_counts(session: Session, ids: Sequence[int]) -> dict[int, int]:
    """Return the number of tracks that credit each of these artists."""
    query = (
        select(TrackArtist.artist_id, func.count(TrackArtist.track_id.distinct()))
        .where(TrackArtist.artist_id.in_(ids))
        .group_by(TrackArtist.artist_id)
    )
    return {artist_id: count for artist_id, count in session.execute(query)}  # noqa: C416 -- rows


def find_albums(session: Session, ids: Sequence[int]) -> list[AlbumView]:
    """Return the albums with these ids, in the order given; unknown ids are left out."""
    by_id = {album.id: album for album in _albums(session, Album.id.in_(ids), len(ids))}
    return [by_id[id_] for id_ in ids if id_ in by_id]


def find_album(session: Session, public_id: str) -> AlbumView | None:
    """Return the album with this public id."""
    return next(iter(_albums(session, Album.public_id == public_id, 1)), None)


def album_artists(session: Session, public_ids: Sequence[str]) -> dict[str, str]:
    """Return the names of the artists of these albums (public ids) that have one."""
    names: dict[str, str] = {}
    for part in chunks(list(dict.fromkeys(public_ids))):
        query = (
            select(Album.public_id, Artist.name)
            .join(Artist, Artist.id == Album.artist_id)
            .where(Album.public_id.in_(part))
        )
        names.update(session.execute(query).all())
    return names


def albums_of_artist(session: Session, artist_id: int, limit: int) -> list[AlbumView]:
    """Return an artist's albums, the newest first, those without a year last."""
    return _albums(session, Album.artist_id == artist_id, limit)


def _albums(session: Session, condition: Any, limit: int) -> list[AlbumView]:
    count = select(func.count(Track.id)).where(Track.album_id == Album.id).scalar_subquery()
    year = func.coalesce(
        Album.year,
        select(func.min(Track.year)).where(Track.album_id == Album.id).scalar_subquery(),
    )
    rows = session.execute(
        select(Album.id, Album.public_id, Album.title, year, Artist.name, Artist.public_id, count)
        .join(Artist, Artist.id == Album.artist_id, isouter=True)
        .where(condition, count > 0)
        .order_by(year.desc().nulls_last(), Album.title)
        .limit(limit)
    )
    return [AlbumView(*row) for row in rows]


def track_ids(session: Session, artist_id: int, limit: int) -> list[int]:
    """Return the ids of tracks that credit an artist, ascending, at most ``limit``."""
    query = select(TrackArtist.track_id).where(TrackArtist.artist_id == artist_id).distinct()
    return list(session.scalars(query.order_by(TrackArtist.track_id).limit(limit)))


def album_track_ids(session: Session, album_id: int, limit: int) -> list[int]:
    """Return the ids of an album's tracks, at most ``limit``, in the album's order.

    The order is that of the files' discs, if all have one, and of their track numbers within a
    folder, else that of the catalogue.
    """
    query = (
        select(Track.id, AudioFile.path, AudioFile.part, AudioFile.info)
        .join(
            AudioFile,
            and_(AudioFile.track_id == Track.id, AudioFile.state.in_(PLAYABLE)),
            isouter=True,
        )
        .where(Track.album_id == album_id)
        .order_by(Track.id, AudioFile.id)
        .limit(limit)
    )
    place: dict[int, tuple[int, str, int, int]] = {}
    for track_id, path, part, info in session.execute(query):
        number = part or (info or {}).get("track_number") or 0
        disc = (info or {}).get("disc_number") or 0
        folder = posixpath.dirname(path) if path else ""
        place.setdefault(track_id, (int(disc), folder, int(number), track_id))
    has_discs = all(disc for disc, *_ in place.values())
    return sorted(place, key=lambda track_id: place[track_id][0 if has_discs else 1 :])


def first_tracks(session: Session, album_ids: Sequence[int]) -> dict[int, int]:
    """Return the first track of each of these albums that has any, for its cover."""
    query = (
        select(Track.album_id, func.min(Track.id))
        .where(Track.album_id.in_(list(album_ids)))
        .group_by(Track.album_id)
    )
    return {album_id: track_id for album_id, track_id in session.execute(query)}  # noqa: C416


def names_of_tracks(session: Session, track_ids: Sequence[int]) -> dict[int, list[str]]:
    """Return the names of the artists that each track credits, in order."""
    names: dict[int, list[str]] = {}
    for part in chunks(list(track_ids)):
        query = (
            select(_CREDIT.c.track_id, _ARTIST.c.name)
            .join(_ARTIST, _ARTIST.c.id == _CREDIT.c.artist_id)
            .where(_CREDIT.c.track_id.in_(part))
            .order_by(_CREDIT.c.track_id, _CREDIT.c.position)
        )
        for track_id, name in session.execute(query):
            names.setdefault(track_id, []).append(name)
    return names


def tracks_sharing_artists(session: Session, track_ids: Iterable[int]) -> list[int]:
    """Return all tracks that share an artist with one of these tracks, including these."""
    credited: set[int] = set()
    for part in chunks(sorted(track_ids)):
        query = select(_CREDIT.c.artist_id).where(_CREDIT.c.track_id.in_(part)).distinct()
        credited.update(session.scalars(query))
    track_ids_by_artists: set[int] = set()
    for part in chunks(sorted(credited)):
        query = select(_CREDIT.c.track_id).where(_CREDIT.c.artist_id.in_(part)).distinct()
        track_ids_by_artists.update(session.scalars(query))
    return sorted(track_ids_by_artists)


def evidence_for(session: Session, names: Iterable[str]) -> Evidence:
    """Count the tracks of each of ``names``, and find names confirmed by a list or an id."""
    tracks: dict[str, int] = {}
    confirmed: set[str] = set()
    for part in chunks(sorted({artist_key(name) for name in names})):
        query = (
            select(_ARTIST.c.key, _ARTIST.c.confirmed, func.count(_CREDIT.c.track_id))
            .join(_CREDIT, _CREDIT.c.artist_id == _ARTIST.c.id, isouter=True)
            .where(_ARTIST.c.key.in_(part))
            .group_by(_ARTIST.c.id)
        )
        for key, is_confirmed, count in session.execute(query):
            tracks[key] = count
            if is_confirmed:
                confirmed.add(key)
    return Evidence(tracks, frozenset(confirmed))


def split_joint_artists(session: Session) -> int:
    """Split joint names by the evidence of the whole catalogue; return the number of names.

    They stay split until the track's source is read again. The caller commits.
    """
    names = session.execute(
        select(_ARTIST.c.id, _ARTIST.c.name).where(_ARTIST.c.confirmed.is_(False))
    )
    joint = {id_: name for id_, name in names if may_be_several(name)}
    evidence = evidence_for(session, (n for name in joint.values() for n in candidate_names(name)))
    several = [id_ for id_, name in joint.items() if len(split_name(Credit(name), evidence)) > 1]
    writer = CreditWriter(session)
    for ids in chunks(several):
        _split(session, writer, ids, evidence)
        _move_albums(session, writer, {id_: joint[id_] for id_ in ids}, evidence)
        left = select(_CREDIT.c.artist_id).where(_CREDIT.c.artist_id == _ARTIST.c.id)
        session.execute(delete(_ARTIST).where(_ARTIST.c.id.in_(ids), ~left.exists()))
    return len(several)


def _split(session: Session, writer: CreditWriter, ids: list[int], evidence: Evidence) -> None:
    """Replace the credits of the artists ``ids`` by credits of their parts."""
    query = select(_CREDIT.c.track_id).where(_CREDIT.c.artist_id.in_(ids)).distinct()
    for tracks in chunks(sorted(session.scalars(query))):
        columns = (_CREDIT.c.track_id, _CREDIT.c.role, _CREDIT.c.joiner, _CREDIT.c.credited_as)
        rows = session.execute(
            select(*columns, _ARTIST.c.id, _ARTIST.c.name, _ARTIST.c.musicbrainz_id)
            .join(_ARTIST, _ARTIST.c.id == _CREDIT.c.artist_id)
            .where(_CREDIT.c.track_id.in_(tracks))
            .order_by(_CREDIT.c.track_id, _CREDIT.c.position)
        )
        credits: dict[int, list[Credit]] = {}
        for track_id, role, joiner, spelt, artist_id, name, musicbrainz_id in rows:
            credit = Credit(spelt or name, role, joiner, musicbrainz_id)
            parts = split_name(credit, evidence) if artist_id in ids else [credit]
            credits.setdefault(track_id, []).extend(parts)
        writer.meet_artists((credit, False) for some in credits.values() for credit in some)
        writer.write(list(credits.items()), fresh=False)
        # Duplicates are matched by artists, so these tracks must be compared again.
        session.execute(delete(_MATCH_KEY).where(_MATCH_KEY.c.track_id.in_(tracks)))


def _move_albums(
    session: Session, writer: CreditWriter, names: dict[int, str], evidence: Evidence
) -> None:
    """Assign the albums of split artists to the first of their parts."""
    query = select(_ALBUM).where(_ALBUM.c.artist_id.in_(list(names)))
    for album in session.execute(query).all():
        first = split_name(Credit(names[album.artist_id]), evidence)[0]
        writer.meet_artists([(first, False)])
        artist_id, _ = writer.artist(first)
        key = album_public_id(album.title, first.key)
        same = session.scalar(select(_ALBUM.c.id).where(_ALBUM.c.public_id == key))
        if same is None:
            moved = update(_ALBUM).where(_ALBUM.c.id == album.id)
            session.execute(moved.values(artist_id=artist_id, public_id=key))
            continue
        on = update(_TRACK).where(_TRACK.c.album_id == album.id)
        session.execute(on.values(album_id=same))
        session.execute(delete(_ALBUM).where(_ALBUM.c.id == album.id))
