"""Plays, skips, rules, last recommendations, and unmatched songs of lists."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from songrec.store.db import Base, UtcDateTime, now


class Skip(Base):
    """A track that a listener left within its first seconds, and how often."""

    __tablename__ = "skip"

    listener_id: Mapped[int] = mapped_column(
        ForeignKey("listener.id", ondelete="CASCADE"), primary_key=True
    )
    track_id: Mapped[int] = mapped_column(
        ForeignKey("track.id", ondelete="CASCADE"), primary_key=True
    )
    times: Mapped[int]
    last_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    __table_args__ = (Index("ix_skip_track_id", "track_id"),)


class Listen(Base):
    """A play of a song, in songrec or from an imported play history.

    ``title``, ``artists``, ``album`` and ``external_id`` are those of the history; ``track_id`` is
    NULL if the song is not in the catalogue. ``key`` identifies the play within the listener's
    history (time and song), so that importing it again adds nothing. ``times`` is above 1 for a
    total of plays until ``played_at``. ``is_skip`` marks a song that was left within its first
    seconds. ``sent_at`` is the time of sending to ListenBrainz, or of the import for plays that are
    never sent.
    """

    __tablename__ = "listen"

    id: Mapped[int] = mapped_column(primary_key=True)
    listener_id: Mapped[int] = mapped_column(ForeignKey("listener.id", ondelete="CASCADE"))
    track_id: Mapped[int | None] = mapped_column(
        ForeignKey("track.id", ondelete="SET NULL"), index=True
    )
    key: Mapped[str] = mapped_column(String(60))
    played_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    times: Mapped[int] = mapped_column(default=1)
    ms_played: Mapped[int | None]
    is_skip: Mapped[bool] = mapped_column(default=False)
    source: Mapped[str] = mapped_column(String(40), default="")
    external_id: Mapped[str] = mapped_column(String(200), default="")
    title: Mapped[str] = mapped_column(String(500), default="")
    artists: Mapped[str] = mapped_column(String(500), default="")
    album: Mapped[str] = mapped_column(String(500), default="")
    sent_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    __table_args__ = (
        Index("uq_listen_listener_id_key", "listener_id", "key", unique=True),
        Index("ix_listen_listener_id_played_at", "listener_id", "played_at"),
    )


class RecommendationRule(Base):
    """A listener's rule that excludes songs from recommendations, or allows excluded ones.

    ``kind`` is artist or album (``value``: its public id), genre (its name), folder (its path) or
    allowed (a flag's name, see ``core.content_flags``). ``label`` is its displayed name.
    """

    __tablename__ = "recommendation_rule"

    id: Mapped[int] = mapped_column(primary_key=True)
    listener_id: Mapped[int] = mapped_column(ForeignKey("listener.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(10))
    value: Mapped[str] = mapped_column(String(600))
    label: Mapped[str] = mapped_column(String(300), default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    __table_args__ = (
        Index(
            "uq_recommendation_rule_listener_id_kind_value",
            "listener_id",
            "kind",
            "value",
            unique=True,
        ),
    )


class KeptAnswer(Base):
    """The last recommendations that a listener reacted to, to describe the changes.

    ``asked`` identifies the kind of list (method, options, number, run), ``tracks`` are its track
    ids, ``state`` is the feedback at that time. ``change`` is no longer written.
    """

    __tablename__ = "kept_answer"

    listener_id: Mapped[int] = mapped_column(
        ForeignKey("listener.id", ondelete="CASCADE"), primary_key=True
    )
    asked: Mapped[str] = mapped_column(String(200))
    tracks: Mapped[list[int]] = mapped_column(JSON)
    state: Mapped[dict[str, Any]] = mapped_column(JSON)
    change: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class PendingLike(Base):
    """An unmatched song of an imported list, which later imports match again.

    ``kind`` is like, dislike, skip or playlist; ``playlist`` is the name of its playlist, and
    ``playlist_id`` the stored playlist, if it exists. ``external_id`` is the first of ``ids``;
    ``path`` is the path of the song's file in the list.
    """

    __tablename__ = "pending_like"

    id: Mapped[int] = mapped_column(primary_key=True)
    listener_id: Mapped[int] = mapped_column(
        ForeignKey("listener.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str] = mapped_column(String(10))
    playlist: Mapped[str] = mapped_column(String(200), default="")
    playlist_id: Mapped[int | None] = mapped_column(
        ForeignKey("playlist.id", ondelete="CASCADE"), index=True
    )
    external_id: Mapped[str] = mapped_column(String(200), default="")
    title: Mapped[str] = mapped_column(String(500), default="")
    artists: Mapped[str] = mapped_column(String(500), default="")
    weight: Mapped[int] = mapped_column(default=1)
    ids: Mapped[list[str] | None] = mapped_column(JSON)
    path: Mapped[str] = mapped_column(String(1000), default="", server_default="")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
