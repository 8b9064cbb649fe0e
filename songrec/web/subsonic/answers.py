"""Responses of the Subsonic API in XML, JSON or JSONP, and its errors.

A response is a dictionary. In XML its scalars are attributes, dictionaries and lists are elements,
and ``value`` is an element's text; None is left out in all formats.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any
from xml.sax.saxutils import escape

from flask import request
from flask.wrappers import Response

from songrec.core.version import VERSION

API_VERSION = "1.16.1"
NAMESPACE = "http://subsonic.org/restapi"

GENERIC = 0
MISSING_PARAMETER = 10
CLIENT_TOO_OLD = 20
SERVER_TOO_OLD = 30
WRONG_CREDENTIALS = 40
CONFLICTING_CREDENTIALS = 43
INVALID_API_KEY = 44
FORBIDDEN = 50
NOT_FOUND = 70

_CALLBACK = re.compile(r"[A-Za-z_$][\w$]{0,60}(?:\.[A-Za-z_$][\w$]{0,60}){0,5}", re.ASCII)
# Characters that XML 1.0 cannot represent, not even escaped.
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_QUOTES = {'"': "&quot;", "\n": "&#10;", "\r": "&#13;", "\t": "&#9;"}


class SubsonicError(Exception):
    """Raised for an error response to an app: a code of the specification and a sentence."""

    def __init__(self, code: int, text: str, *, status: int = 200) -> None:
        super().__init__(text)
        self.code, self.text, self.status = code, text, status


def not_found(what: str) -> SubsonicError:
    """Return the error for something that does not exist, or is not visible to this account."""
    return SubsonicError(NOT_FOUND, f"No such {what}.")


def answer(content: Mapping[str, Any] | None = None) -> Response:
    """Return a successful response with ``content`` in the requested format."""
    return _response({"status": "ok", **_HEAD, **(content or {})})


def failure(error: SubsonicError) -> Response:
    """Return an error response in the requested format."""
    described = {"code": error.code, "message": error.text}
    response = _response({"status": "failed", **_HEAD, "error": described})
    response.status_code = error.status
    return response


_HEAD: dict[str, Any] = {
    "version": API_VERSION,
    "type": "songrec",
    "serverVersion": VERSION,
    "openSubsonic": True,
}


def _response(content: dict[str, Any]) -> Response:
    format = request.values.get("f", "xml").lower()
    if format == "jsonp":
        callback = request.values.get("callback", "")
        if _CALLBACK.fullmatch(callback):
            # The comment keeps browsers from interpreting the text as anything but a script.
            return Response(f"/**/{callback}({to_json(content)});", mimetype="text/javascript")
        format = "json"
        content = {
            "status": "failed",
            **_HEAD,
            "error": {
                "code": MISSING_PARAMETER,
                "message": "jsonp needs callback: the plain name of a JavaScript function.",
            },
        }
    if format == "json":
        return Response(to_json(content), mimetype="application/json")
    return Response(to_xml(content), content_type="application/xml; charset=utf-8")


def to_json(content: Mapping[str, Any]) -> str:
    """Serialize a response as ASCII JSON, so that line separators cannot break a script."""
    return json.dumps({"subsonic-response": _without_none(content)}, separators=(",", ":"))


class Prepared(list[Any]):
    """A long list without None inside, cached for many responses."""


def _without_none(value: Any) -> Any:
    if isinstance(value, Prepared):
        return value
    if isinstance(value, Mapping):
        return {name: _without_none(one) for name, one in value.items() if one is not None}
    if isinstance(value, list | tuple):
        return [_without_none(one) for one in value]
    return value


def to_xml(content: Mapping[str, Any]) -> str:
    """Serialize a response as an XML document."""
    parts = ['<?xml version="1.0" encoding="UTF-8"?>\n']
    _element(parts, "subsonic-response", {"xmlns": NAMESPACE, **content})
    return "".join(parts)


def _element(parts: list[str], name: str, value: Any) -> None:
    if not isinstance(value, Mapping):
        parts.append(f"<{name}>{escape(_text(value))}</{name}>")
        return
    parts.append(f"<{name}")
    inside: list[tuple[str, Any]] = []
    for key, one in value.items():
        if one is None:
            continue
        if key == "value" or isinstance(one, Mapping | list | tuple):
            inside.append((key, one))
        else:
            parts.append(f' {key}="{escape(_text(one), _QUOTES)}"')
    if not inside:
        parts.append("/>")
        return
    parts.append(">")
    for key, one in inside:
        if key == "value":
            parts.append(escape(_text(one)))
        elif isinstance(one, Mapping):
            _element(parts, key, one)
        else:
            for each in one:
                _element(parts, key, each)
    parts.append(f"</{name}>")


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return _NOT_XML.sub("", str(value))
