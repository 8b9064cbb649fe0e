"""Ratings by stars and the likes and dislikes that follow from them."""

from __future__ import annotations

import pytest
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput
from songrec.store.listeners import opinions, ratings, reactions, users
from songrec.store.tables import Album, Listener
from tests.factories import make_track

LIKE, DISLIKE = reactions.LIKE, reactions.DISLIKE


@pytest.fixture
def listener(session: Session) -> Listener:
    return users.create_listener(session, "anna")


@pytest.mark.parametrize(
    ("given", "reaction"),
    [
        ([1], DISLIKE),
        ([2], None),
        ([3], None),
        ([4], LIKE),
        ([5], LIKE),
        ([5, 0], None),
        ([1, 0], None),
        ([5, 3], None),
        ([5, 1], DISLIKE),
        ([1, 5], LIKE),
        ([5, 4], LIKE),
        ([3, 0], None),
    ],
)
def test_what_a_rating_says_of_the_taste(
    session: Session, listener: Listener, given: list[int], reaction: int | None
) -> None:
    track = make_track(session)
    for rating in given:
        ratings.rate(session, listener, track.id, rating)
    assert reactions.values(session, listener).get(track.id) == reaction
    assert ratings.of_tracks(session, listener, [track.id]) == (
        {track.id: given[-1]} if given[-1] else {}
    )


def test_a_like_that_was_there_before_stays_when_the_rating_goes(
    session: Session, listener: Listener
) -> None:
    before, after = make_track(session), make_track(session)
    reactions.react(session, listener, before.id, LIKE, 3)
    ratings.rate(session, listener, before.id, 5)
    ratings.rate(session, listener, before.id, 0)
    ratings.rate(session, listener, after.id, 5)
    reactions.react(session, listener, after.id, LIKE)
    ratings.keep_reactions(session, listener, [after.id])
    ratings.rate(session, listener, after.id, 0)
    assert reactions.values(session, listener) == {before.id: LIKE, after.id: LIKE}
    assert reactions.weights(session, listener) == {before.id: 3}


def test_a_rating_beyond_the_stars_is_refused(session: Session, listener: Listener) -> None:
    with pytest.raises(BadInput):
        ratings.rate(session, listener, make_track(session).id, 6)


def test_stars_of_albums_are_one_listeners_and_keep_their_date(
    session: Session, listener: Listener
) -> None:
    make_track(session, artists="The Cure", album="Wish")
    album = session.query(Album).one()
    other = users.create_listener(session, "bert")
    opinions.star(session, listener, opinions.ALBUM, album.id)
    first = opinions.of_targets(session, listener, opinions.ALBUM, [album.id])[album.id]
    opinions.star(session, listener, opinions.ALBUM, album.id)
    opinions.rate(session, listener, opinions.ALBUM, album.id, 4)
    now = opinions.of_targets(session, listener, opinions.ALBUM, [album.id])[album.id]
    assert (now.starred_at, now.rating) == (first.starred_at, 4)
    assert opinions.of_targets(session, other, opinions.ALBUM, [album.id]) == {}
    opinions.unstar(session, listener, opinions.ALBUM, album.id)
    opinions.rate(session, listener, opinions.ALBUM, album.id, 0)
    gone = opinions.of_targets(session, listener, opinions.ALBUM, [album.id])[album.id]
    assert (gone.starred_at, gone.rating) == (None, None)
