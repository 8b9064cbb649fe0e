"""The latent map: every track of the published run in the plane that the run's projection made."""

from __future__ import annotations

from flask import Flask

from songrec.web.map.views import assets, blueprint


def init_app(app: Flask) -> None:
    """Register the map's addresses and the one that Plotly is served from."""
    app.register_blueprint(blueprint)
    app.register_blueprint(assets)
