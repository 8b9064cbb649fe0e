"""Accounts: sign up, sign in, sign out, change the password, delete everything of mine."""

from __future__ import annotations

from typing import TYPE_CHECKING

from flask_login import LoginManager

from songrec.store import users
from songrec.store.db import db
from songrec.store.tables import User

if TYPE_CHECKING:
    from flask import Flask

login_manager = LoginManager()
login_manager.login_view = "auth.sign_in"
login_manager.login_message = None


@login_manager.user_loader
def load_user(session_key: str) -> User | None:
    """The account whose current key the cookie carries: a changed key signs it out everywhere."""
    return users.by_session_key(db.session, session_key)


def init_app(app: Flask) -> None:
    """Set up Flask-Login and the account pages."""
    from songrec.web.auth.views import blueprint

    login_manager.init_app(app)
    app.register_blueprint(blueprint)
