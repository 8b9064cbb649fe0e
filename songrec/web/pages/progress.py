"""Progress of setting up, on the home page and for the script that updates it."""

from __future__ import annotations

from flask import Response, g, jsonify
from flask_login import current_user

from songrec.services.library import setup_progress
from songrec.services.library.setup_progress import SetupProgress
from songrec.store.catalogue import tracks
from songrec.store.catalogue.tracks import TrackView
from songrec.store.db import db
from songrec.store.sound import audio_files
from songrec.web.pages import blueprint

SONGS_SHOWN = 12


@blueprint.app_template_global("setup_progress")
def visible_progress() -> SetupProgress | None:
    """Return the progress that the current visitor may see, read once per request.

    Failures are for admins.
    """
    if "setup_progress" not in g:
        progress = setup_progress.current(db.session)
        is_hidden = progress is not None and progress.failure is not None and not _is_admin()
        g.setup_progress = None if is_hidden else progress
    shown: SetupProgress | None = g.setup_progress
    return shown


@blueprint.app_template_global("setup_songs")
def songs_so_far() -> list[TrackView]:
    """Return the first songs that can be played, while nothing can be recommended yet."""
    ids = audio_files.first_playable(db.session, SONGS_SHOWN)
    return tracks.tracks_by_id(db.session, ids)


@blueprint.get("/progress")
def progress() -> Response:
    """Return the progress as JSON; ``active`` is false without a running set-up."""
    shown = visible_progress()
    if shown is None or shown.failure is not None:
        response = jsonify(active=False)
    else:
        response = jsonify(
            active=True, sentence=shown.sentence, share=shown.share, stage=shown.stage
        )
    response.headers["Cache-Control"] = "no-store"
    return response


def _is_admin() -> bool:
    return current_user.is_authenticated and current_user.is_admin
