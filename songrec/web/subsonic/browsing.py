"""The library by artists, albums and genres."""

from __future__ import annotations

from flask.typing import ResponseReturnValue

from songrec.store.catalogue import tracks
from songrec.store.db import db
from songrec.web.subsonic import ids, parameters
from songrec.web.subsonic.answers import answer, not_found
from songrec.web.subsonic.endpoints import endpoint
from songrec.web.subsonic.songs import children


@endpoint("getSong")
def song() -> ResponseReturnValue:
    """Describe one song."""
    named = ids.parse(parameters.require("id"))
    view = tracks.find_track(db.session, named.public_id) if named.kind == ids.SONG else None
    listed = children([view.id]) if view is not None else []
    if not listed:
        raise not_found("song")
    return answer({"song": listed[0]})
