"""Audio files, the feature vectors extracted from them, uploads that may vanish again."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    CheckConstraint,
    ForeignKey,
    Index,
    String,
)
from sqlalchemy.orm import Mapped, mapped_column

from songrec.store.db import LONG, Base, UtcDateTime, now
from songrec.store.instance_paths import InstancePath

PLAYABLE = ("listed", "analysed")
"""States of audio files that can be played."""


class AudioFile(Base):
    """A file of an analysed folder, a part of one (a track of an album file), or a kept upload.

    ``content_hash`` (SHA-256, hex) identifies a file at any path; ``path`` is absolute, and stored
    as ``InstancePath``. ``part`` is 0 for a whole file, else the number of a track in it from
    ``start_s`` to ``end_s`` (NULL: the end of the file), with a ``content_hash`` derived from the
    file's and these times. ``state``: ``listed`` (tags and length are known and it can be played,
    but it is not analysed yet), ``analysed``, ``rejected`` (without a track; ``reason`` is one
    line), ``missing`` (the file no longer exists; its track is kept). ``size`` in bytes and
    ``modified_ns`` detect changed files without reading them. ``info`` has further values of the
    decoder and the tags. ``kept_by_id`` is the listener who uploaded the file.
    """

    __tablename__ = "audio_file"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True)
    track_id: Mapped[int | None] = mapped_column(
        ForeignKey("track.id", ondelete="SET NULL"), index=True
    )
    root: Mapped[str] = mapped_column(InstancePath(1000))
    path: Mapped[str] = mapped_column(InstancePath(1000))
    part: Mapped[int] = mapped_column(default=0)
    start_s: Mapped[float | None]
    end_s: Mapped[float | None]
    content_hash: Mapped[str | None] = mapped_column(String(64), index=True)
    size: Mapped[int] = mapped_column(LONG)
    modified_ns: Mapped[int] = mapped_column(LONG)
    state: Mapped[str] = mapped_column(String(20))
    reason: Mapped[str | None] = mapped_column(String(500))
    duration_s: Mapped[float | None]
    sample_rate: Mapped[int | None]
    channels: Mapped[int | None]
    codec: Mapped[str | None] = mapped_column(String(40))
    has_cover: Mapped[bool] = mapped_column(default=False)
    info: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    kept_by_id: Mapped[int | None] = mapped_column(
        ForeignKey("listener.id", ondelete="SET NULL"), index=True
    )
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)

    __table_args__ = (
        CheckConstraint("state in ('listed', 'analysed', 'rejected', 'missing')", name="state"),
        Index("ix_audio_file_root_state", "root", "state"),
        Index("uq_audio_file_path_part", "path", "part", unique=True),
    )


class FeatureVector(Base):
    """Cached features of a content: the feature set, its version, and the path.

    ``digest`` is the hash of the extractor's parameters; a changed parameter or version makes a
    new row. ``path`` is relative to the feature cache.
    """

    __tablename__ = "feature_vector"

    id: Mapped[int] = mapped_column(primary_key=True)
    content_hash: Mapped[str] = mapped_column(String(64))
    feature_set: Mapped[str] = mapped_column(String(40))
    version: Mapped[int]
    digest: Mapped[str] = mapped_column(String(32))
    path: Mapped[str] = mapped_column(String(300))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    __table_args__ = (
        Index(
            "uq_feature_vector_content_hash_feature_set_version_digest",
            "content_hash",
            "feature_set",
            "version",
            "digest",
            unique=True,
        ),
    )


class Upload(Base):
    """An uploaded song, which is deleted after ``expires_at``.

    ``kept`` ones have become a track of the library (``track_id``). Before that ``keep_state`` is
    ``requested`` (an admin decides), ``queued`` (a job does it) or ``refused``. ``result`` is the
    result of the analysis: attributes with their sources, tags over time, place, similar tracks.
    ``size`` is the size of the file in bytes, ``derived_size`` that of its waveform, cover and
    vectors.
    """

    __tablename__ = "upload"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(32), unique=True)
    listener_id: Mapped[int | None] = mapped_column(
        ForeignKey("listener.id", ondelete="CASCADE"), index=True
    )
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id", ondelete="SET NULL"))
    track_id: Mapped[int | None] = mapped_column(ForeignKey("track.id", ondelete="SET NULL"))
    name: Mapped[str] = mapped_column(String(300))
    path: Mapped[str] = mapped_column(InstancePath)
    size: Mapped[int]
    derived_size: Mapped[int] = mapped_column(default=0, server_default="0")
    kept: Mapped[bool] = mapped_column(default=False)
    keep_state: Mapped[str | None] = mapped_column(String(12))
    result: Mapped[dict[str, Any] | None] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime, index=True)


class ApiToken(Base):
    """A token of the API, of which only the SHA-256 is stored. ``scopes`` is space-separated.

    A token without ``expires_at`` is valid until it is revoked.
    """

    __tablename__ = "api_token"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(60))
    token_hash: Mapped[str] = mapped_column(String(64), unique=True)
    scopes: Mapped[str] = mapped_column(String(200), default="read")
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    last_used_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    revoked_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    expires_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
