"""Playlists through apps: the listener's own, the catalogue's, and mixes."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.store.listeners import mixes, users
from songrec.store.tables import MixTrack, Playlist, PlaylistTrack, User
from tests.web.subsonic.conftest import Device, Library


def titles(device: Device, playlist_id: str) -> list[str]:
    return [song["title"] for song in device.get("getPlaylist", id=playlist_id)["entry"]]


@pytest.fixture
def playlist_id(small: Library, phone: Device) -> str:
    """Anna's playlist of two songs."""
    songs = [small.song("Loose"), small.song("Lullaby")]
    created = phone.get("createPlaylist", name="Evening", songId=songs)
    assert [song["title"] for song in created["entry"]] == ["Loose", "Lullaby"]
    return str(created["id"])


def test_a_playlist_has_its_songs_in_order(phone: Device, playlist_id: str) -> None:
    (listed,) = phone.get("getPlaylists")["playlist"]
    assert listed["id"] == playlist_id
    assert (listed["name"], listed["owner"], listed["public"]) == ("Evening", "Anna", False)
    assert (listed["songCount"], listed["duration"]) == (2, 480)
    assert (listed["readonly"], listed["comment"]) == (False, "")
    assert listed["created"] <= listed["changed"]
    assert titles(phone, playlist_id) == ["Loose", "Lullaby"]


def test_a_playlist_is_changed_by_places(small: Library, phone: Device, playlist_id: str) -> None:
    answer = phone.answer(
        "updatePlaylist",
        playlistId=playlist_id,
        name="Night",
        comment="Quiet & slow",
        songIndexToRemove=0,
        songIdToAdd=[small.song("Plainsong"), small.song("Loose")],
    )
    assert answer["status"] == "ok"
    changed = phone.get("getPlaylist", id=playlist_id)
    assert (changed["name"], changed["comment"]) == ("Night", "Quiet & slow")
    assert titles(phone, playlist_id) == ["Lullaby", "Plainsong", "Loose"]
    phone.answer("updatePlaylist", playlistId=playlist_id, songIndexToRemove=[0, 2])
    assert titles(phone, playlist_id) == ["Plainsong"]
    phone.answer("updatePlaylist", playlistId=playlist_id, comment="")
    assert phone.get("getPlaylist", id=playlist_id)["comment"] == ""
    assert phone.code("updatePlaylist", playlistId=playlist_id, songIndexToRemove=5) == 70


def test_create_with_an_id_gives_it_new_songs(
    small: Library, phone: Device, playlist_id: str
) -> None:
    songs = [small.song("Lullaby"), small.song("Plainsong")]
    assert phone.get("createPlaylist", playlistId=playlist_id, songId=songs)["name"] == "Evening"
    assert titles(phone, playlist_id) == ["Lullaby", "Plainsong"]


def test_nobody_sees_or_changes_another_ones(
    session: Session, phone: Device, playlist_id: str, device_of: Callable[..., Device]
) -> None:
    other = device_of("Bert", is_admin=True)
    assert other.get("getPlaylists")["playlist"] == []
    assert other.code("getPlaylists", username="Anna") == 50
    for endpoint, name in (
        ("getPlaylist", "id"),
        ("deletePlaylist", "id"),
        ("updatePlaylist", "playlistId"),
        ("createPlaylist", "playlistId"),
        ("getCoverArt", "id"),
    ):
        assert other.code(endpoint, **{name: playlist_id}) == 70
    assert phone.answer("deletePlaylist", id=playlist_id)["status"] == "ok"
    assert session.scalar(select(Playlist.id)) is None


def test_wrong_playlists_have_their_codes(small: Library, phone: Device) -> None:
    assert phone.code("createPlaylist") == 10
    assert phone.code("createPlaylist", name="A", songId="nothing") == 70
    assert phone.code("getPlaylist", id="pl-nothing") == 70
    assert phone.code("getPlaylist", id="mx-nothing") == 70
    assert phone.code("deletePlaylist", id=small.albums["Wish"]) == 70
    assert phone.get("getPlaylists")["playlist"] == []


def test_the_catalogues_playlists_are_read_only(
    session: Session, small: Library, phone: Device
) -> None:
    shared = Playlist(public_id="ab12", external_id="1", name="Of the catalogue", listener_id=None)
    silent = Playlist(public_id="cd34", external_id="2", name="Nothing to hear", listener_id=None)
    session.add_all([shared, silent])
    session.flush()
    for number, (playlist, title) in enumerate(
        [(shared, "Loose"), (shared, "Unheard"), (silent, "Unheard")]
    ):
        track_id = small.tracks[title].id
        session.add(PlaylistTrack(playlist_id=playlist.id, track_id=track_id, position=number))
    session.commit()
    (listed,) = phone.get("getPlaylists")["playlist"]
    assert (listed["name"], listed["songCount"]) == ("Of the catalogue", 1)
    assert (listed["readonly"], listed["owner"]) == (True, "")
    assert titles(phone, "pl-ab12") == ["Loose"]
    assert phone.code("updatePlaylist", playlistId="pl-ab12", name="Mine") == 50
    assert phone.code("deletePlaylist", id="pl-ab12") == 50


def test_mixes_are_read_only_playlists_with_their_reason(
    session: Session, small: Library, phone: Device, device_of: Callable[..., Device]
) -> None:
    user = session.scalars(select(User).where(User.name == "Anna")).one()
    listener = users.require_listener(session, user)
    mix = mixes.create(session, listener, mixes.BECAUSE, "Because you like Lullaby")
    mix.comment = "Songs like “Lullaby”"
    for position, title in enumerate(["Plainsong", "Unheard", "Loose"]):
        session.add(MixTrack(mix_id=mix.id, track_id=small.tracks[title].id, position=position))
    session.commit()
    id_ = f"mx-{mix.public_id}"
    (listed,) = phone.get("getPlaylists")["playlist"]
    assert (listed["id"], listed["name"]) == (id_, "Because you like Lullaby")
    assert (listed["comment"], listed["readonly"]) == ("Songs like “Lullaby”", True)
    assert (listed["songCount"], listed["coverArt"]) == (2, id_)
    assert titles(phone, id_) == ["Plainsong", "Loose"]
    for endpoint, name in (
        ("deletePlaylist", "id"),
        ("updatePlaylist", "playlistId"),
        ("createPlaylist", "playlistId"),
    ):
        assert phone.code(endpoint, **{name: id_}) == 50
    assert device_of("Bert").code("getPlaylist", id=id_) == 70
