"""Stars and ratings of albums and artists, for apps only; recommendations ignore them.

The caller commits.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from songrec.store.bulk import chunks
from songrec.store.db import insert, now
from songrec.store.tables import AlbumOpinion, ArtistOpinion, Listener

ALBUM, ARTIST = "album", "artist"
_TABLES: dict[str, Any] = {ALBUM: AlbumOpinion, ARTIST: ArtistOpinion}


@dataclass(frozen=True, slots=True)
class Opinion:
    """Date of the star and rating of an album or artist; None without."""

    starred_at: datetime | None = None
    rating: int | None = None


def star(session: Session, listener: Listener, kind: str, target_id: int) -> None:
    """Star an album or artist (``kind``); an existing star keeps its date."""
    if (
        of_targets(session, listener, kind, [target_id]).get(target_id, Opinion()).starred_at
        is None
    ):
        _set(session, listener, kind, target_id, starred_at=now())


def unstar(session: Session, listener: Listener, kind: str, target_id: int) -> None:
    """Remove the star of an album or artist."""
    table = _TABLES[kind]
    session.execute(
        update(table)
        .where(table.listener_id == listener.id, _target(kind) == target_id)
        .values(starred_at=None)
    )


def rate(session: Session, listener: Listener, kind: str, target_id: int, rating: int) -> None:
    """Set the rating of an album or artist, 1 to 5; 0 removes it."""
    _set(session, listener, kind, target_id, rating=rating or None)


def of_targets(
    session: Session, listener: Listener, kind: str, ids: Sequence[int]
) -> dict[int, Opinion]:
    """Map albums or artists to their star and rating, without those that have neither."""
    table = _TABLES[kind]
    opinions: dict[int, Opinion] = {}
    for part in chunks(list(ids)):
        rows = session.execute(
            select(_target(kind), table.starred_at, table.rating).where(
                table.listener_id == listener.id, _target(kind).in_(part)
            )
        )
        opinions.update({target_id: Opinion(at, rating) for target_id, at, rating in rows})
    return opinions


def _target(kind: str) -> Any:
    return AlbumOpinion.album_id if kind == ALBUM else ArtistOpinion.artist_id


def _set(session: Session, listener: Listener, kind: str, target_id: int, **values: Any) -> None:
    key = _target(kind).key
    statement = insert(session, _TABLES[kind]).values(
        {"listener_id": listener.id, key: target_id, **values}
    )
    session.execute(
        statement.on_conflict_do_update(index_elements=["listener_id", key], set_=values)
    )
