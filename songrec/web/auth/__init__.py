"""Accounts: sign up, sign in, sign out, change the password, delete everything of mine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask import redirect, request, url_for
from flask_login import LoginManager
from werkzeug.wrappers import Response

from songrec.store.db import db
from songrec.store.listeners import users
from songrec.store.tables import User
from songrec.web import security

if TYPE_CHECKING:
    from flask import Flask

login_manager = LoginManager()


@login_manager.user_loader
def load_user(session_key: str) -> User | None:
    """Return the account of the session key in the cookie; a changed key signs out everywhere."""
    return users.by_session_key(db.session, session_key)


@login_manager.unauthorized_handler
def ask_to_sign_in() -> Response:
    """Sign in first, then come back: to the page, where a form was sent to the account's."""
    target = security.here() if request.method in ("GET", "HEAD") else url_for("auth.account")
    return redirect(url_for("auth.sign_in", next=target), 303)


def init_app(app: Flask) -> None:
    """Set up Flask-Login and the account pages."""
    from songrec.web.auth import tokens  # noqa: F401  (importing adds its routes)
    from songrec.web.auth.views import blueprint

    login_manager.init_app(app)
    app.register_blueprint(blueprint)
