"""Addresses whose builders are compiled when something links to them.

werkzeug compiles two functions for every rule when it is added: most of the time that building an
application takes, and a process links to few of its hundreds of rules.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import Flask
from werkzeug.routing import Rule


class LazyRule(Rule):
    """A rule that compiles a function that builds its URL at the first call."""

    def _compile_builder(self, append_unknown: bool = True) -> Callable[..., tuple[str, str]]:
        compile_builder = super()._compile_builder
        compiled: Callable[..., tuple[str, str]] | None = None

        def build(rule: Rule, **values: Any) -> tuple[str, str]:
            nonlocal compiled
            if compiled is None:
                compiled = compile_builder(append_unknown)
            return compiled(rule, **values)

        return build


def init_app(app: Flask) -> None:
    """Use such rules for all that is registered from here on."""
    app.url_rule_class = LazyRule
