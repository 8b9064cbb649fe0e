"""Ratings of tracks by one to five stars, and the resulting likes and dislikes.

One star is a dislike, four and five are a like; two and three are neutral. A like or dislike from a
rating is removed when the rating changes or is removed; an earlier one, or one from a star, stays.
The caller commits.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput
from songrec.store.bulk import chunks
from songrec.store.db import insert, now
from songrec.store.listeners import reactions
from songrec.store.tables import Listener, TrackRating

REACTIONS = {1: reactions.DISLIKE, 4: reactions.LIKE, 5: reactions.LIKE}
HIGHEST = 5


def rate(session: Session, listener: Listener, track_id: int, rating: int) -> None:
    """Set the rating of a track, 1 to 5; 0 removes it."""
    check(rating)
    before = session.execute(
        select(TrackRating.rating, TrackRating.made_reaction).where(
            TrackRating.listener_id == listener.id, TrackRating.track_id == track_id
        )
    ).first()
    reaction = reactions.values(session, listener, [track_id]).get(track_id)
    is_own = (
        before is not None and before.made_reaction and reaction == REACTIONS.get(before.rating)
    )
    value = REACTIONS.get(rating)
    makes = value is not None and (is_own or reaction != value)
    if (makes or is_own) and reaction != value:
        reactions.react(session, listener, track_id, value)
    if not rating:
        session.execute(
            delete(TrackRating).where(
                TrackRating.listener_id == listener.id, TrackRating.track_id == track_id
            )
        )
        return
    values = {"rating": rating, "made_reaction": makes, "rated_at": now()}
    statement = insert(session, TrackRating).values(
        listener_id=listener.id, track_id=track_id, **values
    )
    session.execute(
        statement.on_conflict_do_update(index_elements=["listener_id", "track_id"], set_=values)
    )


def check(rating: int) -> None:
    """Raise ``BadInput`` for a rating outside 0 to 5."""
    if not 0 <= rating <= HIGHEST:
        raise BadInput(f"A rating is 1 to {HIGHEST}, or 0 to remove it.")


def keep_reactions(session: Session, listener: Listener, track_ids: Sequence[int]) -> None:
    """Make the likes of these tracks independent of their ratings: the tracks are starred."""
    for part in chunks(list(track_ids)):
        session.execute(
            update(TrackRating)
            .where(TrackRating.listener_id == listener.id, TrackRating.track_id.in_(part))
            .values(made_reaction=False)
        )


def of_tracks(session: Session, listener: Listener, track_ids: Sequence[int]) -> dict[int, int]:
    """Map the rated tracks among ``track_ids`` to their ratings by ``listener``."""
    ratings: dict[int, int] = {}
    for part in chunks(list(track_ids)):
        query = select(TrackRating.track_id, TrackRating.rating).where(
            TrackRating.listener_id == listener.id, TrackRating.track_id.in_(part)
        )
        ratings.update(session.execute(query).all())
    return ratings
