"""py-opensonic, an independent client, against a songrec on loopback."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from flask import Flask
from libopensonic import Connection, errors
from sqlalchemy.orm import Session
from werkzeug.serving import WSGIRequestHandler, make_server

from tests.web.subsonic.conftest import Device, Library

Connect = Callable[..., Connection]


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: Any) -> None:
        pass


@pytest.fixture
def port(app: Flask) -> Iterator[int]:
    """The port of a server that answers one request at a time."""
    server = make_server("127.0.0.1", 0, app, request_handler=_Quiet)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def connect(port: int) -> Iterator[Connect]:
    """Makes connections to the server."""
    opened = []

    def make(**more: Any) -> Connection:
        connection = Connection("http://127.0.0.1", port=port, **more)
        opened.append(connection)
        return connection

    yield make
    for connection in opened:
        connection.cleanup()
        connection._loop.close()  # which the library leaves open


@pytest.mark.parametrize("how", ["key", "token", "password", "get", "plain names"])
def test_it_signs_in_in_every_way(
    connect: Connect, phone: Device, session: Session, how: str
) -> None:
    name = {"username": phone.name, "password": phone.password}
    ways: dict[str, dict[str, Any]] = {
        "key": {"api_key": phone.api_key},
        "token": name,
        "password": {**name, "legacy_auth": True},
        "get": {**name, "use_get": True},
        "plain names": {**name, "use_views": False},
    }
    session.rollback()
    connection = connect(**ways[how])
    assert connection.ping()
    assert connection.get_user("anna").username == "Anna"
    if how == "key":
        assert connection.token_info().username == "Anna"


def test_what_it_must_not_do_raises_the_right_errors(
    connect: Connect, phone: Device, small: Library, session: Session
) -> None:
    session.rollback()
    with pytest.raises(errors.CredentialError):
        connect(username="Anna", password="wrong").get_license()
    with pytest.raises(errors.SonicError, match="unknown"):
        connect(api_key="wrong").get_license()
    connection = connect(api_key=phone.api_key)
    with pytest.raises(errors.DataNotFoundError):
        connection.get_album("al-nothing")
    with pytest.raises(errors.AuthError):
        connection.get_users()
    with pytest.raises(errors.AuthError):
        connection.create_user("x", "y", "z")


def test_it_browses_lists_and_searches(
    connect: Connect, phone: Device, small: Library, session: Session
) -> None:
    session.rollback()
    connection = connect(api_key=phone.api_key)
    names = {one.name for one in connection.get_open_subsonic_extensions()}
    assert {"apiKeyAuthentication", "formPost", "sonicSimilarity", "transcodeOffset"} <= names
    # Not its get_music_folders: version 10.4 takes the object around the list for the list.
    artists = connection.get_artists()
    assert [one.name for one in artists.index] == ["B", "C", "E", "N"]
    assert len(connection.get_indexes().index) == 4
    cure = connection.get_artist(small.artists["The Cure"])
    assert [one.name for one in cure.album] == ["Disintegration", "Wish"]
    album = connection.get_album(cure.album[0].id)
    assert [one.title for one in album.song] == ["Plainsong", "Lullaby"]
    assert connection.get_song(album.song[0].id).album == "Disintegration"
    assert len(connection.get_music_directory(album.id).child) == 2
    assert {one.value for one in connection.get_genres()} == {"gothic", "pop", "rock"}
    assert connection.get_artist_info(cure.id) is not None
    assert connection.get_artist_info2(cure.id) is not None
    assert connection.get_album_info(album.id) is not None
    assert connection.get_album_info2(album.id) is not None
    for kind in ("random", "newest", "highest", "frequent", "recent", "starred"):
        assert connection.get_album_list2(kind) is not None
        assert connection.get_album_list(kind) is not None
    years = connection.get_album_list2("byYear", from_year=1992, to_year=1980)
    assert [one.name for one in years] == ["Wish", "Disintegration"]
    genre = connection.get_album_list2("byGenre", genre="pop")
    assert len(genre) == 2
    assert len(connection.get_songs_by_genre("rock")) == 3
    assert len(connection.get_random_songs(size=3)) == 3
    assert [one.title for one in connection.search2("lullaby").song] == ["Lullaby"]
    assert len(connection.search3("").song) == 6
    assert connection.get_now_playing() == []
    assert connection.get_podcasts() == []
    assert connection.get_newest_podcasts() == []
    assert connection.get_internet_radio_stations() == []
    assert connection.get_shares() == []
    assert connection.get_chat_messages() == []


def test_it_stars_rates_plays_and_keeps_lists(
    connect: Connect, phone: Device, small: Library, session: Session
) -> None:
    session.rollback()
    connection = connect(api_key=phone.api_key)
    song, other = small.song("Lullaby"), small.song("Loose")
    assert connection.star(
        sids=[song], album_ids=[small.albums["Wish"]], artist_ids=[small.artists["Björk"]]
    )
    starred = connection.get_starred2()
    assert [one.title for one in starred.song] == ["Lullaby"]
    assert [one.name for one in starred.album] == ["Wish"]
    assert [one.name for one in starred.artist] == ["Björk"]
    assert connection.get_starred().song[0].starred
    assert connection.unstar(sids=[song])
    assert connection.set_rating(other, 4)
    assert connection.get_song(other).user_rating == 4
    assert connection.scrobble(other)
    assert connection.get_song(other).play_count == 1
    assert connection.create_playlist(name="Mine", song_ids=[song, other])
    (listed,) = connection.get_playlists()
    assert (listed.name, listed.song_count) == ("Mine", 2)
    assert connection.update_playlist(listed.id, name="Ours", song_indices_to_remove=[0])
    kept = connection.get_playlist(listed.id)
    assert (kept.name, [one.id for one in kept.entry]) == ("Ours", [other])
    assert connection.delete_playlist(listed.id)
    assert connection.save_play_queue([song, other], current=other, position=1500)
    assert connection.get_play_queue().position == 1500
    assert connection.create_bookmark(song, 3000)
    assert [one.position for one in connection.get_bookmarks()] == [3000]
    assert connection.delete_bookmark(song)
    assert connection.get_scan_status().scanning is False
    assert connection.get_lyrics_by_song_id(song) == []


def test_it_gets_the_sound_and_the_cover(
    connect: Connect, phone: Device, small: Library, session: Session
) -> None:
    session.rollback()
    connection = connect(api_key=phone.api_key)
    song = small.song("Lullaby")
    answers = [
        connection.download(song),
        connection.stream(song, tformat="raw"),
        connection.get_cover_art(song, size=64),
    ]
    kinds = [answer.headers["Content-Type"].partition("/")[0] for answer in answers]
    assert [answer.status for answer in answers] == [200, 200, 200]
    assert kinds == ["audio", "audio", "image"]
    for answer in answers:
        answer.close()
