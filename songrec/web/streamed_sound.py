"""Streaming of songs from music servers through songrec."""

from __future__ import annotations

from flask import abort, current_app, request
from flask.wrappers import Response
from limits import RateLimitItemPerMinute

from songrec.core.errors import NotReady
from songrec.store.instance import current_instance
from songrec.store.tables import AudioFile, Listener
from songrec.web import security

STREAMS = RateLimitItemPerMinute(120, 1)
"""Rate limit of requests to music servers per listener; players request several ranges per song."""


def send_streamed(file: AudioFile, listener: Listener | None, media_type: str) -> Response:
    """Send a song from its music server unchanged, with ranges if the server supports them.

    503 with one line if the server does not send it.
    """
    if request.method == "HEAD":
        response = current_app.response_class(content_type=media_type)
        response.content_length = file.size or None  # not every server says it
        response.headers["Accept-Ranges"] = "bytes"
        return response
    from songrec.services.servers.sound import open_sound

    security.count_from_here(STREAMS, "streamed")
    byte_range = request.headers.get("Range", "")
    is_range = byte_range.startswith("bytes=") and len(byte_range) <= 100
    try:
        sound = open_sound(current_instance(), file, listener, byte_range if is_range else None)
    except NotReady as error:
        abort(503, str(error))
    response = current_app.response_class(sound.chunks, sound.status, content_type=media_type)
    response.headers.update(sound.headers)
    response.cache_control.no_store = True
    return response
