"""Scan of a music server: its songs by id, matched to tracks.

Songs are read and stored by page together with the position of the scan, so that an interrupted
scan continues there. A song missing in a complete scan is marked as gone, not deleted. After it
the songs that are on the server alone can be played.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

from sqlalchemy import bindparam, insert, select, update
from sqlalchemy.orm import Session

from songrec.core.errors import NotReady
from songrec.core.songs import plain
from songrec.core.types import Progress, no_progress, part_of
from songrec.services.catalogue import duplicate_search
from songrec.services.library.after_import import refresh_derived
from songrec.services.servers import connection
from songrec.services.servers.client import RemoteSong, ScanStatus
from songrec.services.servers.matching import SongMatcher, same_seconds
from songrec.services.servers.pages import SEARCH, EndlessList, SongPage, read_pages
from songrec.store.bulk import chunks
from songrec.store.catalogue import match_keys
from songrec.store.db import now, take_write_turn
from songrec.store.instance import Instance
from songrec.store.servers import server_tracks, streamed_files
from songrec.store.tables import MusicServer, ServerTrack

READING = 0.8
"""Share of the progress for reading the songs."""
_TABLE = ServerTrack.__table__


@dataclass
class ScanReport:
    """Outcome of a scan, in numbers of songs.

    ``present`` are on the server; of these ``new`` are seen for the first time, of which
    ``matched`` are existing tracks and ``new_tracks`` new ones; ``changed`` have other tags or
    another file, ``renumbered`` another id, ``returned`` were gone before. ``gone`` are missing
    since this scan. ``is_unchanged``: the server reports no changes.
    """

    server: str
    present: int = 0
    new: int = 0
    matched: int = 0
    new_tracks: int = 0
    changed: int = 0
    renumbered: int = 0
    returned: int = 0
    gone: int = 0
    is_unchanged: bool = False
    was_resumed: bool = False
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Serialize for ``flask servers scan --json`` and the job's row."""
        return {**asdict(self), "seconds": round(self.seconds, 2)}

    @property
    def text(self) -> str:
        """The report as a sentence or two."""
        if self.is_unchanged:
            return f"{self.server} has not changed: {self.present:,} songs."
        parts = [
            f"{number:,} {words}"
            for number, words in (
                (self.new, "new"),
                (self.changed, "changed"),
                (self.renumbered, "with another id"),
                (self.returned, "back"),
                (self.gone, "gone"),
            )
            if number
        ]
        return f"{self.server} has {self.present:,} songs: {', '.join(parts) or 'all as before'}."


_COUNTS = tuple(
    each.name for each in fields(ScanReport) if each.type == "int" and each.name != "present"
)


def scan_server(
    instance: Instance,
    server: MusicServer,
    on_progress: Progress = no_progress,
    *,
    force: bool = False,
) -> ScanReport:
    """Read the songs of a server and match them with the library.

    **Commits** after each page. If the server reports no changes since the last scan, nothing is
    read, unless ``force``. ``NotReady`` without a response: the error is stored with the server,
    and the next scan continues there. ``Removed`` if the server was removed.
    """
    session = instance.session
    with connection.WhileConnected(session, server):
        server.scan = {**(server.scan or {}), "tried_at": now().isoformat()}
        session.commit()
        try:
            return _scan(instance, server, on_progress, force=force)
        except NotReady as error:
            session.rollback()
            connection.note_error(None, server, error)
            session.commit()
            raise


