"""Affinities of artists from outside: listening counts of others, and similar artists."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column

from songrec.store.db import Base, UtcDateTime, now


class AffinitySource(Base):
    """A file or a service that affinities come from; importing ``name`` again replaces it.

    ``kind`` is one of ``core.artist_affinities.KINDS``.
    """

    __tablename__ = "affinity_source"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(200), unique=True)
    kind: Mapped[str] = mapped_column(String(10))
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)

    __table_args__ = (CheckConstraint("kind in ('counts', 'similar')", name="kind"),)


class NamedArtist(Base):
    """An artist as others name it, whether or not the catalogue has it.

    ``key`` is ``core.artist_affinities.NamedArtist.key``, which is compared with the catalogue's.
    """

    __tablename__ = "named_artist"

    id: Mapped[int] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(String(600), unique=True)
    name: Mapped[str] = mapped_column(String(500), default="")
    musicbrainz_id: Mapped[str | None] = mapped_column(String(36))


class ArtistAffinity(Base):
    """The weight of an artist in a group of a source.

    ``group_number`` numbers a source's listeners, whose names are not stored; of similar artists it
    is the id of the ``named_artist`` that they are similar to.
    """

    __tablename__ = "artist_affinity"

    source_id: Mapped[int] = mapped_column(
        ForeignKey("affinity_source.id", ondelete="CASCADE"), primary_key=True
    )
    group_number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    artist_id: Mapped[int] = mapped_column(
        ForeignKey("named_artist.id", ondelete="CASCADE"), primary_key=True
    )
    weight: Mapped[float]

    __table_args__ = (Index("ix_artist_affinity_artist_id", "artist_id"),)
