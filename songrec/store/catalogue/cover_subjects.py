"""Subjects of covers: a picture of the song's or album's files, else the values for a drawing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from songrec.store.tables import (
    PLAYABLE,
    Album,
    Artist,
    AudioFile,
    Track,
    TrackArtist,
    TrackAttributes,
)

FIRST_OF_LIST = 8
"""Number of a list's songs that are searched for a picture."""
TRAITS = ("energy", "positiveness")
_TRAIT_COLUMNS = tuple(getattr(TrackAttributes, name) for name in TRAITS)


@dataclass(frozen=True, slots=True)
class PictureFile:
    """A sound file with a cover, embedded or in its folder."""

    content_hash: str
    path: Path


@dataclass(frozen=True, slots=True)
class CoverSubject:
    """A song or an album with its mean traits.

    ``picture`` is a file with a cover, ``sound`` the content hash of the song's sound; each is None
    without such a file.
    """

    public_id: str
    traits: dict[str, float | None]
    picture: PictureFile | None
    sound: str | None


def of_track(session: Session, public_id: str) -> CoverSubject | None:
    """Return the subject of a song's cover; without a picture of its own, that of its album."""
    row = session.execute(
        select(Track.id, Album.public_id, *_TRAIT_COLUMNS)
        .join(TrackAttributes, TrackAttributes.track_id == Track.id, isouter=True)
        .join(Album, Album.id == Track.album_id, isouter=True)
        .where(Track.public_id == public_id)
    ).first()
    if row is None:
        return None
    track_id, album, *traits = row
    picture, sound = _files(session, AudioFile.track_id == track_id)
    if picture is None and album is not None:
        return of_album(session, album)
    return CoverSubject(public_id, dict(zip(TRAITS, traits, strict=True)), picture, sound)


def of_album(session: Session, public_id: str) -> CoverSubject | None:
    """Return the subject of an album's cover, which its songs share."""
    row = session.execute(
        select(Album.id, *map(func.avg, _TRAIT_COLUMNS))
        .join(Track, Track.album_id == Album.id, isouter=True)
        .join(TrackAttributes, TrackAttributes.track_id == Track.id, isouter=True)
        .where(Album.public_id == public_id)
        .group_by(Album.id)
    ).first()
    if row is None:
        return None
    album_id, *traits = row
    tracks = select(Track.id).where(Track.album_id == album_id)
    picture, _ = _files(session, AudioFile.track_id.in_(tracks))
    return CoverSubject(public_id, dict(zip(TRAITS, traits, strict=True)), picture, None)


def of_artist(session: Session, public_id: str) -> CoverSubject | None:
    """Return the subject of an artist's picture: one of their covers, else a drawing."""
    artist_id = session.scalar(select(Artist.id).where(Artist.public_id == public_id))
    if artist_id is None:
        return None
    tracks = select(TrackArtist.track_id).where(
        TrackArtist.artist_id == artist_id, TrackArtist.role == "main"
    )
    picture, _ = _files(session, AudioFile.track_id.in_(tracks))
    return CoverSubject(public_id, {}, picture, None)


def of_list(session: Session, seed: str, track_ids: Sequence[int]) -> CoverSubject:
    """Return the subject of a list's cover: its first song with a picture, else a drawing."""
    for track_id in track_ids[:FIRST_OF_LIST]:
        picture, _ = _files(session, AudioFile.track_id == track_id)
        if picture is not None:
            return CoverSubject(seed, {}, picture, None)
    return CoverSubject(seed, {}, None, None)


def _files(session: Session, condition: Any) -> tuple[PictureFile | None, str | None]:
    """Return the first file with a cover, and the content hash of it or of any other file."""
    file = session.execute(
        select(AudioFile.content_hash, AudioFile.has_cover, AudioFile.path)
        .where(condition, AudioFile.state.in_(PLAYABLE))
        .order_by(AudioFile.has_cover.desc(), AudioFile.id)
        .limit(1)
    ).first()
    if file is None:
        return None, None
    content_hash, has_cover, path = file
    return PictureFile(content_hash, Path(path)) if has_cover else None, content_hash
