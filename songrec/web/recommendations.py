"""Recommendations for the listener, each with its reasons."""

from __future__ import annotations

import math

from flask import Blueprint, Flask, current_app, render_template, request

from songrec.core.errors import NotReady
from songrec.pipeline import recommending
from songrec.recommend.registry import METHODS
from songrec.store import listeners, runs
from songrec.store.db import db
from songrec.web import facts
from songrec.web.listening import current_listener

blueprint = Blueprint("recommendations", __name__)

COUNTS = (10, 20, 50)
LIKES_COUNTED = 500
"""The newest likes (and as many dislikes) count, who likes more has changed since; none of the
older ones comes back either."""


def init_app(app: Flask) -> None:
    """Register the page."""
    app.register_blueprint(blueprint)


@blueprint.get("/recommendations")
def page() -> str:
    """Songs for what I like: method, variety and number are in the address."""
    listener = current_listener()
    run = runs.published(db.session)
    likes, dislikes = listeners.reactions(db.session, listener) if listener else ([], [])
    method = request.args.get("method", METHODS.names()[0])
    method = method if method in METHODS else METHODS.names()[0]
    variety = _share(request.args.get("variety", "0"))
    count = request.args.get("n", type=int)
    count = count if count in COUNTS else COUNTS[1]
    found, problem = [], ""
    if likes and run is not None:
        try:
            found = recommending.recommend_for(
                db.session,
                current_app.config["INSTANCE"],
                likes[:LIKES_COUNTED],
                dislikes[:LIKES_COUNTED],
                heard=[*likes[LIKES_COUNTED:], *dislikes[LIKES_COUNTED:]],
                method=method,
                variety=variety,
                n=count,
            )
        except NotReady as error:
            problem = str(error)
    return render_template(
        "recommendations/page.html",
        run=run,
        likes=likes,
        dislikes=dislikes,
        found=found,
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


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return min(max(value, 0.0), 1.0) if math.isfinite(value) else 0.0
