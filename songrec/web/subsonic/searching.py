"""Search for songs, albums and artists; an empty query pages through everything."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
from flask.typing import ResponseReturnValue

from songrec.core.types import Ints
from songrec.store.catalogue import tracks
from songrec.store.catalogue.playable_library import PlayableLibrary, tracks_with_words
from songrec.store.db import db
from songrec.web.subsonic import albums as album_answers
from songrec.web.subsonic import parameters
from songrec.web.subsonic.answers import answer
from songrec.web.subsonic.browsing import requested_library
from songrec.web.subsonic.endpoints import endpoint
from songrec.web.subsonic.songs import children

_LATEST = 253_402_300_799
"""The last second of the year 9999, the limit of dates."""
MAX_COUNT = 5_000
"""Limit of items of one kind per response."""
MAX_BEGINNING = 500
"""Limit of songs with the words as prefix that come before more popular ones."""


@endpoint("search3")
def search_3() -> ResponseReturnValue:
    """Search artists, albums and songs by their tags."""
    return answer({"searchResult3": _search(as_folders=False)})


@endpoint("search2")
def search_2() -> ResponseReturnValue:
    """Search artists, albums and songs, with albums as folders."""
    return answer({"searchResult2": _search(as_folders=True)})


@endpoint("search")
def search() -> ResponseReturnValue:
    """Search songs, for the oldest apps."""
    library = requested_library()
    words = " ".join(
        filter(None, (parameters.text(name) for name in ("any", "artist", "album", "title")))
    )
    ids = matching_songs(library, words).tolist()
    newer = parameters.integer("newerThan")
    if newer:
        since = datetime.fromtimestamp(min(newer / 1000, _LATEST), UTC)
        ids = tracks.added_since(db.session, ids, since)
    offset, count = parameters.count("offset", 0, 2**53), parameters.count("count", 20, MAX_COUNT)
    listed = children(ids[offset : offset + count])
    return answer({"searchResult": {"offset": offset, "totalHits": len(ids), "match": listed}})


def matching_songs(library: PlayableLibrary, words: str) -> Ints:
    """Return the playable songs with every word, all songs without words.

    Titles that begin with the words come first, then the most popular songs.
    """
    if not words:
        return library.track_ids
    first = library.playable(tracks.titles_beginning_with(db.session, words, MAX_BEGINNING))
    others = library.best_known_first(tracks_with_words(db.session, words))
    return np.concatenate([first, others[~np.isin(others, first)]])


def _search(*, as_folders: bool) -> dict[str, Any]:
    library = requested_library()
    words = parameters.text("query").strip().removesuffix("*")
    if words.startswith('"'):
        words = words.strip('"')
    if not words.strip("'\" "):  # some apps send two quotation marks for everything
        words = ""
    result: dict[str, Any] = {}
    if count := _count("artist"):
        places = library.search_artists(words) if words else np.arange(len(library.artists))
        listed = [library.artists[place] for place in _page(places, "artist", count).tolist()]
        result["artist"] = album_answers.artists(listed, as_folders=as_folders)
    if count := _count("album"):
        rows = library.search_albums(words) if words else np.arange(len(library.albums))
        described = album_answers.folders if as_folders else album_answers.albums
        albums = [library.albums[row] for row in _page(rows, "album", count).tolist()]
        result["album"] = described(albums)
    if count := _count("song"):
        ids = matching_songs(library, words)
        result["song"] = children(_page(ids, "song", count).tolist())
    return result


def _count(kind: str) -> int:
    return parameters.count(f"{kind}Count", 20, MAX_COUNT)


def _page(listed: Ints, kind: str, count: int) -> Ints:
    """Return the requested part of a list."""
    offset = parameters.count(f"{kind}Offset", 0, 2**53)
    return listed[offset : offset + count]
