"""All songs of a server in pages: by an empty search, else album by album."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from songrec.services.servers.client import RemoteSong, ServerClient

PAGE = 500
"""Songs of a page: the most that the protocol's servers give."""
ALBUMS_AT_ONCE = 25
"""Albums after which a page ends, where songs are read album by album."""
SEARCH, ALBUMS = "search", "albums"


@dataclass(frozen=True)
class SongPage:
    """Songs that were read together, and where the reading goes on after them.

    ``offset`` counts songs, or albums where they are the ``route``.
    """

    songs: list[RemoteSong]
    route: str
    offset: int


def read_pages(client: ServerClient, route: str = SEARCH, offset: int = 0) -> Iterator[SongPage]:
    """Yield all songs from a place on.

    Servers that answer an empty search with nothing, or pass over its offset, are read by albums.
    """
    first = ""
    while route == SEARCH:
        songs = client.songs(offset, PAGE)
        if songs and songs[0].id != first:
            first, offset = songs[0].id, offset + len(songs)
            yield SongPage(songs, SEARCH, offset)
        elif songs or offset == 0:
            route, offset = ALBUMS, 0
        else:
            return
    first = ""
    while (albums := client.albums(offset, PAGE)) and albums[0] != first:
        first, start = albums[0], offset
        for at in range(0, len(albums), ALBUMS_AT_ONCE):
            part = albums[at : at + ALBUMS_AT_ONCE]
            offset = start + at + len(part)
            yield SongPage([s for album in part for s in client.album(album)], ALBUMS, offset)
