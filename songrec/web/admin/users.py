"""Accounts as admins see them: who there is, who is admin, new passwords, removal."""

from __future__ import annotations

from flask import abort, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from songrec.core.errors import BadInput
from songrec.jobs import personal_data
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.listeners import users as store
from songrec.store.tables import User
from songrec.web import security_log
from songrec.web.admin import blueprint
from songrec.web.admin.paging import Pages, page_number
from songrec.web.template_context import count

SIZE = 50


@blueprint.get("/users")
def users() -> ResponseReturnValue:
    """List all accounts."""
    number = page_number()
    rows, total = store.page(db.session, number, SIZE)
    return render_template(
        "admin/users.html",
        users=rows,
        admins=store.admin_count(db.session),
        page=Pages(number, total, SIZE),
    )


@blueprint.post("/users/<int(max=2147483647):user_id>/admin")
def set_admin(user_id: int) -> ResponseReturnValue:
    """Make somebody an admin, or no longer; there is always one."""
    user = _user(user_id)
    is_admin = request.form.get("value") == "1"
    try:
        store.set_admin(db.session, user, is_admin)
    except BadInput as error:
        flash(str(error), "error")
    else:
        security_log.record("admin-granted" if is_admin else "admin-revoked", user)
        db.session.commit()
        flash(f"{user.name} is {'now' if is_admin else 'no longer'} an admin.", "success")
    target = "admin.users" if current_user.is_admin else "auth.account"
    return redirect(url_for(target), 303)


@blueprint.post("/users/<int(max=2147483647):user_id>/password")
def reset_password(user_id: int) -> ResponseReturnValue:
    """Give somebody a generated password and show it this once; sessions and tokens end."""
    user = _user(user_id)
    if user.id == current_user.id:
        flash("Change your own password on your account page.", "error")
        return redirect(url_for("admin.users"), 303)
    password = store.reset_password(db.session, user)
    security_log.record("password-reset", user)
    db.session.commit()
    # Shown in this response, because a redirect would have to store it in clear text.
    return render_template("admin/new_password.html", user=user, password=password)


@blueprint.post("/users/<int(max=2147483647):user_id>/sign-out")
def sign_out_user(user_id: int) -> ResponseReturnValue:
    """Sign somebody out everywhere and revoke their API tokens."""
    user = _user(user_id)
    if user.id == current_user.id:
        flash("Sign out everywhere on your account page.", "error")
        return redirect(url_for("admin.users"), 303)
    ended, revoked = store.sign_out(db.session, user, revoke_tokens=True)
    security_log.record("signed-out-everywhere", user, "with API tokens")
    db.session.commit()
    flash(
        f"{user.name} is signed out: {count(ended, 'browser', 'browsers')} and "
        f"{count(revoked, 'API token', 'API tokens')}.",
        "success",
    )
    return redirect(url_for("admin.users"), 303)


@blueprint.post("/users/<int(max=2147483647):user_id>/delete")
def delete_user(user_id: int) -> ResponseReturnValue:
    """Remove an account with everything that belongs to it."""
    user = _user(user_id)
    if user.id == current_user.id:
        flash("Delete your own account on your account page.", "error")
        return redirect(url_for("admin.users"), 303)
    name = user.name
    try:
        personal_data.delete_account(current_instance(), user)
    except BadInput as error:
        flash(str(error), "error")
    else:
        security_log.record("account-deleted", detail=f"account {user_id}")
        db.session.commit()
        flash(f"The account {name} is deleted, with its likes, playlists and uploads.", "success")
    return redirect(url_for("admin.users"), 303)


def _user(user_id: int) -> User:
    user = db.session.get(User, user_id)
    if user is None:
        abort(404)
    return user
