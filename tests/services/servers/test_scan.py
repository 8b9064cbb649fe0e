"""Scans of music servers, against a real supysonic."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select

from songrec.core.errors import NotReady
from songrec.services.servers import pages, scan
from songrec.services.servers.client import ServerClient
from songrec.services.servers.scan import scan_server
from songrec.services.servers.sync import sync_account
from songrec.store.db import db
from songrec.store.instance import Instance
from songrec.store.listeners import playlists, reactions
from songrec.store.servers import server_tracks
from songrec.store.tables import Listener, MusicServer, ServerTrack, Track
from tests.servers.supysonic_server import PASSWORD, Supysonic, supysonic_server, write_song
from tests.services.servers.conftest import Connect

SONGS = (("Dawn", "Ada", "Hours"), ("Noon", "Ada", "Hours"), ("Rain", "Bo", "Weather"))


@pytest.fixture(scope="module")
def music(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with three songs."""
    folder = tmp_path_factory.mktemp("songs") / "music"
    for number, (title, artist, album) in enumerate(SONGS, 1):
        path = folder / artist / album / f"{number:02} {title}.flac"
        write_song(path, title=title, artist=artist, album=album, track=number, hz=200.0 * number)
    return folder


@pytest.fixture(scope="module")
def supysonic(music: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Supysonic]:
    """A running supysonic with the three songs, which stays as it is."""
    folder = tmp_path_factory.mktemp("supysonic")
    shutil.copytree(music, folder / "music")
    with supysonic_server(folder) as running:
        yield running


@pytest.fixture
def own(music: Path, tmp_path: Path) -> Iterator[Supysonic]:
    """A supysonic whose folder the test changes."""
    shutil.copytree(music, tmp_path / "own" / "music")
    with supysonic_server(tmp_path / "own") as running:
        yield running


@pytest.fixture
def server(connect: Connect, supysonic: Supysonic) -> MusicServer:
    """The server that stays as it is, connected."""
    return connect(supysonic.url, password=PASSWORD)[0]


def ids(server: MusicServer) -> dict[str, str]:
    """Return the server's ids by title, of songs that are there."""
    query = select(ServerTrack.title, ServerTrack.remote_id).where(ServerTrack.gone_at.is_(None))
    return dict(db.session.execute(query.where(ServerTrack.server_id == server.id)).all())


def test_songs_of_a_server_become_tracks(here: Instance, server: MusicServer) -> None:
    """Names, albums and lengths come along, and ids lead to tracks and back."""
    report = scan_server(here, server)
    assert (report.present, report.new, report.new_tracks, report.matched) == (3, 3, 3, 0)
    track = db.session.scalars(select(Track).where(Track.title == "Rain")).one()
    assert (track.artists, track.album.title, track.duration_ms) == ("Bo", "Weather", 2000)
    remote = ids(server)
    found = server_tracks.tracks_of_remote(db.session, server, list(remote.values()))
    assert found[remote["Rain"]] == track.id
    assert server_tracks.remote_of_tracks(db.session, server, [track.id]) == {
        track.id: remote["Rain"]
    }


def test_a_second_scan_changes_nothing(here: Instance, server: MusicServer) -> None:
    """Songs are known by their ids."""
    scan_server(here, server)
    before = ids(server)
    report = scan_server(here, server)
    assert (report.present, report.new, report.changed, report.gone) == (3, 0, 0, 0)
    assert ids(server) == before


def test_new_changed_and_missing_songs_are_noticed(
    here: Instance, connect: Connect, own: Supysonic
) -> None:
    """A song that is gone keeps its track, and is back when the server has it again."""
    server, _ = connect(own.url, password=PASSWORD)
    scan_server(here, server)
    rain = own.music / "Bo" / "Weather" / "03 Rain.flac"
    away = own.folder / "rain.flac"
    rain.rename(away)
    write_song(own.music / "Bo" / "Weather" / "04 Snow.flac", title="Snow", artist="Bo")
    own.scan()
    report = scan_server(here, server)
    assert (report.present, report.new, report.gone) == (3, 1, 1)
    assert db.session.scalar(select(Track.id).where(Track.title == "Rain")) is not None
    away.rename(rain)
    own.scan()
    report = scan_server(here, server)
    assert (report.present, report.new, report.new_tracks) == (4, 0, 0)
    assert report.renumbered + report.returned >= 1


def test_a_server_that_renumbers_its_songs_keeps_their_rows(
    here: Instance, connect: Connect, own: Supysonic
) -> None:
    """Rows are found again by path, so that opinions and tracks stay with them."""
    server, _ = connect(own.url, password=PASSWORD)
    scan_server(here, server)
    before = {row.title: (row.id, row.track_id) for row in db.session.scalars(select(ServerTrack))}
    old = ids(server)
    own.forget_all()
    report = scan_server(here, server)
    db.session.expire_all()
    after = {row.title: (row.id, row.track_id) for row in db.session.scalars(select(ServerTrack))}
    assert (report.renumbered, report.new, report.gone) == (3, 0, 0)
    assert after == before
    assert not set(old.values()) & set(ids(server).values())


