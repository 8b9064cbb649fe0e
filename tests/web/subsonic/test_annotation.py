"""Stars, ratings and plays through apps, and that each listener has their own."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.services.listeners.export_data import export
from songrec.store.listeners import reactions, skips, users
from songrec.store.tables import Listen, Listener, User
from tests.web.subsonic.conftest import Device, Library

TIME = 1_700_000_000_000
"""Milliseconds since 1970."""


def listener_of(session: Session, name: str) -> Listener:
    session.expire_all()
    user = session.scalars(select(User).where(User.name == name)).one()
    listener = users.listener_of(session, user)
    assert listener is not None
    return listener


def ok(device: Device, endpoint: str, **params: object) -> None:
    assert device.answer(endpoint, **params)["status"] == "ok"


def test_a_star_is_a_like_and_nobody_elses(
    session: Session, small: Library, phone: Device, device_of: Callable[..., Device]
) -> None:
    other = device_of("Bert")
    ids = [small.song("Lullaby"), small.song("Loose")]
    ok(phone, "star", id=ids, albumId=small.albums["Wish"], artistId=small.artists["Björk"])
    starred = phone.get("getStarred2")
    assert {song["title"] for song in starred["song"]} == {"Lullaby", "Loose"}
    assert [album["name"] for album in starred["album"]] == ["Wish"]
    assert [artist["name"] for artist in starred["artist"]] == ["Björk"]
    assert all(one["starred"].endswith("Z") for one in (*starred["song"], *starred["album"]))
    likes, _ = reactions.reactions(session, listener_of(session, "Anna"))
    assert set(likes) == {small.tracks["Lullaby"].id, small.tracks["Loose"].id}
    assert not any(other.get("getStarred2").values())
    assert "starred" not in other.get("getSong", id=ids[0])
    ok(phone, "unstar", id=[ids[0], small.albums["Wish"]])
    starred = phone.get("getStarred2")
    assert [song["title"] for song in starred["song"]] == ["Loose"]
    assert starred["album"] == []


def test_taking_a_star_back_leaves_a_dislike(
    session: Session, small: Library, phone: Device
) -> None:
    ok(phone, "setRating", id=small.song("Loose"), rating=1)
    ok(phone, "unstar", id=small.song("Loose"))
    listener = listener_of(session, "Anna")
    assert reactions.values(session, listener) == {small.tracks["Loose"].id: reactions.DISLIKE}


def test_ratings_are_as_they_were_given(session: Session, small: Library, phone: Device) -> None:
    ok(phone, "setRating", id=small.song("Loose"), rating=5)
    ok(phone, "setRating", id=small.albums["Debut"], rating=3)
    ok(phone, "setRating", id=small.artists["Björk"], rating=2)
    song = phone.get("getSong", id=small.song("Loose"))
    assert song["userRating"] == 5
    assert song["starred"]
    assert phone.get("getAlbum", id=small.albums["Debut"])["userRating"] == 3
    # The specification has no rating of an artist by tags, only where artists are folders.
    assert phone.get("getMusicDirectory", id=small.artists["Björk"])["userRating"] == 2
    ok(phone, "setRating", id=small.song("Loose"), rating=0)
    song = phone.get("getSong", id=small.song("Loose"))
    assert "userRating" not in song
    assert "starred" not in song


def test_wrong_annotations_have_their_codes(small: Library, phone: Device) -> None:
    song = small.song("Loose")
    assert phone.code("star") == 10
    assert phone.code("star", id="nothing") == 70
    assert phone.code("star", id=small.song("Unheard")) == 70
    assert phone.code("setRating", id=song) == 10
    assert phone.code("setRating", id=song, rating=6) == 0
    assert phone.code("setRating", id="ar-nobody", rating=3) == 70
    assert phone.code("scrobble") == 10
    assert phone.code("scrobble", id=song, time="yesterday") == 0
    assert phone.code("scrobble", id=song, time=-1) == 0
    report = {"mediaId": song, "mediaType": "song", "positionMs": 0, "state": "playing"}
    assert phone.code("reportPlayback", **{**report, "state": "dancing"}) == 0
    assert phone.code("reportPlayback", **{**report, "mediaType": "podcast"}) == 70
    assert phone.code("reportPlayback", **{**report, "playbackRate": "nan"}) == 0
    for name in report:
        assert phone.code("reportPlayback", **{**report, name: ""}) == 10


def test_scrobbles_are_the_history_with_the_app_as_source(
    session: Session, small: Library, phone: Device, device_of: Callable[..., Device]
) -> None:
    other = device_of("Bert")
    ids = [small.song("Loose"), small.song("Lullaby")]
    for _ in range(2):  # sent again after a lost answer
        ok(phone, "scrobble", id=ids, time=[TIME, TIME + 400_000])
    rows = session.scalars(select(Listen).order_by(Listen.played_at)).all()
    assert [(row.track_id, row.source) for row in rows] == [
        (small.tracks["Loose"].id, "a test"),
        (small.tracks["Lullaby"].id, "a test"),
    ]
    assert rows[0].played_at.timestamp() * 1000 == TIME
    song = phone.get("getSong", id=ids[0])
    assert (song["playCount"], song["played"]) == (1, "2023-11-14T22:13:20Z")
    assert other.get("getSong", id=ids[0])["playCount"] == 0


def test_what_plays_is_seen_by_its_listener_alone(
    session: Session, small: Library, phone: Device, device_of: Callable[..., Device]
) -> None:
    other = device_of("Bert")
    ok(phone, "scrobble", id=small.song("Loose"), submission="false")
    (entry,) = phone.get("getNowPlaying")["entry"]
    assert (entry["title"], entry["username"], entry["playerName"]) == ("Loose", "Anna", "a test")
    assert (entry["state"], entry["minutesAgo"]) == ("playing", 0)
    assert other.get("getNowPlaying")["entry"] == []
    report = {"mediaId": small.song("Lullaby"), "mediaType": "song"}
    ok(phone, "reportPlayback", **report, positionMs=40_000, state="paused", playbackRate=1.5)
    (entry,) = phone.get("getNowPlaying")["entry"]
    assert (entry["state"], entry["positionMs"], entry["playbackRate"]) == ("paused", 40_000, 1.5)
    assert session.scalar(select(Listen.id)) is None
    assert skips.of_listener(session, listener_of(session, "Anna")) == []


def test_what_apps_keep_is_part_of_the_export(
    session: Session, small: Library, phone: Device
) -> None:
    song = small.song("Loose")
    ok(phone, "setRating", id=song, rating=4)
    ok(phone, "star", albumId=small.albums["Wish"], artistId=small.artists["Björk"])
    ok(phone, "savePlayQueue", id=[song, small.song("Lullaby")], current=song)
    ok(phone, "createBookmark", id=song, position=5_000, comment="here")
    apps = export(session, listener_of(session, "Anna"))["apps"]
    assert [(one["title"], one["rating"]) for one in apps["ratings"]] == [("Loose", 4)]
    assert [one["name"] for one in apps["albums"]] == ["Wish"]
    assert [one["name"] for one in apps["artists"]] == ["Björk"]
    assert [one["title"] for one in apps["queue"]] == ["Loose", "Lullaby"]
    assert [(one["position_ms"], one["comment"]) for one in apps["bookmarks"]] == [(5_000, "here")]
