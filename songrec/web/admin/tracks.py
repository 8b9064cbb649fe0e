"""Removal of a track by an admin."""

from __future__ import annotations

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue

from songrec.core.errors import BadInput
from songrec.services.library.remove_track import RemovedFiles, remove_track
from songrec.store.catalogue import tracks
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.web import library_updates
from songrec.web.admin import blueprint
from songrec.web.template_context import count


@blueprint.post("/tracks/<public_id>/remove")
def remove(public_id: str) -> ResponseReturnValue:
    """Remove a track from the library, with its file."""
    track = tracks.find_track(db.session, public_id)
    if track is None or track.public_id != public_id:
        abort(404, "No such song: it may be removed already.")
    if request.form.get("sure") != "yes":
        raise BadInput("Tick the box first: this cannot be undone.")
    done = remove_track(
        current_instance(), track.id, delete_files=request.form.get("files") == "yes"
    )
    library_updates.queue_refresh()
    flash(f"“{track.title}” is removed{_files(done)}.", "success")
    return redirect(url_for("pages.tracks"), 303)


def _files(done: RemovedFiles) -> str:
    if done.deleted:
        return f" and {count(len(done.deleted), 'file', 'files')} deleted"
    return "; its file stays in its folder" if done.left else ""
