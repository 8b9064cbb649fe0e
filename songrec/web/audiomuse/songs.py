"""Songs and artists: similar ones, paths, and searches by name."""

from __future__ import annotations

from flask import jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, NotFound

from songrec.services.audiomuse import answers
from songrec.store.catalogue import tracks
from songrec.store.db import db
from songrec.web.audiomuse import caller, endpoint, flag, number, text

N_SIMILAR, N_ARTISTS, N_SEARCHED, N_STEPS = 10, 10, 20, 25
"""Default numbers of rows, as the plugins expect them."""


@endpoint("/api/similar_tracks")
def similar_tracks() -> ResponseReturnValue:
    """Return songs like the one with an id, or a title and artist."""
    item = text("item_id")
    if item:
        who = caller(item)
        track = who.ids.track(item)
    elif text("title") and text("artist"):
        who = caller()
        matches = tracks.suggest(db.session, f"{text('artist')} {text('title')}", 1)
        if not matches:
            raise NotFound(f"No song “{text('title')}” by “{text('artist')}” is known.")
        track = matches[0]
    else:
        raise BadRequest("Send item_id, or title and artist; moods and anchors are not supported.")
    rows = answers.similar_tracks(
        who, track, number("n", N_SIMILAR), spread=flag("eliminate_duplicates", True)
    )
    if not rows:
        raise NotFound(f"No song of this music server is like “{track.title}”.")
    return jsonify(rows)


@endpoint("/api/find_path")
def find_path() -> ResponseReturnValue:
    """Return a path of even steps from one song to another."""
    ends = text("start_song_id"), text("end_song_id")
    if not all(ends):
        raise BadRequest("Send start_song_id and end_song_id; paths lead from song to song.")
    who = caller(*ends)
    start, end = who.ids.tracks(ends)
    return jsonify(answers.path(who, start, end, number("max_steps", N_STEPS)))


@endpoint("/api/max_distance")
def max_distance() -> ResponseReturnValue:
    """Return the song least like another one, and the largest distance."""
    item = _required("item_id")
    who = caller(item)
    return jsonify(answers.farthest(who, who.ids.track(item)))


@endpoint("/api/track")
def track() -> ResponseReturnValue:
    """Return the names of one song."""
    item = _required("item_id")
    who = caller(item)
    return jsonify(answers.track_row(who, who.ids.track(item)))


@endpoint("/api/search_tracks")
def search_tracks() -> ResponseReturnValue:
    """Search songs by words of their title, artist, album or genre, or list those of an artist."""
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
    """Return artists like the one with an id or name."""
    who, artist = _artist()
    rows = answers.similar_artists(
        who, artist, number("n", N_ARTISTS), with_songs=flag("include_component_matches", False)
    )
    if not rows:
        raise NotFound(f"No artist of this music server is like “{artist.name}”.")
    return jsonify(rows)


@endpoint("/api/search_artists")
def search_artists() -> ResponseReturnValue:
    """Search artists by words of their name."""
    words = text("query")
    if len(words) < 2:
        return jsonify([])
    start, end = _range()
    return jsonify(answers.search_artists(caller(), words, start, end))


@endpoint("/api/artist_tracks")
def artist_tracks() -> ResponseReturnValue:
    """List the songs of an artist."""
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
    """Return the requested range of rows, without its end."""
    start = number("start", 1) if request.args.get("start") not in (None, "", "0") else 0
    end = number("end", start + N_SEARCHED)
    return start, max(start, end)
