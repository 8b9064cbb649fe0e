"""Audio files that only exist on a music server, with paths that no file system has.

Their ``root`` is ``//server/ID``, and their path ends with the id of their ``ServerTrack``, which
is stable when the server renumbers its songs. Paths of local files never begin with two slashes.
"""

from __future__ import annotations

from pathlib import PurePosixPath

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from songrec.core.file_names import safe_file_name
from songrec.store.db import now
from songrec.store.sound.audio_files import STREAMED
from songrec.store.tables import AudioFile, MusicServer, ServerTrack


def root_of(server: MusicServer) -> str:
    """Return the ``root`` of the audio files streamed from a server."""
    return f"{STREAMED}{server.public_id}"


def path_of(server: MusicServer, song_id: int, suffix: str) -> str:
    """Return the path of the audio file of the ``ServerTrack`` with this id."""
    folder = safe_file_name(server.name, "server")
    return f"{root_of(server)}/{folder}/{song_id}.{safe_file_name(suffix, 'bin')}"


def is_streamed(file: AudioFile) -> bool:
    """Return whether a file only exists on a music server."""
    return file.root.startswith(STREAMED)


def song_of(session: Session, file: AudioFile) -> tuple[MusicServer, ServerTrack] | None:
    """Return the server and the song of a streamed file; None if either was removed."""
    number = PurePosixPath(file.path).stem
    song = session.get(ServerTrack, int(number)) if number.isdecimal() else None
    if song is None or song.gone_at is not None:
        return None
    return session.get_one(MusicServer, song.server_id), song


def unanalysed(session: Session, server: MusicServer, limit: int) -> list[int]:
    """Return the ids of untried songs whose track has no local sound."""
    has_sound = select(AudioFile.id).where(AudioFile.track_id == ServerTrack.track_id)
    tried = select(AudioFile.info["server_track"].as_integer()).where(
        AudioFile.root == root_of(server), AudioFile.state == "rejected"
    )
    query = (
        select(ServerTrack.id)
        .where(
            ServerTrack.server_id == server.id,
            ServerTrack.gone_at.is_(None),
            ServerTrack.track_id.is_not(None),
            ~has_sound.exists(),
            ServerTrack.id.not_in(tried),
        )
        .order_by(ServerTrack.id)
        .limit(limit)
    )
    return list(session.scalars(query))


def mark_missing(session: Session, server: MusicServer) -> None:
    """Mark all files streamed from a server as missing; their tracks are kept."""
    session.execute(
        update(AudioFile)
        .where(AudioFile.root == root_of(server), AudioFile.state != "rejected")
        .values(state="missing", updated_at=now())
    )
