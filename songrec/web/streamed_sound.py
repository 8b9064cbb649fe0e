"""Streaming of songs from music servers through songrec."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import ExitStack

from flask import abort, current_app, request
from flask.wrappers import Response
from limits import RateLimitItemPerMinute
from werkzeug.exceptions import ServiceUnavailable

from songrec.core.errors import NotReady
from songrec.services.features.conversion_slots import Busy, ConversionSlots
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.tables import AudioFile, Listener
from songrec.web import personal_jobs, security

STREAMS = RateLimitItemPerMinute(120, 1)
"""Rate limit of requests to music servers per network; players request several ranges per song."""
MOST_AT_ONCE = 8
"""Songs that a web process streams at once: each holds one of its threads."""
MOST_EACH = 4
"""Of these, those of one person: what plays, the next song, and ranges that are just being left."""
WAIT_S = 3.0
"""Seconds to wait for another stream to end."""
RETRY_AFTER = 5
_slots = ConversionSlots(MOST_AT_ONCE, MOST_EACH, "streamed")


def send_streamed(
    file: AudioFile, listener: Listener | None, media_type: str, owner: str | None = None
) -> Response:
    """Send a song from its music server unchanged, with ranges if the server supports them.

    ``owner`` is a key of who signed in otherwise than by a cookie. 503 with one line if the server
    does not send it, or too many songs are being streamed.
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
    owner = owner or personal_jobs.owner_key()
    with ExitStack() as slot:
        try:
            db.session.commit()  # nothing stays locked meanwhile
            _slots.acquire(owner, WAIT_S)
            slot.callback(_slots.release, owner)
            sound = open_sound(current_instance(), file, listener, byte_range if is_range else None)
        except Busy as error:
            raise ServiceUnavailable(str(error), retry_after=RETRY_AFTER) from None
        except NotReady as error:
            abort(503, str(error))
        response = current_app.response_class(status=sound.status, content_type=media_type)
        response.headers.update(sound.headers)
        response.cache_control.no_store = True
        playing = slot.pop_all()
        response.response = closing(sound.chunks, playing)
        response.call_on_close(playing.close)  # also where nothing was read
    return response


def closing(chunks: Iterable[bytes], stack: ExitStack) -> Iterator[bytes]:
    """Yield ``chunks``, then close ``stack``."""
    with stack:
        yield from chunks
