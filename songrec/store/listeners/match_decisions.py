"""Listeners' decisions on the track of a song in an imported list. The caller commits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import Select, bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from songrec.core import songs
from songrec.store.bulk import chunks
from songrec.store.db import insert, now
from songrec.store.tables import Listener, MatchDecision

OPEN, MATCHED, NONE = "open", "matched", "none"
MAX_PER_LISTENER = 20_000
GROUP_LENGTH = 200
_DECISION = MatchDecision.__table__


def group_of(artists: str) -> str:
    """Return the group key of an artist's songs, the same for all spellings."""
    return songs.plain(artists)[:GROUP_LENGTH]


def ask(session: Session, listener: Listener, questions: Iterable[dict[str, Any]]) -> int:
    """Add open questions (title, artists, candidates) and return the number of new ones.

    Open questions get the new candidates; decided ones are unchanged.
    """
    rows = {}
    for one in questions:
        key = songs.song_key(one["artists"], one["title"])
        rows[key] = {
            "listener_id": listener.id,
            "key": key,
            "group": group_of(one["artists"]),
            "state": OPEN,
            "applied": {},
            "created_at": now(),
            **one,
        }
    states: dict[int, str] = {}
    for part in chunks(list(rows)):
        query = select(MatchDecision.key, MatchDecision.state)
        stored = session.execute(
            query.where(MatchDecision.listener_id == listener.id, MatchDecision.key.in_(part))
        )
        states.update(stored.all())
    room = MAX_PER_LISTENER - count(session, listener)
    new = [row for key, row in rows.items() if key not in states][: max(0, room)]
    changed = [
        {"row_key": key, "new": rows[key]["candidates"]}
        for key, state in states.items()
        if state == OPEN
    ]
    if changed:
        statement = update(_DECISION).where(
            _DECISION.c.listener_id == listener.id, _DECISION.c.key == bindparam("row_key")
        )
        session.execute(statement.values(candidates=bindparam("new")), changed)
        session.expire_all()
    if new:
        session.connection().execute(insert(session, _DECISION).on_conflict_do_nothing(), new)
    return len(new)


def restore(
    session: Session, listener: Listener, answers: Iterable[tuple[str, str, int | None]]
) -> int:
    """Store answers given elsewhere (artists, title, track id or None); count the new ones.

    Songs that were asked or decided here stay as they are.
    """
    at = now()
    rows = {
        songs.song_key(artists, title): {
            "listener_id": listener.id,
            "key": songs.song_key(artists, title),
            "group": group_of(artists),
            "title": title,
            "artists": artists,
            "candidates": [] if track_id is None else [[track_id, 1.0]],
            "state": NONE if track_id is None else MATCHED,
            "track_id": track_id,
            "applied": {},
            "decided_at": at,
            "created_at": at,
        }
        for artists, title, track_id in answers
    }
    known: set[int] = set()
    for part in chunks(list(rows)):
        known.update(
            session.scalars(
                select(MatchDecision.key).where(
                    MatchDecision.listener_id == listener.id, MatchDecision.key.in_(part)
                )
            )
        )
    room = max(0, MAX_PER_LISTENER - count(session, listener))
    new = [row for key, row in rows.items() if key not in known][:room]
    if new:
        session.connection().execute(insert(session, _DECISION).on_conflict_do_nothing(), new)
    return len(new)


def decided(session: Session, listener: Listener) -> dict[int, int | None]:
    """Map the song keys of all answers to a track, None for songs without a matching track."""
    query = select(MatchDecision.key, MatchDecision.track_id).where(
        MatchDecision.listener_id == listener.id, MatchDecision.state != OPEN
    )
    # If the track of an answer was deleted, the question is asked again.
    of_tracks = query.where(MatchDecision.state == MATCHED, MatchDecision.track_id.is_not(None))
    of_none = query.where(MatchDecision.state == NONE)
    rows = [*session.execute(of_tracks), *session.execute(of_none)]
    return dict(rows)


def open_questions(
    session: Session, listener: Listener, limit: int | None = None, offset: int = 0
) -> list[MatchDecision]:
    """List undecided songs grouped by artist, the artists with most songs first."""
    of_group = (
        select(MatchDecision.group, func.count().label("number"))
        .where(MatchDecision.listener_id == listener.id, MatchDecision.state == OPEN)
        .group_by(MatchDecision.group)
        .subquery()
    )
    query = (
        _open(listener)
        .join(of_group, of_group.c.group == MatchDecision.group)
        .order_by(
            of_group.c.number.desc(), MatchDecision.group, MatchDecision.title, MatchDecision.id
        )
        .limit(limit)
        .offset(offset)
    )
    return list(session.scalars(query))


