"""Duplicates: keys to find them, pairs of tracks, and merges."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    CheckConstraint,
    Connection,
    ForeignKey,
    Index,
    String,
    event,
    func,
    select,
)
from sqlalchemy.orm import Mapped, Mapper, mapped_column

from songrec.store.db import Base, UtcDateTime, now
from songrec.store.tables.catalogue import Track


class MatchKey(Base):
    """The ``core.title_normalization.match_key`` of a track's names; NULL without usable names.

    ``store.catalogue.match_keys.refresh`` updates it; ``seen_at`` is the track's ``updated_at``
    then.
    ``duration_ms`` repeats the track's, so that one index finds pairs of possibly equal names.
    """

    __tablename__ = "match_key"

    track_id: Mapped[int] = mapped_column(
        ForeignKey("track.id", ondelete="CASCADE"), primary_key=True
    )
    key: Mapped[int | None] = mapped_column(BigInteger)
    duration_ms: Mapped[int | None]
    seen_at: Mapped[datetime] = mapped_column(UtcDateTime, index=True)

    __table_args__ = (Index("ix_match_key_key", "key", "track_id", "duration_ms"),)


class Duplicate(Base):
    """A pair of tracks that may be the same song, with the reason; ``first_id`` is the smaller id.

    ``group_id`` is the smallest track id of the connected pairs. ``kind``: ``content`` (equal
    bytes), ``names``, ``fingerprint`` or ``features``; ``value`` is the similarity of the sound, 0
    to 1. ``flask duplicates`` replaces all pairs.
    """

    __tablename__ = "duplicate"

    first_id: Mapped[int] = mapped_column(
        ForeignKey("track.id", ondelete="CASCADE"), primary_key=True
    )
    second_id: Mapped[int] = mapped_column(
        ForeignKey("track.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[str] = mapped_column(String(20), primary_key=True)
    value: Mapped[float | None]
    group_id: Mapped[int]

    __table_args__ = (
        Index("ix_duplicate_group_id", "group_id"),
        Index("ix_duplicate_second_id", "second_id"),
        CheckConstraint("kind in ('content', 'names', 'fingerprint', 'features')", name="kind"),
    )


class TrackMerge(Base):
    """The merge of a track into another one, with the data to undo it.

    The ``merged_…`` columns identify the merged track: its URLs redirect to the survivor, and later
    imports of it update the survivor. ``before`` is written by ``store.catalogue.merging``;
    ``undone_at`` is set once the merge was undone. Merges of one ``batch`` can be undone together.
    """

    __tablename__ = "track_merge"

    id: Mapped[int] = mapped_column(primary_key=True)
    survivor_id: Mapped[int] = mapped_column(index=True)
    merged_id: Mapped[int] = mapped_column(index=True)
    merged_public_id: Mapped[str] = mapped_column(String(16), index=True)
    merged_source_key: Mapped[str] = mapped_column(String(80), index=True)
    merged_external_id: Mapped[str | None] = mapped_column(String(100), index=True)
    batch: Mapped[str | None] = mapped_column(String(16), index=True)
    title: Mapped[str] = mapped_column(String(500))
    artists: Mapped[str] = mapped_column(String(500), default="")
    before: Mapped[dict[str, Any]] = mapped_column(JSON)
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)
    undone_at: Mapped[datetime | None] = mapped_column(UtcDateTime)


class RemovedTrack(Base):
    """The id of a removed track, which is not reused because runs may contain it."""

    __tablename__ = "removed_track"

    track_id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    removed_at: Mapped[datetime] = mapped_column(UtcDateTime, default=now)


def first_free_id(connection: Connection) -> int | None:
    """Return the id of the next track; None if the database may choose it.

    SQLite reuses the highest id after its row was deleted. Ids of merged and removed tracks must
    not be reused, because runs contain them, and because merges can be undone.
    """
    if connection.dialect.name != "sqlite":
        return None
    newest = select(func.max(Track.id)).scalar_subquery()
    merged = select(func.max(TrackMerge.merged_id)).scalar_subquery()
    removed = select(func.max(RemovedTrack.track_id)).scalar_subquery()
    last, *others = connection.execute(select(newest, merged, removed)).one()
    gone = max(other or 0 for other in others)
    return int(gone) + 1 if gone > (last or 0) else None


@event.listens_for(Track, "before_insert")
def _keep_ids_apart(mapper: Mapper[Track], connection: Connection, track: Track) -> None:
    if track.id is not None:
        return
    free = first_free_id(connection)
    if free is not None:
        # Several tracks of one flush get their ids before any of them is inserted.
        track.id = max(free, connection.info.get("track_id", 0) + 1)
        connection.info["track_id"] = track.id