def _scan(
    instance: Instance, server: MusicServer, on_progress: Progress, *, force: bool
) -> ScanReport:
    start = time.perf_counter()
    session = instance.session
    try:
        client, _ = connection.working_client(instance, server)
    finally:
        session.commit()
    with client:
        status = client.scan_status()
        state = _State(session, server)
        if not force and state.is_current(status):
            server.scanned_at = now()
            session.commit()
            present = server_tracks.counts(session, server)[0]
            return ScanReport(server.name, present, is_unchanged=True)
        match_keys.refresh(session)
        session.commit()
        newest = state.begin(duplicate_search.newest_id(session))
        session.commit()
        reading = part_of(on_progress, 0.0, READING)
        try:
            for page in read_pages(client, state.route, state.offset):
                # Read before taking the write lock, so that no other writer waits for the server.
                take_write_turn(session)
                _store_page(session, server, state, page.songs)
                state.save(page)
                session.commit()
                total = max(state.expected(status), state.seen)
                share = state.seen / total if total else 0.0
                reading(share, f"{state.seen:,} songs of {server.name} read", {"read": state.seen})
        except EndlessList:
            state.abandon()
            session.commit()
            raise
    take_write_turn(session)
    state.finish(status)
    streamed_files.update_playable(session, server)
    session.commit()
    following = part_of(on_progress, READING, 1.0)
    if state.report.new_tracks or state.report.changed:
        refresh_derived(instance, newest, following)
    report = state.report
    report.present = server_tracks.counts(session, server)[0]
    report.seconds = time.perf_counter() - start
    server.scan = {**server.scan, "report": report.to_json()}
    session.commit()
    on_progress(1.0, report.text)
    return report


class _State:
    """State of a scan, stored with the server in ``scan["running"]``."""

    def __init__(self, session: Session, server: MusicServer) -> None:
        self._session = session
        self.server = server
        self._running: dict[str, Any] = dict((server.scan or {}).get("running") or {})
        self.report = ScanReport(server.name)
        self.mark = ""
        self.route = SEARCH
        self.offset = self.seen = 0
        self.has_others = False
        self.matcher = SongMatcher(session, server)

    def is_current(self, status: ScanStatus | None) -> bool:
        """Return whether the server reports no changes since the last complete scan."""
        if status is None or status.is_scanning or not status.last_scan or self._running:
            return False
        scan = self.server.scan or {}
        # Songs that an earlier version of songrec has read cannot be played before the next scan.
        is_whole = self.server.scanned_at is not None and bool(scan.get("is_playable"))
        seen = scan.get("last_scan"), scan.get("count")
        return is_whole and seen == (status.last_scan, status.count)

    def begin(self, newest_track: int) -> int:
        """Continue an interrupted scan, or begin one; return the newest track before it."""
        running = self._running
        if running:
            self.mark, self.route = running["mark"], running["route"]
            self.offset, self.seen = running["offset"], running["seen"]
            for name in _COUNTS:
                setattr(self.report, name, running["counts"].get(name, 0))
            self.report.was_resumed = True
        else:
            self.mark = secrets.token_hex(8)
            self._running = {"newest": newest_track}
        of_others = select(ServerTrack.id).where(
            ServerTrack.server_id == self.server.id, ServerTrack.scan_mark != self.mark
        )
        self.has_others = self._session.scalar(of_others.limit(1)) is not None
        self._store()
        return int(self._running["newest"])

    def save(self, page: SongPage) -> None:
        """Store the position after a page."""
        self.route, self.offset = page.route, page.offset
        # A scan that switches to albums sees the songs of the empty search again.
        self.seen += len(page.songs)
        self._store()

    def expected(self, status: ScanStatus | None) -> int:
        """Return the expected number of songs, 0 if unknown."""
        before = ((self.server.scan or {}).get("report") or {}).get("present", 0)
        return max((status.count or 0) if status else 0, before)

    def finish(self, status: ScanStatus | None) -> None:
        """Mark missing songs as gone, and record that the scan is complete.

        ``NotReady`` if a server that had songs lists none: its disk may not be mounted.
        """
        of_server = ServerTrack.server_id == self.server.id
        if not self.seen and self.has_others:
            self._clear()
            raise NotReady(
                f"{self.server.name} shows no songs at all: are its folders there? Nothing was "
                "changed here."
            )
        gone = (
            update(_TABLE)
            .where(of_server, _TABLE.c.scan_mark != self.mark, _TABLE.c.gone_at.is_(None))
            .values(gone_at=now())
        )
        self.report.gone = self._session.connection().execute(gone).rowcount
        self._clear()
        is_settled = status is not None and not status.is_scanning
        self.server.scan = {
            **self.server.scan,
            "last_scan": status.last_scan if status and is_settled else "",
            "count": status.count if status and is_settled else None,
            "is_playable": True,
        }
        self.server.scanned_at, self.server.error = now(), None

    def abandon(self) -> None:
        """Discard the state, so that the next scan starts from the beginning."""
        self._clear()

    def _store(self) -> None:
        self._running = {
            **self._running,
            "mark": self.mark,
            "route": self.route,
            "offset": self.offset,
            "seen": self.seen,
            "counts": {name: getattr(self.report, name) for name in _COUNTS},
        }
        self.server.scan = {**(self.server.scan or {}), "running": self._running}

    def _clear(self) -> None:
        rest = {name: value for name, value in self.server.scan.items() if name != "running"}
        self.server.scan = rest
        self._session.flush()


