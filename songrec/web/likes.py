"""Pages of likes and dislikes, and reactions to songs."""

from __future__ import annotations

from flask import (
    Blueprint,
    Flask,
    abort,
    flash,
    jsonify,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue

from songrec.core.errors import BadInput
from songrec.services.recommendation import for_listener, recommend
from songrec.store.catalogue import tracks
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.listeners import listens, reactions, skips
from songrec.store.runs import runs
from songrec.web import cached_counts, security
from songrec.web.current_listener import current_listener, require_listener
from songrec.web.errors import wants_json

blueprint = Blueprint("likes", __name__)

MAX_LISTED = 500
"""Limit of likes on a page; further ones count but are not listed."""

VALUES = {"like": reactions.LIKE, "dislike": reactions.DISLIKE, "none": None}


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(blueprint)


@blueprint.get("/likes")
def page() -> str:
    """Show likes and dislikes, or songs to start from."""
    listener = current_listener()
    run = runs.published(db.session)
    likes, dislikes = reactions.reactions(db.session, listener) if listener else ([], [])
    return render_template(
        "likes/page.html",
        run=run,
        likes=tracks.tracks_by_id(db.session, likes[:MAX_LISTED], run),
        like_total=len(likes),
        dislike_total=len(dislikes),
        dislikes=tracks.tracks_by_id(db.session, dislikes[:MAX_LISTED], run),
        weights=reactions.weights(db.session, listener) if listener else {},
        skip_count=len(skips.recent_counts(db.session, listener)) if listener else 0,
        starters=recommend.starters(current_instance(), run, listener) if run and not likes else [],
        clusters=cached_counts.clusters(db.session, run),
    )


@blueprint.post("/tracks/<public_id>/reaction")
def react(public_id: str) -> ResponseReturnValue:
    """Set or remove a like or dislike; the response is JSON on request."""
    value = request.form.get("value", "")
    if value not in VALUES:
        abort(400, "value must be like, dislike or none.")
    track = tracks.find_track(db.session, public_id)
    if track is None:
        abort(404, f"No song “{public_id[:40]}” in the catalogue.")
    # Removing a reaction must not create a listener.
    listener = require_listener() if VALUES[value] else current_listener()
    likes, dislikes = 0, 0
    if listener is not None:
        for_listener.remember_list(db.session, listener, request.form.get("seen", ""))
        reactions.react(db.session, listener, track.id, VALUES[value])
        likes, dislikes = reactions.counts(db.session, listener)
        db.session.commit()
    if wants_json():
        return jsonify(value=value, likes=likes, dislikes=dislikes)
    if value == "dislike" and "seen" not in request.form:
        # The page of recommendations describes the changes itself.
        flash((track.title, track.public_id), "removed")
    return redirect(security.back(url_for("pages.track", public_id=track.public_id)), 303)


@blueprint.post("/tracks/<public_id>/weight")
def weigh(public_id: str) -> ResponseReturnValue:
    """Set the weight of a like: 1, 2 or 3."""
    weight = request.form.get("weight", type=int)
    listener = current_listener()
    track = tracks.find_track(db.session, public_id)
    values = reactions.values(db.session, listener, [track.id]) if listener and track else {}
    if listener is None or track is None or values.get(track.id) != reactions.LIKE:
        abort(404, "You do not like this song.")
    if weight is None:
        raise BadInput("weight must be 1, 2 or 3.")
    reactions.react(db.session, listener, track.id, reactions.LIKE, weight)
    db.session.commit()
    if wants_json():
        return jsonify(weight=weight)
    return redirect(security.back(url_for("likes.page", _anchor=f"t-{track.public_id}")), 303)


@blueprint.post("/tracks/<public_id>/play")
def play(public_id: str) -> ResponseReturnValue:
    """Record that a song was played, for listeners who keep a history."""
    security.count_from_here(security.PLAYS_ADDRESS, "play")
    track = tracks.find_track(db.session, public_id)
    if track is None:
        abort(404, f"No song “{public_id[:40]}” in the catalogue.")
    is_recorded = listens.record_play(db.session, require_listener(), track)
    db.session.commit()
    if wants_json():
        return jsonify(recorded=is_recorded)
    return redirect(security.back(url_for("pages.track", public_id=track.public_id)), 303)


@blueprint.post("/tracks/<public_id>/skip")
def skip(public_id: str) -> ResponseReturnValue:
    """Record that a song was left after ``after`` seconds, if within 30 s."""
    track = tracks.find_track(db.session, public_id)
    if track is None:
        abort(404, f"No song “{public_id[:40]}” in the catalogue.")
    after = request.form.get("after", type=float)
    if after is None or not 0 <= after < skips.MAX_SECONDS:
        raise BadInput(f"A skip happens within the first {skips.MAX_SECONDS} seconds of a song.")
    skips.record(db.session, require_listener(), track.id)
    db.session.commit()
    if wants_json():
        return jsonify(skipped=True)
    return redirect(security.back(url_for("pages.track", public_id=track.public_id)), 303)
