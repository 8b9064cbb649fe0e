"""Server-rendered pages. A view reads the request, calls a service and renders a template.

This process never imports tensorflow, keras, sklearn, librosa or torch: work that needs them is
a job.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

# Modules with `init_app(app)`, in the order in which they are set up.
MODULES: tuple[str, ...] = (
    "lazy_rules",
    "request_log",
    "prefix",
    "security",
    "ranges",
    "http_caching",
    "errors",
    "health",
    "metrics",
    "template_context",
    "song_lists",
    "auth",
    "pages",
    "map",
    "likes",
    "rules",
    "recommendations",
    "playlists",
    "shared_playlists",
    "mixes",
    "mood",
    "word_search",
    "player",
    "covers",
    "installation",
    "fonts",
    "search",
    "stations",
    "suggest",
    "account_data",
    "list_imports",
    "match_decisions",
    "elsewhere",
    "servers",
    "upload",
    "api",
    "audiomuse",
    "subsonic",
    "admin",
)


def init_app(app: Flask) -> None:
    """Set up security, accounts, error pages and every blueprint."""
    from songrec.web import request_log

    for name in MODULES:
        importlib.import_module(f"songrec.web.{name}").init_app(app)
    request_log.wrap(app)
