"""Queues that one app leaves for another, and bookmarks."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from songrec.store.listeners import play_queues
from tests.web.subsonic.conftest import Device, Library


def test_a_queue_goes_on_in_another_app(
    small: Library, phone: Device, device_of: Callable[..., Device]
) -> None:
    songs = [small.song(title) for title in ("Loose", "Lullaby", "Loose")]
    empty = phone.get("getPlayQueue")
    assert (empty["entry"], empty["username"]) == ([], "Anna")
    saved = {"id": songs, "current": songs[1], "position": 61_000}
    assert phone.answer("savePlayQueue", **saved)["status"] == "ok"
    tablet = device_of("Anna")
    queue = tablet.get("getPlayQueue")
    assert [song["id"] for song in queue["entry"]] == songs
    assert (queue["current"], queue["position"], queue["changedBy"]) == (songs[1], 61_000, "a test")
    assert tablet.get("getPlayQueueByIndex")["currentIndex"] == 1
    assert tablet.answer("savePlayQueueByIndex", id=songs, currentIndex=2)["status"] == "ok"
    queue = phone.get("getPlayQueueByIndex")
    assert (queue["currentIndex"], queue["position"]) == (2, 0)
    assert device_of("Bert").get("getPlayQueue")["entry"] == []
    assert phone.answer("savePlayQueue")["status"] == "ok"
    assert phone.get("getPlayQueue")["entry"] == []


def test_songs_that_are_gone_leave_the_queue(
    session: Session, small: Library, phone: Device
) -> None:
    songs = [small.song(title) for title in ("Loose", "Lullaby", "Plainsong")]
    phone.answer("savePlayQueue", id=songs, current=songs[1], position=5)
    session.delete(small.tracks["Lullaby"])
    session.commit()
    queue = phone.get("getPlayQueue")
    assert [song["title"] for song in queue["entry"]] == ["Loose", "Plainsong"]
    assert (queue["current"], queue["position"]) == (songs[2], 0)


def test_wrong_queues_have_their_codes(small: Library, phone: Device) -> None:
    song = small.song("Loose")
    assert phone.code("savePlayQueue", id=song) == 10
    assert phone.code("savePlayQueue", id=song, current="another") == 0
    assert phone.code("savePlayQueueByIndex", id=song) == 10
    assert phone.code("savePlayQueueByIndex", id=song, currentIndex=1) == 10
    assert phone.code("savePlayQueueByIndex", currentIndex=0) == 10
    for beyond in ("0000000001", "0" * 10 + "7", "9" * 5_000):
        assert phone.code("savePlayQueueByIndex", id=song, currentIndex=beyond) == 10
    assert phone.answer("savePlayQueueByIndex", id=song, currentIndex="0" * 5_000)["status"] == "ok"


def test_bookmarks_are_one_listeners(
    small: Library, phone: Device, device_of: Callable[..., Device]
) -> None:
    song = small.song("Loose")
    assert phone.answer("createBookmark", id=song, position=1_000)["status"] == "ok"
    assert phone.answer("createBookmark", id=song, position=9_000, comment="here")["status"] == "ok"
    (mark,) = phone.get("getBookmarks")["bookmark"]
    assert (mark["position"], mark["comment"], mark["username"]) == (9_000, "here", "Anna")
    assert (mark["entry"]["id"], mark["entry"]["bookmarkPosition"]) == (song, 9_000)
    assert device_of("Bert").get("getBookmarks")["bookmark"] == []
    assert phone.answer("deleteBookmark", id=song)["status"] == "ok"
    assert phone.get("getBookmarks")["bookmark"] == []
    assert phone.code("createBookmark", id=song) == 10


def test_the_last_possible_bookmark_can_be_moved(
    small: Library, phone: Device, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(play_queues, "MAX_BOOKMARKS", 1)
    song, other = small.song("Loose"), small.song("Lullaby")
    assert phone.answer("createBookmark", id=song, position=1_000)["status"] == "ok"
    assert phone.code("createBookmark", id=other, position=1_000) == 0
    assert phone.answer("createBookmark", id=song, position=2_000)["status"] == "ok"
    (mark,) = phone.get("getBookmarks")["bookmark"]
    assert mark["position"] == 2_000
