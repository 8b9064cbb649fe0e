"""Recommendations for the listener, each with its reasons."""

from __future__ import annotations

import math

from flask import Blueprint, Flask, abort, current_app, render_template, request

from songrec.core.errors import NotReady
from songrec.pipeline import for_listener, recommending, ways
from songrec.pipeline.for_listener import Known
from songrec.recommend.registry import METHODS
from songrec.store import catalogue, runs
from songrec.store.db import db
from songrec.web import facts
from songrec.web.listening import current_listener

blueprint = Blueprint("recommendations", __name__)

COUNTS = (10, 20, 50)
MORE_SHOWN = 20


def init_app(app: Flask) -> None:
    """Register the page."""
    app.register_blueprint(blueprint)


@blueprint.get("/recommendations")
def page() -> str:
    """Songs for what I like: method, variety and number are in the address."""
    listener = current_listener()
    run = runs.published(db.session)
    known = Known.of(db.session, listener)
    likes, dislikes = known.likes, known.dislikes
    method = request.args.get("method", METHODS.names()[0])
    method = method if method in METHODS else METHODS.names()[0]
    variety = _share(request.args.get("variety", "0"))
    count = request.args.get("n", type=int)
    count = count if count in COUNTS else COUNTS[1]
    found, problem, change = [], "", None
    if likes and run is not None:
        try:
            found = for_listener.recommend(
                db.session,
                current_app.config["INSTANCE"],
                known,
                method=method,
                variety=variety,
                n=count,
            )
        except NotReady as error:
            problem = str(error)
        if listener is not None and not problem:
            change = for_listener.changed(
                db.session,
                listener,
                known,
                f"{method}|{variety}|{count}|{run.public_id}",
                [item.track.id for item in found],
            )
            db.session.commit()
    return render_template(
        "recommendations/page.html",
        run=run,
        likes=likes,
        dislikes=dislikes,
        found=found,
        change=change,
        problem=problem,
        methods=METHODS,
        method=method,
        variety=variety,
        count=count,
        counts=COUNTS,
        starters=recommending.starters(db.session, run) if run and not likes else [],
        clusters=facts.clusters(db.session, run),
        reactions=dict.fromkeys(likes, 1) | dict.fromkeys(dislikes, -1),
    )


@blueprint.get("/tracks/<public_id>/more")
def more_like(public_id: str) -> str:
    """More like one song, with what I like as the background."""
    run = runs.published(db.session)
    track = catalogue.find_track(db.session, public_id, run)
    if track is None:
        abort(404, f"There is no song “{public_id[:40]}” in the catalogue.")
    known = Known.of(db.session, current_listener())
    found, problem = [], ""
    try:
        instance = current_app.config["INSTANCE"]
        found = ways.more_like(db.session, instance, track, known, MORE_SHOWN)
    except NotReady as error:
        problem = str(error)
    return render_template(
        "recommendations/more.html",
        track=track,
        found=found,
        problem=problem,
        likes=known.likes,
        clusters=facts.clusters(db.session, run),
        reactions=dict.fromkeys(known.likes, 1) | dict.fromkeys(known.dislikes, -1),
    )


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return min(max(value, 0.0), 1.0) if math.isfinite(value) else 0.0
