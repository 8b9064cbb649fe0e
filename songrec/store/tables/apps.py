"""What apps report and keep: ratings, stars of albums and artists, queues, places in songs."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    false,
)
from sqlalchemy.orm import Mapped, mapped_column

from songrec.store.db import LONG, Base, UtcDateTime, now


class TrackRating(Base):
    """One to five stars that a listener gave a track.

    ``made_reaction``: the like or dislike of the track follows from the rating and goes with it.
    """

    __tablename__ = "track_rating"

    listener_id: Mapped[int] = mapped_column(
        ForeignKey("listener.id", ondelete="CASCADE"), primary_key=True
    )
    track_id: Mapped[int] = mapped_column(
        ForeignKey("track.id", ondelete="CASCADE"), primary_key=True
    )
    rating: Mapped[int]
    made_reaction: Mapped[bool] = mapped_column(default=False, server_default=false())
    rated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    __table_args__ = (
        CheckConstraint("rating between 1 and 5", name="rating"),
        Index("ix_track_rating_track_id", "track_id"),
    )


class AlbumOpinion(Base):
    """A listener's star and rating (1 to 5) of an album."""

    __tablename__ = "album_opinion"

    listener_id: Mapped[int] = mapped_column(
        ForeignKey("listener.id", ondelete="CASCADE"), primary_key=True
    )
    album_id: Mapped[int] = mapped_column(
        ForeignKey("album.id", ondelete="CASCADE"), primary_key=True
    )
    starred_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    rating: Mapped[int | None]

    __table_args__ = (Index("ix_album_opinion_album_id", "album_id"),)


class ArtistOpinion(Base):
    """A listener's star and rating (1 to 5) of an artist."""

    __tablename__ = "artist_opinion"

    listener_id: Mapped[int] = mapped_column(
        ForeignKey("listener.id", ondelete="CASCADE"), primary_key=True
    )
    artist_id: Mapped[int] = mapped_column(
        ForeignKey("artist.id", ondelete="CASCADE"), primary_key=True
    )
    starred_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    rating: Mapped[int | None]

    __table_args__ = (Index("ix_artist_opinion_artist_id", "artist_id"),)


class PlayQueue(Base):
    """The queue that a listener's app saved, for another device to go on with.

    ``tracks`` are public ids in order, ``current`` is the place of the one that played.
    """

    __tablename__ = "play_queue"

    listener_id: Mapped[int] = mapped_column(
        ForeignKey("listener.id", ondelete="CASCADE"), primary_key=True
    )
    tracks: Mapped[list[str]] = mapped_column(JSON, default=list)
    current: Mapped[int] = mapped_column(default=0, server_default="0")
    position_ms: Mapped[int] = mapped_column(LONG, default=0, server_default="0")
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    changed_by: Mapped[str] = mapped_column(String(100), default="", server_default="")


class Bookmark(Base):
    """A place in a track that a listener wants to go on from."""

    __tablename__ = "bookmark"

    listener_id: Mapped[int] = mapped_column(
        ForeignKey("listener.id", ondelete="CASCADE"), primary_key=True
    )
    track_id: Mapped[int] = mapped_column(
        ForeignKey("track.id", ondelete="CASCADE"), primary_key=True
    )
    position_ms: Mapped[int] = mapped_column(LONG)
    comment: Mapped[str] = mapped_column(String(500), default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    changed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    __table_args__ = (Index("ix_bookmark_track_id", "track_id"),)


class Playback(Base):
    """The playback last reported by an app on a device.

    ``state`` is starting, playing, paused or stopped; ``position_ms`` is the position at
    ``reported_at``, reported by the app with ``reports_position``, else estimated from the time
    since ``started_at``. ``is_counted``: the play is in the history, or must not be added.
    """

    __tablename__ = "playback"

    device_id: Mapped[int] = mapped_column(
        ForeignKey("app_password.id", ondelete="CASCADE"), primary_key=True
    )
    client: Mapped[str] = mapped_column(String(100), primary_key=True)
    listener_id: Mapped[int] = mapped_column(
        ForeignKey("listener.id", ondelete="CASCADE"), index=True
    )
    track_id: Mapped[int] = mapped_column(ForeignKey("track.id", ondelete="CASCADE"), index=True)
    state: Mapped[str] = mapped_column(String(10))
    position_ms: Mapped[int] = mapped_column(LONG, default=0)
    rate: Mapped[float] = mapped_column(default=1.0)
    reports_position: Mapped[bool] = mapped_column(default=False)
    is_counted: Mapped[bool] = mapped_column(default=False)
    started_at: Mapped[datetime] = mapped_column(UtcDateTime)
    reported_at: Mapped[datetime] = mapped_column(UtcDateTime)

    __table_args__ = (
        CheckConstraint("state in ('starting', 'playing', 'paused', 'stopped')", name="state"),
    )
