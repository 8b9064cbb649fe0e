"""What a browser needs to install songrec as an application.

A manifest, icons, and a service worker that keeps what all pages share and nothing else.
"""

from __future__ import annotations

import functools
import hashlib
import importlib.metadata
import re
from pathlib import Path

from flask import (
    Blueprint,
    Flask,
    Response,
    abort,
    current_app,
    json,
    render_template,
    request,
    url_for,
)

from songrec.web.covers.shapes import SIZE, Picture, to_png
from songrec.web.fonts.faces import file_name
from songrec.web.http_caching import YEAR
from songrec.web.template_context import asset

blueprint = Blueprint("installation", __name__)

NAME = "songrec"
DESCRIPTION = "Songs by how they sound, each with a reason."
PAPER = {"light": "#fbfaf7", "dark": "#161512"}
"""The pages' background, as in ``static/css/theme.css``."""
ACCENT, WHITE = "#b93a22", "#ffffff"
STYLES = ("theme", "pages", "player")
SCRIPTS = (
    "theme",
    "notices",
    "menus",
    "search",
    "reactions",
    "waveform",
    "player/start",
    "browse",
    "offline",
)
FACES = ("hanken-grotesk", "source-serif")
"""What ``base.html`` names: the styles, scripts and typefaces of every page."""
ICON_PIXELS = (180, 192, 512)
ICON_VERSION = 1
MARGIN = 0.16
"""Share of an icon around its sign: systems cut icons to circles and other shapes."""
_GRID = 24.0
_DISCS = ((6.5, 17.0, 3.0), (17.5, 14.5, 2.2), (13.0, 5.0, 1.5))
_LINES = (((9.5, 17.0), (9.5, 6.5)), ((9.5, 6.5), (13.0, 5.0)), ((9.5, 11.0), (17.5, 14.0)))
_HALF_WIDTH = 0.8


def init_app(app: Flask) -> None:
    """Register the addresses."""
    app.register_blueprint(blueprint)
    app.add_template_global(icon_address, "icon_address")
    app.add_template_global(PAPER, "paper_colours")


@blueprint.get("/manifest.webmanifest")
def manifest() -> Response:
    """Describe the application; its addresses lie below the prefix of this songrec."""
    home = url_for("pages.home")
    document = {
        "id": home,
        "name": NAME,
        "short_name": NAME,
        "description": DESCRIPTION,
        "start_url": home,
        "scope": home,
        "display": "standalone",
        "background_color": PAPER["light"],
        "theme_color": PAPER["light"],
        "icons": [
            {
                "src": icon_address(pixels),
                "sizes": f"{pixels}x{pixels}",
                "type": "image/png",
                "purpose": purpose,
            }
            for pixels in ICON_PIXELS
            for purpose in ("any", "maskable")
        ],
    }
    response = Response(json.dumps(document), mimetype="application/manifest+json")
    response.cache_control.public = True
    response.cache_control.max_age = 24 * 3600
    return response


@blueprint.get("/icons/<int:pixels>.png")
def icon(pixels: int) -> Response:
    """Send the application's icon."""
    if pixels not in ICON_PIXELS:
        abort(404, "No icon of this size.")
    response = Response(_icon(pixels), mimetype="image/png")
    response.cache_control.public = True
    response.cache_control.max_age = YEAR
    response.cache_control.immutable = True
    response.add_etag()
    return response.make_conditional(request)


@blueprint.get("/offline")
def offline() -> str:
    """Show what browsers keep for when the server does not answer."""
    return render_template("installation/offline.html")


@blueprint.get("/service-worker.js")
def service_worker() -> Response:
    """Send the service worker, whose scope is this songrec."""
    response = Response(_worker(request.script_root), mimetype="text/javascript")
    # A browser looks for a new one by itself, and must not ask its own cache.
    response.cache_control.no_cache = True
    response.add_etag()
    return response.make_conditional(request)


@functools.lru_cache(maxsize=8)
def _worker(root: str) -> str:
    """Return the service worker of a songrec below ``root``."""
    page = render_template("installation/offline.html")
    shell = [
        *re.findall(r'<link[^>]* href="([^"]+)"', page),
        *(asset(f"css/{name}.css") for name in STYLES),
        *(asset(f"js/{name}.js") for name in SCRIPTS),
        *(url_for("fonts.font", name=name) for name in FACES),
        asset("icons.svg"),
    ]
    code = Path(str(current_app.static_folder), "js", "service-worker.js").read_text("utf-8")
    # The addresses of these have no digest of their content.
    packages = [importlib.metadata.version("bootstrap-flask"), *map(file_name, FACES)]
    content = f"{shell}{packages}{page}{code}"
    digest = hashlib.blake2b(content.encode(), digest_size=5).hexdigest()
    constants = {
        "SHELL": list(dict.fromkeys(shell)),
        "OFFLINE": url_for("installation.offline"),
        "CACHE": f"songrec {root}/ {digest}",
    }
    lines = [f"const {name} = {json.dumps(value)};\n" for name, value in constants.items()]
    return "".join([*lines, code])


def icon_address(pixels: int) -> str:
    """Return the URL of the application's icon."""
    return url_for("installation.icon", pixels=pixels, v=ICON_VERSION)


@functools.lru_cache(maxsize=len(ICON_PIXELS))
def _icon(pixels: int) -> bytes:
    scale = SIZE / _GRID
    picture = Picture(ACCENT)
    for (ax, ay), (bx, by) in _LINES:
        length = ((bx - ax) ** 2 + (by - ay) ** 2) ** 0.5
        dx, dy = (by - ay) / length * _HALF_WIDTH, (ax - bx) / length * _HALF_WIDTH
        corners = ((ax + dx, ay + dy), (bx + dx, by + dy), (bx - dx, by - dy), (ax - dx, ay - dy))
        picture.polygon(WHITE, *((x * scale, y * scale) for x, y in corners))
        picture.disc(WHITE, bx * scale, by * scale, _HALF_WIDTH * scale)
    for x, y, radius in _DISCS:
        picture.disc(WHITE, x * scale, y * scale, radius * scale)
    return to_png(picture, pixels, margin=MARGIN)
