"""Songs and artists: like one another, on the way from one to the other, by name."""

from __future__ import annotations

from flask import jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, NotFound

from songrec.services.audiomuse import answers
from songrec.store.catalogue import tracks
from songrec.store.db import db
from songrec.web.audiomuse import caller, endpoint, flag, number, text

N_SIMILAR, N_ARTISTS, N_SEARCHED, N_STEPS = 10, 10, 20, 25
"""What the plugins expect where they say no number."""


@endpoint("/api/similar_tracks")
def similar_tracks() -> ResponseReturnValue:
    """Songs like one, by its id or its title and artist."""
    item = text("item_id")
    if item:
        who = caller(item)
        track = who.ids.track(item)
    elif text("title") and text("artist"):
        who = caller()
        named = tracks.suggest(db.session, f"{text('artist')} {text('title')}", 1)
        if not named:
            raise NotFound(f"No song “{text('title')}” by “{text('artist')}” is known here.")
        track = named[0]
    else:
        raise BadRequest("Send item_id, or title and artist; songrec has no moods or anchors here.")
    rows = answers.similar_tracks(
        who, track, number("n", N_SIMILAR), spread=flag("eliminate_duplicates", True)
    )
    if not rows:
        raise NotFound(f"No song of this music server is like “{track.title}”.")
    return jsonify(rows)


@endpoint("/api/find_path")
def find_path() -> ResponseReturnValue:
    """The songs from one to another in even steps."""
    ends = text("start_song_id"), text("end_song_id")
    if not all(ends):
        raise BadRequest("Send start_song_id and end_song_id; songrec walks from song to song.")
    who = caller(*ends)
    start, end = who.ids.tracks(ends)
    return jsonify(answers.path(who, start, end, number("max_steps", N_STEPS)))


@endpoint("/api/max_distance")
def max_distance() -> ResponseReturnValue:
    """The song least like one, and the end of the scale of distances."""
    item = _required("item_id")
    who = caller(item)
    return jsonify(answers.farthest(who, who.ids.track(item)))


@endpoint("/api/track")
def track() -> ResponseReturnValue:
    """The names of one song."""
    item = _required("item_id")
    who = caller(item)
    return jsonify(answers.track_row(who, who.ids.track(item)))


@endpoint("/api/search_tracks")
def search_tracks() -> ResponseReturnValue:
    """Songs by words of their title, artist, album or genre, or those of an artist."""
    words, artist = text("search_query"), ""
    if not words:
        words, artist = text("title"), text("artist")
    if not words and not artist:
        return jsonify([])
    start, end = _range()
    who = caller()
    return jsonify(answers.search_tracks(who, text=words, artist=artist, start=start, end=end))


@endpoint("/api/similar_artists")
def similar_artists() -> ResponseReturnValue:
    """Artists like one, by its id or name."""
    who, artist = _artist()
    rows = answers.similar_artists(
        who, artist, number("n", N_ARTISTS), with_songs=flag("include_component_matches", False)
    )
    if not rows:
        raise NotFound(f"No artist of this music server is like “{artist.name}”.")
    return jsonify(rows)


@endpoint("/api/search_artists")
def search_artists() -> ResponseReturnValue:
    """Artists by words of their name."""
    words = text("query")
    if len(words) < 2:
        return jsonify([])
    start, end = _range()
    return jsonify(answers.search_artists(caller(), words, start, end))


@endpoint("/api/artist_tracks")
def artist_tracks() -> ResponseReturnValue:
    """The songs of an artist."""
    who, artist = _artist()
    return jsonify(answers.artist_tracks(who, artist))


def _artist() -> tuple[answers.Caller, answers.ArtistView]:
    name = text("artist_id") or text("artist")
    if not name:
        raise BadRequest("Send artist or artist_id.")
    who = caller(artist=name)
    return who, who.ids.artist(name)


def _required(name: str) -> str:
    value = text(name)
    if not value:
        raise BadRequest(f"Send {name}.")
    return value


def _range() -> tuple[int, int]:
    """Return the first and the end of the rows that a search asks for."""
    start = number("start", 1) if request.args.get("start") not in (None, "", "0") else 0
    end = number("end", start + N_SEARCHED)
    return start, max(start, end)
