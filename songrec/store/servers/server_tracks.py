"""Mapping between the song ids of music servers and tracks."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from songrec.store.bulk import chunks
from songrec.store.tables import MusicServer, ServerTrack


def tracks_of_remote(session: Session, server: MusicServer, ids: Sequence[str]) -> dict[str, int]:
    """Return the track ids of songs on ``server``, by the server's ids.

    Includes songs that were removed from the server, because apps may still refer to them.
    """
    track_ids: dict[str, int] = {}
    for part in chunks(list(dict.fromkeys(ids))):
        query = select(ServerTrack.remote_id, ServerTrack.track_id).where(
            ServerTrack.server_id == server.id,
            ServerTrack.remote_id.in_(part),
            ServerTrack.track_id.is_not(None),
        )
        track_ids.update(session.execute(query).all())  # type: ignore[arg-type]
    return track_ids


def remote_of_tracks(
    session: Session, server: MusicServer, track_ids: Sequence[int]
) -> dict[int, str]:
    """Return the first song id on ``server`` of each track that it has."""
    remote_ids: dict[int, str] = {}
    for part in chunks(list(dict.fromkeys(track_ids))):
        query = (
            select(ServerTrack.track_id, ServerTrack.remote_id)
            .where(
                # Keeps SQLite from the index of the server, which covers all its songs.
                ServerTrack.server_id + 0 == server.id,
                ServerTrack.track_id.in_(part),
                ServerTrack.gone_at.is_(None),
            )
            .order_by(ServerTrack.id.desc())
        )
        remote_ids.update(session.execute(query).all())  # type: ignore[arg-type]
    return remote_ids


def counts(session: Session, server: MusicServer) -> tuple[int, int, int]:
    """Return the numbers of songs on the server, without a track, and removed from the server."""
    is_gone = ServerTrack.gone_at.is_not(None)
    rows = session.execute(
        select(is_gone, func.count(), func.count(ServerTrack.track_id))
        .where(ServerTrack.server_id == server.id)
        .group_by(is_gone)
    ).all()
    numbers = {bool(gone): (total, matched) for gone, total, matched in rows}
    present, matched = numbers.get(False, (0, 0))
    return present, present - matched, numbers.get(True, (0, 0))[0]
