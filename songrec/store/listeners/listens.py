"""Play history of listeners: plays in songrec and imported ones. The caller commits."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from songrec.core.songs import song_key, unique_song_key
from songrec.store.bulk import chunks
from songrec.store.catalogue.tracks import TrackView
from songrec.store.db import insert, now
from songrec.store.tables import Listen, Listener

FIELDS = (
    "track_id",
    "key",
    "played_at",
    "times",
    "ms_played",
    "is_skip",
    "source",
    "external_id",
    "title",
    "artists",
    "album",
)
"""Columns of an imported play."""
_REPEATS = 10
"""Number of plays read per listed track, because some songs are played repeatedly."""
_LISTEN = Listen.__table__
SOURCE = "songrec"
"""The source of plays in songrec."""


@dataclass(frozen=True, slots=True)
class ListenCounts:
    """Numbers of plays and skips in a history, and of both for songs missing in the catalogue."""

    plays: int = 0
    skips: int = 0
    unmatched: int = 0


@dataclass(frozen=True, slots=True)
class UnmatchedSong:
    """A song of a play history that is not in the catalogue."""

    external_id: str
    title: str
    artists: str


def record(session: Session, listener: Listener, rows: Sequence[Mapping[str, Any]]) -> set[str]:
    """Add new plays (``FIELDS``) and return their keys.

    A number of plays replaces a lower one with the same key.
    """
    unique = {row["key"]: row for row in rows}
    stored: dict[str, int] = {}
    for part in chunks(list(unique)):
        query = select(Listen.key, Listen.times).where(
            Listen.listener_id == listener.id, Listen.key.in_(part)
        )
        stored.update(session.execute(query).all())
    new = [row for key, row in unique.items() if key not in stored]
    moment = now()
    if new:
        # Two concurrent imports of one file must not conflict.
        session.connection().execute(
            insert(session, _LISTEN).on_conflict_do_nothing(),
            [{"listener_id": listener.id, "created_at": moment, **row} for row in new],
        )
    for key, times in stored.items():
        if unique[key]["times"] > times:
            session.execute(
                update(Listen)
                .where(Listen.listener_id == listener.id, Listen.key == key)
                .values(times=unique[key]["times"], played_at=unique[key]["played_at"])
            )
    return {row["key"] for row in new}


def record_play(
    session: Session,
    listener: Listener,
    track: TrackView,
    at: datetime | None = None,
    source: str = SOURCE,
) -> bool:
    """Add a play of ``track``, in songrec or in the app ``source``.

    The key is the same as for the play in an imported export of the history. Returns False if the
    listener keeps no history, or if the play is already recorded.
    """
    if not listener.keeps_history:
        return False
    at = at or now()
    named = bool(track.artists and track.title)
    song = (
        song_key(track.artists, track.title)
        if named
        else unique_song_key(track.external_id or track.public_id)
    )
    play = {
        "track_id": track.id,
        "key": f"{round(at.timestamp())}:{song}",
        "played_at": at,
        "times": 1,
        "ms_played": None,
        "is_skip": False,
        "source": source[:40],
        "external_id": (track.external_id or "")[:200],
        "title": track.title[:500],
        "artists": track.artists[:500],
        "album": (track.album or "")[:500],
    }
    return bool(record(session, listener, [play]))


def was_played(
    session: Session, listener: Listener, track_id: int, at: datetime, within: timedelta
) -> bool:
    """Return whether the history has a play of a track that began at about ``at``."""
    query = select(Listen.id).where(
        Listen.listener_id == listener.id,
        Listen.played_at.between(at - within, at + within),
        Listen.track_id == track_id,
    )
    return session.scalar(query.limit(1)) is not None


def recent_tracks(session: Session, listener: Listener, limit: int) -> list[int]:
    """List the tracks that ``listener`` played last, each once, latest first."""
    rows = session.scalars(
        select(Listen.track_id)
        .where(
            Listen.listener_id == listener.id,
            Listen.track_id.is_not(None),
            Listen.played_at.is_not(None),
            Listen.is_skip.is_(False),
        )
        .order_by(Listen.played_at.desc())
        .limit(limit * _REPEATS)
    )
    return list(dict.fromkeys(rows))[:limit]


def play_counts(session: Session, listener: Listener) -> dict[int, tuple[int, datetime | None]]:
    """Map the played tracks of ``listener`` to the number and time (or None) of the last play."""
    rows = session.execute(
        select(Listen.track_id, func.sum(Listen.times), func.max(Listen.played_at))
        .where(
            Listen.listener_id == listener.id,
            Listen.track_id.is_not(None),
            Listen.is_skip.is_(False),
        )
        .group_by(Listen.track_id)
    )
    return {track_id: (int(times), last) for track_id, times, last in rows}


def played_since(session: Session, listener: Listener, since: datetime) -> list[int]:
    """Return the tracks that ``listener`` played since then."""
    query = select(Listen.track_id).where(
        Listen.listener_id == listener.id,
        Listen.track_id.is_not(None),
        Listen.is_skip.is_(False),
        Listen.played_at >= since,
    )
    return [track_id for track_id in session.scalars(query.distinct()) if track_id is not None]


def of_listener(session: Session, listener: Listener) -> Iterable[Listen]:
    """Yield the history of ``listener``, latest first, plays without a time last."""
    return session.scalars(
        select(Listen)
        .where(Listen.listener_id == listener.id)
        .order_by(Listen.played_at.desc().nulls_last(), Listen.id)
        .execution_options(populate_existing=True, yield_per=1_000)
    )


def counts(session: Session, listener: Listener) -> ListenCounts:
    """Count the plays and skips of ``listener``."""
    rows = session.execute(
        select(Listen.is_skip, func.sum(Listen.times), func.count(), func.count(Listen.track_id))
        .where(Listen.listener_id == listener.id)
        .group_by(Listen.is_skip)
    ).all()
    sums = {bool(is_skip): int(times) for is_skip, times, _, _ in rows}
    missing = sum(number - matched for _, _, number, matched in rows)
    return ListenCounts(sums.get(False, 0), sums.get(True, 0), missing)


def unmatched(session: Session, listener: Listener) -> list[UnmatchedSong]:
    """List the distinct songs of the history that are not in the catalogue."""
    rows = session.execute(
        select(Listen.external_id, Listen.title, Listen.artists)
        .where(Listen.listener_id == listener.id, Listen.track_id.is_(None))
        .distinct()
    )
    return [UnmatchedSong(*row) for row in rows]


def assign_all(
    session: Session, listener: Listener, track_ids: Mapping[UnmatchedSong, int]
) -> list[tuple[int, datetime | None]]:
    """Assign the unmatched plays of songs to tracks; return track and time of each skip."""
    query = select(
        Listen.id,
        Listen.is_skip,
        Listen.played_at,
        Listen.external_id,
        Listen.title,
        Listen.artists,
    ).where(Listen.listener_id == listener.id, Listen.track_id.is_(None))
    changed: list[dict[str, int]] = []
    skipped: list[tuple[int, datetime | None]] = []
    for row in session.execute(query):
        track_id = track_ids.get(UnmatchedSong(row.external_id, row.title, row.artists))
        if track_id is None:
            continue
        changed.append({"row_id": row.id, "new_track_id": track_id})
        if row.is_skip:
            skipped.append((track_id, row.played_at))
    if changed:
        statement = update(_LISTEN).where(_LISTEN.c.id == bindparam("row_id"))
        session.execute(statement.values(track_id=bindparam("new_track_id")), changed)
        session.expire_all()
    return skipped


def unassign(
    session: Session, listener: Listener, track_id: int, is_song: Callable[[str, str], bool]
) -> None:
    """Make imported plays of a track unmatched again if ``is_song`` accepts artists and title."""
    query = select(Listen.id, Listen.artists, Listen.title).where(
        Listen.listener_id == listener.id, Listen.track_id == track_id, Listen.source != SOURCE
    )
    ids = [row.id for row in session.execute(query) if is_song(row.artists, row.title)]
    for part in chunks(ids):
        session.execute(update(Listen).where(Listen.id.in_(part)).values(track_id=None))
    session.expire_all()


def delete_listens(session: Session, listener: Listener) -> None:
    """Delete the play history of ``listener``."""
    session.execute(delete(Listen).where(Listen.listener_id == listener.id))
    session.expire_all()


def merge(session: Session, anonymous: Listener, account: Listener) -> None:
    """Move the plays of ``anonymous`` to ``account``, except those that it already has."""
    existing_keys = select(Listen.key).where(Listen.listener_id == account.id)
    session.execute(
        update(Listen)
        .where(Listen.listener_id == anonymous.id, Listen.key.not_in(existing_keys))
        .values(listener_id=account.id),
        execution_options={"synchronize_session": False},
    )
