"""The addresses that AudioMuse-AI's plugins call, so that they work with songrec.

They lie below ``/api``, where the plugins expect them, and once more below ``/audiomuse/KEY/api``
for a plugin that can send no header. A request is from whoever its token belongs to; there are no
cookies here, so nothing needs a CSRF token. Errors are ``{"error": "one line"}``.
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
"""The name of the same blueprint with the token in the address."""
TEXT_LENGTH = 500
LARGEST_COUNT = 500

blueprint = Blueprint("audiomuse", __name__)
CLIENT = "AudioMuse-AI plugin"
WRITING = frozenset({"create_playlist", "create_chat_playlist", "run_radios"})
"""The views that change something; the others read, though some of them take a POST."""
View = Callable[..., ResponseReturnValue]


def init_app(app: Flask) -> None:
    """Register the views at both places."""
    from songrec.web.audiomuse import lists, songs, status  # noqa: F401
    from songrec.web.security import csrf

    csrf.exempt(blueprint)
    app.register_blueprint(blueprint)
    app.register_blueprint(blueprint, name=WITH_KEY, url_prefix=KEY_PREFIX)


def endpoint(rule: str, *methods: str) -> Callable[[View], View]:
    """Register a view, which need not know of the key that its address may hold."""

    def register(view: View) -> View:
        @wraps(view)
        def answer(key: str = "", **arguments: Any) -> ResponseReturnValue:
            return view(**arguments)

        blueprint.add_url_rule(rule, view.__name__, answer, methods=list(methods or ("GET",)))
        return view

    return register


@blueprint.before_request
def identify() -> None:
    """Find out who asks, count the request, and refuse what may not be."""
    clear = (request.view_args or {}).get("key") or authentication.bearer()
    who = _owner(clear) if clear is not None else authentication.Caller(None, None)
    view = (request.endpoint or "").rpartition(".")[2]
    authentication.admit(who, "write" if view in WRITING else "read")


def _owner(clear: str) -> authentication.Caller:
    """Return whose API token, or API key of an app, this is; 401 for neither."""
    owned = app_passwords.with_api_key(db.session, clear)
    if owned is None:
        return authentication.of_token(clear)
    device, user = owned
    if app_passwords.record_use(device, CLIENT):
        db.session.commit()
    return authentication.Caller(user, None)


def listener() -> Listener | None:
    """Return the person whose token it is, None for nobody in particular."""
    return listening.listener_of(authentication.caller().user)


def caller(*items: str, artist: str = "") -> Caller:
    """Return who asks, in the ids of the server that has ``items`` or ``artist``."""
    person = listener()
    server = text("server") or text("server_id")
    ids = ids_for(db.session, person, server=server, items=items, artist=artist)
    return Caller(current_instance(), person, ids)


def body() -> dict[str, Any]:
    """Return the JSON object that was sent; ``BadRequest`` where it is none."""
    try:
        value = request.get_json(silent=True)
    except RecursionError:  # nested too deeply to be decoded
        value = None
    if not isinstance(value, dict):
        raise BadRequest("Send a JSON object.")
    return value


def parameters() -> dict[str, Any]:
    """Return the JSON object that was sent, else the query."""
    sends_json = request.method == "POST" and request.is_json
    return body() if sends_json else request.args.to_dict()


def text(name: str, values: dict[str, Any] | None = None) -> str:
    """Return a parameter as one line, empty where it is missing."""
    if values is None:
        values = parameters()
    value = values.get(name)
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    return storable(value).strip()[:TEXT_LENGTH] if isinstance(value, str) else ""


def number(name: str, default: int, values: dict[str, Any] | None = None) -> int:
    """Return a count from 1 to ``LARGEST_COUNT``, ``default`` where it is missing or none."""
    written = text(name, values)
    try:
        value = int(written) if written else default
    except ValueError:
        value = default
    return min(max(value, 1), LARGEST_COUNT)


def flag(name: str, default: bool) -> bool:
    """Return a parameter that is ``true`` or not."""
    written = text(name).lower()
    return written in ("true", "1", "yes", "y") if written else default


@blueprint.errorhandler(SongrecError)
def _songrec(error: SongrecError) -> Response:
    db.session.rollback()
    status = 404 if isinstance(error, UnknownItem) else 400 if isinstance(error, BadInput) else 503
    return _error(status if isinstance(error, BadInput | NotReady) else 404, str(error))


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
