"""Lyrics as the catalogue or a file's tags gave them, and the words that are sung."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.types import Ints
from songrec.store.bulk import chunks
from songrec.store.tables import Lyrics


def texts_of(session: Session, track_ids: Ints) -> dict[int, str]:
    """The lyrics of those of ``track_ids`` that have any, as they were given."""
    found: dict[int, str] = {}
    for part in chunks(track_ids.tolist()):
        rows = session.execute(
            select(Lyrics.track_id, Lyrics.text).where(Lyrics.track_id.in_(part))
        )
        found.update(rows.all())  # type: ignore[arg-type]
    return found
