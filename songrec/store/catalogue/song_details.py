"""Details of playable songs for apps, in a fixed number of queries."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import PurePath
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from songrec.core.track_identity import ISRC, MUSICBRAINZ
from songrec.store.bulk import chunks
from songrec.store.catalogue import artists
from songrec.store.catalogue.artists import CreditView
from songrec.store.catalogue.tracks import genres_and_emotions
from songrec.store.listeners.reactions import LIKE
from songrec.store.sound import audio_files
from songrec.store.tables import (
    Album,
    Artist,
    AudioFile,
    Listen,
    Listener,
    Reaction,
    Track,
    TrackAlias,
    TrackAttributes,
    TrackRating,
)


@dataclass(frozen=True, slots=True)
class SongFile:
    """The played file of a song; ``path`` is relative to the analysed folder.

    ``size`` and ``bit_rate`` (kbit/s) are None for a part of a file.
    """

    public_id: str
    path: str
    suffix: str
    size: int | None
    bit_rate: int | None
    sample_rate: int | None
    channels: int | None
    duration_s: float | None
    track_number: int | None
    disc_number: int | None
    loudness: float | None
    created_at: datetime


@dataclass(frozen=True, slots=True)
class SongDetails:
    """A playable song with one listener's star, rating and plays."""

    id: int
    public_id: str
    title: str
    artists: str
    year: int | None
    duration_s: float | None
    tempo: float | None
    explicit: bool | None
    album_id: str | None
    album: str | None
    album_artist_id: str | None
    album_artist: str | None
    file: SongFile
    credits: tuple[CreditView, ...] = ()
    genres: tuple[str, ...] = ()
    emotions: tuple[str, ...] = ()
    musicbrainz_id: str | None = None
    isrcs: tuple[str, ...] = ()
    starred_at: datetime | None = None
    rating: int | None = None
    play_count: int = 0
    played_at: datetime | None = None


@dataclass(slots=True)
class _Opinions:
    starred: dict[int, datetime] = field(default_factory=dict)
    ratings: dict[int, int] = field(default_factory=dict)
    plays: dict[int, tuple[int, datetime | None]] = field(default_factory=dict)


def song_details(
    session: Session, track_ids: Sequence[int], listener: Listener | None
) -> list[SongDetails]:
    """Return the playable songs with these ids, in the given order.

    A repeated track is returned repeatedly. Stars and plays are those of ``listener``.
    """
    ids = list(dict.fromkeys(track_ids))
    if not ids:
        return []
    files = audio_files.for_tracks(session, ids)
    ids = [track_id for track_id in ids if track_id in files]
    credits = artists.credits_of_tracks(session, ids)
    labels = genres_and_emotions(session, ids)
    recordings = _recording_ids(session, ids)
    opinions = _opinions(session, ids, listener) if listener is not None else _Opinions()
    songs: dict[int, SongDetails] = {}
    for row in _rows(session, ids):
        file = files[row.id]
        count, played_at = opinions.plays.get(row.id, (0, None))
        identifiers = recordings.get(row.id, {})
        kind, _, value = row.source_key.partition(":")
        if kind in (MUSICBRAINZ, ISRC):
            identifiers.setdefault(kind, []).append(value)
        songs[row.id] = SongDetails(
            id=row.id,
            public_id=row.public_id,
            title=row.title,
            artists=row.artists,
            year=row.year,
            duration_s=row.duration_ms / 1000 if row.duration_ms else file.duration_s,
            tempo=row.tempo,
            explicit=None if row.explicit is None else row.explicit >= 0.5,
            album_id=row.album_id,
            album=row.album,
            album_artist_id=row.album_artist_id,
            album_artist=row.album_artist,
            file=_described(file),
            credits=credits.get(row.id, ()),
            genres=tuple(labels.get((row.id, "genre"), ())),
            emotions=tuple(labels.get((row.id, "emotion"), ())),
            musicbrainz_id=next(iter(identifiers.get(MUSICBRAINZ, ())), None),
            isrcs=tuple(identifiers.get(ISRC, ())),
            starred_at=opinions.starred.get(row.id),
            rating=opinions.ratings.get(row.id),
            play_count=count,
            played_at=played_at,
        )
    return [songs[track_id] for track_id in track_ids if track_id in songs]


