"""What listeners like and dislike. Sessions come first; the caller commits."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from songrec.store.db import now
from songrec.store.tables import Listener, Playlist, Reaction

LIKE, DISLIKE = 1, -1


def react(session: Session, listener: Listener, track_id: int, value: int | None) -> None:
    """Set what ``listener`` thinks of a track: 1 likes it, -1 does not, None takes it back."""
    if value is None:
        session.execute(
            delete(Reaction).where(
                Reaction.listener_id == listener.id, Reaction.track_id == track_id
            )
        )
        return
    if value not in (LIKE, DISLIKE):
        raise ValueError(f"a reaction is 1, -1 or None, got {value!r}")
    # One statement: two clicks that arrive together must not collide.
    dialect = postgresql if session.get_bind().dialect.name == "postgresql" else sqlite
    row = {
        "listener_id": listener.id,
        "track_id": track_id,
        "value": value,
        "created_at": now(),
    }
    statement = dialect.insert(Reaction).values(row)
    session.execute(
        statement.on_conflict_do_update(
            index_elements=["listener_id", "track_id"],
            set_={"value": value, "created_at": row["created_at"]},
        )
    )


def reactions(session: Session, listener: Listener) -> tuple[list[int], list[int]]:
    """The track ids that ``listener`` likes and those disliked, the newest first."""
    rows = session.execute(
        select(Reaction.track_id, Reaction.value)
        .where(Reaction.listener_id == listener.id)
        .order_by(Reaction.created_at.desc(), Reaction.track_id.desc())
    ).all()
    likes = [track_id for track_id, value in rows if value == LIKE]
    return likes, [track_id for track_id, value in rows if value == DISLIKE]


def values(
    session: Session, listener: Listener, track_ids: Sequence[int] | None = None
) -> dict[int, int]:
    """Track id to 1 or -1, of all reactions or of those to ``track_ids``."""
    statement = select(Reaction.track_id, Reaction.value).where(Reaction.listener_id == listener.id)
    if track_ids is not None:
        statement = statement.where(Reaction.track_id.in_(list(track_ids)))
    return dict(session.execute(statement).all())


def like_count(session: Session, listener: Listener) -> int:
    """How many tracks ``listener`` likes."""
    return counts(session, listener)[0]


def counts(session: Session, listener: Listener) -> tuple[int, int]:
    """How many tracks ``listener`` likes, and how many not."""
    numbers = dict(
        session.execute(
            select(Reaction.value, func.count())
            .where(Reaction.listener_id == listener.id)
            .group_by(Reaction.value)
        ).all()
    )
    return numbers.get(LIKE, 0), numbers.get(DISLIKE, 0)


def merge(session: Session, anonymous: Listener, account: Listener) -> None:
    """Move the reactions and playlists of ``anonymous`` to ``account``, then remove it.

    Where both have reacted to a track, the newer reaction stays.
    """
    if anonymous.id == account.id:
        return
    theirs = {
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
        kept = theirs.get(reaction.track_id)
        if kept is None:
            session.add(
                Reaction(
                    listener_id=account.id,
                    track_id=reaction.track_id,
                    value=reaction.value,
                    created_at=reaction.created_at,
                )
            )
        elif reaction.created_at > kept.created_at:
            kept.value, kept.created_at = reaction.value, reaction.created_at
    session.execute(
        update(Playlist).where(Playlist.listener_id == anonymous.id).values(listener_id=account.id)
    )
    session.flush()
    # The database takes the anonymous reactions along.
    session.execute(delete(Listener).where(Listener.id == anonymous.id))
    session.expire_all()
