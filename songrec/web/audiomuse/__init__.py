"""The endpoints that AudioMuse-AI's plugins call.

They lie below ``/api``, where the plugins expect them, and also below ``/audiomuse/KEY/api`` for
plugins that cannot send a header. Requests are authenticated by token, without cookies, so they
need no CSRF token. Errors are ``{"error": "one line"}``.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import Blueprint, Flask, Response, jsonify, request
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import BadRequest, HTTPException

from songrec.core.errors import BadInput, NotReady, SongrecError
from songrec.core.texts import storable
from songrec.services.audiomuse.answers import Caller
from songrec.services.audiomuse.item_ids import UnknownItem, ids_for
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.listeners import app_passwords
from songrec.store.tables import Listener
from songrec.web import current_listener as listening
from songrec.web.api import authentication

KEY_PREFIX = "/audiomuse/<key>"
WITH_KEY = "audiomuse_key"
"""Name of the blueprint with the token in the URL."""
TEXT_LENGTH = 500
LARGEST_COUNT = 500

blueprint = Blueprint("audiomuse", __name__)
CLIENT = "AudioMuse-AI plugin"
WRITING = frozenset({"create_playlist", "create_chat_playlist", "run_radios"})
"""Views that change data; the others only read, even those called by POST."""
View = Callable[..., ResponseReturnValue]


def init_app(app: Flask) -> None:
    """Register the views with and without a token in the URL."""
    from songrec.web.audiomuse import lists, songs, status  # noqa: F401
    from songrec.web.security import csrf

    csrf.exempt(blueprint)
    app.register_blueprint(blueprint)
    app.register_blueprint(blueprint, name=WITH_KEY, url_prefix=KEY_PREFIX)


def endpoint(rule: str, *methods: str) -> Callable[[View], View]:
    """Register a view, without passing it the token in the URL."""

    def register(view: View) -> View:
        @wraps(view)
        def answer(key: str = "", **arguments: Any) -> ResponseReturnValue:
            return view(**arguments)

        blueprint.add_url_rule(rule, view.__name__, answer, methods=list(methods or ("GET",)))
        return view

    return register


@blueprint.before_request
def identify() -> None:
    """Authenticate the caller, count the request, and check its permission."""
    clear = (request.view_args or {}).get("key") or authentication.bearer()
    who = _owner(clear) if clear is not None else authentication.Caller(None, None)
    view = (request.endpoint or "").rpartition(".")[2]
    authentication.admit(who, "write" if view in WRITING else "read")


def _owner(clear: str) -> authentication.Caller:
    """Return the caller with this API token or an app's API key; 401 otherwise."""
    owned = app_passwords.with_api_key(db.session, clear)
    if owned is None:
        return authentication.of_token(clear)
    device, user = owned
    if app_passwords.record_use(device, CLIENT):
        db.session.commit()
    return authentication.Caller(user, None)


def listener() -> Listener | None:
    """Return the listener of the token's account, None without one."""
    return listening.listener_of(authentication.caller().user)


def caller(*items: str, artist: str = "") -> Caller:
    """Return the caller of ``answers``, with the ids of the server of ``items`` or ``artist``."""
    person = listener()
    server = text("server") or text("server_id")
    ids = ids_for(db.session, person, server=server, items=items, artist=artist)
    return Caller(current_instance(), person, ids)


def body() -> dict[str, Any]:
    """Return the JSON object in the body; ``BadRequest`` for anything else."""
    try:
        value = request.get_json(silent=True)
    except RecursionError:  # nested too deeply to be decoded
        value = None
    if not isinstance(value, dict):
        raise BadRequest("Send a JSON object.")
    return value


def parameters() -> dict[str, Any]:
    """Return the JSON object in the body, else the parameters of the query."""
    sends_json = request.method == "POST" and request.is_json
    return body() if sends_json else request.args.to_dict()


def text(name: str, values: dict[str, Any] | None = None) -> str:
    """Return a parameter as a single line, empty if it is missing."""
    if values is None:
        values = parameters()
    value = values.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return storable(value).strip()[:TEXT_LENGTH] if isinstance(value, str) else ""


def number(name: str, default: int, values: dict[str, Any] | None = None) -> int:
    """Return a count clipped to 1 … ``LARGEST_COUNT``, ``default`` if it is missing or invalid."""
    written = text(name, values)
    try:
        value = int(written) if written else default
    except ValueError:
        value = default
    return min(max(value, 1), LARGEST_COUNT)


def flag(name: str, default: bool) -> bool:
    """Return a boolean parameter."""
    written = text(name).lower()
    return written in ("true", "1", "yes", "y") if written else default


@blueprint.errorhandler(SongrecError)
def _songrec(error: SongrecError) -> Response:
    db.session.rollback()
    if isinstance(error, BadInput) and not isinstance(error, UnknownItem):
        status = 400
    elif isinstance(error, NotReady):
        status = 503
    else:
        status = 404
    return _error(status, str(error))


@blueprint.errorhandler(HTTPException)
def _http(error: HTTPException) -> Response:
    if error.code == 500:
        db.session.rollback()
    response = _error(error.code or 500, error.description or error.name)
    for name, value in error.get_headers():
        if name.lower() not in ("content-type", "content-length"):
            response.headers[name] = value
    return response


def _error(status: int, line: str) -> Response:
    response = jsonify({"error": line})
    response.status_code = status
    return response
