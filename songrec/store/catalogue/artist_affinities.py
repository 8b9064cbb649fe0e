"""Stored affinities of artists: their sources, and the training data of artist vectors."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from songrec.core.artist_affinities import COUNTS, SIMILAR, ArtistAffinities
from songrec.core.artist_affinities import NamedArtist as ArtistName
from songrec.core.errors import UnknownName
from songrec.store.bulk import chunks, insert_many
from songrec.store.db import take_write_turn
from songrec.store.tables import AffinitySource, Artist, ArtistAffinity, NamedArtist

_AFFINITY = ArtistAffinity.__table__
_NAMED = NamedArtist.__table__
ROWS_PER_FETCH, ROWS_PER_INSERT = 50_000, 50_000


@dataclass(frozen=True)
class SourceSummary:
    """A source: its kind and its numbers of groups, artists and weights."""

    name: str
    kind: str
    groups: int
    artists: int
    weights: int
    created_at: datetime


def catalogue_artists(
    session: Session, ids: Iterable[int] | None = None
) -> list[tuple[int, ArtistName]]:
    """Return the catalogue's artists by id, ascending; those of ``ids``, or all."""
    rows = session.execute(
        select(Artist.id, Artist.name, Artist.musicbrainz_id).order_by(Artist.id)
    )
    chosen = None if ids is None else set(ids)
    return [
        (artist_id, ArtistName(name, musicbrainz_id))
        for artist_id, name, musicbrainz_id in rows
        if chosen is None or artist_id in chosen
    ]


def write(
    session: Session, name: str, affinities: ArtistAffinities, *, replace: bool = True
) -> None:
    """Write the affinities of the source ``name``; the caller commits.

    Replaces all affinities of the source. With ``replace=False`` (for similar artists) only the
    groups in the new affinities are replaced.
    """
    take_write_turn(session)
    source = session.scalar(select(AffinitySource).where(AffinitySource.name == name))
    if source is not None and (replace or source.kind != affinities.kind):
        session.execute(delete(ArtistAffinity).where(ArtistAffinity.source_id == source.id))
        source.kind = affinities.kind
    if source is None:
        source = AffinitySource(name=name, kind=affinities.kind)
        session.add(source)
        session.flush()
    artists = [(artist.key, artist.name, artist.musicbrainz_id) for artist in affinities.artists]
    if affinities.kind == SIMILAR:
        artists += [(key, key, None) for key in affinities.group_names]
    ids = _write_artists(session, artists)
    columns = np.array([ids[artist.key] for artist in affinities.artists], dtype=np.int64)
    groups = affinities.groups
    if affinities.kind == SIMILAR:
        numbers = np.array([ids[key] for key in affinities.group_names], dtype=np.int64)
        groups = numbers[groups]
        for part in chunks(np.unique(groups).tolist()):
            session.execute(
                delete(ArtistAffinity).where(
                    ArtistAffinity.source_id == source.id, ArtistAffinity.group_number.in_(part)
                )
            )
    for start in range(0, len(groups), ROWS_PER_INSERT):
        part = slice(start, start + ROWS_PER_INSERT)
        values = zip(
            groups[part].tolist(),
            columns[affinities.columns[part]].tolist(),
            affinities.weights[part].tolist(),
            strict=True,
        )
        insert_many(
            session.connection(),
            _AFFINITY,
            ("source_id", "group_number", "artist_id", "weight"),
            [(source.id, *row) for row in values],
        )
    _delete_unused_artists(session)


def _write_artists(
    session: Session, artists: Iterable[tuple[str, str, str | None]]
) -> dict[str, int]:
    """Insert new artists (key, name, MusicBrainz id); return the ids of all artists by key.

    A stored artist without a name or an id gets the new one.
    """
    rows: dict[str, tuple[str, str, str | None]] = {}
    for row in artists:
        rows.setdefault(row[0], row)
    ids: dict[str, int] = {}
    better: list[dict[str, Any]] = []
    columns = (_NAMED.c.id, _NAMED.c.key, _NAMED.c.name, _NAMED.c.musicbrainz_id)
    for part in chunks(list(rows)):
        for artist_id, key, name, musicbrainz_id in session.execute(
            select(*columns).where(_NAMED.c.key.in_(part))
        ):
            ids[key] = artist_id
            new_name = rows[key][1] if name in ("", key) and rows[key][1] else name
            new_id = musicbrainz_id or rows[key][2]
            if (new_name, new_id) != (name, musicbrainz_id):
                better.append({"row": artist_id, "name": new_name, "musicbrainz_id": new_id})
    if better:
        session.connection().execute(
            update(_NAMED)
            .where(_NAMED.c.id == bindparam("row"))
            .values(name=bindparam("name"), musicbrainz_id=bindparam("musicbrainz_id")),
            better,
        )
    new = [row for key, row in rows.items() if key not in ids]
    insert_many(session.connection(), _NAMED, ("key", "name", "musicbrainz_id"), new)
    for part in chunks([key for key, _, _ in new]):
        ids.update(
            session.execute(select(_NAMED.c.key, _NAMED.c.id).where(_NAMED.c.key.in_(part))).all()
        )
    return ids


