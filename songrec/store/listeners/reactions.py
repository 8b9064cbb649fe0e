"""Likes and dislikes of listeners. The caller commits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlalchemy import case, delete, func, select, update
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput
from songrec.store.bulk import chunks
from songrec.store.db import insert, now
from songrec.store.listeners import (
    listens,
    match_decisions,
    mixes,
    recommendation_rules,
    skips,
    unmatched_imports,
)
from songrec.store.tables import AudioFile, Job, KeptAnswer, Listener, Playlist, Reaction, Upload

LIKE, DISLIKE = 1, -1
WEIGHTS = (1, 2, 3)
"""Allowed weights of a like; an ordinary like weighs 1."""


def react(
    session: Session,
    listener: Listener,
    track_id: int,
    value: int | None,
    weight: int | None = None,
    at: datetime | None = None,
) -> None:
    """Set a reaction to a track: 1 likes it, -1 dislikes it, None removes the reaction.

    A like keeps its weight unless ``weight`` is given (see ``WEIGHTS``). ``at`` is the time of the
    reaction in another application; the default is now.
    """
    if value is None:
        session.execute(
            delete(Reaction).where(
                Reaction.listener_id == listener.id, Reaction.track_id == track_id
            )
        )
        return
    if value not in (LIKE, DISLIKE):
        raise ValueError(f"a reaction is 1, -1 or None, got {value!r}")
    if weight is not None and weight not in WEIGHTS:
        raise BadInput(f"A like counts 1, 2 or 3 times, not {weight}.")
    # One statement, so that two concurrent clicks do not conflict.
    row = {
        "listener_id": listener.id,
        "track_id": track_id,
        "value": value,
        "weight": weight if weight is not None and value == LIKE else 1,
        "created_at": at or now(),
    }
    same = Reaction.value == value
    update_values = {
        "created_at": row["created_at"],
        "weight": case((same, Reaction.weight), else_=1),
    }
    if weight is not None:
        # A change of only the weight keeps the date of the like.
        update_values = {
            "created_at": case((same, Reaction.created_at), else_=row["created_at"]),
            "weight": row["weight"],
        }
    statement = insert(session, Reaction).values(row)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["listener_id", "track_id"],
            set_={"value": value, **update_values},
        )
    )


def react_all(session: Session, listener: Listener, new: Sequence[tuple[int, int, int]]) -> None:
    """Add reactions (track id, value, weight), oldest first; existing ones are unchanged."""
    moment = now()
    rows = [
        {
            "listener_id": listener.id,
            "track_id": track_id,
            "value": value,
            "weight": weight,
            "created_at": moment + timedelta(microseconds=at - len(new)),
        }
        for at, (track_id, value, weight) in enumerate(new, 1)
    ]
    if rows:
        session.connection().execute(
            insert(session, Reaction.__table__).on_conflict_do_nothing(), rows
        )


def like_all(session: Session, listener: Listener, track_ids: Sequence[int]) -> datetime:
    """Like tracks at one time and return it, for an undo by ``unlike_since``."""
    moment = now()
    for track_id in track_ids:
        react(session, listener, track_id, LIKE)
    return moment


def unlike_since(
    session: Session, listener: Listener, track_ids: Sequence[int], since: datetime
) -> None:
    """Remove the likes of these tracks that were made at or after ``since``."""
    for part in chunks(list(track_ids)):
        session.execute(
            delete(Reaction).where(
                Reaction.listener_id == listener.id,
                Reaction.track_id.in_(part),
                Reaction.value == LIKE,
                Reaction.created_at >= since,
            )
        )


def reactions(session: Session, listener: Listener) -> tuple[list[int], list[int]]:
    """Return the liked and the disliked track ids, newest first."""
    rows = session.execute(
        select(Reaction.track_id, Reaction.value)
        .where(Reaction.listener_id == listener.id)
        .order_by(Reaction.created_at.desc(), Reaction.track_id.desc())
    ).all()
    likes = [track_id for track_id, value in rows if value == LIKE]
    return likes, [track_id for track_id, value in rows if value == DISLIKE]


def dislikes(session: Session, listener: Listener | None) -> list[int]:
    """Return the disliked track ids, newest first; none without a listener."""
    if listener is None:
        return []
    query = (
        select(Reaction.track_id)
        .where(Reaction.listener_id == listener.id, Reaction.value == DISLIKE)
        .order_by(Reaction.created_at.desc(), Reaction.track_id.desc())
    )
    return list(session.scalars(query))


def liked_at(session: Session, listener: Listener) -> dict[int, datetime]:
    """Map the liked track ids to the time of the like."""
    query = select(Reaction.track_id, Reaction.created_at).where(
        Reaction.listener_id == listener.id, Reaction.value == LIKE
    )
    return dict(session.execute(query).all())


def values(
    session: Session, listener: Listener, track_ids: Sequence[int] | None = None
) -> dict[int, int]:
    """Map track ids to 1 or -1, for all reactions or those to ``track_ids``."""
    statement = select(Reaction.track_id, Reaction.value).where(Reaction.listener_id == listener.id)
    if track_ids is not None:
        statement = statement.where(Reaction.track_id.in_(list(track_ids)))
    return dict(session.execute(statement).all())


def weights(session: Session, listener: Listener) -> dict[int, int]:
    """Map track ids to weights, for likes with a weight above 1."""
    statement = select(Reaction.track_id, Reaction.weight).where(
        Reaction.listener_id == listener.id, Reaction.value == LIKE, Reaction.weight > 1
    )
    return dict(session.execute(statement).all())


def delete_listener(session: Session, listener: Listener) -> None:
    """Delete a listener with all its data."""
    session.execute(delete(Listener).where(Listener.id == listener.id))
    session.expire_all()


def like_count(session: Session, listener: Listener) -> int:
    """Return the number of likes."""
    return counts(session, listener)[0]


def counts(session: Session, listener: Listener) -> tuple[int, int]:
    """Return the numbers of likes and of dislikes."""
    numbers = dict(
        session.execute(
            select(Reaction.value, func.count())
            .where(Reaction.listener_id == listener.id)
            .group_by(Reaction.value)
        ).all()
    )
    return numbers.get(LIKE, 0), numbers.get(DISLIKE, 0)


def merge(session: Session, anonymous: Listener, account: Listener) -> None:
    """Move all data of ``anonymous`` to ``account`` (reactions, plays, lists) and delete it.

    If both have reacted to a track, the newer reaction is kept; skips are added.
    """
    if anonymous.id == account.id:
        return
    existing = {
        reaction.track_id: reaction
        for reaction in session.scalars(
            select(Reaction)
            .where(Reaction.listener_id == account.id)
            .execution_options(populate_existing=True)
        )
    }
    for reaction in session.scalars(
        select(Reaction).where(Reaction.listener_id == anonymous.id)
    ).all():
        current = existing.get(reaction.track_id)
        if current is None:
            session.add(
                Reaction(
                    listener_id=account.id,
                    track_id=reaction.track_id,
                    value=reaction.value,
                    weight=reaction.weight,
                    created_at=reaction.created_at,
                )
            )
        elif reaction.created_at > current.created_at:
            current.value, current.created_at = reaction.value, reaction.created_at
            current.weight = reaction.weight
    skips.merge(session, anonymous, account)
    recommendation_rules.merge(session, anonymous, account)
    listens.merge(session, anonymous, account)
    unmatched_imports.merge(session, anonymous, account)
    mixes.merge(session, anonymous, account)
    match_decisions.merge(session, anonymous, account)
    # The stored recommendations were only shown to one of the two.
    session.execute(delete(KeptAnswer).where(KeptAnswer.listener_id == account.id))
    for table in (Playlist, Upload, Job):
        moved = update(table).where(table.listener_id == anonymous.id)
        session.execute(moved.values(listener_id=account.id))
    files = update(AudioFile).where(AudioFile.kept_by_id == anonymous.id)
    session.execute(files.values(kept_by_id=account.id))
    session.flush()
    # Deleting cascades to the anonymous reactions.
    session.execute(delete(Listener).where(Listener.id == anonymous.id))
    session.expire_all()