def _rows(session: Session, ids: Sequence[int]) -> list[Any]:
    rows: list[Any] = []
    for part in chunks(list(ids)):
        rows += session.execute(
            select(
                Track.id,
                Track.public_id,
                Track.source_key,
                Track.title,
                Track.artists,
                Track.year,
                Track.duration_ms,
                TrackAttributes.tempo,
                TrackAttributes.explicit,
                Album.public_id.label("album_id"),
                Album.title.label("album"),
                Artist.public_id.label("album_artist_id"),
                Artist.name.label("album_artist"),
            )
            .join(TrackAttributes, TrackAttributes.track_id == Track.id, isouter=True)
            .join(Album, Album.id == Track.album_id, isouter=True)
            .join(Artist, Artist.id == Album.artist_id, isouter=True)
            .where(Track.id.in_(part))
        )
    return rows


def _described(file: AudioFile) -> SongFile:
    info = file.info or {}
    path = PurePath(file.path)
    relative = (
        path.relative_to(file.root) if path.is_relative_to(file.root) else PurePath(path.name)
    )
    is_whole = file.part == 0
    bit_rate = round(file.size * 8 / file.duration_s / 1000) if file.duration_s else None
    measured = (info.get("attributes") or {}).get("loudness") or {}
    return SongFile(
        public_id=file.public_id,
        path=str(relative if is_whole else relative.with_suffix(f".{file.part:02d}.flac")),
        suffix=path.suffix.lstrip(".").lower() if is_whole else "flac",
        size=file.size if is_whole else None,
        bit_rate=bit_rate if is_whole else None,
        sample_rate=file.sample_rate,
        channels=file.channels,
        duration_s=file.duration_s,
        track_number=_number(file.part or info.get("track_number")),
        disc_number=_number(info.get("disc_number")),
        loudness=measured.get("value") if measured.get("source") == "measured" else None,
        created_at=file.created_at,
    )


def _number(value: object) -> int | None:
    return value if isinstance(value, int) and value > 0 else None


def _recording_ids(session: Session, ids: Sequence[int]) -> dict[int, dict[str, list[str]]]:
    """Return the MusicBrainz ids and ISRCs of tracks, by their prefixes."""
    by_track: dict[int, dict[str, list[str]]] = {}
    for part in chunks(list(ids)):
        query = (
            select(TrackAlias.track_id, TrackAlias.key)
            .where(TrackAlias.track_id.in_(part))
            .order_by(TrackAlias.id)
        )
        for track_id, key in session.execute(query):
            kind, _, value = key.partition(":")
            if kind in (MUSICBRAINZ, ISRC):
                by_track.setdefault(track_id, {}).setdefault(kind, []).append(value)
    return by_track


def _opinions(session: Session, ids: Sequence[int], listener: Listener) -> _Opinions:
    opinions = _Opinions()
    for part in chunks(list(ids)):
        liked = select(Reaction.track_id, Reaction.created_at).where(
            Reaction.listener_id == listener.id,
            Reaction.track_id.in_(part),
            Reaction.value == LIKE,
        )
        opinions.starred.update(session.execute(liked).all())
        rated = select(TrackRating.track_id, TrackRating.rating).where(
            TrackRating.listener_id == listener.id, TrackRating.track_id.in_(part)
        )
        opinions.ratings.update(session.execute(rated).all())
        plays = (
            select(Listen.track_id, func.sum(Listen.times), func.max(Listen.played_at))
            .where(
                Listen.listener_id == listener.id,
                Listen.track_id.in_(part),
                Listen.is_skip.is_(False),
            )
            .group_by(Listen.track_id)
        )
        for track_id, count, played_at in session.execute(plays):
            opinions.plays[track_id] = (count, played_at)
    return opinions
