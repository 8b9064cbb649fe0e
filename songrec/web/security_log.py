"""Events of the security log with who made the request, from where, and the request's id."""

from __future__ import annotations

from flask import g
from flask_login import current_user

from songrec.store import security_log
from songrec.store.db import db
from songrec.store.tables import User
from songrec.web import security


def record(kind: str, user: User | None = None, detail: str = "") -> None:
    """Add an event about ``user``, with the signed-in account as actor. The caller commits.

    ``kind`` is one of ``store.security_log.KINDS``; ``detail`` must not contain a secret or text
    typed by an anonymous visitor.
    """
    actor = None
    if current_user.is_authenticated:
        actor = db.session.get(User, current_user.id)
    security_log.record(
        db.session,
        kind,
        user=user,
        actor=actor,
        address=security.client_network(),
        request_id=g.get("request_id"),
        detail=detail,
    )
