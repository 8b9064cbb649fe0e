"""Errors of the programming interface as problem details (RFC 9457)."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

import marshmallow as ma
from flask import Response, json, request

MEDIA_TYPE = "application/problem+json"
# URLs outside /api that programs request.
ALSO = frozenset({"/health", "/ready", "/metrics", "/recommend/from-audio"})


class ProblemSchema(ma.Schema):
    """What every answer that is not a success looks like."""

    type = ma.fields.String(
        required=True,
        metadata={"description": "Always about:blank, because the status is sufficient."},
    )
    title = ma.fields.String(required=True, metadata={"description": "The status in words."})
    status = ma.fields.Integer(required=True, metadata={"description": "The HTTP status."})
    detail = ma.fields.String(metadata={"description": "What happened and what to do."})
    errors = ma.fields.Dict(metadata={"description": "Errors by location and field."})


def is_api_request() -> bool:
    """Return whether the caller is a program that reads problem details."""
    return request.path.startswith("/api/") or request.path in ALSO


def problem(status: int, detail: str, **more: Any) -> Response:
    """Return the response for an error."""
    title = HTTPStatus(status).phrase
    body = {"type": "about:blank", "title": title, "status": status, "detail": detail, **more}
    return Response(json.dumps(body), status=status, content_type=MEDIA_TYPE)
