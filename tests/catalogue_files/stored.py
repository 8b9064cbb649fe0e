"""What an ingest left in the database, and small batches to get there."""

from __future__ import annotations

from sqlalchemy import select, text

from songrec.catalogue_files.reading import TextTable
from songrec.store.tables import Tag, Track, TrackTag


def tracks(session) -> list[Track]:
    session.expire_all()
    return list(session.scalars(select(Track).order_by(Track.id)))


def tags_of(session, track: Track) -> list[tuple[str, str]]:
    query = select(Tag.kind, Tag.name).join(TrackTag, TrackTag.tag_id == Tag.id)
    return sorted(tuple(r) for r in session.execute(query.where(TrackTag.track_id == track.id)))


def names_of(session, track: Track, kind: str) -> str:
    """The names of a track's tags of one kind, in the order of the catalogue."""
    query = select(Tag.name).join(TrackTag, TrackTag.tag_id == Tag.id).order_by(Tag.id)
    return ", ".join(session.scalars(query.where(TrackTag.track_id == track.id, Tag.kind == kind)))


def counts(report) -> tuple[int, int, int, int, int]:
    return (
        report.read,
        report.inserted,
        report.updated,
        report.unchanged,
        report.rejected_count,
    )


def search_is_intact(session) -> None:
    """SQLite compares the full-text index with the table, and the triggers are there.

    PostgreSQL keeps its index by itself.
    """
    if session.get_bind().dialect.name != "sqlite":
        return
    session.execute(
        text("INSERT INTO track_search(track_search, rank) VALUES('integrity-check', 1)")
    )
    names = set(session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'")))
    assert {"track_search_insert", "track_search_update", "track_search_delete"} <= names


def batches_of(size: int):
    """``TextTable.batches`` with so many rows to a batch."""
    whole = TextTable.batches
    return lambda table: whole(table, size=size)