def _delete_unused_artists(session: Session) -> None:
    """Delete artists without weights and groups."""
    groups = (
        select(ArtistAffinity.group_number)
        .join(AffinitySource, AffinitySource.id == ArtistAffinity.source_id)
        .where(AffinitySource.kind == SIMILAR)
    )
    session.execute(
        delete(NamedArtist)
        .where(NamedArtist.id.not_in(select(ArtistAffinity.artist_id)))
        .where(NamedArtist.id.not_in(groups))
        .execution_options(synchronize_session=False)
    )


def sources(session: Session) -> list[SourceSummary]:
    """Return the stored sources by name."""
    query = (
        select(
            AffinitySource.name,
            AffinitySource.kind,
            func.count(ArtistAffinity.group_number.distinct()),
            func.count(ArtistAffinity.artist_id.distinct()),
            func.count(ArtistAffinity.artist_id),
            AffinitySource.created_at,
        )
        .join(ArtistAffinity, ArtistAffinity.source_id == AffinitySource.id, isouter=True)
        .group_by(AffinitySource.id)
        .order_by(AffinitySource.name)
    )
    return [SourceSummary(*row) for row in session.execute(query)]


def remove(session: Session, name: str) -> None:
    """Delete a source; ``UnknownName`` for an unknown name. The caller commits."""
    source = session.scalar(select(AffinitySource).where(AffinitySource.name == name))
    if source is None:
        names = session.scalars(select(AffinitySource.name).order_by(AffinitySource.name))
        raise UnknownName("source of artists", name, list(names))
    session.delete(source)
    session.flush()
    _delete_unused_artists(session)


def group_keys(session: Session, name: str) -> set[str]:
    """Return the keys of the artists with similar artists in the source ``name``."""
    query = (
        select(NamedArtist.key)
        .join(ArtistAffinity, ArtistAffinity.group_number == NamedArtist.id)
        .join(AffinitySource, AffinitySource.id == ArtistAffinity.source_id)
        .where(AffinitySource.name == name, AffinitySource.kind == SIMILAR)
    )
    return set(session.scalars(query.distinct()))


def read(session: Session) -> list[ArtistAffinities]:
    """Return the affinities of all sources, sorted by name."""
    all_sources = session.execute(
        select(AffinitySource.id, AffinitySource.kind).order_by(AffinitySource.name)
    ).all()
    return [_read_source(session, source_id, kind) for source_id, kind in all_sources]


def _read_source(session: Session, source_id: int, kind: str) -> ArtistAffinities:
    query = (
        select(_AFFINITY.c.group_number, _AFFINITY.c.artist_id, _AFFINITY.c.weight)
        .where(_AFFINITY.c.source_id == source_id)
        .order_by(_AFFINITY.c.group_number, _AFFINITY.c.artist_id)
        .execution_options(yield_per=ROWS_PER_FETCH)
    )
    parts = [
        np.array([tuple(row) for row in rows], dtype=np.float64)
        for rows in session.execute(query).partitions()
    ]
    rows = np.concatenate(parts) if parts else np.zeros((0, 3))
    numbers, groups = np.unique(rows[:, 0].astype(np.int64), return_inverse=True)
    ids, columns = np.unique(rows[:, 1].astype(np.int64), return_inverse=True)
    artist_ids = ids.tolist() + (numbers.tolist() if kind == SIMILAR else [])
    artists: dict[int, ArtistName] = {}
    keys: dict[int, str] = {}
    for part in chunks(artist_ids):
        stored = select(_NAMED.c.id, _NAMED.c.key, _NAMED.c.name, _NAMED.c.musicbrainz_id)
        for artist_id, key, name, musicbrainz_id in session.execute(
            stored.where(_NAMED.c.id.in_(part))
        ):
            artists[artist_id], keys[artist_id] = ArtistName(name, musicbrainz_id), key
    names = numbers.tolist()
    return ArtistAffinities(
        kind,
        tuple(artists[artist_id] for artist_id in ids.tolist()),
        groups,
        columns,
        rows[:, 2].astype(np.float32),
        tuple(str(n) for n in names) if kind == COUNTS else tuple(keys[n] for n in names),
    )
