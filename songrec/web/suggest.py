"""Suggestions for a field in which a song or an artist is chosen, as JSON."""

from __future__ import annotations

from flask import Blueprint, Flask, jsonify, request
from flask.typing import ResponseReturnValue

from songrec.services.catalogue.search_suggestions import suggest
from songrec.store.catalogue.tracks import TrackView
from songrec.store.db import db

blueprint = Blueprint("suggest", __name__)

MAX_LENGTH = 100
SECONDS = 60


def init_app(app: Flask) -> None:
    """Register the address."""
    app.register_blueprint(blueprint)


@blueprint.get("/suggest")
def choices() -> ResponseReturnValue:
    """Return artists and songs that match ``q``, and its corrected spelling, if any."""
    text = request.args.get("q", "").replace("\0", "")[:MAX_LENGTH].strip()
    items, corrected = [], None
    if text:
        results = suggest(db.session, text, None, ())
        corrected = results.corrected
        items = [
            {"kind": "artist", "id": one.public_id, "title": one.name, "detail": "Artist"}
            for one in results.artists
        ]
        items += [
            {"kind": "song", "id": one.public_id, "title": one.title, "detail": _detail(one)}
            for one in results.songs
        ]
    response = jsonify(items=items, corrected=corrected)
    response.cache_control.public = True
    response.cache_control.max_age = SECONDS
    return response


def _detail(track: TrackView) -> str:
    """Return a song's artist, album and year, to distinguish tracks of the same song."""
    details = (track.artists or "Unknown artist", track.album, track.year and str(track.year))
    return " · ".join(filter(None, details))
