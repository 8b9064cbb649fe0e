"""Playback reported by apps: plays, skips, and songs playing now. The caller commits.

Apps report in two ways. A *scrobble* reports the start of a song (without submission) or a play;
the position is then estimated from the time. A *playback report* has the position. A song that is
left for another one within its first 30 seconds, or its first half, is a skip; with playback
reports, a song that was played for half its length, or four minutes, is a play.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from songrec.store.catalogue import tracks
from songrec.store.catalogue.tracks import TrackView
from songrec.store.db import insert, now
from songrec.store.listeners import listens, skips
from songrec.store.tables import Listener, Playback

STATES = ("starting", "playing", "paused", "stopped")
CLIENT_LENGTH = 100
MAX_CLIENTS = 10
"""Limit of client names per app password whose playback is stored, the latest ones."""
LONG_PLAY_MS = 240_000
"""Playing time that counts as a play of a song of any length."""
SAME_PLAY = timedelta(seconds=30)
"""Largest interval between two reports of the same play, for songs of unknown length."""
LEFT_AT_LEAST_MS = 500
"""Shortest playing time of a skip: songs left sooner were only passed while browsing."""
NEXT_WITHIN = timedelta(seconds=60)
"""Largest interval between stopping a song and starting the next one that counts as a skip."""
OUTLIVES = timedelta(minutes=30)
"""Time after a song's end during which it still counts as playing, if no stop was reported."""


@dataclass(frozen=True, slots=True)
class Device:
    """An app on a device: its listener, the id of its app password, and its client name."""

    listener: Listener
    id: int
    client: str


@dataclass(frozen=True, slots=True)
class NowPlaying:
    """A song that one of a listener's apps plays, and its position."""

    track_id: int
    client: str
    device_id: int
    state: str
    position_ms: int
    rate: float
    reported_at: datetime


def begin(session: Session, device: Device, track: TrackView, at: datetime | None = None) -> None:
    """Record that ``device`` starts a song (scrobble without submission)."""
    at = at or now()
    before = _current(session, device)
    if before is not None and before.track_id == track.id and before.reports_position:
        return  # playback reports are more precise
    _end(session, device, before, at, next_id=track.id)
    _write(session, device, track.id, "playing", at, 0, is_counted=False, reports=False)


def submit(session: Session, device: Device, played: Sequence[tuple[TrackView, datetime]]) -> None:
    """Add plays (track and start time) to the history, each once."""
    for track, at in played:
        _count(session, device, track, min(at, now()))
    current = _current(session, device)
    if current is not None and current.track_id in {track.id for track, _ in played}:
        current.is_counted = True


def report(
    session: Session,
    device: Device,
    track: TrackView,
    state: str,
    position_ms: int,
    rate: float = 1.0,
    *,
    counts: bool = True,
    at: datetime | None = None,
) -> None:
    """Record the position and state (``STATES``) of ``device``; with ``counts`` also plays."""
    at = at or now()
    before = _current(session, device)
    goes_on = before is not None and before.track_id == track.id and state != "starting"
    if before is not None and goes_on:
        is_counted = before.is_counted or not counts
        if not is_counted and _is_play(position_ms, track.duration_ms):
            _count(session, device, track, before.started_at)
            is_counted = True
        if before.state == "starting" and state == "playing":
            before.started_at = at  # playing starts after buffering
        before.state, before.position_ms, before.rate = state, position_ms, rate
        before.reported_at, before.reports_position = at, True
        before.is_counted = is_counted
        session.flush()
        return
    _end(session, device, before, at, next_id=track.id)
    _write(session, device, track.id, state, at, position_ms, rate, is_counted=not counts)


