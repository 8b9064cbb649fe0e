"""The address of the typefaces' files."""

from __future__ import annotations

import threading
from pathlib import Path

from flask import Blueprint, Flask, abort, current_app, send_file
from flask.typing import ResponseReturnValue

from songrec.core.errors import SongrecError
from songrec.core.files import write_bytes
from songrec.core.isolation import IsolatedProcess, Limits
from songrec.web.fonts.faces import FACES, INSTALLED, file_name, make_face

blueprint = Blueprint("fonts", __name__)

CACHE_SECONDS = 30 * 24 * 3600
LIMITS = Limits(seconds=180.0, memory_bytes=2**30)
_lock = threading.Lock()
_begun: set[Path] = set()


@blueprint.get("/assets/fonts/<name>.woff2")
def font(name: str) -> ResponseReturnValue:
    """Send a face; 404 until it is made, so that no page waits for it."""
    file = file_name(name) if name in FACES else None
    if file is None:
        abort(404, "No such typeface here.")
    cached = current_app.config["INSTANCE"] / "cache" / "fonts" / file
    path = next((one for one in (INSTALLED / file, cached) if one.is_file()), None)
    if path is None:
        _begin(name, cached)
        abort(404, "This typeface is not made yet.")
    # Not handed to the proxy, which need not be able to read the environment.
    response = send_file(path, "font/woff2", max_age=CACHE_SECONDS)
    response.cache_control.public = True
    return response


def _begin(name: str, path: Path) -> None:
    """Make a face in the background, once for each process."""
    with _lock:
        if path in _begun:
            return
        _begun.add(path)
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    threading.Thread(target=make_file, args=(app, name, path), daemon=True).start()


def make_file(app: Flask, name: str, path: Path) -> None:
    """Make the file of a face, in a child process."""
    try:
        with IsolatedProcess() as process:
            face = process.call(make_face, name, limits=LIMITS)
        path.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(path, face["arrays"]["font"].tobytes())
    except (SongrecError, OSError) as error:
        app.logger.warning("The typeface %s could not be made: %s", name, error)
