"""App passwords, connected music servers with their songs, and mixes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
    false,
    true,
)
from sqlalchemy.orm import Mapped, mapped_column

from songrec.store.db import LONG, Base, UtcDateTime, now


class AppPassword(Base):
    """The password and the API key with which one app on one device signs in to an account.

    ``secret`` is the password, encrypted (``core.encryption``) rather than hashed, because the old
    sign-in of the Subsonic API needs its clear text; of the API key only the SHA-256 is stored.
    ``last_client`` is the name given by the app.
    """

    __tablename__ = "app_password"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    device: Mapped[str] = mapped_column(String(60))
    secret: Mapped[str] = mapped_column(String(400))
    api_key_hash: Mapped[str] = mapped_column(String(64), unique=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    last_client: Mapped[str] = mapped_column(String(100), default="", server_default="")
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class MusicServer(Base):
    """A music server that songrec is connected to.

    ``url`` is its address without ``/rest``, see ``core.server_urls.normalise_url``;
    ``allows_private``: whether it may be on this machine or in a private network. ``software`` and
    ``version`` are those reported by the server. ``scan`` has the position of an unfinished scan
    and the report of the last one; ``error`` is the reason of the last failure.
    """

    __tablename__ = "music_server"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True)
    name: Mapped[str] = mapped_column(String(100), unique=True)
    url: Mapped[str] = mapped_column(String(500))
    kind: Mapped[str] = mapped_column(String(20), default="opensubsonic")
    allows_private: Mapped[bool] = mapped_column(default=False, server_default=false())
    software: Mapped[str] = mapped_column(String(60), default="", server_default="")
    version: Mapped[str] = mapped_column(String(60), default="", server_default="")
    scan: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    scanned_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


class ServerAccount(Base):
    """A listener's account on a music server.

    ``secret`` is its password or API key (``secret_kind``), encrypted. ``sends_likes``: whether
    likes become stars there, and dislikes ratings of one star; ``learns_removals``: whether a song
    removed from a mix counts as a dislike. ``sync`` has the report of the last exchange.
    """

    __tablename__ = "server_account"

    id: Mapped[int] = mapped_column(primary_key=True)
    server_id: Mapped[int] = mapped_column(ForeignKey("music_server.id", ondelete="CASCADE"))
    listener_id: Mapped[int] = mapped_column(
        ForeignKey("listener.id", ondelete="CASCADE"), index=True
    )
    username: Mapped[str] = mapped_column(String(200))
    secret: Mapped[str] = mapped_column(String(1000))
    secret_kind: Mapped[str] = mapped_column(String(10), default="password")
    sends_likes: Mapped[bool] = mapped_column(default=False, server_default=false())
    sends_mixes: Mapped[bool] = mapped_column(default=True, server_default=true())
    learns_removals: Mapped[bool] = mapped_column(default=False, server_default=false())
    sync: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    synced_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    error: Mapped[str | None] = mapped_column(String(500))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    __table_args__ = (
        Index("uq_server_account_server_id_listener_id", "server_id", "listener_id", unique=True),
        CheckConstraint("secret_kind in ('password', 'api_key')", name="secret_kind"),
    )


class ServerTrack(Base):
    """A song of a music server, by the server's id, and the track that it is here.

    ``scan_mark`` names the scan that saw it last; ``gone_at``: a complete scan has not seen it.
    """

    __tablename__ = "server_track"

    id: Mapped[int] = mapped_column(primary_key=True)
    server_id: Mapped[int] = mapped_column(ForeignKey("music_server.id", ondelete="CASCADE"))
    remote_id: Mapped[str] = mapped_column(String(200))
    track_id: Mapped[int | None] = mapped_column(
        ForeignKey("track.id", ondelete="SET NULL"), index=True
    )
    remote_album_id: Mapped[str] = mapped_column(String(200), default="")
    remote_artist_id: Mapped[str] = mapped_column(String(200), default="")
    path: Mapped[str] = mapped_column(String(1000), default="")
    title: Mapped[str] = mapped_column(String(500), default="")
    artists: Mapped[str] = mapped_column(String(500), default="")
    album: Mapped[str] = mapped_column(String(500), default="")
    duration_s: Mapped[float | None]
    size: Mapped[int | None] = mapped_column(LONG)
    suffix: Mapped[str] = mapped_column(String(20), default="")
    musicbrainz_id: Mapped[str | None] = mapped_column(String(36))
    isrc: Mapped[str | None] = mapped_column(String(20))
    scan_mark: Mapped[str] = mapped_column(String(32), default="")
    gone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    __table_args__ = (
        Index("uq_server_track_server_id_remote_id", "server_id", "remote_id", unique=True),
        Index("ix_server_track_server_id_remote_album_id", "server_id", "remote_album_id"),
        Index("ix_server_track_server_id_remote_artist_id", "server_id", "remote_artist_id"),
    )


class ServerOpinion(Base):
    """The star, rating and plays of a song on an account at the last exchange.

    ``is_rating_sent``: whether songrec gave the rating, for a dislike.
    """

    __tablename__ = "server_opinion"

    account_id: Mapped[int] = mapped_column(
        ForeignKey("server_account.id", ondelete="CASCADE"), primary_key=True
    )
    server_track_id: Mapped[int] = mapped_column(
        ForeignKey("server_track.id", ondelete="CASCADE"), primary_key=True
    )
    starred_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    rating: Mapped[int | None]
    is_rating_sent: Mapped[bool] = mapped_column(default=False, server_default=false())
    play_count: Mapped[int] = mapped_column(default=0, server_default="0")
    played_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (Index("ix_server_opinion_server_track_id", "server_track_id"),)


class Mix(Base):
    """A list of songs for a listener that is renewed on a schedule.

    ``kind`` is because, new, daily, rediscover, mood, path or radio, ``number`` is that within the
    kind, ``settings`` has the subject of the kind (a track, a mood, two ends) and the exclusions.
    ``schedule`` is five fields of cron in ``time_zone``, empty for renewal on request only.
    ``comment`` is the reason for the songs, in one line.
    """

    __tablename__ = "mix"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True)
    listener_id: Mapped[int] = mapped_column(ForeignKey("listener.id", ondelete="CASCADE"))
    kind: Mapped[str] = mapped_column(String(20))
    number: Mapped[int] = mapped_column(default=1, server_default="1")
    name: Mapped[str] = mapped_column(String(200))
    comment: Mapped[str] = mapped_column(String(500), default="", server_default="")
    settings: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    size: Mapped[int] = mapped_column(default=30, server_default="30")
    schedule: Mapped[str] = mapped_column(String(100), default="", server_default="")
    time_zone: Mapped[str] = mapped_column(String(60), default="UTC", server_default="UTC")
    made_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    next_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    __table_args__ = (
        Index("uq_mix_listener_id_kind_number", "listener_id", "kind", "number", unique=True),
        CheckConstraint(
            "kind in ('because', 'new', 'daily', 'rediscover', 'mood', 'path', 'radio')",
            name="kind",
        ),
    )


class MixTrack(Base):
    """A song's position in a mix, and its reason."""

    __tablename__ = "mix_track"

    mix_id: Mapped[int] = mapped_column(ForeignKey("mix.id", ondelete="CASCADE"), primary_key=True)
    track_id: Mapped[int] = mapped_column(
        ForeignKey("track.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int]
    reason: Mapped[str] = mapped_column(String(500), default="", server_default="")

    __table_args__ = (Index("ix_mix_track_track_id", "track_id"),)


class ServerPlaylist(Base):
    """A playlist on a music server, either written for a mix (``mix_id``) or imported.

    ``playlist_id`` is the playlist of an imported one. ``written`` are the songs on the server
    after the last writing, by which removed songs are detected, and ``name`` the name on the
    server; ``sent`` are the name, comment and songs (the server's ids) sent by songrec.
    """

    __tablename__ = "server_playlist"

    id: Mapped[int] = mapped_column(primary_key=True)
    account_id: Mapped[int] = mapped_column(ForeignKey("server_account.id", ondelete="CASCADE"))
    remote_id: Mapped[str] = mapped_column(String(200))
    mix_id: Mapped[int | None] = mapped_column(
        ForeignKey("mix.id", ondelete="SET NULL"), index=True
    )
    playlist_id: Mapped[int | None] = mapped_column(
        ForeignKey("playlist.id", ondelete="SET NULL"), index=True
    )
    is_own: Mapped[bool] = mapped_column(default=False, server_default=false())
    name: Mapped[str] = mapped_column(String(300), default="")
    written: Mapped[list[str]] = mapped_column(JSON, default=list)
    sent: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict, server_default="{}")
    changed: Mapped[str] = mapped_column(String(60), default="", server_default="")
    synced_at: Mapped[datetime | None] = mapped_column(UtcDateTime)

    __table_args__ = (
        Index("uq_server_playlist_account_id_remote_id", "account_id", "remote_id", unique=True),
    )
