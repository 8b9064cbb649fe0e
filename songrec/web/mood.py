"""The mood page: the songs nearest to a genre and an emotion, or to seven sliders."""

from __future__ import annotations

from flask import Blueprint, Flask, render_template, request

from songrec.core.attributes import BY_NAME, SHARES
from songrec.services.recommendation import mood as moods
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.listeners import reactions
from songrec.store.runs import runs
from songrec.store.runs.spaces import published_space
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
    choices = cached_counts.mood_choices(db.session)
    mood = moods.Mood(
        _spelt("genre"),
        _spelt("emotion"),
        query_args.load(SLIDERS, request.args)[0] or None,
    )
    listener = current_listener()
    likes, dislikes = reactions.reactions(db.session, listener) if listener else ([], [])
    songs = []
    if not mood.is_empty:
        songs = moods.recommend_for_mood(
            current_instance(), mood, n=N_SONGS, dislikes=dislikes, listener=listener
        )
    presets = moods.sound_presets(published_space(current_instance()))
    return render_template(
        "mood/page.html",
        run=run,
        mood=mood,
        preset=next((name for name, sliders in presets.items() if sliders == mood.sliders), ""),
        choices=choices,
        presets=presets,
        target=moods.target_values(current_instance(), mood),
        found=songs,
        has_tagged=not songs and moods.has_tagged_songs(current_instance(), mood),
        near=[] if songs or mood.sliders else moods.nearest_moods(choices, mood),
        attributes=[BY_NAME[name] for name in SHARES],
        clusters=cached_counts.clusters(db.session, run),
        reactions=dict.fromkeys(likes, 1) | dict.fromkeys(dislikes, -1),
    )


def _spelt(kind: str) -> str | None:
    """Return the requested genre or emotion as the catalogue spells it, else as requested."""
    text = request.args.get(kind, "").strip()[:60]
    return moods.spell_tag(db.session, kind, text) or text or None
