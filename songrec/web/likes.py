"""What the listener likes and dislikes, and reacting to a song."""

from __future__ import annotations

from flask import Blueprint, Flask, abort, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from songrec.pipeline import recommending
from songrec.store import catalogue, listeners, runs
from songrec.store.db import db
from songrec.web import facts, security
from songrec.web.errors import wants_json
from songrec.web.listening import current_listener, require_listener

blueprint = Blueprint("likes", __name__)

SHOWN = 500
"""More likes than this are kept and count, but one page does not list them."""

VALUES = {"like": listeners.LIKE, "dislike": listeners.DISLIKE, "none": None}


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(blueprint)


@blueprint.get("/likes")
def page() -> str:
    """What I like and what I do not, each to be taken back; songs to start from without any."""
    listener = current_listener()
    run = runs.published(db.session)
    likes, dislikes = listeners.reactions(db.session, listener) if listener else ([], [])
    return render_template(
        "likes/page.html",
        run=run,
        likes=catalogue.tracks_by_id(db.session, likes[:SHOWN], run),
        like_total=len(likes),
        dislike_total=len(dislikes),
        dislikes=catalogue.tracks_by_id(db.session, dislikes[:SHOWN], run),
        starters=recommending.starters(db.session, run) if run and not likes else [],
        clusters=facts.clusters(db.session, run),
    )


@blueprint.post("/tracks/<public_id>/reaction")
def react(public_id: str) -> ResponseReturnValue:
    """Like a song, dislike it, or take either back; answers JSON where that is asked for."""
    value = request.form.get("value", "")
    if value not in VALUES:
        abort(400, "A reaction is like, dislike or none.")
    track = catalogue.find_track(db.session, public_id)
    if track is None:
        abort(404, f"There is no song “{public_id[:40]}” in the catalogue.")
    # Taking back what was never said makes no listener.
    listener = require_listener() if VALUES[value] else current_listener()
    likes, dislikes = 0, 0
    if listener is not None:
        listeners.react(db.session, listener, track.id, VALUES[value])
        likes, dislikes = listeners.counts(db.session, listener)
        db.session.commit()
    if wants_json():
        return jsonify(value=value, likes=likes, dislikes=dislikes)
    return redirect(security.back(url_for("pages.track", public_id=track.public_id)), 303)
