"""Covers for apps: the picture in a file or its folder, else a rasterised drawing."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from flask import Response, current_app
from flask.typing import ResponseReturnValue

from songrec.services.features import cover_pictures
from songrec.store.catalogue import cover_subjects
from songrec.store.catalogue.cover_subjects import CoverSubject
from songrec.store.catalogue.playable_library import LOOSE, playable_library
from songrec.store.db import db
from songrec.store.listeners import mixes, playlists
from songrec.store.sound import waveform_cache
from songrec.store.sound.waveform_cache import COVER_PIXELS
from songrec.web.covers import drawing
from songrec.web.covers.shapes import to_png
from songrec.web.downloads import send_stored_file
from songrec.web.subsonic import ids, parameters
from songrec.web.subsonic.answers import not_found
from songrec.web.subsonic.authentication import caller
from songrec.web.subsonic.endpoints import endpoint

PICTURE_SECONDS = 24 * 3600
DRAWING_SECONDS = 3600
"""Cache lifetime of a drawing, which changes with a song's first play or a new picture."""
LARGEST_PIXELS = 10_000


@endpoint("getCoverArt")
def cover_art() -> ResponseReturnValue:
    """Send the cover of a song, album, artist, playlist or mix."""
    reference = ids.parse(parameters.require("id"))
    subject = _subject(reference)
    if subject is None:
        raise not_found("cover")
    pixels = parameters.integer("size", LARGEST_PIXELS, high=LARGEST_PIXELS) or LARGEST_PIXELS
    return _send(subject, pixels)


def _subject(reference: ids.Reference) -> CoverSubject | None:
    """Return the subject of a cover; None if it is not visible to the caller."""
    session, public_id = db.session, reference.public_id
    match reference.kind:
        case ids.SONG:
            return cover_subjects.of_track(session, public_id)
        case ids.ALBUM if public_id == LOOSE:  # songs of nobody
            album = playable_library(session).album(public_id)
            songs = playable_library(session).album_tracks(album) if album else []
            return cover_subjects.of_list(session, public_id, songs) if songs else None
        case ids.ALBUM if public_id.startswith(LOOSE):
            return cover_subjects.of_artist(session, public_id.removeprefix(LOOSE))
        case ids.ALBUM:
            return cover_subjects.of_album(session, public_id)
        case ids.ARTIST:
            return cover_subjects.of_artist(session, public_id)
        case ids.MIX:
            mix = mixes.find(session, public_id, caller().listener)
            # The drawing changes with each renewal, so that a new list is recognisable.
            seed = f"{public_id} {mix.made_at}" if mix is not None else ""
            return CoverSubject(seed, {}, None, None) if mix is not None else None
    playlist = playlists.find(session, public_id, caller().listener)
    if playlist is None:
        return None
    return cover_subjects.of_list(session, public_id, playlists.tracks(session, playlist))


def _send(subject: CoverSubject, pixels: int) -> Response:
    instance = current_app.config["INSTANCE"]
    largest = max(COVER_PIXELS, key=COVER_PIXELS.__getitem__)
    size = next((name for name, side in COVER_PIXELS.items() if side >= pixels), largest)
    file = subject.picture
    if file is not None:
        path = waveform_cache.thumbnail_path(instance, file.content_hash, size)
        if not path.is_file() and file.path.is_file():
            db.session.commit()  # nothing stays locked meanwhile
            cover_pictures.scale_now(instance, file.path, file.content_hash)
        if path.is_file():
            etag = f"{file.content_hash}-{size}"
            return send_stored_file(
                path, path.name, "image/jpeg", max_age=PICTURE_SECONDS, etag=etag
            )
    response = Response(_draw(instance, subject, COVER_PIXELS[size]), mimetype="image/png")
    response.cache_control.private = True
    # Limit caching of drawings, because a picture may still be waiting to be scaled.
    response.cache_control.max_age = 0 if file is not None else DRAWING_SECONDS
    return response


def _draw(instance: Path, subject: CoverSubject, pixels: int) -> bytes:
    sound = waveform_cache.find(instance, subject.sound) if subject.sound else None
    traits = tuple(sorted(subject.traits.items()))
    return _png(subject.public_id, traits, tuple(sound.peaks) if sound else (), pixels)


@lru_cache(maxsize=512)
def _png(
    seed: str,
    traits: tuple[tuple[str, float | None], ...],
    peaks: tuple[float, ...],
    pixels: int,
) -> bytes:
    """Return a drawn cover as a PNG, cached for repeated requests of a page."""
    return to_png(drawing.draw(drawing.Subject(seed, dict(traits), peaks)), pixels)
