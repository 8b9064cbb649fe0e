"""Names and attributes of stored tracks by the ids of their catalogues."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import func, literal, or_, select
from sqlalchemy.orm import Session

from songrec.core.attributes import ATTRIBUTE_NAMES
from songrec.core.track_identity import CATALOGUE_ID, VALUES, plain_id
from songrec.store.bulk import chunks
from songrec.store.tables import Track, TrackAlias, TrackAttributes, TrackMerge


@dataclass(frozen=True, slots=True)
class CatalogueId:
    """A catalogue's id of a track, with the track's names and attributes.

    ``namespace`` is that of the catalogue's keys, ``source`` the last imported catalogue of the
    track.
    """

    namespace: str
    id: str
    source: str
    title: str
    artists: str
    values: tuple[float | None, ...]


def with_ids(session: Session, ids: Iterable[str]) -> list[CatalogueId]:
    """Return the stored tracks with one of these ids in any catalogue."""
    names = (Track.external_id, Track.source, Track.title, Track.artists)
    values = [getattr(TrackAttributes, name) for name in ATTRIBUTE_NAMES]
    rows_with_ids = []
    for part in chunks(list(ids)):
        query = (
            select(Track.source_key, TrackAlias.key, *names, *values)
            .join(TrackAttributes, TrackAttributes.track_id == Track.id)
            .join(TrackAlias, TrackAlias.track_id == Track.id, isouter=True)
            .where(Track.external_id.in_(part))
        )
        merged = select(
            TrackMerge.merged_source_key,
            literal(None),
            TrackMerge.merged_external_id,
            TrackMerge.before["track"]["source"].as_string(),
            TrackMerge.title,
            TrackMerge.artists,
            *(literal(None) for _ in ATTRIBUTE_NAMES),
        ).where(TrackMerge.merged_external_id.in_(part), TrackMerge.undone_at.is_(None))
        rows = [row for one in (query, merged) for row in session.connection().execute(one)]
        for source_key, alias, external_id, *rest in rows:
            ending = f":{plain_id(external_id)}"
            rows_with_ids += [
                CatalogueId(key.removesuffix(ending), external_id, *rest[:3], tuple(rest[3:]))
                for key in {source_key, alias}
                if key and key.startswith(f"{CATALOGUE_ID}:") and key.endswith(ending)
            ]
    return rows_with_ids


def count_songs(session: Session, source: str, song_keys: Iterable[int]) -> int:
    """Count the songs (``Track.song_key``) that are in a catalogue."""
    return sum(
        session.connection().scalar(
            select(func.count(Track.song_key.distinct())).where(
                Track.song_key.in_(part), Track.source == source
            )
        )
        or 0
        for part in chunks(list(song_keys))
    )


def is_used(session: Session, namespace: str) -> bool:
    """Return whether a track has an id of this namespace."""
    return any(
        session.connection().scalar(
            select(key).where(key.startswith(f"{namespace}:", autoescape=True)).limit(1)
        )
        for key in (Track.source_key, TrackAlias.key)
    )


def count_by_values(session: Session, source: str) -> int:
    """Count the tracks of ``source`` that are identified by their values."""
    has_values = [
        key.startswith(f"{VALUES}:", autoescape=True) for key in (Track.source_key, TrackAlias.key)
    ]
    query = (
        select(func.count(Track.id.distinct()))
        .join(TrackAlias, TrackAlias.track_id == Track.id, isouter=True)
        .where(Track.source == source, or_(*has_values))
    )
    return session.connection().scalar(query) or 0
