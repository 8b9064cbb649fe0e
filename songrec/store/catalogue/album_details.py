"""A listener's stars, ratings and plays of albums and artists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from songrec.store.bulk import chunks
from songrec.store.tables import (
    AlbumOpinion,
    ArtistOpinion,
    Listen,
    Listener,
    Track,
    TrackRating,
)


@dataclass(frozen=True, slots=True)
class Opinion:
    """A listener's star, rating and plays of an album or an artist."""

    starred_at: datetime | None = None
    rating: int | None = None
    play_count: int = 0
    played_at: datetime | None = None


NO_OPINION = Opinion()


def album_opinions(
    session: Session, album_ids: Sequence[int], listener: Listener | None
) -> dict[int, Opinion]:
    """Return a listener's opinions of albums, without albums that have none."""
    if listener is None:
        return {}
    opinions: dict[int, Opinion] = {}
    for part in chunks(list(album_ids)):
        stated = {
            album_id: (starred_at, rating)
            for album_id, starred_at, rating in session.execute(
                select(AlbumOpinion.album_id, AlbumOpinion.starred_at, AlbumOpinion.rating).where(
                    AlbumOpinion.listener_id == listener.id, AlbumOpinion.album_id.in_(part)
                )
            )
        }
        plays = {
            album_id: (count, played_at)
            for album_id, count, played_at in session.execute(
                select(Track.album_id, func.sum(Listen.times), func.max(Listen.played_at))
                .join(Listen, Listen.track_id == Track.id)
                .where(
                    Track.album_id.in_(part),
                    Listen.listener_id == listener.id,
                    Listen.is_skip.is_(False),
                )
                .group_by(Track.album_id)
            )
        }
        for album_id in {*stated, *plays}:
            opinions[album_id] = Opinion(
                *stated.get(album_id, (None, None)), *plays.get(album_id, (0, None))
            )
    return opinions


def artist_opinions(
    session: Session, artist_ids: Sequence[int] | None, listener: Listener | None
) -> dict[int, Opinion]:
    """Return a listener's opinions of artists; of all artists without ``artist_ids``."""
    if listener is None:
        return {}
    query = select(ArtistOpinion.artist_id, ArtistOpinion.starred_at, ArtistOpinion.rating).where(
        ArtistOpinion.listener_id == listener.id
    )
    if artist_ids is not None and len(artist_ids) <= 500:
        query = query.where(ArtistOpinion.artist_id.in_(artist_ids))
    return {
        artist_id: Opinion(starred_at, rating)
        for artist_id, starred_at, rating in session.execute(query)
    }


def starred_albums(session: Session, listener: Listener | None) -> list[int]:
    """Return the ids of a listener's starred albums, the newest star first."""
    if listener is None:
        return []
    query = (
        select(AlbumOpinion.album_id)
        .where(AlbumOpinion.listener_id == listener.id, AlbumOpinion.starred_at.is_not(None))
        .order_by(AlbumOpinion.starred_at.desc(), AlbumOpinion.album_id)
    )
    return list(session.scalars(query))


def starred_artists(session: Session, listener: Listener | None) -> list[int]:
    """Return the ids of a listener's starred artists, the newest star first."""
    if listener is None:
        return []
    query = (
        select(ArtistOpinion.artist_id)
        .where(ArtistOpinion.listener_id == listener.id, ArtistOpinion.starred_at.is_not(None))
        .order_by(ArtistOpinion.starred_at.desc(), ArtistOpinion.artist_id)
    )
    return list(session.scalars(query))


def track_ratings(session: Session, listener: Listener | None) -> dict[int, int]:
    """Return a listener's ratings of tracks, by track id."""
    if listener is None:
        return {}
    query = select(TrackRating.track_id, TrackRating.rating).where(
        TrackRating.listener_id == listener.id
    )
    return {track_id: rating for track_id, rating in session.execute(query)}  # noqa: C416 -- rows


def album_ratings(session: Session, listener: Listener | None) -> dict[int, int]:
    """Return a listener's ratings of albums, by album id."""
    if listener is None:
        return {}
    query = select(AlbumOpinion.album_id, AlbumOpinion.rating).where(
        AlbumOpinion.listener_id == listener.id, AlbumOpinion.rating.is_not(None)
    )
    return {album_id: rating for album_id, rating in session.execute(query)}  # noqa: C416 -- rows


def played_tracks(
    session: Session, listener: Listener | None
) -> dict[int, tuple[int, datetime | None]]:
    """Return the number of plays and the last play of each track by a listener."""
    if listener is None:
        return {}
    query = (
        select(Listen.track_id, func.sum(Listen.times), func.max(Listen.played_at))
        .where(
            Listen.listener_id == listener.id,
            Listen.track_id.is_not(None),
            Listen.is_skip.is_(False),
        )
        .group_by(Listen.track_id)
    )
    return {
        track_id: (count, played_at)
        for track_id, count, played_at in session.execute(query)
        if track_id is not None
    }
