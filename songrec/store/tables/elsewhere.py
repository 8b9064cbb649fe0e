"""Listening elsewhere: accounts of ListenBrainz, and decisions which song a list means."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    false,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column

from songrec.store.db import Base, UtcDateTime, now


class ListenBrainzAccount(Base):
    """A listener's account at ListenBrainz or at a server with the same API.

    ``secret`` is the user token, encrypted (``core.encryption``). ``url`` is the address of the
    API; ``allows_private``: whether it may be on this machine or in a private network. Plays since
    ``sends_since`` are sent. ``sync`` has the position to continue reading from and the report of
    the last exchange; ``error`` is the reason of its failure, and ``retry_at`` the time of the next
    attempt.
    """

    __tablename__ = "listenbrainz_account"

    id: Mapped[int] = mapped_column(primary_key=True)
    listener_id: Mapped[int] = mapped_column(
        ForeignKey("listener.id", ondelete="CASCADE"), unique=True
    )
    url: Mapped[str] = mapped_column(String(500))
    username: Mapped[str] = mapped_column(String(200))
    secret: Mapped[str] = mapped_column(String(1000))
    allows_private: Mapped[bool] = mapped_column(default=False, server_default=false())
    reads_plays: Mapped[bool] = mapped_column(default=True, server_default=true())
    reads_feedback: Mapped[bool] = mapped_column(default=True, server_default=true())
    sends_plays: Mapped[bool] = mapped_column(default=False, server_default=false())
    sends_feedback: Mapped[bool] = mapped_column(default=False, server_default=false())
    sends_since: Mapped[datetime | None] = mapped_column(UtcDateTime)
    sync: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    synced_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    retry_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class MatchDecision(Base):
    """A listener's decision on the track of a song in a list, or the open question.

    ``key`` is the ``core.songs.song_key`` of the names in the list; ``group`` is equal for songs of
    one artist. ``candidates`` are pairs of track id and sureness, the surest first. ``state`` is
    open, matched (``track_id`` is the listener's answer) or none. ``applied`` are the changes by
    the answer, for its undo.
    """

    __tablename__ = "match_decision"

    id: Mapped[int] = mapped_column(primary_key=True)
    listener_id: Mapped[int] = mapped_column(ForeignKey("listener.id", ondelete="CASCADE"))
    key: Mapped[int] = mapped_column(BigInteger)
    group: Mapped[str] = mapped_column(String(200), default="")
    title: Mapped[str] = mapped_column(String(500), default="")
    artists: Mapped[str] = mapped_column(String(500), default="")
    candidates: Mapped[list[list[Any]]] = mapped_column(JSON, default=list)
    state: Mapped[str] = mapped_column(String(10), default="open", server_default="open")
    track_id: Mapped[int | None] = mapped_column(
        ForeignKey("track.id", ondelete="SET NULL"), index=True
    )
    applied: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    decided_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    __table_args__ = (
        Index("uq_match_decision_listener_id_key", "listener_id", "key", unique=True),
        Index("ix_match_decision_listener_id_state_group", "listener_id", "state", "group"),
        CheckConstraint("state in ('open', 'matched', 'none')", name="state"),
    )
