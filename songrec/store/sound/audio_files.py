"""Audio files of the library: their tracks, states and reasons of rejection."""

from __future__ import annotations

import secrets
import unicodedata
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from flask import current_app
from sqlalchemy import String, case, func, select, type_coerce, update
from sqlalchemy.orm import Session

from songrec.core.errors import UnknownName
from songrec.core.file_names import is_unicode
from songrec.store.bulk import chunks
from songrec.store.db import now
from songrec.store.instance_paths import to_stored
from songrec.store.tables import PLAYABLE, AudioFile, ClusterAssignment, Track, TrackAttributes

STATES = ("listed", "analysed", "rejected", "missing")
STREAMED = "//server/"
"""Prefix of the paths of files on a music server (``servers.streamed_files``)."""


class UnknownFile(UnknownName):
    """Raised for an unknown id of a file; the message lists no alternatives."""

    def __init__(self, public_id: str) -> None:
        Exception.__init__(self, f"The library has no audio file {public_id!r}.")


def new_public_id() -> str:
    """Create a random id for a file's URL, which does not reveal its path."""
    return secrets.token_hex(8)


def find(session: Session, public_id: str) -> AudioFile:
    """Return the file with this public id; ``UnknownFile`` otherwise."""
    file = session.scalar(select(AudioFile).where(AudioFile.public_id == public_id))
    if file is None:
        raise UnknownFile(public_id)
    return file


def playable(session: Session, public_id: str) -> AudioFile | None:
    """Return the file with this public id if it can be played; else None."""
    return session.scalar(
        select(AudioFile).where(AudioFile.public_id == public_id, AudioFile.state.in_(PLAYABLE))
    )


def in_cluster(session: Session, run_id: int, number: int, limit: int) -> list[int]:
    """Return the audible tracks of a run's cluster, most typical first."""
    query = (
        select(ClusterAssignment.track_id)
        .where(
            ClusterAssignment.run_id == run_id,
            ClusterAssignment.label == number,
            ClusterAssignment.track_id.in_(
                select(AudioFile.track_id).where(AudioFile.state.in_(PLAYABLE))
            ),
        )
        .order_by(ClusterAssignment.confidence.desc(), ClusterAssignment.track_id)
    )
    return list(session.scalars(query.limit(limit)))


def audible(session: Session) -> list[int]:
    """Return the ids of all tracks that can be played."""
    query = select(AudioFile.track_id).where(
        AudioFile.state.in_(PLAYABLE), AudioFile.track_id.is_not(None)
    )
    return [track_id for track_id in session.scalars(query.distinct()) if track_id is not None]


def audible_count(session: Session) -> int:
    """Return the number of tracks that can be played."""
    query = select(func.count(AudioFile.track_id.distinct())).where(AudioFile.state.in_(PLAYABLE))
    return session.scalar(query) or 0


def any_audible(session: Session) -> bool:
    """Return whether any track can be played."""
    query = select(AudioFile.id).where(
        AudioFile.state.in_(PLAYABLE), AudioFile.track_id.is_not(None)
    )
    return session.scalar(query.limit(1)) is not None


def first_playable(session: Session, limit: int) -> list[int]:
    """Return the tracks with the oldest playable files."""
    query = select(AudioFile.track_id).where(
        AudioFile.state.in_(PLAYABLE), AudioFile.track_id.is_not(None)
    )
    ids = session.scalars(query.order_by(AudioFile.id).limit(limit))
    return list(dict.fromkeys(track_id for track_id in ids if track_id is not None))


def newest(session: Session) -> int:
    """Return the id of the newest row, 0 without files, by an index look-up."""
    return session.scalar(select(func.max(AudioFile.id))) or 0


@dataclass(frozen=True, slots=True)
class FileSummary:
    """Files by state, number of tracks with analysed audio, time of the newest analysis."""

    by_state: dict[str, int]
    audible: int
    analysed_at: datetime | None


def summary(session: Session) -> FileSummary:
    """Summarise all files in one query."""
    query = select(
        AudioFile.state,
        func.count(),
        func.count(AudioFile.track_id.distinct()),
        func.max(AudioFile.updated_at),
    ).group_by(AudioFile.state)
    rows = {state: values for state, *values in session.execute(query)}
    _, audible, analysed_at = rows.get("analysed", (0, 0, None))
    by_state = {state: values[0] for state, values in rows.items()}
    return FileSummary({**dict.fromkeys(STATES, 0), **by_state}, audible, analysed_at)