def test_a_scan_that_was_killed_goes_on_where_it_was(
    here: Instance, server: MusicServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages that were stored are not read again."""
    monkeypatch.setattr(pages, "PAGE", 1)
    stored = scan._store_page

    def dies(*args: object) -> None:
        if len(ids(server)) == 2:
            raise KeyboardInterrupt
        stored(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(scan, "_store_page", dies)
    with pytest.raises(KeyboardInterrupt):
        scan_server(here, server)
    db.session.rollback()
    assert len(ids(server)) == 2
    monkeypatch.setattr(scan, "_store_page", stored)
    report = scan_server(here, server)
    assert report.was_resumed
    assert (report.present, report.new, report.gone) == (3, 3, 0)


def test_albums_are_read_where_the_search_wants_a_word(
    here: Instance, server: MusicServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Such servers answer an empty search with nothing."""
    monkeypatch.setattr(ServerClient, "songs", lambda *args: [])
    assert scan_server(here, server).present == 3


def test_a_server_that_shows_nothing_loses_nothing(
    here: Instance, connect: Connect, own: Supysonic
) -> None:
    """Its disk may not be mounted: one line says so, and songs stay."""
    server, _ = connect(own.url, password=PASSWORD)
    scan_server(here, server)
    own.music.rename(own.folder / "unmounted")
    own.music.mkdir()
    own.scan()
    with pytest.raises(NotReady, match="shows no songs at all"):
        scan_server(here, server)
    assert len(ids(server)) == 3
    assert server.error is not None


def test_songs_that_lie_in_a_folder_of_songrec_are_not_there_twice(
    here: Instance, server: MusicServer, supysonic: Supysonic
) -> None:
    """They are known by size, length and the file's name."""
    from songrec.core.feature_spec import FeatureSpec
    from songrec.services.library.analysis_report import AnalyzeRequest
    from songrec.services.library.analyze_folder import analyze_folder

    analyze_folder(here, AnalyzeRequest(supysonic.music, FeatureSpec(("mfcc",)), workers=1))
    report = scan_server(here, server)
    assert (report.new, report.matched, report.new_tracks) == (3, 3, 0)
    assert len(db.session.scalars(select(Track.id)).all()) == 3


def test_two_servers_with_one_song_share_its_track(
    here: Instance, server: MusicServer, connect: Connect, own: Supysonic
) -> None:
    """Each has its own id for it."""
    scan_server(here, server)
    cellar, _ = connect(own.url, "Cellar", PASSWORD)
    report = scan_server(here, cellar)
    assert (report.matched, report.new_tracks) == (3, 0)
    assert len(db.session.scalars(select(ServerTrack)).all()) == 6


def test_stars_and_playlists_are_exchanged_with_supysonic(
    here: Instance, connect: Connect, own: Supysonic
) -> None:
    """Stars become likes, likes stars; a playlist there is one here."""
    server, account = connect(own.url, password=PASSWORD, sends_likes=True)
    scan_server(here, server)
    remote = ids(server)
    tracks = server_tracks.tracks_of_remote(db.session, server, list(remote.values()))
    with own.client() as client:
        client.star([remote["Dawn"]])
        client.write_playlist("Evening", [remote["Rain"], remote["Noon"]])
    listener = db.session.scalars(select(Listener)).one()
    reactions.react(db.session, listener, tracks[remote["Noon"]], reactions.LIKE)
    report = sync_account(here, account)
    assert (report.likes, report.sent, report.playlists) == (1, 1, 1)
    with own.client() as client:
        assert {song.title for song in client.starred()} == {"Dawn", "Noon"}
    assert set(reactions.values(db.session, listener)) == {
        tracks[remote[title]] for title in ("Dawn", "Noon")
    }
    [playlist] = playlists.owned(db.session, listener)
    assert playlists.tracks(db.session, playlist) == [
        tracks[remote[title]] for title in ("Rain", "Noon")
    ]


def test_dislikes_are_ratings_on_supysonic(
    here: Instance, connect: Connect, own: Supysonic
) -> None:
    """A like instead takes the rating back; one that was given there stays."""
    server, account = connect(own.url, password=PASSWORD, sends_likes=True)
    scan_server(here, server)
    remote = ids(server)
    tracks = server_tracks.tracks_of_remote(db.session, server, list(remote.values()))
    listener = db.session.scalars(select(Listener)).one()

    def react(value: int, *titles: str) -> str:
        for title in titles:
            reactions.react(db.session, listener, tracks[remote[title]], value)
        text = sync_account(here, account).text
        with own.client() as client:
            rated = {title: client.song(remote[title]).rating for title in sorted(remote)}
        return f"{text}: {rated}"

    with own.client() as client:
        client.rate(remote["Rain"], 3)
    unrated = {"Dawn": None, "Noon": None, "Rain": 3}
    sent = react(reactions.DISLIKE, "Dawn", "Rain")
    assert sent == f"1 dislike sent: { {**unrated, 'Dawn': 1} }"
    liked = react(reactions.LIKE, "Dawn")
    assert liked == f"1 star sent, 1 dislike taken back there: {unrated}"


def test_a_server_that_is_off_is_one_line(here: Instance, server: MusicServer) -> None:
    """The line is stored with it, without anything secret."""
    server.url = "http://127.0.0.1:9"
    db.session.commit()
    with pytest.raises(NotReady, match="cannot be reached"):
        scan_server(here, server)
    assert PASSWORD not in str(server.error)
    assert server.scan["tried_at"]
