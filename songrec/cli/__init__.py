"""Thin Click commands: each parses its arguments, calls one service and prints the result.

Heavy imports stay inside the commands. A ``SongrecError`` becomes one line and exit code 1.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

# One module per group of commands; each has `COMMANDS`, a tuple of click commands.
MODULES: tuple[str, ...] = (
    "catalogue",
    "analyze",
    "audiomuse",
    "library",
    "duplicates",
    "recommend",
    "runs",
    "compare",
    "report",
    "predict",
    "evaluate",
    "artists",
    "segments",
    "word_search",
    "models",
    "users",
    "accounts",
    "app_password",
    "invitations",
    "lists",
    "listenbrainz",
    "mixes",
    "servers",
    "serve",
    "backup",
)


def init_app(app: Flask) -> None:
    """Register all commands with the application's ``flask`` command line."""
    for name in MODULES:
        for command in importlib.import_module(f"songrec.cli.{name}").COMMANDS:
            app.cli.add_command(command)
