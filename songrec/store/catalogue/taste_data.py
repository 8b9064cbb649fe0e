"""What tastes are learnt from: who made each track, and which tracks people put together."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.types import Ints
from songrec.store.tables import PlaylistTrack, Track, TrackAttributes

ROWS_PER_FETCH = 20_000


def names(session: Session, track_ids: Ints) -> Iterator[tuple[str, str | None, str]]:
    """Artists, album and title of each of ``track_ids`` (ascending, all with attributes), in order.

    A track that is not there any more has none of them.
    """
    query = (
        select(Track.id, Track.artists, Track.album, Track.title)
        .join(TrackAttributes, TrackAttributes.track_id == Track.id)
        .order_by(Track.id)
        .execution_options(yield_per=ROWS_PER_FETCH)
    )
    wanted = iter(track_ids.tolist())
    track_id = next(wanted, None)
    for found, artists, album, title in session.execute(query):
        while track_id is not None and track_id < found:
            yield "", None, ""
            track_id = next(wanted, None)
        if track_id == found:
            yield artists, album, title
            track_id = next(wanted, None)
    while track_id is not None:
        yield "", None, ""
        track_id = next(wanted, None)


def playlists(session: Session, track_ids: Ints) -> list[Ints]:
    """Every playlist, the catalogue's and the listeners', as rows of ``track_ids`` (ascending)."""
    query = (
        select(PlaylistTrack.playlist_id, PlaylistTrack.track_id)
        .order_by(PlaylistTrack.playlist_id)
        .execution_options(yield_per=ROWS_PER_FETCH)
    )
    parts = [
        np.array([(row[0], row[1]) for row in rows], dtype=np.int64)
        for rows in session.execute(query).partitions()
    ]
    if not parts or not len(track_ids):
        return []
    pairs = np.concatenate(parts)
    at = np.minimum(np.searchsorted(track_ids, pairs[:, 1]), len(track_ids) - 1)
    known = track_ids[at] == pairs[:, 1]
    rows, lists = at[known], pairs[known, 0]
    edges = np.flatnonzero(np.diff(lists)) + 1
    return [part.astype(np.int64) for part in np.split(rows, edges) if len(part)]
