"""Analysis of songs that only exist on a music server: streamed, analysed and deleted.

One song at a time is written to a temporary file, with limits of size and time. Features, waveform,
cover and fingerprint are kept by content hash. A stopped analysis continues with the next song.
"""

from __future__ import annotations

import contextlib
import secrets
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from songrec.core.errors import BadInput, NotReady
from songrec.core.outgoing import TooLarge, read_chunks
from songrec.core.types import Progress, no_progress, part_of
from songrec.services.catalogue import duplicate_search
from songrec.services.features import feature_sets, waveform
from songrec.services.library import audio_tracks
from songrec.services.library.after_import import refresh_derived
from songrec.services.library.analyze_file import (
    AnalysedFile,
    analyse_like_the_library,
    record_vectors,
)
from songrec.services.library.worker_process import Outcome, WorkerProcess
from songrec.services.servers import connection
from songrec.services.servers.client import ServerClient, ServerRefusal
from songrec.store.db import now, take_write_turn, write_with_retries
from songrec.store.instance import Instance
from songrec.store.servers import streamed_files
from songrec.store.sound import audio_files
from songrec.store.tables import AudioFile, MusicServer, ServerTrack, Track

MOST_BYTES = 512 * 2**20
LONGEST_S = 300.0
"""Limits of one song's stream."""
AT_ONCE = 100
"""Number of songs looked up together."""
MOST_FAILURES = 20
"""Number of consecutive songs that the server does not send after which the analysis ends."""
ANALYSING = 0.9
"""Share of the progress for streaming and analysing the songs."""


@dataclass
class StreamReport:
    """Numbers of songs of an analysis by streaming; ``is_complete`` if no turn need follow.

    ``rejected`` cannot be analysed; ``unsent`` were not sent and are tried again after the next
    scan.
    """

    server: str
    analysed: int = 0
    same_content: int = 0
    rejected: int = 0
    unsent: int = 0
    is_complete: bool = True
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Serialize for the job's row."""
        return {**asdict(self), "seconds": round(self.seconds, 2)}


def analyze_server(
    instance: Instance,
    server: MusicServer,
    on_progress: Progress = no_progress,
    *,
    time_limit_s: float | None = None,
    limit: int | None = None,
) -> StreamReport:
    """Analyse the songs of a server that have no local sound.

    It ends after ``time_limit_s``, or after ``limit`` songs.

    **Commits** after each song. A song that cannot be analysed is rejected with one line, one that
    the server does not send is left for later: its disk may be missing. ``NotReady`` if the server
    stops responding or sends nothing, ``Removed`` if it was removed.
    """
    with connection.WhileConnected(instance.session, server):
        return _analyze_server(instance, server, on_progress, time_limit_s, limit)


def _analyze_server(
    instance: Instance,
    server: MusicServer,
    on_progress: Progress,
    time_limit_s: float | None,
    limit: int | None,
) -> StreamReport:
    session, start = instance.session, time.perf_counter()
    report = StreamReport(server.name)
    newest = duplicate_search.newest_id(session)
    waiting = streamed_files.unanalysed(session, server, 10**6)
    if not waiting:
        session.commit()
        return report
    try:
        client, _ = connection.working_client(instance, server)
    finally:
        session.commit()
    reading = part_of(on_progress, 0.0, ANALYSING)
    total, in_a_row = len(waiting), 0
    with client, WorkerProcess() as worker:
        while waiting:
            done = total - len(waiting)
            is_late = time_limit_s is not None and time.perf_counter() - start > time_limit_s
            if is_late or done == limit:
                report.is_complete = 0 < done == report.unsent  # as far as it goes for now
                break
            reading(
                done / total,
                f"{done:,} of {total:,} songs of {report.server}",
                {"found": total, "analysed": done},
            )
            # After a song that was not sent one from elsewhere: a whole folder may be missing.
            song_id = waiting.pop(secrets.randbelow(len(waiting)) if in_a_row else 0)
            try:
                _analyse(instance, client, worker, song_id, report)
                in_a_row = 0
            except (BadInput, TooLarge) as error:
                session.rollback()
                _reject(session, song_id, str(error))
                report.rejected += 1
                in_a_row = 0
            except NotReady as error:
                session.rollback()
                if not isinstance(error, ServerRefusal) or error.is_sign_in:
                    client.info()  # raises if the server is away
                report.unsent, in_a_row = report.unsent + 1, in_a_row + 1
                if in_a_row >= MOST_FAILURES:
                    if report.unsent == done + 1:
                        raise  # it sends nothing at all
                    break
    if report.analysed:
        refresh_derived(instance, newest, part_of(on_progress, ANALYSING, 1.0))
    report.seconds = time.perf_counter() - start
    return report


