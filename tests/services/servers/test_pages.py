"""Reading all songs of a server ends, whatever the server lists."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from sqlalchemy import select

from songrec.services.servers import pages
from songrec.services.servers.client import RemoteSong
from songrec.services.servers.pages import EndlessList, read_pages
from songrec.services.servers.scan import scan_server
from songrec.services.servers.sync import sync_account
from songrec.store.db import db
from songrec.store.instance import Instance
from songrec.store.tables import ServerTrack, Track
from tests.servers.made_server import MadeServer, made_song
from tests.services.servers.conftest import Connect

ENDLESS = 10**12


@dataclass
class Lists:
    """A client whose lists of songs and albums are functions of offset and count."""

    by_search: Callable[[int, int], list[str]] = lambda offset, count: []
    by_album: Callable[[int, int], list[str]] = lambda offset, count: []
    of_album: Callable[[str], list[str]] = lambda album: [album]
    name: str = "Attic"
    requests: list[str] = field(default_factory=list)

    def songs(self, offset: int, count: int) -> list[RemoteSong]:
        self.requests.append("songs")
        return [RemoteSong(id_) for id_ in self.by_search(offset, count)]

    def albums(self, offset: int, count: int) -> list[str]:
        self.requests.append("albums")
        return self.by_album(offset, count)

    def album(self, album: str) -> list[RemoteSong]:
        return [RemoteSong(id_) for id_ in self.of_album(album)]


def read(lists: Lists) -> list[str]:
    """Return the ids of all songs as they are read, each once."""
    listed = [song.id for page in read_pages(lists) for song in page.songs]  # type: ignore[arg-type]
    return list(dict.fromkeys(listed))


def numbered(offset: int, count: int, total: int = ENDLESS) -> list[str]:
    """Return the ids of a page of ``total`` songs or albums."""
    return [f"s{at}" for at in range(offset, min(offset + count, total))]


def test_all_songs_are_read_once() -> None:
    lists = Lists(by_search=lambda offset, count: numbered(offset, count, 1234))
    assert read(lists) == numbered(0, 1234)
    assert lists.requests == ["songs"] * 4


def test_a_server_whose_search_gives_the_same_page_is_read_by_albums() -> None:
    lists = Lists(
        by_search=lambda offset, count: numbered(0, count),
        by_album=lambda offset, count: numbered(offset, count, 777),
    )
    assert len(read(lists)) == 777


def test_pages_that_take_turns_bring_nothing_new() -> None:
    turns = itertools.cycle([numbered(0, 500), numbered(500, 500), numbered(250, 500)])
    lists = Lists(by_search=lambda offset, count: next(turns))
    assert len(read(lists)) == 1000
    assert lists.requests == ["songs"] * 3 + ["albums"]


def test_the_same_albums_again_are_the_end() -> None:
    lists = Lists(by_album=lambda offset, count: numbered(0, 40))
    assert read(lists) == numbered(0, 40)
    assert lists.requests == ["songs", "albums", "albums"]


def test_songs_without_an_end_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST_SONGS", 2000)
    assert len(read(Lists(by_search=lambda offset, count: numbered(offset, count, 2000)))) == 2000
    endless = Lists(by_search=numbered)
    with pytest.raises(EndlessList, match=r"^Attic lists more than 2,000 songs, .*\?$"):
        read(endless)
    assert endless.requests == ["songs"] * 5


def test_albums_without_an_end_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "MOST_SONGS", 2000)
    with pytest.raises(EndlessList, match="more than 2,000"):
        read(Lists(by_album=numbered))


@pytest.mark.parametrize("songs", [[], ["the same"]])
def test_albums_without_an_end_and_without_new_songs_are_an_error(songs: list[str]) -> None:
    with pytest.raises(EndlessList, match="bring no new song"):
        read(Lists(by_album=numbered, of_album=lambda album: songs))


def test_a_scan_without_an_end_is_not_continued_by_the_next(
    here: Instance, connect: Connect, made: MadeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pages, "MOST_SONGS", 1000)
    made.count, made.song = ENDLESS, made_song
    server, account = connect(made.url)
    with pytest.raises(EndlessList) as error:
        scan_server(here, server)
    assert server.error == str(error.value)
    assert "running" not in server.scan
    assert len(db.session.scalars(select(ServerTrack.id)).all()) == 1000
    with pytest.raises(EndlessList):
        sync_account(here, account)
    assert account.error == str(error.value)

    made.count = 600
    report = scan_server(here, server)
    assert (report.present, report.gone, report.was_resumed) == (600, 400, False)
    assert server.error is None


def test_songs_that_come_again_end_a_scan(
    here: Instance, connect: Connect, made: MadeServer
) -> None:
    made.count, made.song = ENDLESS, lambda at: made_song(at % 700)
    server, _ = connect(made.url)
    assert scan_server(here, server).present == 700
    assert len(db.session.scalars(select(Track.id)).all()) == 700
    assert made.requests.count("search3") == 3


def test_playlists_without_number_are_read_over_several_exchanges(
    here: Instance, connect: Connect, made: MadeServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    from songrec.store.listeners import playlists

    server, account = connect(made.url)
    scan_server(here, server)
    made.playlists = {f"p{n}": {"name": f"List {n}", "songs": [f"s{n}"]} for n in range(5)}
    monkeypatch.setattr(playlists, "PLAYLIST_LIMIT", 3)
    made.requests.clear()
    assert sync_account(here, account).playlists == 3
    assert made.requests.count("getPlaylist") == 3
