"""What a search may mean, while somebody types it into the field of the header."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, make_response, render_template, request

from songrec.services.catalogue.search_suggestions import suggest
from songrec.store.db import db
from songrec.store.runs import runs
from songrec.web import cached_counts

blueprint = Blueprint("search", __name__, url_prefix="/search")

MAX_LENGTH = 100
SECONDS = 60
"""For how long a browser may keep suggestions: whoever deletes a letter sees them again at once."""


def init_app(app: Flask) -> None:
    """Register the address."""
    app.register_blueprint(blueprint)


@blueprint.get("/suggestions")
def suggestions() -> Response:
    """Return songs, artists, albums and sound groups as a piece of a page."""
    text = request.args.get("q", "")[:MAX_LENGTH].strip()
    run = runs.published(db.session)
    clusters = cached_counts.clusters(db.session, run)
    results = suggest(db.session, text, run, clusters.values()) if text else None
    response = make_response(
        render_template("search/suggestions.html", text=text, found=results, clusters=clusters)
    )
    response.cache_control.public = True
    response.cache_control.max_age = SECONDS
    return response
