"""Training data of tastes: artist and album of each track, and playlists."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from sqlalchemy import and_, func, select
from sqlalchemy.orm import Session

from songrec.core.artist_affinities import (
    COUNTS,
    AffinityCollector,
    ArtistAffinities,
    NamedArtist,
)
from songrec.core.types import Ints
from songrec.store.tables import (
    Album,
    Artist,
    Listen,
    Listener,
    Playlist,
    PlaylistTrack,
    Reaction,
    Track,
    TrackArtist,
    User,
)

ROWS_PER_FETCH = 20_000
MAX_SHARED = 20
"""Maximum number of an account's playlists in training data."""
PLAYS_PER_LIKE = 10
"""Number of plays of the artist that a like counts as."""


@dataclass(frozen=True, slots=True)
class CreditedTrack:
    """Artist and album of a track as ids of the database; 0 if unknown.

    ``artist_id`` is the first artist's. ``album_id`` is also 0 if the album's artist is unknown,
    because albums of the same title cannot be distinguished then.
    """

    title: str = ""
    names: Sequence[str] = ()
    artist_id: int = 0
    album_id: int = 0


def credited_tracks(session: Session, track_ids: Ints) -> Iterator[CreditedTrack]:
    """Yield the credits of ``track_ids`` (ascending), with zeros for deleted tracks."""
    for start in range(0, len(track_ids), ROWS_PER_FETCH):
        part = track_ids[start : start + ROWS_PER_FETCH].tolist()
        credited = _credited(session, part[0], part[-1])
        for track_id in part:
            yield credited.get(track_id) or CreditedTrack()


def _credited(session: Session, first: int, last: int) -> dict[int, CreditedTrack]:
    names: dict[int, list[str]] = {}
    artist_ids: dict[int, int] = {}
    credits = (
        select(TrackArtist.track_id, TrackArtist.artist_id, Artist.name)
        .join(Artist, Artist.id == TrackArtist.artist_id)
        .where(TrackArtist.track_id.between(first, last))
        .order_by(TrackArtist.track_id, TrackArtist.position)
    )
    for track_id, artist_id, name in session.execute(credits):
        names.setdefault(track_id, []).append(name)
        artist_ids.setdefault(track_id, artist_id)
    tracks = (
        select(Track.id, Track.title, Album.id)
        .join(Album, and_(Album.id == Track.album_id, Album.artist_id.is_not(None)), isouter=True)
        .where(Track.id.between(first, last))
    )
    return {
        track_id: CreditedTrack(
            title, names.get(track_id, ()), artist_ids.get(track_id, 0), album_id or 0
        )
        for track_id, title, album_id in session.execute(tracks)
    }


def catalogue_playlist_count(session: Session) -> int:
    """Return the number of playlists imported with catalogues."""
    query = select(func.count()).select_from(Playlist).where(Playlist.listener_id.is_(None))
    return session.scalar(query) or 0


def playlists(session: Session, track_ids: Ints, *, shared: bool = False) -> list[Ints]:
    """Return the playlists for training models, as rows of ``track_ids`` (ascending).

    Playlists of catalogues are used, and with ``shared`` the newest ``MAX_SHARED`` of each account
    that shares its playlists. Those of anonymous listeners are never used, because anybody could
    create any number of them.
    """
    newest = func.row_number().over(partition_by=Playlist.listener_id, order_by=Playlist.id.desc())
    of_accounts = (
        select(Playlist.id, newest.label("place"))
        .join(Listener, Listener.id == Playlist.listener_id)
        .join(User, User.id == Listener.user_id)
        .where(User.shares_playlists)
        .subquery()
    )
    counted = select(Playlist.id).where(Playlist.listener_id.is_(None))
    if shared:
        counted = counted.union_all(
            select(of_accounts.c.id).where(of_accounts.c.place <= MAX_SHARED)
        )
    query = (
        select(PlaylistTrack.playlist_id, PlaylistTrack.track_id)
        .where(PlaylistTrack.playlist_id.in_(counted))
        .order_by(PlaylistTrack.playlist_id, PlaylistTrack.track_id)
        .execution_options(yield_per=ROWS_PER_FETCH)
    )
    parts = [
        np.array([(row[0], row[1]) for row in rows], dtype=np.int64)
        for rows in session.execute(query).partitions()
    ]
    if not parts or not len(track_ids):
        return []
    pairs = np.concatenate(parts)
    at = np.minimum(np.searchsorted(track_ids, pairs[:, 1]), len(track_ids) - 1)
    is_track = track_ids[at] == pairs[:, 1]
    rows, lists = at[is_track], pairs[is_track, 0]
    edges = np.flatnonzero(np.diff(lists)) + 1
    return [part.astype(np.int64) for part in np.split(rows, edges) if len(part)]


def artists_listened_to(session: Session) -> ArtistAffinities:
    """Return the plays and likes of each artist by accounts that share their listening.

    A like counts as ``PLAYS_PER_LIKE`` plays; a song counts for its first artist. Skips and
    dislikes are ignored.
    """
    teaching = (
        select(Listener.id).join(User, User.id == Listener.user_id).where(User.shares_listening)
    )
    liked = (
        select(Reaction.listener_id, Artist, PLAYS_PER_LIKE * func.sum(Reaction.weight))
        .join(TrackArtist, TrackArtist.track_id == Reaction.track_id)
        .where(Reaction.value > 0, Reaction.listener_id.in_(teaching))
        .group_by(Reaction.listener_id, Artist.id)
        .order_by(Reaction.listener_id, Artist.id)
    )
    played = (
        select(Listen.listener_id, Artist, func.sum(Listen.times))
        .join(TrackArtist, TrackArtist.track_id == Listen.track_id)
        .where(~Listen.is_skip, Listen.listener_id.in_(teaching))
        .group_by(Listen.listener_id, Artist.id)
        .order_by(Listen.listener_id, Artist.id)
    )
    collector = AffinityCollector(COUNTS)
    for query in (liked, played):
        query = query.join(Artist, Artist.id == TrackArtist.artist_id)
        for listener, artist, plays in session.execute(query.where(TrackArtist.position == 0)):
            named = NamedArtist(artist.name, artist.musicbrainz_id)
            if named.key and plays > 0:
                collector.add(str(listener), named, float(plays))
    return collector.affinities()
