"""The OpenSubsonic API below ``/rest``, by which other apps browse and play the library.

Each endpoint is a view without arguments that reads its ``parameters`` and returns
``answers.answer(…)``. The specification is https://opensubsonic.netlify.app.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask


def init_app(app: Flask) -> None:
    """Register the endpoints."""
    from songrec.web.security import csrf
    from songrec.web.subsonic import (  # noqa: F401  (importing adds their routes)
        absent,
        annotation,
        browsing,
        covers,
        lists,
        media,
        play_queue,
        playlists,
        recommendations,
        scanning,
        searching,
        system,
        transcoding,
    )
    from songrec.web.subsonic.endpoints import blueprint

    # No CSRF protection needed: credentials are parameters of each request, not cookies.
    csrf.exempt(blueprint)
    app.register_blueprint(blueprint)
