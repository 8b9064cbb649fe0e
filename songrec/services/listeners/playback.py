"""What apps say they play: plays for the history, skips, and what plays now. The caller commits.

Apps report in two ways. A *scrobble* says that a song begins (no submission) or was played; where
an app is in the song is then known by the clock alone. A *playback report* names the position. In
both a song that is left within its first 30 seconds, or its first half, for another one is a skip;
in the second a song that was played for half its length, or four minutes, is a play.
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
"""Names that an app may give itself, of which is stored what it plays: the last ones."""
LONG_PLAY_MS = 240_000
"""So much of a song is a play, however long it is."""
SAME_PLAY = timedelta(seconds=30)
"""Two reports of a song of unknown length that begin so close to each other are one play."""
LEFT_AT_LEAST_MS = 500
"""A song that was left sooner was passed over, by a finger on the button."""
NEXT_WITHIN = timedelta(seconds=60)
"""A song that was stopped and not followed by another one this soon was not skipped."""
OUTLIVES = timedelta(minutes=30)
"""So long after its end a song that was not said to stop counts as playing."""


@dataclass(frozen=True, slots=True)
class Device:
    """An app on a device: whose it is, the id of its app password, and what it calls itself."""

    listener: Listener
    id: int
    client: str


@dataclass(frozen=True, slots=True)
class NowPlaying:
    """A song that one of a listener's apps plays, and where it is in it."""

    track_id: int
    client: str
    device_id: int
    state: str
    position_ms: int
    rate: float
    reported_at: datetime


def begin(session: Session, device: Device, track: TrackView, at: datetime | None = None) -> None:
    """Note that ``device`` begins a song, as a scrobble without submission says."""
    at = at or now()
    before = _current(session, device)
    if before is not None and before.track_id == track.id and before.reports_position:
        return  # the reports say more
    _end(session, device, before, at, next_id=track.id)
    _write(session, device, track.id, "playing", at, 0, is_counted=False, reports=False)


def submit(session: Session, device: Device, played: Sequence[tuple[TrackView, datetime]]) -> None:
    """Add plays (track, when it began) to the history, each once."""
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
    """Note where ``device`` is in a song (one of ``STATES``); with ``counts`` it may be a play."""
    at = at or now()
    before = _current(session, device)
    goes_on = before is not None and before.track_id == track.id and state != "starting"
    if before is not None and goes_on:
        is_counted = before.is_counted or not counts
        if not is_counted and _is_play(position_ms, track.duration_ms):
            _count(session, device, track, before.started_at)
            is_counted = True
        if before.state == "starting" and state == "playing":
            before.started_at = at  # the clock waits for the buffer
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
    """List what the apps of ``listener`` play, the latest first."""
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
    """Delete what the apps of ``listener`` play."""
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
    """Decide what became of the song that another one, or a new start, follows."""
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
    """Return where an app is in its song at a moment, by its last report and the clock."""
    position = playback.position_ms
    if playback.state == "playing":
        elapsed = (at - playback.reported_at) / timedelta(milliseconds=1)
        position += max(0, round(elapsed * playback.rate))
    return min(position, length_ms) if length_ms else position


def _is_play(position_ms: int, length_ms: int | None) -> bool:
    enough = min(length_ms / 2, LONG_PLAY_MS) if length_ms else LONG_PLAY_MS
    return position_ms >= enough


def _count(session: Session, device: Device, track: TrackView, at: datetime) -> None:
    """Add a play unless the history has it: a song does not begin twice within half its length."""
    half = timedelta(milliseconds=track.duration_ms / 2) if track.duration_ms else SAME_PLAY
    if not listens.was_played(session, device.listener, track.id, at, half - timedelta(seconds=1)):
        listens.record_play(session, device.listener, track, at, device.client)


def _lengths(session: Session, track_ids: Sequence[int]) -> dict[int, int | None]:
    return {view.id: view.duration_ms for view in tracks.tracks_by_id(session, track_ids)}
