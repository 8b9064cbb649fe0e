"""Tracks, their twelve attributes, their genres and emotions, their lyrics."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from songrec.core.sorting import SORT_KEY_LENGTH, sort_key
from songrec.store.db import Base, UtcDateTime, now


def _sort_key_of(context: Any, column: str) -> str:
    return sort_key(context.get_current_parameters().get(column) or "")


class Track(Base):
    """A song of the catalogue.

    ``public_id`` stands in addresses and is derived from ``source_key``, so that a link survives
    a rebuilt database. ``source_key`` says what makes a row of a catalogue the same track again.
    ``fingerprint`` is a digest of everything the catalogue said, to tell changed from unchanged.
    ``sort_title`` and ``sort_artists`` (see ``core.sorting``) order lists; they
    are filled in on insert, and whoever changes a title changes them too.
    ``song_key`` is a signed 64-bit hash of artist and title, equal for the same song twice.
    """

    __tablename__ = "track"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True)
    source_key: Mapped[str] = mapped_column(String(80), unique=True)
    external_id: Mapped[str | None] = mapped_column(String(100), index=True)
    source: Mapped[str] = mapped_column(String(100))
    fingerprint: Mapped[str] = mapped_column(String(32))
    song_key: Mapped[int] = mapped_column(BigInteger, index=True)
    title: Mapped[str] = mapped_column(String(500))
    artists: Mapped[str] = mapped_column(String(500), default="")
    sort_title: Mapped[str] = mapped_column(
        String(SORT_KEY_LENGTH), default=lambda context: _sort_key_of(context, "title")
    )
    sort_artists: Mapped[str] = mapped_column(
        String(SORT_KEY_LENGTH), default=lambda context: _sort_key_of(context, "artists")
    )
    album: Mapped[str | None] = mapped_column(String(500))
    genre: Mapped[str | None] = mapped_column(String(200))
    emotion: Mapped[str | None] = mapped_column(String(100))
    year: Mapped[int | None]
    duration_ms: Mapped[int | None]
    key: Mapped[int | None]
    mode: Mapped[int | None]
    time_signature: Mapped[int | None]
    ingest_mark: Mapped[str | None] = mapped_column(String(32))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)

    attributes: Mapped[TrackAttributes] = relationship(
        back_populates="track", cascade="all, delete-orphan", passive_deletes=True, uselist=False
    )

    __table_args__ = (
        Index("ix_track_sort_title_id", "sort_title", "id"),
        Index("ix_track_sort_artists_id", "sort_artists", "id"),
    )


class TrackAttributes(Base):
    """The twelve attributes on the canonical scale of ``core.attributes``; NULL is unknown."""

    __tablename__ = "track_attributes"

    track_id: Mapped[int] = mapped_column(
        ForeignKey("track.id", ondelete="CASCADE"), primary_key=True
    )
    variance: Mapped[float | None]
    tempo: Mapped[float | None] = mapped_column(index=True)
    loudness: Mapped[float | None]
    explicit: Mapped[float | None]
    popularity: Mapped[float | None] = mapped_column(index=True)
    energy: Mapped[float | None] = mapped_column(index=True)
    danceability: Mapped[float | None] = mapped_column(index=True)
    positiveness: Mapped[float | None] = mapped_column(index=True)
    speechiness: Mapped[float | None]
    liveness: Mapped[float | None]
    acousticness: Mapped[float | None]
    instrumentalness: Mapped[float | None]

    track: Mapped[Track] = relationship(back_populates="attributes")


class Tag(Base):
    """A genre, an emotion, a language (``kind``), as the catalogue names it, in lower case."""

    __tablename__ = "tag"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(200))

    __table_args__ = (
        Index("uq_tag_kind_name", "kind", "name", unique=True),
        CheckConstraint("kind in ('genre', 'emotion', 'subgenre', 'tag', 'language')", name="kind"),
    )


class TrackTag(Base):
    """Which track carries which tag."""

    __tablename__ = "track_tag"

    track_id: Mapped[int] = mapped_column(
        ForeignKey("track.id", ondelete="CASCADE"), primary_key=True
    )
    tag_id: Mapped[int] = mapped_column(ForeignKey("tag.id", ondelete="CASCADE"), primary_key=True)

    __table_args__ = (Index("ix_track_tag_tag_id_track_id", "tag_id", "track_id"),)


class Lyrics(Base):
    """A track's lyrics, apart from the track so that lists stay light."""

    __tablename__ = "lyrics"

    track_id: Mapped[int] = mapped_column(
        ForeignKey("track.id", ondelete="CASCADE"), primary_key=True
    )
    text: Mapped[str] = mapped_column(Text)


class TrackWords(Base):
    """What a track is found by when words are searched: made of its title, tags and lyrics.

    ``words`` are the lyrics without what is not sung; ``digest`` tells whether what it was made of
    has changed. A full-text index stands over the three columns of text.
    """

    __tablename__ = "track_words"

    track_id: Mapped[int] = mapped_column(
        ForeignKey("track.id", ondelete="CASCADE"), primary_key=True
    )
    digest: Mapped[str] = mapped_column(String(32))
    title: Mapped[str] = mapped_column(Text)
    tags: Mapped[str] = mapped_column(Text)
    words: Mapped[str] = mapped_column(Text)
    language: Mapped[str | None] = mapped_column(String(40))
