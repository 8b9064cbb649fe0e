"""Tracks, artists and albums, the twelve attributes, tags (genres, emotions, …) and lyrics."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship, validates

from songrec.core.search_terms import search_terms
from songrec.core.sorting import SORT_KEY_LENGTH, sort_key
from songrec.store.db import Base, UtcDateTime, now


def _sort_key_of(context: Any, column: str) -> str:
    return sort_key(context.get_current_parameters().get(column) or "")


def _terms_of(context: Any, *columns: str) -> str:
    values = context.get_current_parameters()
    return search_terms(*(values.get(column) or "" for column in columns))


class Artist(Base):
    """An artist that tracks credit.

    ``key`` is ``core.artist_credits.artist_key`` of the name (with the MusicBrainz id behind it
    where two artists share a name); ``public_id`` is derived from it, so that an address survives a
    rebuilt database. ``confirmed``: a list or an id names this artist, so the name is never split.
    """

    __tablename__ = "artist"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True)
    key: Mapped[str] = mapped_column(String(600), unique=True)
    name: Mapped[str] = mapped_column(String(500))
    musicbrainz_id: Mapped[str | None] = mapped_column(String(36), unique=True)
    confirmed: Mapped[bool] = mapped_column(default=False)


class Album(Base):
    """An album: a title by an artist; ``artist_id`` is NULL if its tracks have no credits.

    ``public_id`` is derived from title and artist and identifies the album; ``search_terms`` are
    the title's, see ``core.search_terms``.
    """

    __tablename__ = "album"

    id: Mapped[int] = mapped_column(primary_key=True)
    public_id: Mapped[str] = mapped_column(String(16), unique=True)
    title: Mapped[str] = mapped_column(String(500))
    artist_id: Mapped[int | None] = mapped_column(
        ForeignKey("artist.id", ondelete="SET NULL"), index=True
    )
    year: Mapped[int | None]
    search_terms: Mapped[str] = mapped_column(
        Text, default=lambda context: _terms_of(context, "title"), server_default=""
    )


class Track(Base):
    """A song of the catalogue.

    ``public_id``, used in URLs, is derived from ``source_key``, so that links survive a rebuilt
    database. ``source_key`` identifies the track in catalogues (``core.track_identity``);
    ``TrackAlias`` has further keys. ``fingerprint`` is a digest of the catalogue's values, to
    detect changes.
    ``artists`` is the displayed artist line: ``core.artist_credits.display_line`` composes it from
    the credits in ``track_artist``. It is stored for sorting and never parsed.
    ``sort_title`` and ``sort_artists`` (see ``core.sorting``) order lists, ``search_terms`` (see
    ``core.search_terms``) are the index terms of title and artists. They are set on insert and
    follow a changed attribute; a bulk update of names writes ``name_columns``. ``song_key`` is a
    signed 64-bit hash of artist and title, equal for all tracks of a song.
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
    search_terms: Mapped[str] = mapped_column(
        Text, default=lambda context: _terms_of(context, "title", "artists"), server_default=""
    )
    year: Mapped[int | None]
    duration_ms: Mapped[int | None]
    key: Mapped[int | None]
    mode: Mapped[int | None]
    time_signature: Mapped[int | None]
    ingest_mark: Mapped[str | None] = mapped_column(String(32))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now, index=True)
    album_id: Mapped[int | None] = mapped_column(
        ForeignKey("album.id", ondelete="SET NULL"), index=True
    )

    album: Mapped[Album | None] = relationship()
    attributes: Mapped[TrackAttributes] = relationship(
        back_populates="track", cascade="all, delete-orphan", passive_deletes=True, uselist=False
    )

    __table_args__ = (
        Index("ix_track_sort_title_id", "sort_title", "id"),
        Index("ix_track_sort_artists_id", "sort_artists", "id"),
        Index("ix_track_year_id", "year", "id"),
    )

    @validates("title", "artists")
    def _derive_name_columns(self, name: str, value: str) -> str:
        names = {"title": self.title or "", "artists": self.artists or "", name: value or ""}
        for column, derived in name_columns(names["title"], names["artists"]).items():
            setattr(self, column, derived)
        return value


def name_columns(title: str, artists: str) -> dict[str, str]:
    """Return the columns of ``track`` that are derived from its title and artist line."""
    return {
        "sort_title": sort_key(title),
        "sort_artists": sort_key(artists),
        "search_terms": search_terms(title, artists),
    }


class TrackAlias(Base):
    """A further key of a track, in addition to its ``source_key``.

    It is an id of another namespace (``isrc:…``, ``mbid:…``, ``id:<catalogue>:…``) or a key of
    another import. A key belongs to one track.
    """

    __tablename__ = "track_alias"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(80), unique=True)
    track_id: Mapped[int] = mapped_column(ForeignKey("track.id", ondelete="CASCADE"), index=True)


class TrackArtist(Base):
    """A credit: the artist at a ``position`` (from 0) of a track's artist line.

    ``credited_as`` is the spelling on this track if it differs from the artist's ``name``;
    ``joiner`` is the text up to the next credit (", ", " feat. ").
    """

    __tablename__ = "track_artist"

    track_id: Mapped[int] = mapped_column(
        ForeignKey("track.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    artist_id: Mapped[int] = mapped_column(ForeignKey("artist.id", ondelete="CASCADE"))
    role: Mapped[str] = mapped_column(String(10), default="main")
    joiner: Mapped[str] = mapped_column(String(40), default="")
    credited_as: Mapped[str | None] = mapped_column(String(500))

    __table_args__ = (
        Index("ix_track_artist_artist_id_track_id", "artist_id", "track_id"),
        CheckConstraint("role in ('main', 'featured')", name="role"),
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
    """A genre, an emotion, a language (``kind``), as the catalogue names it, in lower case.

    ``search_terms`` are the name's, see ``core.search_terms``.
    """

    __tablename__ = "tag"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(20))
    name: Mapped[str] = mapped_column(String(200))
    search_terms: Mapped[str] = mapped_column(
        Text, default=lambda context: _terms_of(context, "name"), server_default=""
    )

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
    """The text of a track for the search by words: its title, tags and lyrics.

    ``words`` are the sung words of the lyrics; ``digest`` detects changes of the source. A
    full-text index covers the three text columns.
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
