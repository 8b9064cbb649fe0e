"""Files and texts that are sent under a name of their own (RFC 6266, RFC 8187)."""

from __future__ import annotations

import io
import os
import unicodedata
from pathlib import Path
from urllib.parse import quote

from flask import Response, current_app, send_file

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


def send_stored_file(
    path: Path, name: str, media_type: str, *, max_age: int, etag: str | bool = True
) -> Response:
    """Send a file under ``name``, whatever characters or date it has; ranges allow seeking.

    With ``SONGREC_SENDFILE`` the proxy sends it, and answers ranges and conditions.

    Parameters
    ----------
    max_age
        Seconds for which it may be kept; 0 to ask every time.
    etag
        Its entity tag; True for one of its date and size.
    """
    if current_app.config["SENDFILE"] is not None:
        response = _hand_over(path, media_type, max_age)
    else:
        response = send_file(
            path,
            media_type,
            download_name="file",
            conditional=True,
            last_modified=min(max(path.stat().st_mtime, 0.0), LATEST),
            max_age=max_age,
            etag=etag,
        )
    response.headers["Content-Disposition"] = content_disposition(name, attachment=False)
    return response


def _hand_over(path: Path, media_type: str, max_age: int) -> Response:
    """Return a response without a body that names a file for the proxy to send."""
    header, prefix = current_app.config["SENDFILE"]
    response = current_app.response_class(content_type=media_type)
    # Proxies decode the path, so every byte that is not plain is encoded.
    absolute = os.fsencode(os.path.abspath(path)).lstrip(b"/")  # noqa: PTH100 - links stay links
    response.headers[header] = prefix + quote(absolute, safe="/")
    response.cache_control.max_age = max_age
    if max_age:
        response.cache_control.public = True
    else:
        response.cache_control.no_cache = True
    return response


def content_disposition(name: str, *, attachment: bool) -> str:
    """Return the header that names a file: in its own letters, and in ASCII for old programs."""
    name = safe_file_name(name)
    plain = _ascii(name)
    # Always in quotation marks: some programs read no other form.
    header = f'{"attachment" if attachment else "inline"}; filename="{plain}"'
    if plain != name:
        header += f"; filename*=UTF-8''{quote(name, safe='!#$&+-.^_`|~')}"
    return header


def _ascii(name: str) -> str:
    decomposed = unicodedata.normalize("NFKD", name)
    letters = (one for one in decomposed if not unicodedata.combining(one))
    # Some programs take "%41" and "\\A" for an "A".
    return "".join(one if one.isascii() and one not in '%"\\' else "_" for one in letters)
