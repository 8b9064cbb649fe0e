"""Tracks removed by an admin, which runs still contain but pages and recommendations do not.

The caller commits.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from songrec.store.catalogue import merge_redirects
from songrec.store.tables import Album, Artist, RemovedTrack, Track, TrackArtist, TrackMerge


def withdrawn_ids(session: Session) -> list[int]:
    """Return the ids of merged and removed tracks, which runs may still contain."""
    removed = session.scalars(select(RemovedTrack.track_id))
    return [*merge_redirects.ids(session), *removed]


def remove(session: Session, track_ids: Collection[int]) -> None:
    """Delete tracks and the tracks merged into them, with their likes, tags and playlist entries.

    Plays remain as plays of unmatched songs. Artists and albums without other tracks are deleted.
    Flushes.
    """
    session.flush()
    gone = {*track_ids, *_merged_into(session, track_ids)}
    merges = TrackMerge.survivor_id.in_(gone) | TrackMerge.merged_id.in_(gone)
    artist_ids = session.scalars(
        select(TrackArtist.artist_id).where(TrackArtist.track_id.in_(track_ids)).distinct()
    ).all()
    album_ids = session.scalars(
        select(Track.album_id).where(Track.id.in_(track_ids), Track.album_id.is_not(None))
    ).all()
    session.execute(delete(TrackMerge).where(merges))
    session.execute(delete(Track).where(Track.id.in_(track_ids)))
    recorded = set(
        session.scalars(select(RemovedTrack.track_id).where(RemovedTrack.track_id.in_(gone)))
    )
    session.add_all(RemovedTrack(track_id=one) for one in sorted(gone - recorded))
    no_track = ~exists().where(Track.album_id == Album.id)
    session.execute(delete(Album).where(Album.id.in_(set(album_ids)), no_track))
    unused = (
        ~exists().where(TrackArtist.artist_id == Artist.id),
        ~exists().where(Album.artist_id == Artist.id),
    )
    session.execute(delete(Artist).where(Artist.id.in_(artist_ids), *unused))
    session.flush()
    session.expire_all()


def _merged_into(session: Session, track_ids: Collection[int]) -> list[int]:
    """Return the tracks that were merged into these, directly or indirectly."""
    merged_ids: list[int] = []
    pending = list(track_ids)
    while pending:
        query = select(TrackMerge.merged_id).where(
            TrackMerge.survivor_id.in_(pending), TrackMerge.undone_at.is_(None)
        )
        pending = [one for one in session.scalars(query) if one not in merged_ids]
        merged_ids += pending
    return merged_ids
