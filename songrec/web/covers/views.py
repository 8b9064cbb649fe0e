"""Endpoints of covers.

Covers are the same for everybody, so they neither read nor write the session. A song without a
picture of its own has the URL of its album's cover, so that lists request it once per album.
"""

from __future__ import annotations

import hashlib
import time
from pathlib import Path
from typing import Any

from flask import Blueprint, Response, abort, current_app, request
from flask.typing import ResponseReturnValue
from sqlalchemy.exc import OperationalError

from songrec.jobs import queue
from songrec.store.catalogue import cover_subjects
from songrec.store.catalogue.cover_subjects import CoverSubject
from songrec.store.catalogue.tracks import TrackView
from songrec.store.db import db
from songrec.store.sound import waveform_cache
from songrec.store.sound.waveform_cache import COVER_PIXELS
from songrec.web.covers import drawing
from songrec.web.covers.palettes import group_palette
from songrec.web.covers.shapes import Picture, to_png, to_svg
from songrec.web.downloads import send_stored_file
from songrec.web.http_caching import YEAR
from songrec.web.page_urls import url_for

blueprint = Blueprint("covers", __name__, url_prefix="/covers")

DRAWING_SECONDS = 7 * 24 * 3600
"""Cache lifetime of a drawing, which changes with the song's attributes and a new picture."""
WAITING_SECONDS = 60
"""Cache lifetime of a drawing in place of a picture that is not scaled yet."""
PREVIEW = "preview"
"""Size of PNGs for link previews and the system's media controls."""
PREVIEW_PIXELS = 480
VERSION_DIGITS = 8
REQUEST_SECONDS = 10.0
_requested: dict[Path, float] = {}
"""Time of this process's last request to scale pictures, by instance folder."""


@blueprint.get("/songs/<public_id>")
def song(public_id: str) -> ResponseReturnValue:
    """Send the cover of a song: its own picture, its album's, or a drawing."""
    subject = cover_subjects.of_track(db.session, public_id)
    if subject is None:
        abort(404, "No such song in the catalogue.")
    return _send(subject)


@blueprint.get("/albums/<public_id>")
def album(public_id: str) -> ResponseReturnValue:
    """Send the cover of an album: a picture from one of its files, or a drawing."""
    subject = cover_subjects.of_album(db.session, public_id)
    if subject is None:
        abort(404, "No such album in the catalogue.")
    return _send(subject)


@blueprint.get("/groups/<int(signed=True):number>")
def group(number: int) -> ResponseReturnValue:
    """Send the drawing of a sound group in its colour."""
    subject = drawing.Subject(f"sound group {number}")
    return _send_drawing(drawing.draw_in_colour(subject, group_palette(number)), DRAWING_SECONDS)


@blueprint.get("/drawn/<seed>")
def drawn(seed: str) -> ResponseReturnValue:
    """Send the drawing of something outside the catalogue, such as an upload."""
    return _send_drawing(drawing.draw(drawing.Subject(seed)), DRAWING_SECONDS)


def cover_address(track: TrackView, size: str = "small") -> str:
    """Return the URL of a song's cover: of its own picture, else its album's cover."""
    if track.album_id and not track.picture:
        return album_cover_address(track.album_id, size)
    version = track.picture[:VERSION_DIGITS] if track.picture else drawing.VERSION
    return url_for("covers.song", public_id=track.public_id, v=version, **_size_parameters(size))


def album_cover_address(public_id: str, size: str = "small") -> str:
    """Return the URL of an album's cover."""
    return url_for("covers.album", public_id=public_id, v=drawing.VERSION, **_size_parameters(size))


def group_cover_address(number: int) -> str:
    """Return the URL of a sound group's drawing."""
    return url_for("covers.group", number=number, v=drawing.VERSION)


def drawn_cover_address(seed: str) -> str:
    """Return the URL of the drawing of a subject."""
    # A digest, because the name of an uploaded song is private.
    digest = hashlib.blake2b(seed.encode(), digest_size=8).hexdigest()
    return url_for("covers.drawn", seed=digest, v=drawing.VERSION)


def _size_parameters(size: str) -> dict[str, Any]:
    """Return the URL parameters of a size, none for ``small``; absolute URLs for link previews."""
    if size == PREVIEW:
        return {"size": size, "_external": True}
    return {} if size == "small" else {"size": size}


def _send(subject: CoverSubject) -> Response:
    instance = current_app.config["INSTANCE"]
    file = subject.picture
    if file is not None:
        size = request.args.get("size", "small")
        size = "large" if size == PREVIEW else size if size in COVER_PIXELS else "small"
        path = waveform_cache.thumbnail_path(instance, file.content_hash, size)
        if path.is_file():
            return _send_picture(path, file.content_hash, size)
        if file.path.is_file():
            _request_scaling(instance)
    sound = waveform_cache.find(instance, subject.sound) if subject.sound else None
    picture = drawing.draw(
        drawing.Subject(subject.public_id, subject.traits, sound.peaks if sound else ())
    )
    return _send_drawing(picture, DRAWING_SECONDS if file is None else WAITING_SECONDS)


def _request_scaling(instance: Path) -> None:
    """Queue the scaling of pictures, but not often, because a page requests fifty covers at once.

    If the database is locked, nothing is queued until the next page.
    """
    moment = time.monotonic()
    if moment - _requested.get(instance, -REQUEST_SECONDS) < REQUEST_SECONDS:
        return
    _requested[instance] = moment
    try:
        queue.enqueue_once(db.session, "covers", {})
        db.session.commit()
    except OperationalError:
        db.session.rollback()


def _send_picture(path: Path, content_hash: str, size: str) -> Response:
    response = send_stored_file(
        path, path.name, "image/jpeg", max_age=DRAWING_SECONDS, etag=f"{content_hash}-{size}"
    )
    response.cache_control.public = True
    if request.args.get("v") == content_hash[:VERSION_DIGITS]:
        response.cache_control.max_age = YEAR
        response.cache_control.immutable = True
    return response


def _send_drawing(picture: Picture, seconds: int) -> Response:
    if request.args.get("size") == PREVIEW:
        response = Response(to_png(picture, PREVIEW_PIXELS), mimetype="image/png")
    else:
        response = Response(to_svg(picture), mimetype="image/svg+xml")
    response.cache_control.public = True
    response.cache_control.max_age = seconds
    response.add_etag()
    return response.make_conditional(request)
