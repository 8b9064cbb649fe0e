"""Audio files that only exist on a music server, with paths that no file system has.

They are ``listed``, and can be played, once a scan has seen them, and ``analysed`` later. Their
``root`` is ``//server/ID``, and their path ends with the id of their ``ServerTrack``, which is
stable when the server renumbers its songs. Paths of local files never begin with two slashes.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from functools import lru_cache
from itertools import islice
from typing import Any

from sqlalchemy import and_, delete, insert, not_, or_, select, update
from sqlalchemy.orm import Session

from songrec.core.file_names import safe_file_name
from songrec.store.bulk import chunks
from songrec.store.db import now
from songrec.store.sound.audio_files import STREAMED, new_public_id
from songrec.store.tables import PLAYABLE, AudioFile, MusicServer, ServerTrack

FORMATS = {
    "mp3": ("mp3", ""),
    "flac": ("flac", ""),
    "ogg": ("vorbis", ""),
    "oga": ("vorbis", ""),
    "opus": ("opus", ""),
    "m4a": ("aac", ""),
    "mp4": ("aac", ""),
    "aac": ("aac", "aac"),
    "wav": ("pcm_s16le", "wav"),
    "wma": ("wmav2", ""),
}
"""Likely codec and container by suffix, in the decoder's names, until a song is analysed."""


def root_of(server: MusicServer) -> str:
    """Return the ``root`` of the audio files streamed from a server."""
    return f"{STREAMED}{server.public_id}"


def path_of(server: MusicServer, song_id: int, suffix: str) -> str:
    """Return the path of the audio file of the ``ServerTrack`` with this id."""
    folder, ending = _safe_name(server.name, "server"), _safe_name(suffix, "bin")
    return f"{root_of(server)}/{folder}/{song_id}.{ending}"


_safe_name = lru_cache(maxsize=256)(safe_file_name)


def is_streamed(file: AudioFile) -> bool:
    """Return whether a file only exists on a music server."""
    return file.root.startswith(STREAMED)


def song_of(session: Session, file: AudioFile) -> tuple[MusicServer, ServerTrack] | None:
    """Return the server and the song of a streamed file; None if either was removed."""
    song = session.get(ServerTrack, _song_id(file.path))
    if song is None or song.gone_at is not None:
        return None
    return session.get_one(MusicServer, song.server_id), song


def _song_id(path: str) -> int:
    stem = path.rpartition("/")[2].partition(".")[0]
    return int(stem) if stem.isdecimal() else 0


def update_playable(session: Session, server: MusicServer) -> None:
    """Make the songs that a complete scan has seen playable, and those that are gone not. Flushes.

    A song whose track can be played otherwise, such as from a file, is not listed. The caller takes
    its turn to write before.
    """
    root = root_of(server)
    songs = {
        song.id: song
        for song in session.execute(
            select(
                ServerTrack.id,
                ServerTrack.track_id,
                ServerTrack.duration_s,
                ServerTrack.size,
                ServerTrack.suffix,
            ).where(
                ServerTrack.server_id == server.id,
                ServerTrack.gone_at.is_(None),
                ServerTrack.track_id.is_not(None),
            )
        )
    }
    columns = (AudioFile.id, AudioFile.track_id, AudioFile.path, AudioFile.state)
    rows = session.execute(select(*columns).where(AudioFile.root == root))
    files = {_song_id(file.path): file for file in rows}
    gone = [f.id for id_, f in files.items() if f.state == "analysed" and id_ not in songs]
    back = [
        f.id for id_, f in files.items() if f.state == "missing" and f.track_id and id_ in songs
    ]
    for state, ids in (("missing", gone), ("analysed", back)):
        for part in chunks(ids):
            statement = update(AudioFile).where(AudioFile.id.in_(part))
            session.execute(statement.values(state=state, updated_at=now()))
    is_listed = and_(AudioFile.root == root, AudioFile.state == "listed")
    elsewhere = set(
        session.scalars(
            select(AudioFile.track_id).where(
                AudioFile.state.in_(PLAYABLE), AudioFile.track_id.is_not(None), not_(is_listed)
            )
        )
    )
    outdated = []
    for song_id, file in files.items():
        if file.state != "listed":
            continue
        song = songs.get(song_id)
        if (
            song is None
            or file.track_id != song.track_id
            or file.path != path_of(server, song_id, song.suffix)
            or file.track_id in elsewhere
        ):
            outdated.append(song_id)
        else:
            elsewhere.add(file.track_id)
    for part in chunks([files.pop(song_id).id for song_id in outdated]):
        session.execute(delete(AudioFile).where(AudioFile.id.in_(part)))
    new = _new_rows(server, songs, files.keys(), elsewhere)
    while part := list(islice(new, 5_000)):
        session.connection().execute(insert(AudioFile.__table__), part)


def _new_rows(
    server: MusicServer, songs: Mapping[int, Any], known: Set[int], playable: set[int | None]
) -> Iterator[dict[str, Any]]:
    """Yield the rows of songs that have none, one for each track that cannot be played yet."""
    for song in songs.values():
        if song.id not in known and song.track_id not in playable:
            playable.add(song.track_id)
            yield _listed(server, song)


def _listed(server: MusicServer, song: Any) -> dict[str, Any]:
    codec, container = FORMATS.get(song.suffix, (None, ""))
    moment = now()
    return {
        "public_id": new_public_id(),
        "track_id": song.track_id,
        "root": root_of(server),
        "path": path_of(server, song.id, song.suffix),
        "part": 0,
        "size": song.size or 0,
        "modified_ns": 0,
        "state": "listed",
        "duration_s": song.duration_s,
        "codec": codec,
        "has_cover": False,
        "info": {"container": container},
        "created_at": moment,
        "updated_at": moment,
    }


def unanalysed(session: Session, server: MusicServer, limit: int) -> list[int]:
    """Return the ids of untried songs whose track has no local sound."""
    has_sound = select(AudioFile.id).where(
        AudioFile.track_id == ServerTrack.track_id,
        or_(AudioFile.state == "analysed", AudioFile.root.not_like(f"{STREAMED}%")),
    )
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
    of_server = AudioFile.root == root_of(server)
    session.execute(delete(AudioFile).where(of_server, AudioFile.state == "listed"))
    session.execute(
        update(AudioFile)
        .where(of_server, AudioFile.state != "rejected")
        .values(state="missing", updated_at=now())
    )
