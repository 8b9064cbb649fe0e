"""The OpenSubsonic API below ``/rest``: the library as apps of other makers browse and play it.

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

    # Nobody's browser signs in here by itself: credentials are parameters of each request.
    csrf.exempt(blueprint)
    app.register_blueprint(blueprint)
