"""Requests of listeners to keep uploads in the library, which an admin grants or refuses."""

from __future__ import annotations

from flask import abort, current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from songrec.store.db import db
from songrec.store.listeners import users
from songrec.store.sound import kept_songs as store
from songrec.store.sound import uploads
from songrec.store.tables import Upload, User
from songrec.web.admin import blueprint
from songrec.web.upload import queue_keep


@blueprint.get("/kept-songs")
def kept_songs() -> ResponseReturnValue:
    """List the songs that wait for a decision."""
    rows = store.requests(db.session)
    names = users.names_by_listener(db.session, [row.listener_id for row in rows])
    return render_template(
        "admin/kept_songs.html", uploads=rows, names=names, policy=current_app.config["KEEP"]
    )


@blueprint.post("/kept-songs/<public_id>/grant")
def grant_song(public_id: str) -> ResponseReturnValue:
    """Take a song into the library, where everybody hears it."""
    upload = _requested(public_id)
    if queue_keep(upload, db.session.get_one(User, current_user.id)):
        db.session.commit()
        flash(f"{upload.name} gets into the library.", "success")
    return redirect(url_for("admin.kept_songs"), 303)


@blueprint.post("/kept-songs/<public_id>/refuse")
def refuse_song(public_id: str) -> ResponseReturnValue:
    """Refuse a request; the song is deleted within an hour."""
    upload = _requested(public_id)
    if store.refuse(db.session, upload):
        db.session.commit()
        flash(f"{upload.name} is not kept. It is deleted within an hour.", "success")
    return redirect(url_for("admin.kept_songs"), 303)


def _requested(public_id: str) -> Upload:
    upload = uploads.find(db.session, public_id)
    if upload is None:
        abort(404, "No such request: its song was deleted.")
    return upload
