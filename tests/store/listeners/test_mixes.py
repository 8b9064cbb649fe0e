"""Rows of mixes: who is due, who lacks the default ones, what a merge of listeners keeps."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput
from songrec.store.db import now
from songrec.store.listeners import listens, mixes, reactions, users
from songrec.store.tables import AppPassword, Listener
from tests.factories import make_track

AT = datetime(2027, 3, 1, 5, 0, tzinfo=UTC)


@pytest.fixture
def listener(session: Session) -> Listener:
    return users.require_listener(session, users.create(session, "ada", "a long enough password"))


def test_songs_are_replaced_in_order_and_each_stands_once(
    session: Session, listener: Listener
) -> None:
    one, two = (make_track(session).id for _ in range(2))
    mix = mixes.create(session, listener, mixes.RADIO, "Mine")
    for songs in ([(one, "a"), (two, "b"), (one, "c")], [(two, "d"), (one, "e")]):
        mixes.replace(session, mix, songs, name="Radio", comment="Why.", at=AT)
    assert mixes.tracks_of(session, mix) == [(two, "d"), (one, "e")]
    assert mixes.track_ids_of(session, [mix]) == {mix.id: [two, one]}
    assert (mix.name, mix.made_at, mix.next_at) == ("Radio", AT, None)


def test_listeners_are_due_when_the_time_of_a_mix_has_come(
    session: Session, listener: Listener
) -> None:
    mix = mixes.create(session, listener, mixes.RADIO, "Mine", schedule="0 6 * * *")
    mix.next_at = AT
    session.flush()
    assert mixes.due(session, AT - timedelta(seconds=1)) == []
    assert mixes.due(session, AT) == [listener.id]
    assert mixes.due_of(session, listener, AT) == [mix]


def test_without_an_account_a_mix_is_due_once_a_day_at_most(
    session: Session, listener: Listener
) -> None:
    visitor = users.create_listener(session, "a browser")
    hours = [timedelta(hours=n) for n in range(49)]
    due: dict[int, list[int]] = {}
    for whose in (listener, visitor):
        mix = mixes.create(session, whose, mixes.RADIO, "Mine", schedule="0 * * * *")
        mix.next_at = AT
    session.flush()
    for hour in hours:
        for listener_id in mixes.due(session, AT + hour):
            due.setdefault(listener_id, []).append(hour // timedelta(hours=1))
            whose = session.get_one(Listener, listener_id)
            (mix,) = mixes.due_of(session, whose, AT + hour)
            mixes.replace(session, mix, [], name="Mine", comment="", at=AT + hour)
    assert due == {listener.id: list(range(49)), visitor.id: [0, 20, 40]}


def test_who_uses_an_app_and_likes_five_songs_lacks_the_default_mixes(
    session: Session, listener: Listener
) -> None:
    reactions.like_all(session, listener, [make_track(session).id for _ in range(5)])
    assert mixes.without_defaults(session) == []
    device = AppPassword(user_id=listener.user_id, device="phone", secret="x", api_key_hash="x")
    session.add(device)
    session.flush()
    assert mixes.without_defaults(session) == [listener.id]
    mix = mixes.create(session, listener, mixes.NEW, "New to you")
    mixes.remove(session, mix)
    assert mixes.without_defaults(session) == []
    session.delete(mix)
    device.revoked_at = now()
    session.flush()
    assert mixes.without_defaults(session) == []


def test_a_merge_keeps_the_numbers_of_mixes_apart(session: Session, listener: Listener) -> None:
    browser = users.create_listener(session, "browser")
    for each in (browser, listener):
        mixes.create(session, each, mixes.MOOD, "Mood")
        mixes.create(session, each, mixes.NEW, "New to you")
    reactions.merge(session, browser, listener)
    rows = [(mix.kind, mix.number) for mix in mixes.all_of(session, listener)]
    assert rows == [(mixes.NEW, 1), (mixes.MOOD, 1), (mixes.MOOD, 2)]


def test_plays_are_counted_with_the_last_of_them(session: Session, listener: Listener) -> None:
    track = make_track(session)
    rows = [
        {
            **dict.fromkeys(listens.FIELDS, ""),
            "track_id": track.id,
            "key": str(days),
            "played_at": AT - timedelta(days=days),
            "times": times,
            "ms_played": None,
            "is_skip": is_skip,
        }
        for days, times, is_skip in ((9, 3, False), (2, 1, False), (1, 1, True))
    ]
    listens.record(session, listener, rows)
    last = AT - timedelta(days=2)
    assert listens.play_counts(session, listener) == {track.id: (4, last)}
    assert listens.played_since(session, listener, AT - timedelta(days=5)) == [track.id]
    assert listens.played_since(session, listener, AT - timedelta(days=1)) == []


def test_a_size_beyond_the_bounds_is_refused(session: Session, listener: Listener) -> None:
    with pytest.raises(BadInput, match="5 to 200"):
        mixes.create(session, listener, mixes.RADIO, "Mine", size=500)
