"""All songs of a server in pages: by an empty search, else album by album."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from songrec.core.errors import NotReady
from songrec.services.servers.client import (
    MISSING_PARAMETER,
    NOT_FOUND,
    RemoteSong,
    ServerClient,
    ServerRefusal,
)

PAGE = 500
"""Songs per page, the limit of the protocol."""
ALBUMS_AT_ONCE = 25
"""Albums per page if songs are read album by album."""
SEARCH, ALBUMS = "search", "albums"
MOST_SONGS = 1_000_000
"""Limit of songs, and of albums, read from one server."""
MOST_KNOWN_ALBUMS = 5_000
"""Limit of consecutive albums without a new song."""


class EndlessList(NotReady):
    """Raised for a server whose list of songs does not end."""


class ListedIds:
    """The listed ids of a server, to detect lists without an end.

    Stores hashes of about 80 bytes each.
    """

    def __init__(self, server: str, most: int | None = None) -> None:
        self._server = server
        self._most = MOST_SONGS if most is None else most
        self._hashes: set[int] = set()

    def add(self, ids: Iterable[str]) -> bool:
        """Add a page and return whether it has a new id; ``EndlessList`` if there are too many."""
        before = len(self._hashes)
        self._hashes.update(map(hash, ids))
        if len(self._hashes) > self._most:
            raise EndlessList(
                f"{self._server} lists more than {self._most:,} songs, the most that songrec reads "
                "of one server: is its list without an end?"
            )
        return len(self._hashes) > before

    def require_new(self, ids: Iterable[str]) -> None:
        """Add a page; ``EndlessList`` also if it has no new id."""
        if not self.add(ids):
            raise EndlessList(
                f"{self._server} goes on with pages that bring no new song: songrec stopped there."
            )


@dataclass(frozen=True)
class SongPage:
    """Songs of one page, and the position of the next one.

    ``offset`` counts songs, or albums if these are the ``route``.
    """

    songs: list[RemoteSong]
    route: str
    offset: int


def read_pages(client: ServerClient, route: str = SEARCH, offset: int = 0) -> Iterator[SongPage]:
    """Yield all songs from a position on.

    Servers without results for an empty search, or that ignore its offset, are read by albums.
    ``EndlessList`` for a server whose list does not end.
    """
    listed = ListedIds(client.name)
    while route == SEARCH:
        songs = _search(client, offset)
        if listed.add(song.id for song in songs):
            offset += len(songs)
            yield SongPage(songs, SEARCH, offset)
        elif songs or offset == 0:
            route, offset = ALBUMS, 0
        else:
            return
    yield from _read_albums(client, offset)


def _read_albums(client: ServerClient, offset: int) -> Iterator[SongPage]:
    listed, listed_albums = ListedIds(client.name), ListedIds(client.name)
    known = 0
    while (albums := client.albums(offset, PAGE)) and listed_albums.add(albums):
        start = offset
        for at in range(0, len(albums), ALBUMS_AT_ONCE):
            part = albums[at : at + ALBUMS_AT_ONCE]
            songs = [song for album in part for song in songs_of_album(client, album)]
            known = 0 if listed.add(song.id for song in songs) else known + len(part)
            if known > MOST_KNOWN_ALBUMS:
                listed.require_new(())
            offset = start + at + len(part)
            yield SongPage(songs, ALBUMS, offset)


def _search(client: ServerClient, offset: int) -> list[RemoteSong]:
    """Return a page of the empty search, which some servers refuse as a missing parameter."""
    try:
        return client.songs(offset, PAGE)
    except ServerRefusal as error:
        if offset or error.code != MISSING_PARAMETER:
            raise
        return []


def songs_of_album(client: ServerClient, album: str) -> list[RemoteSong]:
    """Return the songs of an album; none if it was removed since it was listed."""
    try:
        return client.album(album)
    except ServerRefusal as error:
        if error.code != NOT_FOUND:
            raise
        return []