def most_popular(session: Session, limit: int) -> list[int]:
    """Return the ids of at most ``limit`` tracks with audio, the most popular first."""
    some = (
        select(AudioFile.track_id)
        .where(AudioFile.state.in_(PLAYABLE), AudioFile.track_id.is_not(None))
        .distinct()
        .limit(limit)
        .subquery()
    )
    query = (
        select(some.c.track_id)
        .join(TrackAttributes, TrackAttributes.track_id == some.c.track_id, isouter=True)
        .order_by(TrackAttributes.popularity.desc().nulls_last(), some.c.track_id)
    )
    return list(session.scalars(query))


@dataclass(frozen=True, slots=True)
class SoundSource:
    """Location of a row's sound: a file, or the part from ``start_s`` to ``end_s``."""

    path: Path
    content_hash: str
    start_s: float | None = None
    end_s: float | None = None


def source_of(file: Any) -> SoundSource:
    """Return the location of the sound of a playable ``AudioFile``."""
    return SoundSource(Path(file.path), str(file.content_hash), file.start_s, file.end_s)


def path_of(session: Session, public_id: str) -> Path:
    """Return the path of the playable file with this public id.

    ``UnknownFile`` for a file that does not exist, was rejected, or has been deleted.
    """
    file = find(session, public_id)
    path = Path(file.path)
    if file.state not in PLAYABLE or not path.is_file():
        raise UnknownFile(public_id)
    return path


def for_tracks(session: Session, track_ids: Sequence[int]) -> dict[int, AudioFile]:
    """Return the file to play of each track that has one, a local one before a streamed one."""
    files: dict[int, AudioFile] = {}
    for part in chunks(list(track_ids)):
        # A track may have thousands of copies, of which only one is read: the first local one.
        is_local = AudioFile.root.not_like(f"{STREAMED}%")
        first_local = func.min(case((is_local, AudioFile.id)))
        first = (
            select(func.coalesce(first_local, func.min(AudioFile.id)))
            .where(AudioFile.track_id.in_(part), AudioFile.state.in_(PLAYABLE))
            .group_by(AudioFile.track_id)
        )
        for file in session.scalars(select(AudioFile).where(AudioFile.id.in_(first))):
            if file.track_id is not None:
                files[file.track_id] = file
    return files


def readable(session: Session) -> dict[int, AudioFile]:
    """Return the file of each audible track with local sound (not on a music server)."""
    files = for_tracks(session, audible(session))
    return {id_: file for id_, file in files.items() if not file.root.startswith(STREAMED)}


def for_track(session: Session, track_id: int) -> AudioFile | None:
    """Return the file to play of a track; None without audio."""
    return for_tracks(session, [track_id]).get(track_id)


@dataclass(frozen=True, slots=True)
class FileRecord:
    """Recorded state of a path, to decide whether to analyse it again."""

    id: int
    path: str
    part: int
    content_hash: str | None
    size: int
    modified_ns: int
    state: str
    reason: str | None
    info: dict[str, Any]


_RECORD_COLUMNS = (
    AudioFile.id,
    AudioFile.path,
    AudioFile.part,
    AudioFile.content_hash,
    AudioFile.size,
    AudioFile.modified_ns,
    AudioFile.state,
    AudioFile.reason,
    AudioFile.info,
)


def below(session: Session, folder: Path) -> dict[tuple[str, int], FileRecord]:
    """Return the recorded files below ``folder``, by path and part."""
    if not is_unicode(str(folder)):
        return {}
    prefix = str(folder).rstrip("/") + "/"
    stored = type_coerce(AudioFile.path, String)
    inside = to_stored(current_app.config["INSTANCE"], prefix)
    query = select(*_RECORD_COLUMNS).where(stored.startswith(inside, autoescape=True))
    # LIKE ignores case on SQLite.
    rows = (FileRecord(*row) for row in session.execute(query))
    return {(file.path, file.part): file for file in rows if file.path.startswith(prefix)}


def at_path(session: Session, path: str, part: int = 0) -> AudioFile | None:
    """Return the row of a path, or of a part of the file there; None without one."""
    if not is_unicode(path):
        return None
    return session.scalar(select(AudioFile).where(AudioFile.path == path, AudioFile.part == part))


