"""Further keys of tracks: look-up and insertion."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping

from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.store.bulk import chunks, insert_many
from songrec.store.tables import Track, TrackAlias, TrackMerge

_ALIAS = TrackAlias.__table__
_MOVED = f"{_ALIAS.name}.track_id"


def tracks_by_key(session: Session, keys: Iterable[str]) -> dict[str, int]:
    """Return track ids by key, either the ``source_key`` or a further key."""
    by_key: dict[str, int] = {}
    for part in chunks(list(keys)):
        for table, key, track_id in (
            (TrackAlias, TrackAlias.key, TrackAlias.track_id),
            (Track, Track.source_key, Track.id),
        ):
            query = select(key, track_id).select_from(table).where(key.in_(part))
            by_key.update(session.connection().execute(query).all())  # type: ignore[arg-type]
    return by_key


def by_alias(session: Session, keys: Iterable[str]) -> dict[str, tuple[int, bool]]:
    """Return the track of each further key, and whether the key is that of a merged track.

    A row with the key of a merged track adds tags and playlists to the survivor, without changing
    other values.
    """
    if session.connection().execute(select(_ALIAS.c.id).limit(1)).first() is None:
        return {}  # imports call this for every row
    rows = [
        row
        for part in chunks(list(keys))
        for row in session.connection().execute(
            select(_ALIAS.c.key, _ALIAS.c.id, _ALIAS.c.track_id).where(_ALIAS.c.key.in_(part))
        )
    ]
    merged = _merged_aliases(session, {row.track_id for row in rows})
    return {row.key: (row.track_id, row.id in merged) for row in rows}


def keys_of_tracks(session: Session, track_ids: Iterable[int]) -> dict[int, set[str]]:
    """Return the further keys by track, without tracks that have none."""
    keys: dict[int, set[str]] = defaultdict(set)
    for part in chunks(list(track_ids)):
        query = select(_ALIAS.c.track_id, _ALIAS.c.key).where(_ALIAS.c.track_id.in_(part))
        for track_id, key in session.connection().execute(query):
            keys[track_id].add(key)
    return keys


def add(session: Session, keys: Mapping[str, int]) -> None:
    """Add further keys of tracks; existing keys keep their track."""
    existing = tracks_by_key(session, keys)
    rows = [(key, track_id) for key, track_id in keys.items() if key not in existing]
    insert_many(session.connection(), _ALIAS, ("key", "track_id"), rows)


def _merged_aliases(session: Session, track_ids: Iterable[int]) -> set[int]:
    moved: set[int] = set()
    for part in chunks(list(track_ids)):
        query = select(TrackMerge.before["columns"][_MOVED]).where(
            TrackMerge.survivor_id.in_(part), TrackMerge.undone_at.is_(None)
        )
        for ids in session.scalars(query):
            moved.update(ids or ())
    return moved
