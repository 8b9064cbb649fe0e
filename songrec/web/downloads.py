"""Text sent as a file."""

from __future__ import annotations

import io

from flask import Response, send_file


def download(text: str, media_type: str, name: str) -> Response:
    """Return ``text`` as an UTF-8 attachment called ``name``.

    How long it may be kept is left to ``http_caching``: what belongs to somebody is private.
    """
    response = send_file(io.BytesIO(text.encode()), as_attachment=True, download_name=name)
    response.content_type = f"{media_type}; charset=utf-8"
    del response.headers["Cache-Control"]
    return response
