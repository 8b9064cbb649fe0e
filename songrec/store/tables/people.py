"""Accounts, listeners (an account or an anonymous browser), their reactions and playlists."""

from __future__ import annotations

from datetime import datetime

from flask_login import UserMixin
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, false, true
from sqlalchemy.orm import Mapped, mapped_column

from songrec.store.db import Base, UtcDateTime, now


class User(UserMixin, Base):
    """An account. ``name`` is stored as typed; ``name_key`` (lower case) is unique.

    ``session_key`` changes with the password, which invalidates the marks of known browsers. With
    ``shares_playlists`` trainings use the account's playlists, with ``shares_listening`` its likes
    and plays.
    """

    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    name_key: Mapped[str] = mapped_column(String(60), unique=True)
    password_hash: Mapped[str] = mapped_column(String(200))
    session_key: Mapped[str] = mapped_column(String(64), unique=True)
    is_admin: Mapped[bool] = mapped_column(default=False)
    shares_playlists: Mapped[bool] = mapped_column(default=False, server_default=false())
    shares_listening: Mapped[bool] = mapped_column(default=False, server_default=false())
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    # The session by which this object was loaded; not a column.
    session_token = ""

    def get_id(self) -> str:
        """Return the token of the session, for the cookie of a signed-in browser."""
        return self.session_token


class Listener(Base):
    """A person with reactions: an account (``user_id``) or an anonymous browser with ``token``.

    With ``keeps_history`` its plays in songrec become rows of ``Listen``.
    """

    __tablename__ = "listener"

    id: Mapped[int] = mapped_column(primary_key=True)
    token: Mapped[str] = mapped_column(String(64), unique=True)
    user_id: Mapped[int | None] = mapped_column(
        ForeignKey("user.id", ondelete="CASCADE"), unique=True
    )
    keeps_history: Mapped[bool] = mapped_column(default=True, server_default=true())
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class Reaction(Base):
    """A listener's reaction to a track: 1 for a like with a weight of 1 to 3, -1 for a dislike."""

    __tablename__ = "reaction"

    listener_id: Mapped[int] = mapped_column(
        ForeignKey("listener.id", ondelete="CASCADE"), primary_key=True
    )
    track_id: Mapped[int] = mapped_column(
        ForeignKey("track.id", ondelete="CASCADE"), primary_key=True
    )
    value: Mapped[int]
    weight: Mapped[int] = mapped_column(default=1, server_default="1")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    __table_args__ = (
        CheckConstraint("value in (-1, 1)", name="value"),
        Index("ix_reaction_track_id", "track_id"),
    )


class Playlist(Base):
    """A list of tracks: a listener's own, or one that came with a catalogue (no listener).

    ``stream_salt`` makes the key in the playlist's stream addresses, ``share_salt`` that in the
    address of its public page; NULL while it has none, and a new one revokes the old addresses.
    ``changed_at`` is when its name, description or songs last changed, NULL if never.
    """

    __tablename__ = "playlist"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True)
    listener_id: Mapped[int | None] = mapped_column(
        ForeignKey("listener.id", ondelete="CASCADE"), index=True
    )
    external_id: Mapped[str | None] = mapped_column(String(100), unique=True)
    name: Mapped[str] = mapped_column(String(200))
    description: Mapped[str] = mapped_column(String(500), default="")
    stream_salt: Mapped[str | None] = mapped_column(String(32))
    share_salt: Mapped[str | None] = mapped_column(String(32))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    changed_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class PlaylistTrack(Base):
    """A track's place in a playlist."""

    __tablename__ = "playlist_track"

    playlist_id: Mapped[int] = mapped_column(
        ForeignKey("playlist.id", ondelete="CASCADE"), primary_key=True
    )
    track_id: Mapped[int] = mapped_column(
        ForeignKey("track.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int]

    __table_args__ = (Index("ix_playlist_track_track_id", "track_id"),)


class Invitation(Base):
    """An invitation to create one account; only the hash of its secret is stored."""

    __tablename__ = "invitation"

    id: Mapped[int] = mapped_column(primary_key=True)
    secret_hash: Mapped[str] = mapped_column(String(64), unique=True)
    note: Mapped[str] = mapped_column(String(60), default="")
    creator_id: Mapped[int | None] = mapped_column(
        ForeignKey("user.id", ondelete="CASCADE"), index=True
    )
    user_id: Mapped[int | None] = mapped_column(
        ForeignKey("user.id", ondelete="CASCADE"), index=True
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
