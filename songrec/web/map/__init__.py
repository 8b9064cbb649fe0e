"""The map: all tracks of the published run at the coordinates of its projection."""

from __future__ import annotations

from flask import Flask

from songrec.web.map.views import assets, blueprint


def init_app(app: Flask) -> None:
    """Register the endpoints of the map and of Plotly."""
    app.register_blueprint(blueprint)
    app.register_blueprint(assets)
