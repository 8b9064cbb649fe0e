"""Files and texts that are sent under a name of their own (RFC 6266, RFC 8187)."""

from __future__ import annotations

import io
import unicodedata
from pathlib import Path
from typing import Any
from urllib.parse import quote

from flask import Response, send_file
from werkzeug.http import dump_options_header

from songrec.core.file_names import safe_file_name

LATEST = 253_402_300_799
"""The last second of the year 9999, after which a header has no date."""


def download(text: str, media_type: str, name: str) -> Response:
    """Return ``text`` as an UTF-8 attachment called ``name``.

    How long it may be kept is left to ``http_caching``: what belongs to somebody is private.
    """
    response = send_file(io.BytesIO(text.encode()), media_type, download_name="text")
    response.content_type = f"{media_type}; charset=utf-8"
    response.headers["Content-Disposition"] = content_disposition(name, attachment=True)
    del response.headers["Cache-Control"]
    return response


def send_stored_file(path: Path, name: str, media_type: str, **options: Any) -> Response:
    """Send a file under ``name``, whatever characters or date it has; ranges allow seeking.

    ``options`` as for ``flask.send_file``.
    """
    changed = min(max(path.stat().st_mtime, 0.0), LATEST)
    response = send_file(
        path,
        media_type,
        download_name="file",
        conditional=True,
        last_modified=changed,
        **options,
    )
    response.headers["Content-Disposition"] = content_disposition(name, attachment=False)
    return response


def content_disposition(name: str, *, attachment: bool) -> str:
    """Return the header that names a file: in its own letters, and in ASCII for old programs."""
    name = safe_file_name(name)
    options = {"filename": _ascii(name)}
    if options["filename"] != name:
        options["filename*"] = f"UTF-8''{quote(name, safe='!#$&+-.^_`|~')}"
    return dump_options_header("attachment" if attachment else "inline", options)


def _ascii(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name)
    letters = (one for one in decomposed if not unicodedata.combining(one))
    # Some programs take "%41" and "\\A" for an "A".
    return "".join(one if one.isascii() and one not in '%"\\' else "_" for one in letters)
