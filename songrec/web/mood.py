"""The mood page: a genre and an emotion, or seven sliders; the nearest songs answer."""

from __future__ import annotations

import math
from collections.abc import Iterable

from flask import Blueprint, Flask, current_app, render_template, request

from songrec.core.attributes import BY_NAME, SHARES
from songrec.services.recommendation import mood as moods
from songrec.services.recommendation.options import MOOD_GENRES
from songrec.store.catalogue import tracks
from songrec.store.db import db
from songrec.store.listeners import reactions
from songrec.store.runs import runs
from songrec.web import cached_counts
from songrec.web.current_listener import current_listener

blueprint = Blueprint("mood", __name__)

SHOWN = 20


def init_app(app: Flask) -> None:
    """Register the page."""
    app.register_blueprint(blueprint)


@blueprint.get("/mood")
def page() -> str:
    """Songs for a mood; everything asked for is in the address."""
    run = runs.published(db.session)
    if run is None:
        return render_template("mood/page.html", run=None)
    known = cached_counts.remembered(
        ("mood emotions", str(current_app.config["INSTANCE"])),
        tracks.version(db.session),
        lambda: moods.emotions(db.session),
    )
    mood = moods.Mood(
        _spelt(request.args.get("genre", ""), MOOD_GENRES),
        _spelt(request.args.get("emotion", ""), known),
        {name: value for name in SHARES if (value := _slider(name)) is not None} or None,
    )
    instance = current_app.config["INSTANCE"]
    listener = current_listener()
    likes, dislikes = reactions.reactions(db.session, listener) if listener else ([], [])
    return render_template(
        "mood/page.html",
        run=run,
        mood=mood,
        genres=MOOD_GENRES,
        emotions=known,
        target=moods.target_values(db.session, instance, mood),
        found=[]
        if mood.is_empty
        else moods.recommend_for_mood(db.session, instance, mood, n=SHOWN, dislikes=dislikes),
        attributes=[BY_NAME[name] for name in SHARES],
        clusters=cached_counts.clusters(db.session, run),
        reactions=dict.fromkeys(likes, 1) | dict.fromkeys(dislikes, -1),
    )


def _spelt(asked: str, known: Iterable[str]) -> str | None:
    """``asked`` as it is spelt among ``known``, whatever its capitals; None where it is not."""
    return next((name for name in known if name.lower() == asked.lower()), None)


def _slider(name: str) -> float | None:
    try:
        value = float(request.args.get(name, ""))
    except ValueError:
        return None
    return min(max(value, 0.0), 1.0) if math.isfinite(value) else None
