"""Songs of music servers by the server's ids, and the tracks that they are here."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from songrec.store.bulk import chunks
from songrec.store.tables import MusicServer, ServerTrack


def tracks_of_remote(session: Session, server: MusicServer, ids: Sequence[str]) -> dict[str, int]:
    """Return the track of each of these ids of ``server`` that stands for one.

    Songs that are gone from the server are included: apps may go on naming them for a while.
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
    """Return the id on ``server`` of each of these tracks that it has; of several the first."""
    remote_ids: dict[int, str] = {}
    for part in chunks(list(dict.fromkeys(track_ids))):
        query = (
            select(ServerTrack.track_id, ServerTrack.remote_id)
            .where(
                # Not by the index of the server, which has all its songs.
                ServerTrack.server_id + 0 == server.id,
                ServerTrack.track_id.in_(part),
                ServerTrack.gone_at.is_(None),
            )
            .order_by(ServerTrack.id.desc())
        )
        remote_ids.update(session.execute(query).all())  # type: ignore[arg-type]
    return remote_ids


def counts(session: Session, server: MusicServer) -> tuple[int, int, int]:
    """Return the numbers of songs on the server, of those without a track, and of those gone."""
    is_gone = ServerTrack.gone_at.is_not(None)
    rows = session.execute(
        select(is_gone, func.count(), func.count(ServerTrack.track_id))
        .where(ServerTrack.server_id == server.id)
        .group_by(is_gone)
    ).all()
    numbers = {bool(gone): (total, matched) for gone, total, matched in rows}
    present, matched = numbers.get(False, (0, 0))
    return present, present - matched, numbers.get(True, (0, 0))[0]
