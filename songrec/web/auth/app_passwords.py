"""Passwords of apps on the account page: made, shown once, revoked."""

from __future__ import annotations

from flask import abort, flash, make_response, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from songrec.core.errors import BadInput
from songrec.store.ciphers import current_cipher
from songrec.store.db import db
from songrec.store.listeners import app_passwords
from songrec.store.tables import AppPassword, User
from songrec.web import security_log
from songrec.web.auth.forms import AppPasswordForm
from songrec.web.auth.views import account_page, blueprint


@blueprint.app_template_global()
def my_app_passwords() -> list[AppPassword]:
    """Return the signed-in account's app passwords, newest first."""
    return app_passwords.of_user(db.session, current_user)


@blueprint.post("/account/apps")
@login_required
def create_app_password() -> ResponseReturnValue:
    """Make the password and the key of a device and show them, this once."""
    user = db.session.get_one(User, current_user.id)
    form = AppPasswordForm()
    if not form.validate():
        return account_page(create_app_password=form), 400
    cipher = current_cipher()
    try:
        row, password, api_key = app_passwords.create(
            db.session, user, form.device.data or "", cipher
        )
    except BadInput as error:
        form.form_errors.append(str(error))
        return account_page(create_app_password=form), 400
    security_log.record("app-password-created", user, f"app password {row.id}")
    db.session.commit()
    page = render_template(
        "auth/new_app_password.html", row=row, password=password, api_key=api_key
    )
    response = make_response(page, 201)
    response.cache_control.no_store = True
    return response


@blueprint.post("/account/apps/<int:row_id>/revoke")
@login_required
def revoke_app_password(row_id: int) -> ResponseReturnValue:
    """Shut a device out from now on."""
    user = db.session.get_one(User, current_user.id)
    row = app_passwords.revoke(db.session, user, row_id)
    if row is None:
        abort(404, "No such app password, or it is revoked already.")
    security_log.record("app-password-revoked", user, f"app password {row_id}")
    db.session.commit()
    flash(f"{row.device} can no longer sign in.", "success")
    return redirect(url_for("auth.account") + "#apps", 303)
