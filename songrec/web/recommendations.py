"""Recommendations for the listener, each with its reasons."""

from __future__ import annotations

import math
import re
import secrets
from collections.abc import Mapping
from dataclasses import replace

from flask import Blueprint, Flask, abort, current_app, render_template, request

from songrec.core.errors import NotReady
from songrec.core.registry import Entry
from songrec.core.types import Space
from songrec.recommend import ranking
from songrec.recommend.lists.rerank import (
    DEFAULT_RERANKING,
    MAX_PER_ARTIST,
    Reranking,
    available_criteria,
)
from songrec.recommend.registry import METHODS
from songrec.services.recommendation import for_listener, recommend
from songrec.services.recommendation.for_listener import ListenerFeedback
from songrec.store.catalogue import tracks
from songrec.store.db import db
from songrec.store.runs import runs
from songrec.store.runs.spaces import published_space
from songrec.web import cached_counts, segment_waveforms
from songrec.web.current_listener import current_listener

blueprint = Blueprint("recommendations", __name__)

COUNTS = (10, 20, 50)
CAPS = (1, 2, 3, 5, 0)
DRAWS = 1_000_000
MORE_SHOWN = 20
FIELDS = ("method", "variety", "novelty", "freshness", "per_artist", "n")


def init_app(app: Flask) -> None:
    """Register the page."""
    app.register_blueprint(blueprint)


@blueprint.get("/recommendations")
def page() -> str:
    """Songs for what I like: method, re-ranking and number are in the address."""
    listener = current_listener()
    run = runs.published(db.session)
    known = ListenerFeedback.load(db.session, listener)
    likes, dislikes = known.likes, known.dislikes
    instance = current_app.config["INSTANCE"]
    asked = request.args.get("method")
    asked = asked if asked in METHODS else None
    method, methods, there = asked or "taste", list(METHODS), frozenset[str]()
    by = _reranking(request.args)
    count = request.args.get("n", type=int)
    count = count if count in COUNTS else COUNTS[1]
    chosen = {name: request.args[name] for name in FIELDS if name in request.args}
    found, problem, change, is_cut, cut = [], "", None, True, None
    if likes and run is not None:
        try:
            space = published_space(db.session, instance)
            is_cut = asked != "fragments" or space.segments is not None
            cut = space.segments
            method, methods, there = (
                ranking.method_used(space, asked),
                _methods(space),
                available_criteria(space),
            )
            found = for_listener.recommend_for_listener(
                db.session, instance, known, method=method, by=by, n=count
            )
        except NotReady as error:
            problem = str(error)
        if listener is not None and not problem:
            change = for_listener.changed(
                db.session,
                listener,
                known,
                f"{method}|{_told(by)}|{count}|{run.public_id}",
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
        is_cut=is_cut,
        cut=cut if method == "fragments" else None,
        waves=segment_waveforms.waves(db.session, instance, found),
        problem=problem,
        methods=methods,
        method=method,
        used=METHODS.entry(method),
        by=by,
        there=there,
        caps=CAPS,
        draw=(draw := secrets.randbelow(DRAWS)),
        shuffle_again={**chosen, "surprise": draw},
        back_to_best=chosen,
        count=count,
        counts=COUNTS,
        starters=recommend.starters(db.session, run) if run and not likes else [],
        clusters=cached_counts.clusters(db.session, run),
        reactions=dict.fromkeys(likes, 1) | dict.fromkeys(dislikes, -1),
    )


@blueprint.get("/tracks/<public_id>/more")
def more_like(public_id: str) -> str:
    """More like one song, with what I like as the background."""
    run = runs.published(db.session)
    track = tracks.find_track(db.session, public_id, run)
    if track is None:
        abort(404, f"No song “{public_id[:40]}” in the catalogue.")
    known = ListenerFeedback.load(db.session, current_listener())
    found, problem = [], ""
    try:
        instance = current_app.config["INSTANCE"]
        found = for_listener.more_like_song(db.session, instance, track, known, MORE_SHOWN)
    except NotReady as error:
        problem = str(error)
    return render_template(
        "recommendations/more.html",
        track=track,
        found=found,
        problem=problem,
        likes=known.likes,
        clusters=cached_counts.clusters(db.session, run),
        reactions=dict.fromkeys(known.likes, 1) | dict.fromkeys(known.dislikes, -1),
    )


def _methods(space: Space) -> list[Entry]:
    """Those that the run can answer by, the one that measures best first."""
    best = ranking.method_used(space)
    offered = [entry for entry in METHODS if ranking.method_used(space, entry.name) == entry.name]
    return sorted(offered, key=lambda entry: (entry.name != best, entry.name != "taste"))


def _reranking(args: Mapping[str, str]) -> Reranking:
    """What an address asks for, as far as it makes sense."""
    cap = args.get("per_artist", "")
    seed = args.get("surprise", "")
    return replace(
        DEFAULT_RERANKING,
        **{name: _share(args.get(name, "0")) for name in ("variety", "novelty", "freshness")},
        per_artist=int(cap) if cap in {str(each) for each in CAPS} else MAX_PER_ARTIST,
        surprise=int(seed) if re.fullmatch(r"[0-9]{1,9}", seed, re.ASCII) else None,
    )


def _told(by: Reranking) -> str:
    """What makes two answers comparable, briefly."""
    return f"{by.variety:g}|{by.novelty:g}|{by.freshness:g}|{by.per_artist}|{by.surprise}"


def _share(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return min(max(value, 0.0), 1.0) if math.isfinite(value) else 0.0
