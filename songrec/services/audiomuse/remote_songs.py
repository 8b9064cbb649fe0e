"""Storage of song ids of music servers that songrec does not scan, matched to tracks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sqlalchemy import insert, select, update
from sqlalchemy.orm import Session

from songrec.services.servers.client import RemoteSong
from songrec.services.servers.matching import SongMatcher
from songrec.store.bulk import chunks
from songrec.store.db import now
from songrec.store.servers import music_servers
from songrec.store.tables import MusicServer, ServerTrack

_TABLE = ServerTrack.__table__


def find_or_create_server(session: Session, name: str, url: str, kind: str) -> MusicServer:
    """Return the server of this name, creating it if necessary. Flushes."""
    existing = [one for one in music_servers.all_servers(session) if one.name == name]
    if existing:
        return existing[0]
    server = music_servers.create(session, name, url, allows_private=False)
    server.kind = kind
    session.flush()
    return server


def store_songs(
    session: Session,
    server: MusicServer,
    matcher: SongMatcher,
    songs: Sequence[RemoteSong],
    *,
    mark: str = "",
) -> tuple[dict[str, int], int]:
    """Store new songs with their tracks; return track ids by song id, and the number of new tracks.

    For a server that songrec scans, songs that the scan has not seen are matched but not stored.
    ``mark``, if given, marks the songs as present.
    """
    unique = {song.id: song for song in songs}
    track_ids: dict[str, int | None] = {}
    for part in chunks(list(unique)):
        query = select(ServerTrack.remote_id, ServerTrack.track_id).where(
            ServerTrack.server_id == server.id, ServerTrack.remote_id.in_(part)
        )
        track_ids.update(session.execute(query).all())  # type: ignore[arg-type]
    tracks = {id_: track_id for id_, track_id in track_ids.items() if track_id is not None}
    rest = [song for id_, song in unique.items() if id_ not in tracks]
    if server.kind == music_servers.SCANNED:
        return tracks | matcher.find(rest), 0
    matched, n_new = matcher.match(rest)
    _insert(session, server, [song for song in rest if song.id not in track_ids], matched, mark)
    of_server = _TABLE.c.server_id == server.id
    for id_, track_id in matched.items():
        if id_ in track_ids:
            statement = update(_TABLE).where(of_server, _TABLE.c.remote_id == id_)
            session.execute(statement.values(track_id=track_id))
    for part in chunks(list(track_ids) if mark else []):
        statement = update(_TABLE).where(of_server, _TABLE.c.remote_id.in_(part))
        session.connection().execute(statement.values(scan_mark=mark, gone_at=None))
    return tracks | matched, n_new


def _insert(
    session: Session,
    server: MusicServer,
    songs: Sequence[RemoteSong],
    track_ids: Mapping[str, int],
    mark: str,
) -> None:
    moment = now()
    rows = [
        {
            "server_id": server.id,
            "remote_id": song.id,
            "track_id": track_ids.get(song.id),
            "remote_artist_id": song.artist_id,
            "remote_album_id": song.album_id,
            "title": song.title,
            "artists": song.artist_line,
            "album": song.album,
            "path": song.path,
            "duration_s": song.duration_s,
            "musicbrainz_id": song.musicbrainz_id,
            "scan_mark": mark,
            "created_at": moment,
        }
        for song in songs
    ]
    if rows:
        session.connection().execute(insert(_TABLE), rows)