def with_content(session: Session, content_hash: str) -> list[AudioFile]:
    """Return the rows with this content hash, oldest first."""
    query = select(AudioFile).where(AudioFile.content_hash == content_hash)
    return list(session.scalars(query.order_by(AudioFile.id)))


def paths_by_name(session: Session, names: Set[str]) -> dict[str, list[tuple[str, int]]]:
    """Return path and track of each analysed or missing file by its name, for these names.

    Split album files are left out. Names are compared without case, in Unicode's composed form
    (``comparable_path``).
    """
    by_name: dict[str, list[tuple[str, int]]] = {}
    query = select(AudioFile.path, AudioFile.track_id).where(
        AudioFile.track_id.is_not(None), AudioFile.part == 0
    )
    for path, track_id in session.execute(
        query.order_by(AudioFile.id).execution_options(yield_per=5_000)
    ):
        name = comparable_path(path).rpartition("/")[2]
        if name in names:
            by_name.setdefault(name, []).append((path, track_id))
    return by_name


def comparable_path(path: str) -> str:
    """Return a path for comparison across systems: composed Unicode, without case."""
    return unicodedata.normalize("NFC", path).casefold()


def with_cover(session: Session) -> list[tuple[int, str, str]]:
    """Return id, path and content hash of the analysed files with a cover, the newest first."""
    query = (
        select(AudioFile.id, AudioFile.path, AudioFile.content_hash)
        .where(AudioFile.state.in_(PLAYABLE), AudioFile.has_cover)
        .order_by(AudioFile.id.desc())
    )
    return [(file_id, path, digest) for file_id, path, digest in session.execute(query) if digest]


def without_cover(session: Session, root: Path) -> list[tuple[int, str]]:
    """Return id and path of the analysed files of a folder that have no cover."""
    query = select(AudioFile.id, AudioFile.path).where(
        AudioFile.root == str(root), AudioFile.state.in_(PLAYABLE), AudioFile.has_cover.is_(False)
    )
    return [(file_id, path) for file_id, path in session.execute(query)]


def set_cover(session: Session, ids: Iterable[int], *, has_cover: bool) -> None:
    """Record whether files have a cover."""
    for part in chunks(list(ids)):
        session.execute(update(AudioFile).where(AudioFile.id.in_(part)).values(has_cover=has_cover))


def mark_missing(session: Session, ids: Iterable[int]) -> int:
    """Mark files as missing and keep their tracks; return the number of changed rows."""
    count = 0
    for part in chunks(list(ids)):
        statement = (
            update(AudioFile)
            .where(AudioFile.id.in_(part), AudioFile.state != "missing")
            .values(state="missing", updated_at=now())
            .execution_options(synchronize_session="fetch")
        )
        count += session.execute(statement).rowcount
    return count


def counts(session: Session) -> dict[str, int]:
    """Count the files by state."""
    rows = session.execute(select(AudioFile.state, func.count()).group_by(AudioFile.state))
    return {**dict.fromkeys(STATES, 0), **dict(rows.all())}


def page(session: Session, state: str, number: int, size: int) -> tuple[list[AudioFile], int]:
    """Return page ``number`` (from 1) of the files in a state, by path, and their total."""
    total = (
        session.scalar(select(func.count()).select_from(AudioFile).where(AudioFile.state == state))
        or 0
    )
    rows = (
        select(AudioFile)
        .where(AudioFile.state == state)
        .order_by(AudioFile.path)
        .limit(size)
        .offset((number - 1) * size)
    )
    return list(session.scalars(rows)), total


def tracks_of(session: Session, files: Iterable[AudioFile]) -> dict[int, Track]:
    """Return the tracks of files, by id."""
    ids = {file.track_id for file in files if file.track_id is not None}
    return {
        track.id: track
        for part in chunks(sorted(ids))
        for track in session.scalars(select(Track).where(Track.id.in_(part)))
    }


def roots(session: Session) -> list[tuple[str, int]]:
    """Return the analysed folders by name, each with its number of files."""
    query = (
        select(AudioFile.root, func.count())
        .where(AudioFile.root.not_like(f"{STREAMED}%"))
        .group_by(AudioFile.root)
        .order_by(AudioFile.root)
    )
    return [(root, count) for root, count in session.execute(query)]
