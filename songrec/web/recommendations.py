"""Pages of recommendations, each with its reasons."""

from __future__ import annotations

import secrets
from dataclasses import replace

from flask import Blueprint, Flask, abort, render_template, request
from marshmallow import fields, validate

from songrec.core.errors import NotReady
from songrec.services.recommendation import for_listener
from songrec.services.recommendation.for_listener import ListenerFeedback
from songrec.services.recommendation.options import DEFAULT_RERANKING, MAX_PER_ARTIST
from songrec.services.recommendation.recommendation_list import recommendation_list
from songrec.store.catalogue import tracks
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.runs import runs
from songrec.web import cached_counts, query_args
from songrec.web.current_listener import current_listener

blueprint = Blueprint("recommendations", __name__)

COUNTS = (10, 20, 50)
CAPS = (1, 2, 3, 5, 0)
DRAWS = 1_000_000
N_MORE = 20
ARGS = query_args.schema(
    method=fields.String(load_default=None),
    discovery=query_args.Clamped(0, 1, load_default=0.0),
    variety=query_args.Clamped(0, 1, load_default=0.0),
    novelty=query_args.Clamped(0, 1, load_default=0.0),
    freshness=query_args.Clamped(0, 1, load_default=0.0),
    per_artist=fields.Integer(load_default=MAX_PER_ARTIST, validate=validate.OneOf(CAPS)),
    surprise=fields.Integer(load_default=None, validate=validate.Range(0, 10**9 - 1)),
    view=fields.String(load_default="", validate=validate.OneOf(("", "rows"))),
    n=fields.Integer(load_default=COUNTS[1], validate=validate.OneOf(COUNTS)),
)


def init_app(app: Flask) -> None:
    """Register the page."""
    app.register_blueprint(blueprint)


@blueprint.get("/recommendations")
def page() -> str:
    """Show recommendations; method, re-ranking and number are in the URL."""
    args, _ = query_args.load(ARGS, request.args)
    method, count, view, discovery = (args.pop(one) for one in ("method", "n", "view", "discovery"))
    by = replace(DEFAULT_RERANKING, **args)
    page = recommendation_list(
        current_instance(),
        current_listener(),
        method=method,
        by=by,
        n=count,
        as_rows=view == "rows",
        discovery=discovery,
    )
    chosen = {name: request.args[name] for name in ARGS.fields if name in request.args}
    chosen.pop("surprise", None)
    draw = secrets.randbelow(DRAWS)
    return render_template(
        "recommendations/page.html",
        page=page,
        feedback=page.feedback,
        by=by,
        discovery=discovery,
        caps=CAPS,
        draw=draw,
        shuffle_again={**chosen, "surprise": draw},
        back_to_best=chosen,
        count=count,
        view=view,
        counts=COUNTS,
        clusters=cached_counts.clusters(db.session, page.run),
        reactions=page.feedback.reactions,
    )


@blueprint.get("/tracks/<public_id>/more")
def more_like(public_id: str) -> str:
    """Show more songs like one song, tuned to the listener's likes."""
    run = runs.published(db.session)
    track = tracks.find_track(db.session, public_id, run)
    if track is None:
        abort(404, f"No song “{public_id[:40]}” in the catalogue.")
    feedback = ListenerFeedback.load(db.session, current_listener())
    songs, problem = [], ""
    try:
        songs = for_listener.more_like_song(current_instance(), track, feedback, N_MORE)
    except NotReady as error:
        problem = str(error)
    return render_template(
        "recommendations/more.html",
        track=track,
        songs=songs,
        problem=problem,
        likes=feedback.likes,
        clusters=cached_counts.clusters(db.session, run),
        reactions=feedback.reactions,
    )
