"""The mood page: the songs nearest to a genre and an emotion, or to seven sliders."""

from __future__ import annotations

from collections.abc import Iterable

from flask import Blueprint, Flask, current_app, render_template, request

from songrec.core.attributes import BY_NAME, SHARES
from songrec.services.recommendation import mood as moods
from songrec.services.recommendation.options import MOOD_GENRES
from songrec.store.catalogue import tracks
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.listeners import reactions
from songrec.store.runs import runs
from songrec.web import cached_counts, query_args
from songrec.web.current_listener import current_listener

blueprint = Blueprint("mood", __name__)

N_SONGS = 20
SLIDERS = query_args.schema(**{name: query_args.Clamped(0, 1) for name in SHARES})


def init_app(app: Flask) -> None:
    """Register the page."""
    app.register_blueprint(blueprint)


@blueprint.get("/mood")
def page() -> str:
    """Show songs for a mood; genre, emotion and sliders are in the URL."""
    run = runs.published(db.session)
    if run is None:
        return render_template("mood/page.html", run=None)
    emotions = cached_counts.cached_value(
        ("mood emotions", str(current_app.config["INSTANCE"])),
        tracks.version(db.session),
        lambda: moods.emotions(db.session),
    )
    mood = moods.Mood(
        _spelt(request.args.get("genre", ""), MOOD_GENRES),
        _spelt(request.args.get("emotion", ""), emotions),
        query_args.load(SLIDERS, request.args)[0] or None,
    )
    listener = current_listener()
    likes, dislikes = reactions.reactions(db.session, listener) if listener else ([], [])
    return render_template(
        "mood/page.html",
        run=run,
        mood=mood,
        genres=MOOD_GENRES,
        emotions=emotions,
        target=moods.target_values(current_instance(), mood),
        found=[]
        if mood.is_empty
        else moods.recommend_for_mood(current_instance(), mood, n=N_SONGS, dislikes=dislikes),
        attributes=[BY_NAME[name] for name in SHARES],
        clusters=cached_counts.clusters(db.session, run),
        reactions=dict.fromkeys(likes, 1) | dict.fromkeys(dislikes, -1),
    )


def _spelt(text: str, names: Iterable[str]) -> str | None:
    """Return the one of ``names`` that is ``text``, whatever its capitals, or None."""
    return next((name for name in names if name.lower() == text.lower()), None)