def _store_page(
    session: Session, server: MusicServer, state: _State, songs: Sequence[RemoteSong]
) -> None:
    """Insert or update the songs of a page, with their tracks."""
    unique = {song.id: song for song in songs}
    stored = _by_remote_id(session, server, list(unique))
    strangers = [
        row
        for id_, row in stored.items()
        if row.scan_mark != state.mark and not _is_same(row, unique[id_])
    ]
    if strangers:
        _free_ids(session, strangers)
        state.has_others = True
        for row in strangers:
            del stored[row.remote_id]
    fresh = [song for id_, song in unique.items() if id_ not in stored]
    moved = _renumbered(session, server, state, fresh) if state.has_others and fresh else {}
    state.report.renumbered += len(moved)
    rows = {**stored, **moved}
    changed = {
        id_: song for id_, song in unique.items() if id_ in rows and _differs(rows[id_], song)
    }
    new = [song for id_, song in unique.items() if id_ not in rows]
    tracks, n_new = state.matcher.match(new) if new else ({}, 0)
    # A removed track of an already matched song is not created again.
    tracks |= state.matcher.find([unique[id_] for id_, row in rows.items() if not row.track_id])
    known = {id_: row.track_id for id_, row in rows.items() if row.track_id}
    _insert(session, server, state, new, tracks)
    again = {id_: rows[id_] for id_ in rows if id_ in changed or id_ in moved or id_ in tracks}
    _update(session, again, unique, tracks)
    for part in chunks([row.id for row in rows.values()]):
        session.connection().execute(
            update(_TABLE).where(_TABLE.c.id.in_(part)).values(scan_mark=state.mark, gone_at=None)
        )
    state.matcher.update({known[id_]: song for id_, song in changed.items() if id_ in known})
    report = state.report
    report.new += len(new)
    report.new_tracks += n_new
    report.matched += len(new) - n_new
    report.changed += len(changed)
    report.returned += sum(row.gone_at is not None for row in rows.values())


def _insert(
    session: Session,
    server: MusicServer,
    state: _State,
    songs: Sequence[RemoteSong],
    tracks: Mapping[str, int],
) -> None:
    moment = now()
    values = [
        {
            "server_id": server.id,
            "remote_id": song.id,
            "track_id": tracks.get(song.id),
            "scan_mark": state.mark,
            "created_at": moment,
            **_values(song),
        }
        for song in songs
    ]
    if values:
        session.connection().execute(insert(_TABLE), values)


def _update(
    session: Session,
    rows: Mapping[str, Any],
    songs: Mapping[str, RemoteSong],
    tracks: Mapping[str, int],
) -> None:
    """Update rows, by the server's id, from their songs and tracks."""
    values = [
        {
            "row_id": row.id,
            "remote_id": id_,
            "track_id": tracks.get(id_, row.track_id),
            **_values(songs[id_]),
        }
        for id_, row in rows.items()
    ]
    if values:
        statement = update(_TABLE).where(_TABLE.c.id == bindparam("row_id"))
        session.connection().execute(statement, values)


