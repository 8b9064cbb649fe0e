"""The page of the search by words in lyrics, tags and titles."""

from __future__ import annotations

from flask import Blueprint, Flask, abort, render_template, request

from songrec.core.errors import NotReady
from songrec.services.similarity import sound_word_search, word_search
from songrec.store.catalogue import lyrics, tracks
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.runs import runs
from songrec.web import cached_counts
from songrec.web.current_listener import current_reactions

blueprint = Blueprint("words", __name__)

N_HITS = 20
MAX_QUERY = 200


def init_app(app: Flask) -> None:
    """Register the page."""
    app.register_blueprint(blueprint)


@blueprint.get("/words")
def page() -> str:
    """Show songs that match words, or whose lyrics are similar to another song's.

    Of lyrics the words that matched are shown and nothing else.
    """
    text = request.args.get("q", "").strip()[:MAX_QUERY]
    run = runs.published(db.session)
    like, hits, problem = None, [], ""
    if name := request.args.get("like", ""):
        like = tracks.find_track(db.session, name, run)
        if like is None:
            abort(404, f"No song “{name[:40]}” in the catalogue.")
        try:
            hits = word_search.similar_lyrics(current_instance(), like.id, N_HITS)
        except NotReady:
            problem = "This song has no lyrics here, or they have not been prepared yet."
    elif text:
        hits = sound_word_search.search(current_instance(), text, N_HITS)
    return render_template(
        "words/page.html",
        text=text,
        like=like,
        hits=hits,
        problem=problem,
        sung=lyrics.sung(db.session, [item.track.id for item in hits]),
        ready=bool(hits) or lyrics.any_prepared(db.session),
        clusters=cached_counts.clusters(db.session, run),
        reactions=current_reactions(),
    )
