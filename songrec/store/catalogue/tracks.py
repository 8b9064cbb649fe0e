"""Queries on the catalogue: single tracks, pages of tracks, tags."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, and_, func, select
from sqlalchemy.orm import Session

from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.core.sorting import sort_key
from songrec.core.track_identity import catalogue_key, recording_key
from songrec.store.bulk import chunks
from songrec.store.catalogue import artists, merge_redirects, track_aliases, track_filters
from songrec.store.catalogue.artists import CreditView
from songrec.store.catalogue.track_filters import TrackQuery
from songrec.store.tables import (
    PLAYABLE,
    Album,
    AudioFile,
    ClusterAssignment,
    RemovedTrack,
    Run,
    Tag,
    Track,
    TrackAttributes,
    TrackTag,
)

SORTS: dict[str, str] = {
    "known": "Best known",
    "title": "Title",
    "artist": "Artist",
    "year": "Year",
    "added": "Date added",
    "popularity": "Popularity",
    "energy": "Energy",
    "danceability": "Danceability",
    "positiveness": "Happiness",
    "tempo": "Tempo",
    "typical": "Typical of its sound group",
}
ASCENDING = frozenset({"title", "artist"})
"""Ascending sorts; all others are descending: most popular, newest or highest first."""


@dataclass(frozen=True, slots=True)
class TrackView:
    """A track for display; ``attributes`` maps the twelve names to values or None.

    ``label`` is the cluster number in the requested run, None if the track is not in that run; the
    same holds for ``confidence``, ``x`` and ``y``. ``has_audio``: whether it can be played.
    ``picture`` is the content hash of its file with a cover, None without one. ``artists`` is the
    displayed line of ``credits``; ``album_id`` is the album's public id.
    """

    id: int
    public_id: str
    external_id: str | None
    title: str
    artists: str
    album: str | None
    album_id: str | None
    year: int | None
    duration_ms: int | None
    key: int | None
    mode: int | None
    attributes: dict[str, float | None]
    label: int | None = None
    confidence: float | None = None
    x: float | None = None
    y: float | None = None
    has_audio: bool = False
    picture: str | None = None
    credits: tuple[CreditView, ...] = ()
    genres: tuple[str, ...] = ()
    emotions: tuple[str, ...] = ()

    @property
    def genre(self) -> str | None:
        """The genres in one line."""
        return ", ".join(self.genres) or None

    @property
    def emotion(self) -> str | None:
        """The emotions in one line."""
        return ", ".join(self.emotions) or None


@dataclass(frozen=True, slots=True)
class Page:
    """One page of tracks; ``total`` is exact unless ``more`` says there are further ones."""

    tracks: list[TrackView]
    number: int
    last: int
    total: int
    more: bool = False


TRACK_COLUMNS = (
    Track.id,
    Track.public_id,
    Track.external_id,
    Track.title,
    Track.artists,
    Album.title,
    Album.public_id,
    Track.year,
    Track.duration_ms,
    Track.key,
    Track.mode,
)
_ATTRIBUTE_COLUMNS = tuple(getattr(TrackAttributes, name) for name in ATTRIBUTE_NAMES)
_PLACE_COLUMNS = (
    ClusterAssignment.label,
    ClusterAssignment.confidence,
    ClusterAssignment.x,
    ClusterAssignment.y,
)


_HAS_AUDIO = (
    select(AudioFile.id)
    .where(AudioFile.track_id == Track.id, AudioFile.state.in_(PLAYABLE))
    .correlate(Track)
    .exists()
)
_PICTURE = (
    select(AudioFile.content_hash)
    .where(AudioFile.track_id == Track.id, AudioFile.state.in_(PLAYABLE), AudioFile.has_cover)
    .order_by(AudioFile.id)
    .limit(1)
    .correlate(Track)
    .scalar_subquery()
)


def version(session: Session) -> str:
    """Return a string that changes with any added, changed or removed track, by index look-ups."""
    # Two subqueries: SQLite uses an index for a maximum only if it is the only expression.
    newest = select(func.max(Track.id)).scalar_subquery()
    changed = select(func.max(Track.updated_at)).scalar_subquery()
    removed = select(func.count()).select_from(RemovedTrack).scalar_subquery()
    row = session.execute(select(newest, changed, removed)).one()
    return f"{row[0]}:{row[1]}:{row[2]}"


def track_count(session: Session) -> int:
    """Return the number of tracks."""
    return session.scalar(select(func.count()).select_from(Track)) or 0


def tags(session: Session, kind: str, limit: int = 200) -> list[tuple[str, int]]:
    """Return the most frequent tags of a kind with their numbers of tracks."""
    number = func.count(TrackTag.track_id)
    rows = session.execute(
        select(Tag.name, number)
        .join(TrackTag, TrackTag.tag_id == Tag.id)
        .where(Tag.kind == kind)
        .group_by(Tag.id)
        .order_by(number.desc(), Tag.name)
        .limit(limit)
    )
    return [(name, amount) for name, amount in rows]


def first_tags(session: Session, kind: str) -> dict[int, str]:
    """Return the first tag of a kind by track id, for tracks that have any."""
    first = (
        select(TrackTag.track_id, func.min(TrackTag.tag_id).label("tag_id"))
        .join(Tag, Tag.id == TrackTag.tag_id)
        .where(Tag.kind == kind)
        .group_by(TrackTag.track_id)
        .subquery()
    )
    rows = session.execute(select(first.c.track_id, Tag.name).join(Tag, Tag.id == first.c.tag_id))
    return {track_id: name for track_id, name in rows}  # noqa: C416 -- rows are no pairs


def find_track(
    session: Session, name: str, run: Run | None = None, *, own_ids: bool = True
) -> TrackView | None:
    """Return the track with this public id, id of a recording or catalogue's id, or None.

    A catalogue's id may have the catalogue's name as prefix (``fma:7``); otherwise it must be
    unique. Pass ``own_ids=False`` if the name may as well be a title ("1999"). For a merged track
    the survivor is returned.
    """
    keys = _keys_of(name, own_ids=own_ids)
    track_id = session.scalar(select(Track.id).where(Track.public_id == name))
    if track_id is None and keys:
        track_id = next(iter(track_aliases.tracks_by_key(session, keys).values()), None)
    if track_id is None and (own_ids or keys):
        same = with_external_id(session, name)
        if len(same) > 1:
            return None
        track_id = same[0] if same else None
    if track_id is None:
        track_id = merge_redirects.survivor_named(session, name, own_ids=own_ids)
    views = tracks_by_id(session, [track_id], run) if track_id is not None else []
    return views[0] if views else None


def with_external_id(session: Session, external_id: str) -> list[int]:
    """Return the tracks with this id in any catalogue, the oldest first."""
    query = select(Track.id).where(Track.external_id == external_id).order_by(Track.id)
    return list(session.scalars(query))


def _keys_of(name: str, *, own_ids: bool) -> list[str]:
    key = recording_key(name)
    if key is not None:
        return [key]
    catalogue, _, own_id = name.rpartition(":")
    return [catalogue_key(catalogue, own_id)] if own_ids and catalogue else []


def tracks_by_id(
    session: Session, track_ids: Sequence[int], run: Run | None = None
) -> list[TrackView]:
    """Return the tracks with these ids, in the order given; unknown ids are left out."""
    if not track_ids:
        return []
    by_id = {v.id: v for v in _views(session, _base(run).where(Track.id.in_(list(track_ids))))}
    return [by_id[i] for i in track_ids if i in by_id]


def tracks_by_public_id(
    session: Session, public_ids: Sequence[str], run: Run | None = None
) -> list[TrackView]:
    """Return the tracks with these public ids, in that order; unknown ones are left out."""
    if not public_ids:
        return []
    rows = _views(session, _base(run).where(Track.public_id.in_(list(public_ids))))
    by_public_id = {view.public_id: view for view in rows}
    return [by_public_id[name] for name in public_ids if name in by_public_id]


def versions(session: Session, track_id: int, limit: int) -> list[int]:
    """Return other tracks of the same song (artists and title), the oldest first."""
    key = select(Track.song_key).where(Track.id == track_id).scalar_subquery()
    query = select(Track.id).where(Track.song_key == key, Track.id != track_id)
    return list(session.scalars(query.order_by(Track.year, Track.id).limit(limit)))


def with_values(session: Session) -> frozenset[str]:
    """Return the attributes with a value for any track."""
    columns = TrackAttributes.__table__.c
    has_value = select(
        *(
            select(columns.track_id).where(columns[name].is_not(None)).exists()
            for name in ATTRIBUTE_NAMES
        )
    )
    row = session.execute(has_value).one()
    return frozenset(
        name for name, is_present in zip(ATTRIBUTE_NAMES, row, strict=True) if is_present
    )


def total_ms(session: Session, track_ids: Sequence[int]) -> int:
    """Return the total duration of tracks in milliseconds; unknown durations count 0."""
    query = select(func.sum(Track.duration_ms)).where(Track.id.in_(list(track_ids)))
    return session.scalar(query) or 0


def public_ids(session: Session, track_ids: Sequence[int]) -> list[str]:
    """Return the public ids of tracks, in the order given; unknown ids are left out."""
    query = select(Track.id, Track.public_id).where(Track.id.in_(list(track_ids)))
    names = {track_id: name for track_id, name in session.execute(query)}  # noqa: C416 -- no pairs
    return [names[track_id] for track_id in track_ids if track_id in names]


def search(session: Session, query: TrackQuery, run: Run | None = None) -> Page:
    """Return a page of tracks that match ``query``; clusters are those of ``run``."""
    total, more = track_filters.count(session, query, run)
    last = max(1, math.ceil(total / query.per_page))
    number = min(max(1, query.page), last)
    # Find the page's ids first, on narrow rows, and read only those tracks in full.
    ids = track_filters.ids(
        session, query, run, offset=(number - 1) * query.per_page, many=more or not query.filters
    )
    return Page(tracks_by_id(session, ids, run), number, last, total, more)


def suggest(session: Session, words: str, n: int, run: Run | None = None) -> list[TrackView]:
    """Return at most ``n`` songs: titles that begin with ``words``, shortest first, then others.

    Unlike ``search``, whose sorting may put the song “Yesterday” after the many songs with that
    word in title, artist, album or genre.
    """
    begins = track_filters.title_begins_with(session, sort_key(words.strip()))
    named = session.scalars(
        select(Track.id)
        .where(begins)
        .order_by(func.length(Track.sort_title), Track.sort_title, Track.id)
        .limit(n)
    )
    views = tracks_by_id(session, list(named), run)
    if len(views) < n:
        named_ids = {view.id for view in views}
        query = TrackQuery(text=words, sort="known", descending=True, per_page=n)
        others = search(session, query, run).tracks
        views += [view for view in others if view.id not in named_ids]
    return views[:n]


def titles_beginning_with(session: Session, words: str, limit: int) -> list[int]:
    """Return at most ``limit`` tracks whose title begins with ``words``, shortest titles first."""
    key = sort_key(words.strip())
    if key == sort_key(""):
        return []
    query = (
        select(Track.id)
        .where(track_filters.title_begins_with(session, key))
        .order_by(func.length(Track.sort_title), Track.sort_title, Track.id)
        .limit(limit)
    )
    return list(session.scalars(query))


def added_since(session: Session, track_ids: Sequence[int], moment: datetime) -> list[int]:
    """Return the tracks that were added since ``moment``, in the given order."""
    new: set[int] = set()
    for part in chunks(list(track_ids)):
        query = select(Track.id).where(Track.id.in_(part), Track.created_at >= moment)
        new.update(session.scalars(query))
    return [track_id for track_id in track_ids if track_id in new]


def _base(run: Run | None) -> Select[Any]:
    if run is None:
        return (
            select(*TRACK_COLUMNS, *_ATTRIBUTE_COLUMNS, _HAS_AUDIO, _PICTURE)
            .join(TrackAttributes, TrackAttributes.track_id == Track.id, isouter=True)
            .join(Album, Album.id == Track.album_id, isouter=True)
        )
    return (
        select(*TRACK_COLUMNS, *_ATTRIBUTE_COLUMNS, *_PLACE_COLUMNS, _HAS_AUDIO, _PICTURE)
        .join(TrackAttributes, TrackAttributes.track_id == Track.id, isouter=True)
        .join(Album, Album.id == Track.album_id, isouter=True)
        .join(
            ClusterAssignment,
            and_(ClusterAssignment.track_id == Track.id, ClusterAssignment.run_id == run.id),
            isouter=True,
        )
    )


def _views(session: Session, statement: Select[Any]) -> list[TrackView]:
    first, last = len(TRACK_COLUMNS), len(TRACK_COLUMNS) + len(ATTRIBUTE_NAMES)
    rows = session.execute(statement).all()
    ids = [row[0] for row in rows]
    credits = artists.credits_of_tracks(session, ids)
    labels = genres_and_emotions(session, ids)
    return [
        TrackView(
            *row[:first],
            dict(zip(ATTRIBUTE_NAMES, row[first:last], strict=True)),
            *row[last:-2],
            has_audio=bool(row[-2]),
            picture=row[-1],
            credits=credits.get(row[0], ()),
            genres=tuple(labels.get((row[0], "genre"), ())),
            emotions=tuple(labels.get((row[0], "emotion"), ())),
        )
        for row in rows
    ]


def genres_and_emotions(
    session: Session, track_ids: Sequence[int]
) -> dict[tuple[int, str], list[str]]:
    """Return the genres and emotions of tracks by track id and kind."""
    tags: dict[tuple[int, str], list[str]] = {}
    for part in chunks(list(track_ids)):
        query = (
            select(TrackTag.track_id, Tag.kind, Tag.name)
            .join(Tag, Tag.id == TrackTag.tag_id)
            .where(TrackTag.track_id.in_(part), Tag.kind.in_(("genre", "emotion")))
            .order_by(TrackTag.track_id, Tag.id)
        )
        for track_id, kind, name in session.execute(query):
            tags.setdefault((track_id, kind), []).append(name)
    return tags
