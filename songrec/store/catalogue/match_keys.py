"""Keys for finding equal song names, updated in batches.

Names are grouped by key in one index scan. Only tracks that share a key are compared in Python, one
key after the other, so that memory does not grow with the number of tracks.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import groupby
from typing import Any

from sqlalchemy import String, delete, func, select, type_coerce
from sqlalchemy.orm import Session

from songrec.core.title_normalization import (
    SongName,
    match_key,
    parse_song_name,
    same_length,
    same_names,
)
from songrec.core.types import Progress, no_progress
from songrec.store.bulk import chunks, insert_many
from songrec.store.catalogue import artists
from songrec.store.tables import AudioFile, MatchKey, Track

BATCH = 20_000
MAX_COMPARED = 200
"""Limit of tracks of one key that are compared; more occur for names such as "Etude"."""
_GATHERED = 5_000
# A writer that began earlier may commit later, so recent tracks are checked again.
_OVERLAP = timedelta(minutes=10)
_KEYS = MatchKey.__table__
# In the database's own representation, only to be written back and compared.
_MOMENT = type_coerce(Track.updated_at, String)


def refresh(session: Session, on_progress: Progress = no_progress) -> int:
    """Compute the keys of new and changed tracks; return their number. The caller commits.

    Without changes this takes two counts and a check of the recent tracks.
    """
    tracks = session.scalar(select(func.count()).select_from(Track)) or 0
    keys = session.scalar(select(func.count()).select_from(MatchKey)) or 0
    done = 0
    if tracks != keys:
        last = 0
        while rows := _stale(session, Track.id > last):
            _write(session, rows)
            last = rows[-1].id
            done += len(rows)
            on_progress(min(1.0, done / max(1, tracks - keys)), f"{done:,} names read")
    newest = session.scalar(select(func.max(MatchKey.seen_at)))
    if newest is not None:
        while rows := _stale(session, Track.updated_at >= newest - _OVERLAP):
            _write(session, rows)
            done += len(rows)
    return done


def forget(session: Session, track_ids: Sequence[int]) -> None:
    """Delete the keys of these tracks; the next ``refresh`` computes them again."""
    session.execute(delete(MatchKey).where(MatchKey.track_id.in_(list(track_ids))))


def pairs_by_name(session: Session, since: int = 0) -> Iterator[tuple[int, int]]:
    """Yield ``(earlier, track)`` for tracks above ``since`` named like an earlier one.

    Each track comes once, with the earliest track of the same name and length. Keys are those of
    the last ``refresh``. Do not write through ``session`` before the end.
    """
    shared = (
        select(MatchKey.key)
        .where(MatchKey.key.is_not(None))
        .group_by(MatchKey.key)
        .having(func.count() > 1, func.max(MatchKey.track_id) > since)
        .subquery()
    )
    columns = (MatchKey.key, Track.id, Track.title, Track.duration_ms)
    rows = session.connection().execute(
        select(*columns)
        .join(shared, shared.c.key == MatchKey.key)
        .join(Track, Track.id == MatchKey.track_id)
        .order_by(MatchKey.key, MatchKey.track_id)
        .execution_options(yield_per=5_000)
    )
    gathered: list[list[Any]] = []
    for _, group in groupby(rows, key=lambda row: row.key):
        gathered.append(list(group))
        if sum(map(len, gathered)) >= _GATHERED:
            yield from _in_groups(session, gathered, since)
            gathered = []
    yield from _in_groups(session, gathered, since)


def pairs_by_content(session: Session) -> Iterator[tuple[int, int]]:
    """Yield ``(earlier, track)`` for tracks whose file equals that of an earlier one."""
    shared = (
        select(AudioFile.content_hash)
        .where(AudioFile.content_hash.is_not(None), AudioFile.track_id.is_not(None))
        .group_by(AudioFile.content_hash)
        .having(func.count(AudioFile.track_id.distinct()) > 1)
        .subquery()
    )
    rows = session.execute(
        select(AudioFile.content_hash, AudioFile.track_id)
        .join(shared, shared.c.content_hash == AudioFile.content_hash)
        .where(AudioFile.track_id.is_not(None))
        .distinct()
        .order_by(AudioFile.content_hash, AudioFile.track_id)
    )
    for _, group in groupby(rows, key=lambda row: row[0]):
        (_, first), *others = group
        yield from ((first, track_id) for _, track_id in others)


def _stale(session: Session, where: Any) -> Sequence[Any]:
    return session.execute(
        select(Track.id, Track.title, Track.duration_ms, _MOMENT, MatchKey.track_id)
        .join(MatchKey, MatchKey.track_id == Track.id, isouter=True)
        .where(where, MatchKey.track_id.is_(None) | (MatchKey.seen_at != Track.updated_at))
        .order_by(Track.id)
        .limit(BATCH)
    ).all()


def _write(session: Session, rows: Sequence[Any]) -> None:
    connection = session.connection()
    for part in chunks([stored_id for *_, stored_id in rows if stored_id is not None]):
        connection.execute(delete(_KEYS).where(_KEYS.c.track_id.in_(part)))
    names = artists.names_of_tracks(session, [row.id for row in rows])
    insert_many(
        connection,
        _KEYS,
        ("track_id", "key", "duration_ms", "seen_at"),
        [
            (id_, match_key(names.get(id_, ()), title), duration, seen)
            for id_, title, duration, seen, _ in rows
        ],
    )


def _in_groups(session: Session, groups: list[list[Any]], since: int) -> Iterator[tuple[int, int]]:
    credited = artists.names_of_tracks(session, [row.id for group in groups for row in group])
    for rows in groups:
        names = [parse_song_name(credited.get(row.id, ()), row.title) for row in rows]
        yield from _in_group(rows, names, since)


def _in_group(
    rows: list[Any], names: list[SongName | None], since: int
) -> Iterator[tuple[int, int]]:
    for at, row in enumerate(rows):
        if row.id <= since:
            continue
        for before in range(max(0, at - MAX_COMPARED), at):
            other = rows[before]
            if same_length(row.duration_ms, other.duration_ms) and same_names(
                names[at], names[before]
            ):
                yield other.id, row.id
                break
