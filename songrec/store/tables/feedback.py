"""What listening tells beside likes: skips, the answer kept to compare with, likes that wait."""

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


class KeptAnswer(Base):
    """The recommendations that a listener reacted to last, to tell what the reaction changed.

    ``asked`` identifies the kind of list (method, options, number, run), ``tracks`` are its track
    ids, ``state`` is the feedback it rested on. ``change`` is no longer written.
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
    """A song of an imported list that the catalogue does not hold; it waits to be found.

    ``kind`` is like, dislike, skip or playlist; ``playlist`` names the list it belongs to.
    """

    __tablename__ = "pending_like"

    id: Mapped[int] = mapped_column(primary_key=True)
    listener_id: Mapped[int] = mapped_column(
        ForeignKey("listener.id", ondelete="CASCADE"), index=True
    )
    kind: Mapped[str] = mapped_column(String(10))
    playlist: Mapped[str] = mapped_column(String(200), default="")
    external_id: Mapped[str] = mapped_column(String(200), default="")
    title: Mapped[str] = mapped_column(String(500), default="")
    artists: Mapped[str] = mapped_column(String(500), default="")
    weight: Mapped[int] = mapped_column(default=1)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
