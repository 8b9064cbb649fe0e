"""The content flags of tracks, read from titles, albums, genres and speechiness."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.content_flags import content_flags, is_spoken_genre
from songrec.core.types import Floats, Ints, positions
from songrec.store.tables import Album, Tag, Track, TrackTag

ROWS_PER_FETCH = 20_000


def read_flags(session: Session, track_ids: Ints, speechiness: Floats) -> NDArray[np.uint8]:
    """Return ``core.content_flags`` of ``track_ids`` (ascending), uint8 ``(n,)``.

    ``speechiness`` float ``(n,)`` is theirs, NaN where unknown.
    """
    flags = np.zeros(len(track_ids), dtype=np.uint8)
    spoken = np.zeros(len(track_ids), dtype=bool)
    genres = session.execute(
        select(Tag.id, Tag.name).where(Tag.kind.in_(("genre", "subgenre")))
    ).all()
    of_speech = [tag_id for tag_id, name in genres if is_spoken_genre(name)]
    tagged = session.scalars(select(TrackTag.track_id).where(TrackTag.tag_id.in_(of_speech)))
    spoken[positions(track_ids, list(tagged))] = True
    names = session.execute(
        select(Track.id, Track.title, Album.title)
        .join(Album, Album.id == Track.album_id, isouter=True)
        .order_by(Track.id)
        .execution_options(yield_per=ROWS_PER_FETCH)
    )
    for part in names.partitions():
        rows = np.searchsorted(track_ids, [track_id for track_id, _, _ in part])
        for row, (track_id, title, album) in zip(rows.tolist(), part, strict=True):
            if row < len(track_ids) and track_ids[row] == track_id:
                flags[row] = content_flags(
                    title,
                    album or "",
                    speechiness=float(speechiness[row]),
                    spoken_genre=bool(spoken[row]),
                )
    return flags