def of_group(session: Session, listener: Listener, group: str) -> list[MatchDecision]:
    """List the undecided songs of one artist."""
    query = _open(listener).where(MatchDecision.group == group[:GROUP_LENGTH])
    return list(session.scalars(query.order_by(MatchDecision.id)))


def group_sizes(session: Session, listener: Listener, groups: Sequence[str]) -> dict[str, int]:
    """Count the undecided songs of artists."""
    query = (
        select(MatchDecision.group, func.count())
        .where(
            MatchDecision.listener_id == listener.id,
            MatchDecision.state == OPEN,
            MatchDecision.group.in_(groups),
        )
        .group_by(MatchDecision.group)
    )
    return dict(session.execute(query).all())


def latest(session: Session, listener: Listener, limit: int) -> list[tuple[MatchDecision, int]]:
    """List the latest answers, newest first: one row per batch, and the size of the batch."""
    batches = (
        select(func.min(MatchDecision.id).label("id"), func.count().label("number"))
        .where(MatchDecision.listener_id == listener.id, MatchDecision.state != OPEN)
        .group_by(MatchDecision.decided_at, MatchDecision.group)
        .subquery()
    )
    query = (
        select(MatchDecision, batches.c.number)
        .join(batches, batches.c.id == MatchDecision.id)
        .order_by(MatchDecision.decided_at.desc(), MatchDecision.id.desc())
        .limit(limit)
    )
    return [(row, number) for row, number in session.execute(query)]


def batch_of(session: Session, listener: Listener, row: MatchDecision) -> list[MatchDecision]:
    """List the answers about an artist's songs in the same batch as ``row``."""
    query = select(MatchDecision).where(
        MatchDecision.listener_id == listener.id,
        MatchDecision.state != OPEN,
        MatchDecision.group == row.group,
        MatchDecision.decided_at == row.decided_at,
    )
    return list(session.scalars(query.order_by(MatchDecision.id)))


def find(session: Session, listener: Listener, decision_id: int) -> MatchDecision | None:
    """Return a question or answer of the listener by its id."""
    return session.scalar(
        select(MatchDecision).where(
            MatchDecision.id == decision_id, MatchDecision.listener_id == listener.id
        )
    )


def of_listener(session: Session, listener: Listener) -> list[MatchDecision]:
    """List all questions and answers, oldest first."""
    query = select(MatchDecision).where(MatchDecision.listener_id == listener.id)
    return list(session.scalars(query.order_by(MatchDecision.id)))


def count(session: Session, listener: Listener, state: str | None = None) -> int:
    """Count the questions and answers, or those of one state."""
    query = select(func.count()).where(MatchDecision.listener_id == listener.id)
    if state is not None:
        query = query.where(MatchDecision.state == state)
    return session.scalar(query.select_from(MatchDecision)) or 0


def close(session: Session, listener: Listener, keys: Iterable[int]) -> None:
    """Delete the open questions of songs that were matched in other ways."""
    for part in chunks(list(keys)):
        session.execute(
            delete(MatchDecision).where(
                MatchDecision.listener_id == listener.id,
                MatchDecision.state == OPEN,
                MatchDecision.key.in_(part),
            )
        )


def delete_open(session: Session, listener: Listener) -> None:
    """Delete all open questions."""
    session.execute(
        delete(MatchDecision).where(
            MatchDecision.listener_id == listener.id, MatchDecision.state == OPEN
        )
    )
    session.expire_all()


def merge(session: Session, anonymous: Listener, account: Listener) -> None:
    """Move the questions and answers of ``anonymous`` to ``account``, except existing ones."""
    existing = select(MatchDecision.key).where(MatchDecision.listener_id == account.id)
    session.execute(
        update(MatchDecision)
        .where(MatchDecision.listener_id == anonymous.id, MatchDecision.key.not_in(existing))
        .values(listener_id=account.id),
        execution_options={"synchronize_session": False},
    )


def _open(listener: Listener) -> Select[tuple[MatchDecision]]:
    return select(MatchDecision).where(
        MatchDecision.listener_id == listener.id, MatchDecision.state == OPEN
    )
