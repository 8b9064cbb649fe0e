"""Covers of songs, albums and sound groups: a picture of the file or folder, else a drawing."""

from __future__ import annotations

from flask import Flask


def init_app(app: Flask) -> None:
    """Register the endpoints, and the templates' functions for URLs of covers."""
    from songrec.web.covers import views

    app.register_blueprint(views.blueprint)
    app.add_template_global(views.cover_address, "cover_address")
    app.add_template_global(views.album_cover_address, "album_cover_address")
    app.add_template_global(views.group_cover_address, "group_cover_address")
    app.add_template_global(views.drawn_cover_address, "drawn_cover_address")
