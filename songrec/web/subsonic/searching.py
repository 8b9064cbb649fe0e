"""Search of songs, albums and artists, and paging through everything by an empty query."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, TypeVar

from flask.typing import ResponseReturnValue

from songrec.store.catalogue import tracks
from songrec.store.catalogue.playable_library import PlayableLibrary
from songrec.store.db import db
from songrec.web.subsonic import albums as album_answers
from songrec.web.subsonic import parameters
from songrec.web.subsonic.answers import answer
from songrec.web.subsonic.browsing import library
from songrec.web.subsonic.endpoints import endpoint
from songrec.web.subsonic.songs import children

T = TypeVar("T")
_LATEST = 253_402_300_799
"""The last second that a date has."""
MAX_COUNT = 5_000
"""Of one kind in one answer."""


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
    """Search songs as the oldest apps do."""
    held = library()
    words = " ".join(
        filter(None, (parameters.text(name) for name in ("any", "artist", "album", "title")))
    )
    ids = matching_songs(held, words)
    newer = parameters.integer("newerThan")
    if newer:
        since = datetime.fromtimestamp(min(newer / 1000, _LATEST), UTC)
        ids = tracks.added_since(db.session, ids, since)
    offset, count = parameters.count("offset", 0, 2**53), parameters.count("count", 20, MAX_COUNT)
    listed = children(ids[offset : offset + count])
    return answer({"searchResult": {"offset": offset, "totalHits": len(ids), "match": listed}})


def matching_songs(held: PlayableLibrary, words: str) -> list[int]:
    """Return the songs that can be played and have every word, all without words.

    Titles that begin with the words come first, then the best known.
    """
    if not words:
        return held.track_ids.tolist()
    first = held.playable(tracks.titles_beginning_with(db.session, words, MAX_COUNT)).tolist()
    others = held.best_known_first(tracks.with_words(db.session, words)).tolist()
    return list(dict.fromkeys([*first, *others]))


def _search(*, as_folders: bool) -> dict[str, Any]:
    held = library()
    words = parameters.text("query").strip().removesuffix("*")
    if words.startswith('"'):
        words = words.strip('"')
    if not words.strip("'\" "):  # some apps send two quotation marks for everything
        words = ""
    result: dict[str, Any] = {}
    if count := _count("artist"):
        listed = held.search_artists(words) if words else held.artists
        result["artist"] = album_answers.artists(_page(listed, "artist", count))
    if count := _count("album"):
        albums = held.search_albums(words) if words else held.albums
        described = album_answers.folders if as_folders else album_answers.albums
        result["album"] = described(_page(albums, "album", count))
    if count := _count("song"):
        result["song"] = children(_page(matching_songs(held, words), "song", count))
    return result


def _count(kind: str) -> int:
    return parameters.count(f"{kind}Count", 20, MAX_COUNT)


def _page(listed: Sequence[T], kind: str, count: int) -> Sequence[T]:
    offset = parameters.count(f"{kind}Offset", 0, 2**53)
    return listed[offset : offset + count]
