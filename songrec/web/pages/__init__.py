"""The pages of the catalogue: home, clusters, songs, artists and albums."""

from __future__ import annotations

from flask import Blueprint, Flask

blueprint = Blueprint("pages", __name__)


def init_app(app: Flask) -> None:
    """Register the pages."""
    from songrec.web.pages import artists, home, progress, tracks  # noqa: F401  (importing adds their routes)

    app.register_blueprint(blueprint)
