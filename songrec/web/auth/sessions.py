"""Browsers that are signed in, on the account page: listed, ended one by one or all at once."""

from __future__ import annotations

from flask import abort, flash, redirect, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from songrec.store.db import db
from songrec.store.listeners import user_sessions, users
from songrec.store.tables import User, UserSession
from songrec.web import security_log
from songrec.web.auth.views import blueprint, leave


@blueprint.app_template_global()
def my_sessions() -> list[tuple[UserSession, bool]]:
    """Return the account's sessions, each with whether it is this browser's."""
    token = current_user.get_id()
    return [
        (row, user_sessions.has_token(row, token))
        for row in user_sessions.of_user(db.session, current_user)
    ]


@blueprint.post("/account/sessions/<int(max=2147483647):session_id>/end")
@login_required
def end_session(session_id: int) -> ResponseReturnValue:
    """Sign out another browser of yours."""
    user = db.session.get_one(User, current_user.id)
    if not user_sessions.end_one(db.session, user, session_id):
        abort(404, "That browser is signed out already.")
    security_log.record("session-ended", user)
    db.session.commit()
    flash("That browser is signed out.", "success")
    return redirect(url_for("auth.account") + "#sessions", 303)


@blueprint.post("/account/sessions/end")
@login_required
def sign_out_everywhere() -> ResponseReturnValue:
    """Sign out all browsers, this one too, and revoke the API tokens if requested."""
    user = db.session.get_one(User, current_user.id)
    with_tokens = request.form.get("revoke_tokens") is not None
    users.sign_out(db.session, user, revoke_tokens=with_tokens)
    security_log.record("signed-out-everywhere", user, "with API tokens" if with_tokens else "")
    db.session.commit()
    leave()
    tokens = ", and your API tokens are revoked" if with_tokens else ""
    flash(f"You are signed out everywhere{tokens}.", "success")
    return redirect(url_for("auth.sign_in"), 303)
