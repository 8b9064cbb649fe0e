"""Survivors of merged tracks by ids and catalogue keys, and the list of merges."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session, load_only

from songrec.store.bulk import chunks
from songrec.store.tables import Track, TrackMerge


@dataclass(frozen=True, slots=True)
class Merge:
    """A merge for display; ``survivor`` is None if that track no longer exists."""

    row: TrackMerge
    survivor: Track | None
    can_be_undone: bool


def ids(session: Session) -> list[int]:
    """Return the ids of tracks merged into others."""
    return list(session.scalars(select(TrackMerge.merged_id).where(TrackMerge.undone_at.is_(None))))


def survivor_named(session: Session, name: str, *, own_ids: bool = True) -> int | None:
    """Return the survivor of a merged track with this public or (``own_ids``) catalogue id."""
    is_named = TrackMerge.merged_public_id == name
    if own_ids:
        is_named = is_named | (TrackMerge.merged_external_id == name)
    query = select(TrackMerge.survivor_id).where(is_named, TrackMerge.undone_at.is_(None))
    survivor_id = session.scalar(query.order_by(TrackMerge.id.desc()).limit(1))
    return (
        None
        if survivor_id is None
        else survivors(session, [survivor_id]).get(survivor_id, survivor_id)
    )


def survivors_by_public_id(session: Session, ids: Iterable[str]) -> dict[str, int]:
    """Map public ids of merged tracks among ``ids`` to their survivors."""
    return _survivors_by(session, TrackMerge.merged_public_id, ids)


def survivors_by_external_id(session: Session, ids: Iterable[str]) -> dict[str, int]:
    """Map catalogue ids of merged tracks among ``ids`` to their survivors."""
    return _survivors_by(session, TrackMerge.merged_external_id, ids)


def _survivors_by(session: Session, column: Any, names: Iterable[str]) -> dict[str, int]:
    if session.scalar(select(TrackMerge.id).limit(1)) is None:
        return {}
    named: dict[str, int] = {}
    for part in chunks(sorted(names)):
        query = select(column, TrackMerge.survivor_id).where(
            column.in_(part), TrackMerge.undone_at.is_(None)
        )
        named.update(session.execute(query.order_by(TrackMerge.id)).all())
    ends = survivors(session, set(named.values()))
    return {name: ends.get(track_id, track_id) for name, track_id in named.items()}


def survivors(session: Session, track_ids: Iterable[int]) -> dict[int, int]:
    """Return the survivor of each of these tracks that is merged."""
    into: dict[int, int] = {}
    pending = list(track_ids)
    requested = set(pending)
    while pending:
        step: dict[int, int] = {}
        for part in chunks(pending):
            query = select(TrackMerge.merged_id, TrackMerge.survivor_id).where(
                TrackMerge.merged_id.in_(part), TrackMerge.undone_at.is_(None)
            )
            step.update(session.execute(query).all())
        into |= step
        pending = [end for end in set(step.values()) if end not in into]
    survivor_of = {}
    for start in requested & into.keys():
        end = into[start]
        while end in into:
            end = into[end]
        survivor_of[start] = end
    return survivor_of


def by_source_key(session: Session, keys: Iterable[str]) -> dict[str, tuple[int, str]]:
    """Return survivor and fingerprint for each source key of a merged track."""
    rows = []
    if session.scalar(select(TrackMerge.id).limit(1)) is None:
        return {}  # imports call this for every row
    for part in chunks(list(keys)):
        query = select(
            TrackMerge.merged_source_key,
            TrackMerge.survivor_id,
            TrackMerge.before["track"]["fingerprint"].as_string(),
        ).where(TrackMerge.merged_source_key.in_(part), TrackMerge.undone_at.is_(None))
        rows += session.execute(query).all()
    ends = survivors(session, {survivor for _, survivor, _ in rows})
    return {key: (ends.get(survivor, survivor), fingerprint) for key, survivor, fingerprint in rows}


def page(session: Session, number: int, size: int) -> tuple[list[Merge], int]:
    """Return a page of merges in force (from 1), newest first, and their number."""
    stands = TrackMerge.undone_at.is_(None)
    total = session.scalar(select(func.count()).select_from(TrackMerge).where(stands)) or 0
    shown = (
        TrackMerge.survivor_id,
        TrackMerge.merged_id,
        TrackMerge.merged_public_id,
        TrackMerge.title,
        TrackMerge.artists,
        TrackMerge.created_at,
    )
    rows = session.scalars(
        select(TrackMerge)
        .options(load_only(*shown))
        .where(stands)
        .order_by(TrackMerge.id.desc())
        .limit(size)
        .offset((number - 1) * size)
    ).all()
    survivor_ids = {row.survivor_id for row in rows}
    tracks = {
        track.id: track
        for track in session.scalars(select(Track).where(Track.id.in_(survivor_ids)))
    }
    newest: dict[int, int] = {}
    for column in (TrackMerge.survivor_id, TrackMerge.merged_id):
        query = select(column, func.max(TrackMerge.id)).where(stands, column.in_(survivor_ids))
        for track_id, last in session.execute(query.group_by(column)):
            newest[track_id] = max(last, newest.get(track_id, 0))
    return [
        Merge(row, tracks.get(row.survivor_id), newest[row.survivor_id] == row.id) for row in rows
    ], total


@dataclass(frozen=True, slots=True)
class MergeBatch:
    """Merges of one operation, ``count`` of which are in force."""

    batch: str
    count: int
    created_at: datetime


def last_batch(session: Session) -> MergeBatch | None:
    """Return the newest batch of merges, if one of them is still in force."""
    newest = (
        select(TrackMerge.batch)
        .where(TrackMerge.batch.is_not(None))
        .order_by(TrackMerge.id.desc())
        .limit(1)
    )
    batch = session.scalar(newest)
    if batch is None:
        return None
    count, created_at = session.execute(
        select(func.count(), func.max(TrackMerge.created_at)).where(
            TrackMerge.batch == batch, TrackMerge.undone_at.is_(None)
        )
    ).one()
    return MergeBatch(batch, count, created_at) if count else None


def ids_of_batch(session: Session, batch: str) -> list[int]:
    """Return the merges of a batch that are in force, newest first: the order to undo them in."""
    query = select(TrackMerge.id).where(TrackMerge.batch == batch, TrackMerge.undone_at.is_(None))
    return list(session.scalars(query.order_by(TrackMerge.id.desc())))