def _by_remote_id(session: Session, server: MusicServer, ids: list[str]) -> dict[str, Any]:
    return {
        row.remote_id: row
        for part in chunks(ids)
        for row in session.connection().execute(
            select(_TABLE).where(_TABLE.c.server_id == server.id, _TABLE.c.remote_id.in_(part))
        )
    }


def _is_same(row: Any, song: RemoteSong) -> bool:
    """Return whether an id still refers to the same song: by file, recording or names."""
    if row.path and row.path == song.path:
        return True
    if row.musicbrainz_id and row.musicbrainz_id == song.musicbrainz_id:
        return True
    is_long = same_seconds(row.duration_s, song.duration_s)
    same_title, same_artist = (
        plain(one) == plain(other)
        for one, other in ((row.title, song.title), (row.artists, song.artist_line))
    )
    # A moved or retagged song keeps its length, and at least one of its names.
    return is_long and (same_title or (same_artist and row.size == song.size))


def _free_ids(session: Session, rows: Sequence[Any]) -> None:
    """Clear reused ids from the rows of their former songs, which may have other ids now."""
    session.connection().execute(
        update(_TABLE).where(_TABLE.c.id == bindparam("row_id")),
        [{"row_id": row.id, "remote_id": f"\x1f{row.id}"} for row in rows],
    )


def _renumbered(
    session: Session, server: MusicServer, state: _State, songs: Sequence[RemoteSong]
) -> dict[str, Any]:
    """Find the rows of songs whose id changed since the last scan.

    They have the same file path, MusicBrainz id, or names and length.
    """
    others = (_TABLE.c.server_id == server.id, _TABLE.c.scan_mark != state.mark)
    columns = (
        (_TABLE.c.path, [song.path for song in songs if song.path]),
        (_TABLE.c.musicbrainz_id, [s.musicbrainz_id for s in songs if s.musicbrainz_id]),
        (_TABLE.c.title, [song.title for song in songs if song.title]),
    )
    candidates: dict[int, Any] = {}
    for column, values in columns:
        for part in chunks(list(set(values))):
            query = select(_TABLE).where(*others, column.in_(part))
            candidates |= {row.id: row for row in session.connection().execute(query)}
    by_path: dict[str, list[Any]] = {}
    by_recording: dict[str, list[Any]] = {}
    by_names: dict[tuple[str, str, str], list[Any]] = {}
    for row in candidates.values():
        by_path.setdefault(row.path, []).append(row)
        by_recording.setdefault(row.musicbrainz_id or "", []).append(row)
        by_names.setdefault((row.title, row.artists, row.album), []).append(row)
    moved: dict[str, Any] = {}
    used: set[int] = set()
    for song in songs:
        places = (
            by_path.get(song.path, ()) if song.path else (),
            by_recording.get(song.musicbrainz_id, ()) if song.musicbrainz_id else (),
            by_names.get((song.title, song.artist_line, song.album), ()) if song.title else (),
        )
        for row in (row for place in places for row in place):
            if row.id not in used and same_seconds(row.duration_s, song.duration_s):
                used.add(row.id)
                moved[song.id] = row
                break
    return moved


def _differs(row: Any, song: RemoteSong) -> bool:
    return any(getattr(row, name) != value for name, value in _values(song).items())


def _values(song: RemoteSong) -> dict[str, Any]:
    return {
        "path": song.path,
        "title": song.title,
        "artists": song.artist_line,
        "album": song.album,
        "duration_s": song.duration_s,
        "size": song.size,
        "suffix": song.suffix,
        "musicbrainz_id": song.musicbrainz_id,
        "isrc": song.isrc,
        "remote_album_id": song.album_id,
        "remote_artist_id": song.artist_id,
    }