def now_playing(
    session: Session, listener: Listener, at: datetime | None = None
) -> list[NowPlaying]:
    """List the songs that the apps of ``listener`` play, the latest first."""
    at = at or now()
    rows = session.scalars(
        select(Playback)
        .where(Playback.listener_id == listener.id, Playback.state != "stopped")
        .order_by(Playback.reported_at.desc())
    ).all()
    lengths = _lengths(session, [row.track_id for row in rows])
    playing = []
    for row in rows:
        length = lengths.get(row.track_id)
        left = timedelta(milliseconds=max((length or 0) - row.position_ms, 0) / (row.rate or 1.0))
        if at <= row.reported_at + left + OUTLIVES:
            position = _position(row, at, length)
            playing.append(
                NowPlaying(
                    row.track_id,
                    row.client,
                    row.device_id,
                    row.state,
                    position,
                    row.rate,
                    row.reported_at,
                )
            )
    return playing


def forget(session: Session, listener: Listener) -> None:
    """Delete the playback state of the apps of ``listener``."""
    session.execute(delete(Playback).where(Playback.listener_id == listener.id))


def _current(session: Session, device: Device) -> Playback | None:
    return session.scalar(
        select(Playback)
        .where(Playback.device_id == device.id, Playback.client == device.client[:CLIENT_LENGTH])
        .execution_options(populate_existing=True)
    )


def _write(
    session: Session,
    device: Device,
    track_id: int,
    state: str,
    at: datetime,
    position_ms: int,
    rate: float = 1.0,
    *,
    is_counted: bool,
    reports: bool = True,
) -> None:
    values = {
        "listener_id": device.listener.id,
        "track_id": track_id,
        "state": state,
        "position_ms": position_ms,
        "rate": rate,
        "reports_position": reports,
        "is_counted": is_counted,
        "started_at": at,
        "reported_at": at,
    }
    statement = insert(session, Playback).values(
        device_id=device.id, client=device.client[:CLIENT_LENGTH], **values
    )
    session.execute(
        statement.on_conflict_do_update(index_elements=["device_id", "client"], set_=values)
    )
    of_device = Playback.device_id == device.id
    latest = select(Playback.client).where(of_device).order_by(Playback.reported_at.desc())
    others = session.scalars(latest.offset(MAX_CLIENTS)).all()
    if others:
        session.execute(delete(Playback).where(of_device, Playback.client.in_(others)))


def _end(
    session: Session, device: Device, playback: Playback | None, at: datetime, next_id: int
) -> None:
    """Record the previous song as a play or a skip, if it was one."""
    if playback is None or playback.is_counted:
        return
    views = tracks.tracks_by_id(session, [playback.track_id])
    if not views:
        return
    length = views[0].duration_ms
    position = _position(playback, at, length)
    if playback.reports_position and _is_play(position, length):
        _count(session, device, views[0], playback.started_at)
        return
    is_late = playback.state == "stopped" and at - playback.reported_at > NEXT_WITHIN
    if next_id == playback.track_id or playback.state == "starting" or is_late:
        return
    early = min(1000 * skips.MAX_SECONDS, (length or 2000 * skips.MAX_SECONDS) // 2)
    if LEFT_AT_LEAST_MS <= position < early:
        skips.record(session, device.listener, playback.track_id, at=at)


def _position(playback: Playback, at: datetime, length_ms: int | None) -> int:
    """Estimate an app's position in its song at a time, from its last report."""
    position = playback.position_ms
    if playback.state == "playing":
        elapsed = (at - playback.reported_at) / timedelta(milliseconds=1)
        position += max(0, round(elapsed * playback.rate))
    return min(position, length_ms) if length_ms else position


def _is_play(position_ms: int, length_ms: int | None) -> bool:
    enough = min(length_ms / 2, LONG_PLAY_MS) if length_ms else LONG_PLAY_MS
    return position_ms >= enough


def _count(session: Session, device: Device, track: TrackView, at: datetime) -> None:
    """Add a play unless the history has one of the song within half its length."""
    half = timedelta(milliseconds=track.duration_ms / 2) if track.duration_ms else SAME_PLAY
    if not listens.was_played(session, device.listener, track.id, at, half - timedelta(seconds=1)):
        listens.record_play(session, device.listener, track, at, device.client)


def _lengths(session: Session, track_ids: Sequence[int]) -> dict[int, int | None]:
    return {view.id: view.duration_ms for view in tracks.tracks_by_id(session, track_ids)}
