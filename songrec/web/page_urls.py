"""Fast construction of URLs, because a list of songs has hundreds of them.

``url_for`` matches the endpoint against the rules and quotes every value in each call. Plain values
are only inserted into its result, so it is called once for each set of parameters, and later URLs
are made from this template.
"""

from __future__ import annotations

import re
from typing import Any

import flask
from flask import Flask, Request, current_app, has_request_context, request
from werkzeug.routing import BuildError

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")
"""Values that need no quoting in URLs."""
_MOST = 1_000
"""Templates; each path prefix that a proxy names has its own."""
_NUMBER = 98_765_432_100
"""Placeholders for numbers in URLs."""
_STORE = "songrec.page_urls"


def url_for(endpoint: str, **values: Any) -> str:
    """Return what ``flask.url_for`` returns."""
    if endpoint[0] == "." or not has_request_context():
        return flask.url_for(endpoint, **values)
    plain = []
    for name, value in values.items():
        kind = type(value)
        if name[0] == "_" or not (kind is int or (kind is str and _PLAIN.fullmatch(value))):
            return flask.url_for(endpoint, **values)
        plain.append(str(value))
    # The objects themselves: each attribute of a proxy takes as long as all the rest.
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]
    own: Request = request._get_current_object()  # type: ignore[attr-defined]
    templates = app.extensions.setdefault(_STORE, {})
    key = (own.root_path, endpoint, *values, *map(type, values.values()))
    if key not in templates:
        if len(templates) >= _MOST:
            templates.clear()
        templates[key] = _template(endpoint, values)
    template = templates[key]
    if template is None:
        return flask.url_for(endpoint, **values)
    parts, order = template
    address = parts[0]
    for part, at in zip(parts[1:], order, strict=True):
        address += plain[at] + part
    return address


def _template(endpoint: str, values: dict[str, Any]) -> tuple[list[str], list[int]] | None:
    """Return the text around the values and their order; None if it depends on the values."""
    rules = (
        current_app.url_map.iter_rules(endpoint) if endpoint in current_app.view_functions else ()
    )
    if any(rule.defaults or rule.host for rule in rules):
        return None
    marks = [
        _NUMBER + number if type(value) is int else f"zzMark{number}zz"
        for number, value in enumerate(values.values())
    ]
    try:
        address = flask.url_for(endpoint, **dict(zip(values, marks, strict=True)))
    except (BuildError, ValueError):  # a converter takes no such text
        return None
    texts = [str(mark) for mark in marks]
    if any(address.count(text) != 1 for text in texts):
        return None
    if not texts:
        return [address], []
    pieces = re.split("(" + "|".join(texts) + ")", address)
    return pieces[0::2], [texts.index(text) for text in pieces[1::2]]
