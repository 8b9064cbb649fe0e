"""Accounts: sign up, sign in, sign out, change the password, delete everything of mine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import g, redirect, request, url_for
from flask.wrappers import Response as FlaskResponse
from flask_login import LoginManager
from werkzeug.wrappers import Response

from songrec.store.db import db
from songrec.store.listeners import user_sessions
from songrec.store.tables import User
from songrec.web import security

if TYPE_CHECKING:
    from flask import Flask

login_manager = LoginManager()


@login_manager.user_loader
def load_user(token: str) -> User | None:
    """Return the account of the session in the cookie, or None once the session has ended."""
    row = user_sessions.load(db.session, token)
    if row is None:
        return None
    user, session_id, last_seen_at = row
    user.session_token = token
    g.visit = (session_id, last_seen_at)
    return user


def record_visit(response: FlaskResponse) -> FlaskResponse:
    """Record, every quarter of an hour, that a session is in use."""
    if visit := g.pop("visit", None):
        user_sessions.record_visit(db.engine, *visit, security.client_network())
    return response


@login_manager.unauthorized_handler
def ask_to_sign_in() -> Response:
    """Redirect to the sign-in page, and from there back to this page, or home after a form."""
    target = security.here() if request.method in ("GET", "HEAD") else url_for("auth.account")
    return redirect(url_for("auth.sign_in", next=target), 303)


def init_app(app: Flask) -> None:
    """Set up Flask-Login and the account pages."""
    from songrec.web.auth import (  # noqa: F401  (importing adds their routes)
        app_passwords,
        sessions,
        tokens,
    )
    from songrec.web.auth.views import blueprint

    login_manager.init_app(app)
    app.after_request(record_visit)
    app.register_blueprint(blueprint)
