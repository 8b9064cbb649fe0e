"""Suggestions while typing in the search field of the header."""

from __future__ import annotations

from flask import Blueprint, Flask, Response, make_response, render_template, request

from songrec.services.catalogue.search_suggestions import suggest
from songrec.store.db import db
from songrec.store.runs import runs
from songrec.web import cached_counts

blueprint = Blueprint("search", __name__, url_prefix="/search")

MAX_LENGTH = 100
SECONDS = 60
"""Cache lifetime of suggestions, so that they reappear at once when a letter is deleted."""


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
