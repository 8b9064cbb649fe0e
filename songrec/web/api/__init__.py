"""The JSON API under ``/api/v1``, described by OpenAPI 3.1.

Errors are problem details (RFC 9457). Requests are authenticated by token, else by the browser's
cookie; changes by cookie need the CSRF token.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import flask_smorest
import marshmallow as ma
from flask import Blueprint as PlainBlueprint
from webargs.flaskparser import FlaskParser

if TYPE_CHECKING:
    from flask import Flask


class _StrictParser(FlaskParser):
    """webargs' parser, with an error for unknown names, which are most likely typing errors."""

    DEFAULT_UNKNOWN_BY_LOCATION = {  # noqa: RUF012 - the base class declares a dict
        **FlaskParser.DEFAULT_UNKNOWN_BY_LOCATION,
        "query": ma.RAISE,
        "json": ma.RAISE,
        "files": ma.RAISE,
    }


class Blueprint(flask_smorest.Blueprint):
    """flask-smorest's blueprint, strict about arguments."""

    ARGUMENTS_PARSER = _StrictParser()


blueprint = Blueprint("api", __name__, url_prefix="/api/v1")
# The same views at URLs outside the prefix.
aliases = PlainBlueprint("api_aliases", __name__)


def init_app(app: Flask) -> None:
    """Register the views, the OpenAPI document and its page."""
    from songrec.web.api import (  # noqa: F401
        account,
        artists,
        audio,
        authentication,
        catalogue,
        imports,
        lists,
        mixes,
        recommendations,
        removals,
        rules,
        runs_and_jobs,
    )
    from songrec.web.api.docs import pages
    from songrec.web.security import csrf

    # Checked in `authentication`: requests with a token need no CSRF protection.
    for each in (blueprint, aliases):
        csrf.exempt(each)
    for each in (blueprint, aliases, pages):
        app.register_blueprint(each)