def _analyse(
    instance: Instance,
    client: ServerClient,
    worker: WorkerProcess,
    song_id: int,
    report: StreamReport,
) -> None:
    session = instance.session
    song = session.get_one(ServerTrack, song_id)
    remote_id, suffix = song.remote_id, song.suffix or "bin"
    session.commit()  # nothing stays locked while the song is read
    with tempfile.TemporaryDirectory(prefix="songrec-song-") as folder:
        path = Path(folder) / f"song.{suffix if suffix.isalnum() else 'bin'}"
        with path.open("wb") as file:
            for chunk in read_chunks(client.download(remote_id), MOST_BYTES, LONGEST_S):
                file.write(chunk)
        sets = feature_sets.default_sets(instance.folder)
        analysed = analyse_like_the_library(instance, worker, path, sets)
        size = path.stat().st_size
        with contextlib.suppress(BadInput):
            waveform.create(instance.folder, path, analysed.content_hash)
            duplicate_search.cache_fingerprint(instance.folder, path, analysed.content_hash)
    if write_with_retries(session, lambda: _record(instance, song_id, analysed, size)):
        report.analysed += 1
    else:
        report.same_content += 1


def _record(instance: Instance, song_id: int, analysed: AnalysedFile, size: int) -> bool:
    """Write a song's sound; False if the library already has the same content to play."""
    session = instance.session
    take_write_turn(session)
    song = session.get_one(ServerTrack, song_id, populate_existing=True)
    if song.track_id is None:
        return False
    server = session.get_one(MusicServer, song.server_id)
    place = streamed_files.root_of(server), streamed_files.path_of(server, song.id, song.suffix)
    same = next(
        (
            file
            for file in audio_files.with_content(session, analysed.content_hash)
            if file.track_id is not None and file.track_id != song.track_id
        ),
        None,
    )
    if same is not None:
        before, song.track_id = song.track_id, same.track_id
        listed = audio_files.at_path(session, place[1])
        if listed is not None:
            session.delete(listed)
        session.flush()
        audio_tracks.remove_unused_track(session, before)
        if audio_files.for_track(session, song.track_id) is not None:
            return False
    outcome = Outcome(arrays=dict(analysed.arrays), **analysed.description)
    track = session.get_one(Track, song.track_id)
    audio_tracks.record_streamed(session, track, place, analysed.content_hash, size, outcome)
    record_vectors(instance, analysed)
    return True


def _reject(session: Session, song_id: int, reason: str) -> None:
    """Record the reason that a song cannot be analysed; deleting the row allows another attempt."""

    def write() -> None:
        song = session.get_one(ServerTrack, song_id)
        server = session.get_one(MusicServer, song.server_id)
        path = streamed_files.path_of(server, song.id, song.suffix)
        row = audio_files.at_path(session, path) or AudioFile(
            public_id=audio_files.new_public_id(), root=streamed_files.root_of(server), path=path
        )
        row.state, row.reason, row.track_id = "rejected", reason[:500], None
        row.size, row.modified_ns = song.size or 0, 0
        row.info, row.updated_at = {"server_track": song_id, "title": song.title}, now()
        session.add(row)

    write_with_retries(session, write)
