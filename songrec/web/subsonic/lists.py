"""Lists of albums and songs: random, newest, most played, starred, by year, by genre."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from flask.typing import ResponseReturnValue

from songrec.core.types import Ints
from songrec.store.catalogue import album_details
from songrec.store.catalogue.playable_library import (
    PlayableAlbum,
    PlayableArtist,
    PlayableLibrary,
    tracks_of_genre,
)
from songrec.store.db import db
from songrec.store.listeners import reactions
from songrec.web.subsonic import albums as album_answers
from songrec.web.subsonic import parameters
from songrec.web.subsonic.answers import GENERIC, SubsonicError, answer
from songrec.web.subsonic.authentication import caller
from songrec.web.subsonic.browsing import requested_library
from songrec.web.subsonic.endpoints import endpoint
from songrec.web.subsonic.songs import children

MAX_SIZE = 500
TYPES = (
    "random",
    "newest",
    "highest",
    "frequent",
    "recent",
    "starred",
    "alphabeticalByName",
    "alphabeticalByArtist",
    "byYear",
    "byGenre",
)


@endpoint("getAlbumList")
def album_list() -> ResponseReturnValue:
    """List albums as folders."""
    return answer({"albumList": {"album": album_answers.folders(_requested_albums())}})


@endpoint("getAlbumList2")
def album_list_2() -> ResponseReturnValue:
    """List albums."""
    return answer({"albumList2": {"album": album_answers.albums(_requested_albums())}})


def _requested_albums() -> list[PlayableAlbum]:
    kind = parameters.require("type")
    if kind not in TYPES:
        raise SubsonicError(GENERIC, f"type must be one of {', '.join(TYPES)}.")
    size = parameters.count("size", 10, MAX_SIZE)
    offset = parameters.count("offset", 0, 2**53)
    library = requested_library()
    if kind == "random":
        # Pages of a new random order would repeat some albums and omit others.
        size = min(size, len(library.albums))
        rows = np.random.default_rng().choice(len(library.albums), size, replace=False)
    else:
        rows = _rows(kind, library)[offset : offset + size]
    return [library.albums[row] for row in rows.tolist()]


def _rows(kind: str, library: PlayableLibrary) -> Ints:
    if kind == "newest":
        return library.newest
    if kind == "alphabeticalByName":
        return library.by_title
    if kind == "alphabeticalByArtist":
        return library.by_artist
    if kind == "byYear":
        return _of_years(library)
    if kind == "byGenre":
        genre = parameters.require("genre")
        rows = library.albums_of(tracks_of_genre(db.session, genre))
        return library.by_title[np.isin(library.by_title, rows)]
    if kind == "starred":
        starred = album_details.starred_albums(db.session, caller().listener)
        return library.rows_of_albums(starred)
    if kind == "highest":
        return _by_rating(library)
    return _by_plays(library, by_count=kind == "frequent")


def _of_years(library: PlayableLibrary) -> Ints:
    first, last = (parameters.integer(name, low=-(10**6)) for name in ("fromYear", "toYear"))
    if first is None or last is None:
        raise parameters.missing("fromYear" if first is None else "toYear")
    years = library.years[library.by_title]
    rows = library.by_title[(years >= max(0, min(first, last))) & (years <= max(first, last))]
    order = library.years[rows] if first <= last else -library.years[rows]
    return rows[np.argsort(order, kind="stable")]


def _by_rating(library: PlayableLibrary) -> Ints:
    """Return the albums by their rating, else by the mean rating of their songs."""
    listener = caller().listener
    ratings = album_details.track_ratings(db.session, listener)
    of_songs: dict[int, list[int]] = defaultdict(list)
    for track_id, row in _with_rows(library, ratings):
        of_songs[row].append(ratings[track_id])
    means = {row: sum(values) / len(values) for row, values in of_songs.items()}
    for album_id, rating in album_details.album_ratings(db.session, listener).items():
        for row in library.rows_of_albums([album_id]).tolist():
            means[row] = rating
    return np.array(sorted(means, key=lambda row: (-means[row], row)), dtype=np.int64)


def _by_plays(library: PlayableLibrary, *, by_count: bool) -> Ints:
    """Return the albums by the plays of their songs, or by the last play."""
    plays = album_details.played_tracks(db.session, caller().listener)
    counts: dict[int, int] = defaultdict(int)
    last: dict[int, float] = defaultdict(float)
    for track_id, row in _with_rows(library, plays):
        count, played_at = plays[track_id]
        counts[row] += count
        last[row] = max(last[row], played_at.timestamp() if played_at else 0.0)
    value = counts if by_count else last
    return np.array(sorted(value, key=lambda row: (-value[row], row)), dtype=np.int64)


def _with_rows(library: PlayableLibrary, track_ids: Iterable[int]) -> Iterator[tuple[int, int]]:
    """Yield the playable tracks among ``track_ids``, each with the row of its album."""
    playable = library.playable(list(track_ids)).tolist()
    return zip(playable, library.albums_of(playable).tolist(), strict=True)


@endpoint("getSongsByGenre")
def songs_by_genre() -> ResponseReturnValue:
    """List the songs of a genre, the most popular first."""
    genre = parameters.require("genre")
    count = parameters.count("count", 10, MAX_SIZE)
    offset = parameters.count("offset", 0, 2**53)
    ids = requested_library().best_known_first(tracks_of_genre(db.session, genre))
    listed = children(ids[offset : offset + count].tolist())
    return answer({"songsByGenre": {"song": listed}})


@endpoint("getStarred")
def starred() -> ResponseReturnValue:
    """List the listener's stars, albums as folders."""
    return answer({"starred": _stars(as_folders=True)})


@endpoint("getStarred2")
def starred_2() -> ResponseReturnValue:
    """List the listener's stars."""
    return answer({"starred2": _stars(as_folders=False)})


def _stars(*, as_folders: bool) -> dict[str, Sequence[object]]:
    library = requested_library()
    listener = caller().listener
    likes = reactions.reactions(db.session, listener)[0] if listener else []
    rows = library.rows_of_albums(album_details.starred_albums(db.session, listener)).tolist()
    listed = [library.albums[row] for row in rows]
    by_id = {one.id: one for one in library.artists}
    wanted = album_details.starred_artists(db.session, listener)
    artists: list[PlayableArtist] = [by_id[id_] for id_ in wanted if id_ in by_id]
    return {
        "artist": album_answers.artists(artists, as_folders=as_folders),
        "album": album_answers.folders(listed) if as_folders else album_answers.albums(listed),
        "song": children(library.playable(likes).tolist()),
    }
