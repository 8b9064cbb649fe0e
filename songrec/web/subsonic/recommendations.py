"""Recommendations for apps: similar songs, an artist's top songs, random songs, sonic paths."""

from __future__ import annotations

from typing import Any

from flask.typing import ResponseReturnValue

from songrec.core.errors import NotReady
from songrec.services.recommendation import instant_mix
from songrec.services.recommendation.instant_mix import SonicMatch
from songrec.store.catalogue.artists import find_artist
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.web.subsonic import ids, parameters
from songrec.web.subsonic.answers import GENERIC, SubsonicError, answer, not_found
from songrec.web.subsonic.authentication import caller
from songrec.web.subsonic.browsing import album_of, requested_library
from songrec.web.subsonic.endpoints import endpoint
from songrec.web.subsonic.media import song_of
from songrec.web.subsonic.songs import children, children_by_id
from songrec.web.subsonic.system import EXTENSIONS

EXTENSIONS |= {"sonicSimilarity": [1], "topSongsByArtistId": [1]}


@endpoint("getSimilarSongs")
def similar_songs() -> ResponseReturnValue:
    """Return songs like a song, an album or an artist."""
    return answer({"similarSongs": {"song": _similar()}})


@endpoint("getSimilarSongs2")
def similar_songs_2() -> ResponseReturnValue:
    """Return songs like an artist, a song or an album."""
    return answer({"similarSongs2": {"song": _similar()}})


def _similar() -> list[dict[str, Any]]:
    text = parameters.require("id")
    reference = ids.parse(text)
    n = parameters.count("count", 50, instant_mix.MAX_SONGS)
    instance, listener = current_instance(), caller().listener
    if reference.kind == ids.SONG:
        similar = instant_mix.like_song(instance, listener, song_of(text), n)
    elif reference.kind == ids.ALBUM:
        album = album_of(text)
        if album.id is not None:
            similar = instant_mix.like_album(instance, listener, album.public_id, n)
        elif album.artist is not None:
            similar = instant_mix.like_artist(instance, listener, album.artist.public_id, n)
        else:
            similar = []
    elif reference.kind == ids.ARTIST and find_artist(db.session, reference.public_id):
        similar = instant_mix.like_artist(instance, listener, reference.public_id, n)
    else:
        raise not_found("song, album or artist")
    return children(similar)


@endpoint("getTopSongs")
def top_songs() -> ResponseReturnValue:
    """Return the most popular songs of an artist, by id or name."""
    text, n = parameters.text("id"), parameters.count("count", 50, instant_mix.MAX_SONGS)
    name = ids.parse(text).public_id if text else parameters.text("artist")
    if not name:
        raise parameters.missing("artist")
    artist = find_artist(db.session, name)
    if artist is None and text:
        raise not_found("artist")
    listener = caller().listener
    best = instant_mix.top_songs(current_instance(), listener, artist.id, n) if artist else []
    return answer({"topSongs": {"song": children(best)}})


@endpoint("getRandomSongs")
def random_songs() -> ResponseReturnValue:
    """Return random songs, of a genre or of some years."""
    requested_library()  # rejects an unknown music folder
    chosen = instant_mix.random_songs(
        current_instance(),
        caller().listener,
        parameters.count("size", 10, instant_mix.MAX_SONGS),
        genre=parameters.text("genre"),
        from_year=parameters.integer("fromYear", high=10_000),
        to_year=parameters.integer("toYear", high=10_000),
    )
    return answer({"randomSongs": {"song": children(chosen)}})


@endpoint("getSonicSimilarTracks")
def sonic_similar_tracks() -> ResponseReturnValue:
    """Return the songs that sound most like one, with their similarity."""
    view = song_of(parameters.require("id"))
    n = parameters.count("count", 10, instant_mix.MAX_SONGS)
    try:
        matches = instant_mix.sonic_matches(current_instance(), caller().listener, view, n)
    except NotReady:
        matches = []  # the song or the library is not analysed
    return answer({"sonicMatch": _matches(matches)})


@endpoint("findSonicPath")
def sonic_path() -> ResponseReturnValue:
    """Return a path of even steps from one song to another, both included."""
    start = song_of(parameters.require("startSongId"))
    end = song_of(parameters.require("endSongId"))
    n = parameters.integer("count", 25, high=instant_mix.MAX_BETWEEN + 2) or 0
    if n < 2:
        raise SubsonicError(GENERIC, "count must be 2 or more: the path has both ends.")
    matches = instant_mix.sonic_path(current_instance(), caller().listener, start, end, n)
    return answer({"sonicMatch": _matches(matches)})


def _matches(matches: list[SonicMatch]) -> list[dict[str, Any]]:
    songs = children_by_id([one.track_id for one in matches])
    return [
        {"entry": songs[one.track_id], "similarity": one.similarity}
        for one in matches
        if one.track_id in songs
    ]
