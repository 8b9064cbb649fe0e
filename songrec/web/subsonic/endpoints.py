"""The blueprint at ``/rest``: registration of endpoints, sign-in, errors and CORS."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

from flask import Blueprint, current_app, request
from flask.typing import ResponseReturnValue
from flask.wrappers import Response
from sqlalchemy.exc import DataError, OperationalError, ProgrammingError
from werkzeug.exceptions import HTTPException

from songrec.core.errors import SongrecError, UnknownName
from songrec.store.db import db, describe_schema_error, explain_failure
from songrec.web.subsonic import authentication
from songrec.web.subsonic.answers import (
    CONFLICTING_CREDENTIALS,
    FORBIDDEN,
    GENERIC,
    INVALID_API_KEY,
    NOT_FOUND,
    WRONG_CREDENTIALS,
    SubsonicError,
    failure,
)

log = logging.getLogger("songrec.subsonic")

blueprint = Blueprint("subsonic", __name__, url_prefix="/rest")

View = Callable[[], ResponseReturnValue]
NAMES: set[str] = set()
"""Names of the registered endpoints."""
_WITH_STATUSES: set[str] = set()
_STATUSES = {
    WRONG_CREDENTIALS: 401,
    CONFLICTING_CREDENTIALS: 401,
    INVALID_API_KEY: 401,
    FORBIDDEN: 403,
    NOT_FOUND: 404,
}
_UNKNOWN = "unknown"
_CODES = {401: WRONG_CREDENTIALS, 403: FORBIDDEN, 404: NOT_FOUND}
_CORS = {
    # Apps in browsers sign in by parameters, never by a cookie, so any origin is allowed.
    "Access-Control-Allow-Origin": "*",
    "Access-Control-Expose-Headers": (
        "Accept-Ranges, Content-Length, Content-Range, ETag, Retry-After, X-Content-Duration"
    ),
}
_PREFLIGHT = {
    "Access-Control-Allow-Methods": "GET, HEAD, POST, OPTIONS",
    "Access-Control-Allow-Headers": (
        "Content-Type, If-Modified-Since, If-None-Match, If-Range, Range, X-Requested-With"
    ),
    "Access-Control-Max-Age": "86400",
}


def endpoint(*names: str, has_statuses: bool = False) -> Callable[[View], View]:
    """Register a view as endpoint of these names, each with and without ``.view``.

    With ``has_statuses`` its errors have HTTP status codes, else 200.
    """

    def register(view: View) -> View:
        for name in names:
            NAMES.add(name)
            for address in (f"/{name}", f"/{name}.view"):
                blueprint.add_url_rule(
                    address, endpoint=name.replace(".", "_"), view_func=view, methods=_METHODS
                )
            if has_statuses:
                _WITH_STATUSES.add(f"{blueprint.name}.{name}")
        return view

    return register


_METHODS = ("GET", "POST")


@blueprint.route("/", defaults={"name": ""}, methods=_METHODS)
@blueprint.route("/<path:name>", methods=_METHODS)
def unknown(name: str) -> ResponseReturnValue:
    """Return the error for an unknown endpoint."""
    raise SubsonicError(GENERIC, f"songrec has no endpoint {name[:60].removesuffix('.view')}.")


@blueprint.before_request
def _identify() -> ResponseReturnValue | None:
    """Require a sign-in, except for CORS preflight requests."""
    if request.method == "OPTIONS":
        return Response(status=204, headers=_PREFLIGHT)
    authentication.identify((request.endpoint or "").removeprefix("subsonic."))
    return None


@blueprint.after_request
def _headers(response: Response) -> Response:
    response.headers.update(_CORS)
    keep = response.cache_control
    if response.status_code == 200 and request.method == "GET" and not response.is_streamed:
        _make_conditional(response)
    if "Cache-Control" not in response.headers:
        keep.private, keep.no_cache = True, True
    return response


def _make_conditional(response: Response) -> None:
    """Answer 304 if the app already has this response."""
    if response.direct_passthrough or "ETag" in response.headers:
        return
    response.add_etag()
    response.make_conditional(request)


@blueprint.errorhandler(SubsonicError)
def _subsonic(error: SubsonicError) -> Response:
    db.session.rollback()
    if request.endpoint in _WITH_STATUSES and error.status == 200:
        error.status = _STATUSES.get(error.code, 400)
    return failure(error)


@blueprint.errorhandler(SongrecError)
def _songrec(error: SongrecError) -> Response:
    return _subsonic(
        SubsonicError(NOT_FOUND if isinstance(error, UnknownName) else GENERIC, str(error))
    )


@blueprint.errorhandler(HTTPException)
def _http(error: HTTPException) -> Response | HTTPException:
    status = error.code or 500
    if status < 400:
        return error
    text = error.description or error.name
    if status == 429:
        text = "Too many requests. Try again in a moment."
    # Rate limits and faults have real status codes, for clients that do not read the body.
    kept = status if status in (413, 416, 429) or status >= 500 else 200
    response = _subsonic(SubsonicError(_CODES.get(status, GENERIC), text, status=kept))
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


@blueprint.errorhandler(OperationalError)
@blueprint.errorhandler(ProgrammingError)
def _database(error: OperationalError | ProgrammingError) -> Response:
    db.session.rollback()
    log.error("Database error: %s", error.orig)
    busy = "The database is busy. Nothing was changed; try again in a moment."
    text = describe_schema_error(error) or explain_failure(error) or busy
    return failure(SubsonicError(GENERIC, text, status=503))


@blueprint.errorhandler(DataError)
def _unusable(error: DataError) -> Response:
    return _subsonic(SubsonicError(GENERIC, "A parameter cannot be used. Nothing was changed."))


@blueprint.errorhandler(Exception)
def _fault(error: Exception) -> Any:
    if current_app.testing:
        raise error
    db.session.rollback()
    current_app.log_exception((type(error), error, error.__traceback__))
    return failure(SubsonicError(GENERIC, "Something went wrong in songrec.", status=500))
