"""Pages of recommendations, each with its reasons."""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Mapping
from dataclasses import replace

from flask import Blueprint, Flask, abort, current_app, render_template, request

from songrec.core.errors import NotReady
from songrec.services.recommendation import for_listener
from songrec.services.recommendation.for_listener import ListenerFeedback
from songrec.services.recommendation.options import DEFAULT_RERANKING, MAX_PER_ARTIST, Reranking
from songrec.services.recommendation.recommendation_list import recommendation_list
from songrec.store.catalogue import tracks
from songrec.store.db import db
from songrec.store.runs import runs
from songrec.web import cached_counts, segment_waveforms
from songrec.web.current_listener import current_listener

blueprint = Blueprint("recommendations", __name__)

COUNTS = (10, 20, 50)
CAPS = (1, 2, 3, 5, 0)
DRAWS = 1_000_000
N_MORE = 20
FIELDS = ("method", "variety", "novelty", "freshness", "per_artist", "n")


def init_app(app: Flask) -> None:
    """Register the page."""
    app.register_blueprint(blueprint)


@blueprint.get("/recommendations")
def page() -> str:
    """Show recommendations; method, re-ranking and number are in the URL."""
    by = _reranking(request.args)
    count = request.args.get("n", type=int)
    count = count if count in COUNTS else COUNTS[1]
    page = recommendation_list(
        db.session,
        current_app.config["INSTANCE"],
        current_listener(),
        method=request.args.get("method"),
        by=by,
        n=count,
    )
    chosen = {name: request.args[name] for name in FIELDS if name in request.args}
    draw = secrets.randbelow(DRAWS)
    return render_template(
        "recommendations/page.html",
        page=page,
        feedback=page.feedback,
        waves=segment_waveforms.waves(page.matched_segments),
        by=by,
        caps=CAPS,
        draw=draw,
        shuffle_again={**chosen, "surprise": draw},
        back_to_best=chosen,
        count=count,
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
        instance = current_app.config["INSTANCE"]
        songs = for_listener.more_like_song(db.session, instance, track, feedback, N_MORE)
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


def _reranking(args: Mapping[str, str]) -> Reranking:
    """Return the re-ranking that the URL asks for; unusable values are ignored."""
    cap = args.get("per_artist", "")
    seed = args.get("surprise", "")
    return replace(
        DEFAULT_RERANKING,
        **{name: _share(args.get(name, "0")) for name in ("variety", "novelty", "freshness")},
        per_artist=int(cap) if cap in {str(each) for each in CAPS} else MAX_PER_ARTIST,
        surprise=int(seed) if re.fullmatch(r"[0-9]{1,9}", seed, re.ASCII) else None,
    )


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return min(max(value, 0.0), 1.0) if math.isfinite(value) else 0.0
