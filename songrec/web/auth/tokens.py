"""Tokens of the programming interface on the account page: made, shown once, revoked."""

from __future__ import annotations

from flask import abort, flash, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from songrec.core.errors import BadInput
from songrec.store.db import db
from songrec.store.listeners import api_tokens
from songrec.store.tables import ApiToken, User
from songrec.web import security_log
from songrec.web.auth.forms import TokenForm
from songrec.web.auth.views import account_page, blueprint


@blueprint.app_template_global()
def my_tokens() -> list[ApiToken]:
    """Return the signed-in account's tokens, newest first."""
    return api_tokens.of_user(db.session, current_user)


@blueprint.app_template_test("expired_token")
def is_expired(token: ApiToken) -> bool:
    """Return whether the token's time is over."""
    return api_tokens.is_expired(token)


@blueprint.post("/account/tokens")
@login_required
def create_token() -> ResponseReturnValue:
    """Make a token and show it, this once."""
    user = db.session.get_one(User, current_user.id)
    form = TokenForm()
    scope = "write" if form.scope.data == "write" else "read"
    if not form.validate():
        return account_page(create_token=form), 400
    try:
        token, clear = api_tokens.create(
            db.session, user, form.name.data, [scope], form.days.data or None
        )
    except BadInput as error:
        form.form_errors.append(str(error))
        return account_page(create_token=form), 400
    security_log.record("token-created", user, f"token {token.id}, {token.scopes}")
    db.session.commit()
    response = make_response(render_template("auth/new_token.html", token=token, clear=clear), 201)
    response.cache_control.no_store = True
    return response


@blueprint.post("/account/tokens/<int:token_id>/revoke")
@login_required
def revoke_token(token_id: int) -> ResponseReturnValue:
    """Make a token useless from now on."""
    user = db.session.get_one(User, current_user.id)
    if not api_tokens.revoke(db.session, user, token_id):
        abort(404, "No such token, or it is revoked already.")
    security_log.record("token-revoked", user, f"token {token_id}")
    db.session.commit()
    flash("Token revoked. It no longer works.", "success")
    return redirect(url_for("auth.account") + "#tokens", 303)
