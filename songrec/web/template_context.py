"""What every template may use: navigation, asset addresses, number formats, the theme."""

from __future__ import annotations

import functools
import hashlib
import re
import unicodedata
from pathlib import Path
from typing import Any

from flask import Flask, current_app, g, request
from jinja2.ext import Extension
from markupsafe import Markup, escape

from songrec.core.attributes import BY_NAME, format_attribute, key_name
from songrec.core.version import VERSION
from songrec.services.similarity.artist_pages import space_or_none
from songrec.services.similarity.song_traits import telling_words
from songrec.store.catalogue.tracks import TrackView
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.listeners import reactions
from songrec.web import access, segment_waveforms
from songrec.web.current_listener import current_listener
from songrec.web.listen_elsewhere import listen_elsewhere
from songrec.web.page_urls import url_for

# Endpoint, name and icon of each link in the header, and further endpoints for which it is current.
NAVIGATION = (
    ("pages.home", "Home", "home", ("recommendations.page", "recommendations.more_like")),
    (
        "pages.tracks",
        "Browse",
        "browse",
        (
            "pages.track",
            "pages.artist",
            "pages.album",
            "pages.cluster",
            "words.page",
            "mood.page",
        ),
    ),
    ("map.page", "Map", "map", ()),
    ("stations.index", "Radio", "radio", ("stations.show", "stations.path", "stations.blend")),
    (
        "playlists.index",
        "Playlists",
        "list",
        ("playlists.show", "mixes.index", "mixes.show"),
    ),
    ("upload.index", "Upload", "upload", ("upload.show",)),
)
# The listener's own pages in the menu: endpoint, name, and the part of the page.
TASTE_MENU = (
    ("recommendations.page", "For you", None),
    ("likes.page", "Your likes", None),
    ("me.page", "Your taste", None),
    ("rules.page", "Left out of recommendations", None),
    ("me.page", "Import and export", "import"),
)


def init_app(app: Flask) -> None:
    """Bootstrap's local files and our template globals and filters."""
    from flask_bootstrap import Bootstrap5

    Bootstrap5(app)
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.add_extension(WithoutIndentation)
    app.add_template_filter(duration)
    app.add_template_filter(count)
    app.add_template_filter(signed)
    app.add_template_filter(isolate_titles)
    app.add_template_global(url_for, "url_for")
    app.add_template_global(format_attribute, "format_attribute")
    app.add_template_global(key_name, "key_name")
    app.add_template_global(listen_elsewhere, "elsewhere")
    app.add_template_global(BY_NAME, "attribute_info")
    app.context_processor(_context)


def _context() -> dict[str, Any]:
    theme = request.cookies.get("theme")
    return {
        "theme": theme if theme in ("light", "dark") else None,
        "navigation": [n for n in NAVIGATION if n[0] in current_app.view_functions],
        "taste_menu": TASTE_MENU,
        "root": request.script_root or "/",
        "version": VERSION,
        "asset": asset,
        "sprite": asset("icons.svg"),
        "here": here,
        "like_count": like_count,
        "moments_of": segment_waveforms.moments_of,
        "traits_of": traits_of,
        "may_listen": access.may_listen,
        "may_see_catalogue": access.may_see_catalogue,
    }


def here() -> str:
    """Return the current page's path and query; the home page for anything but a GET."""
    if request.method != "GET":
        return url_for("pages.home")
    return request.script_root + (request.full_path if request.query_string else request.path)


def like_count() -> int:
    """Return the number of the current listener's likes, queried once per request."""
    if "like_count" not in g:
        listener = current_listener()
        g.like_count = reactions.like_count(db.session, listener) if listener else 0
    return g.like_count


def traits_of(track: TrackView) -> tuple[str, ...]:
    """Return the most descriptive adjectives of a song; empty before a run is published."""
    if "space" not in g:
        g.space = space_or_none(current_instance())
    return telling_words(g.space, track.attributes) if g.space is not None else ()


def asset(filename: str) -> str:
    """Return the URL of a static file, with a digest of its content for caching."""
    version = _digest(f"{current_app.static_folder}/{filename}")
    query = f"?v={version}" if version else ""
    return f"{request.root_path}{current_app.static_url_path}/{filename}{query}"


def is_current(path: str, version: str | None) -> bool:
    """Return whether ``version`` is the digest of the static file at this path."""
    filename = path.removeprefix(f"{current_app.static_url_path}/")
    return bool(version) and _digest(f"{current_app.static_folder}/{filename}") == version


@functools.lru_cache(maxsize=256)
def _digest(name: str) -> str | None:
    path = Path(name)
    return hashlib.blake2b(path.read_bytes(), digest_size=5).hexdigest() if path.is_file() else None


def duration(milliseconds: int | None) -> str:
    """Milliseconds as minutes and seconds: ``3:47``."""
    if not milliseconds:
        return ""
    minutes, seconds = divmod(round(milliseconds / 1000), 60)
    return f"{minutes}:{seconds:02d}"


def count(number: int, one: str = "", many: str = "") -> str:
    """Format a number with thousands separators and, if given, the noun that agrees."""
    noun = (one if number == 1 else many) if one else ""
    return f"{number:,} {noun}".strip()


_INDENTATION = re.compile("^[ \t]+", re.MULTILINE)
_QUOTED = re.compile("“(.*?)”", re.DOTALL)


class WithoutIndentation(Extension):
    """Pages are sent without the indentation of their templates, a twentieth of a page's bytes.

    It is removed once, when a template is compiled; line breaks stay.
    """

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        """Remove the spaces at the beginning of every line of a template."""
        return _INDENTATION.sub("", source)


def isolate_titles(sentence: str) -> str:
    """Mark up the quoted titles of a sentence, so that their direction does not reach beyond them.

    A sentence all of whose letters are written from left to right stays as it is.
    """
    if all(unicodedata.bidirectional(letter) not in ("R", "AL") for letter in sentence):
        return sentence
    return Markup(_QUOTED.sub(r"“<bdi>\1</bdi>”", str(escape(sentence))))  # noqa: S704 - escaped


def signed(number: float) -> str:
    """Format a contribution with its sign; what rounds to nothing has none."""
    text = f"{number:+.3f}"
    return "0.000" if text in ("+0.000", "-0.000") else text
