"""The API's OpenAPI 3.1 document and the page that shows it in the installed Swagger UI."""

from __future__ import annotations

import copy
import functools
import http
import importlib.metadata
import importlib.resources
from typing import Any

from flask import Blueprint as PlainBlueprint
from flask import (
    Flask,
    Response,
    abort,
    current_app,
    json,
    render_template,
    request,
    send_from_directory,
)
from flask_smorest import Api
from flask_smorest.utils import prepare_response

from songrec.core.version import VERSION
from songrec.web.api import blueprint
from songrec.web.api.problems import MEDIA_TYPE, ProblemSchema

DESCRIPTION = """Recommendations of songs with reasons. Errors are problem details (RFC 9457).
Lists are paginated: pass `next` as `cursor` for the next page. Create tokens on your account's page
and send them as `Authorization: Bearer …`; data that is not private needs no token. Without a
token, the browser's cookie counts, and changes then need the `X-CSRFToken` header."""

# The page needs only these files of the package; no others are served.
FILES = frozenset({"swagger-ui.css", "swagger-ui-bundle.js", "favicon-32x32.png"})

pages = PlainBlueprint("api_docs", __name__, url_prefix="/api/v1")


class SongrecApi(Api):
    """flask-smorest's registry of views, without its error handler and its pages."""

    ERROR_SCHEMA = ProblemSchema

    def _register_error_handlers(self) -> None:
        """Register none, because `web.errors` handles errors for pages and API."""

    def _register_responses(self) -> None:
        """Register problems with their media type, which the base class does not support."""
        described = [(s.name, s.phrase, s.value) for s in http.HTTPStatus if s.value >= 200]
        for name, phrase, status in [*described, ("DEFAULT_ERROR", "Any other error", 500)]:
            response: dict[str, Any] = {"description": phrase}
            if status >= 400:
                response["schema"] = ProblemSchema
            prepare_response(response, self.spec, MEDIA_TYPE)
            self.spec.components.response(name, response, lazy=True)


@functools.lru_cache(maxsize=1)
def _describe(app: Flask) -> SongrecApi:
    """Describe the views, on the first request, because it takes as long as the rest of a start."""
    api = SongrecApi(
        spec_kwargs={
            "title": "songrec",
            "version": VERSION,
            "openapi_version": "3.1.0",
            "info": {"description": DESCRIPTION, "license": {"name": "MIT"}},
        }
    )
    api.init_app(app)
    schemes = api.spec.components
    schemes.security_scheme("token", {"type": "http", "scheme": "bearer"})
    cookie = app.config["SESSION_COOKIE_NAME"]
    schemes.security_scheme("cookie", {"type": "apiKey", "in": "cookie", "name": cookie})
    options: dict[str, Any] = {"name": blueprint.name, "parameters": None}
    blueprint.register_views_in_doc(api, app, api.spec, **options)
    return api


def description() -> dict[str, Any]:
    """Return the OpenAPI 3.1 document."""
    return _describe(current_app._get_current_object()).spec.to_dict()  # type: ignore[attr-defined]


@pages.get("/openapi.json")
def openapi() -> Response:
    """Serve the OpenAPI 3.1 document."""
    return _json({**description(), "servers": _servers()})


@pages.get("/openapi-3.0.json")
def openapi_3_0() -> Response:
    """Serve the document as OpenAPI 3.0.3, for tools that do not support 3.1."""
    converted = _for_3_0(copy.deepcopy(description()))
    return _json({**converted, "openapi": "3.0.3", "servers": _servers()})


@pages.get("/docs")
def docs() -> str:
    """Show the document as a page with a form for every request."""
    return render_template("api/docs.html")


@pages.get("/docs/<version>/<path:name>")
def docs_file(version: str, name: str) -> Response:
    """Serve a file of the installed Swagger UI; the version in its URL makes it immutable."""
    if version != swagger_ui_version() or name not in FILES:
        abort(404)
    folder = importlib.resources.files("flask_swagger_ui") / "dist"
    response = send_from_directory(str(folder), name, max_age=365 * 24 * 3600)
    response.cache_control.public = True
    response.cache_control.no_cache = None
    response.cache_control.immutable = True
    return response


@pages.app_template_global()
@functools.cache
def swagger_ui_version() -> str:
    """Return the version of the package with Swagger UI's files."""
    return importlib.metadata.version("flask-swagger-ui")


def _servers() -> list[dict[str, str]]:
    """Return the base URL of the paths."""
    return [{"url": request.script_root or "/"}]


def _json(document: dict[str, Any]) -> Response:
    return Response(json.dumps(document), content_type="application/json")


def _for_3_0(node: Any) -> Any:
    """Convert 3.1's type lists to 3.0's ``nullable``; the document uses nothing else of 3.1."""
    if isinstance(node, list):
        return [_for_3_0(one) for one in node]
    if not isinstance(node, dict):
        return node
    node = {name: _for_3_0(value) for name, value in node.items()}
    types = node.get("type")
    if isinstance(types, list):
        node["type"] = next(one for one in types if one != "null")
        node["nullable"] = True
    for word in ("anyOf", "oneOf"):
        options = node.get(word)
        if isinstance(options, list) and {"type": "null"} in options:
            node[word] = [one for one in options if one != {"type": "null"}]
            node["nullable"] = True
    return node
