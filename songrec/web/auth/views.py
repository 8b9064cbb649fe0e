"""The account pages. Every one works without JavaScript."""

from __future__ import annotations

import secrets

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_limiter.util import get_remote_address
from flask_login import current_user, login_required, login_user, logout_user

from songrec.core.errors import BadInput
from songrec.store.db import db
from songrec.store.listeners import users
from songrec.store.tables import User
from songrec.web import current_listener, security

blueprint = Blueprint("auth", __name__)

WRONG = "Wrong name or password."


@blueprint.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    """Sign in with name and password, then go on to where you wanted to go."""
    if current_user.is_authenticated:
        return redirect(security.back(url_for("auth.account")), 303)
    name = request.form.get("name", "")
    if request.method == "GET":
        return _form("auth/sign_in.html", name, None)
    address = get_remote_address()
    tries = (users.name_key(name)[:100], address)
    security.count_try(security.SIGN_IN_ADDRESS, address)
    security.count_try(security.SIGN_IN, *tries)
    user = users.authenticate(db.session, name, request.form.get("password", ""))
    if user is None:
        return _form("auth/sign_in.html", name, WRONG), 400
    security.forget_tries(security.SIGN_IN, *tries)
    _enter(user)
    return redirect(security.back("/"), 303)


@blueprint.route("/sign-up", methods=["GET", "POST"])
def sign_up() -> ResponseReturnValue:
    """Make an account; what you liked in this browser moves into it."""
    if current_user.is_authenticated:
        return redirect(security.back(url_for("auth.account")), 303)
    name, password = request.form.get("name", ""), request.form.get("password", "")
    if request.method == "GET":
        return _form("auth/sign_up.html", name, None)
    security.count_try(security.SIGN_UP_ADDRESS, get_remote_address())
    try:
        if password != request.form.get("again", password):
            raise BadInput("The two passwords do not match.")
        user = users.create(db.session, name, password)
    except BadInput as error:
        return _form("auth/sign_up.html", name, str(error)), 400
    _enter(user)
    flash("Welcome. Your likes in this browser are now in your account.", "success")
    return redirect(security.back("/"), 303)


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """Sign out of this browser."""
    logout_user()
    cookie.clear()
    return redirect("/", 303)


@blueprint.get("/account")
@login_required
def account() -> ResponseReturnValue:
    """Show the account: password, API tokens, deletion."""
    return render_template("auth/account.html", errors={})


@blueprint.post("/account/password")
@login_required
def change_password() -> ResponseReturnValue:
    """Change your password; every other browser is signed out."""
    user = db.session.get_one(User, current_user.id)
    _confirm_limit(user)
    try:
        if not users.has_password(user, request.form.get("current", "")):
            raise BadInput("Wrong current password.")
        new = request.form.get("password", "")
        if new != request.form.get("again", new):
            raise BadInput("The two new passwords do not match.")
        users.set_password(db.session, user, new)
    except BadInput as error:
        return render_template("auth/account.html", errors={"password": str(error)}), 400
    db.session.commit()
    login_user(user)
    flash("Password changed. Other browsers are signed out.", "success")
    return redirect(url_for("auth.account"), 303)


@blueprint.post("/account/delete")
@login_required
def delete() -> ResponseReturnValue:
    """Delete your account with your likes and playlists."""
    user = db.session.get_one(User, current_user.id)
    _confirm_limit(user)
    try:
        if not users.has_password(user, request.form.get("current", "")):
            raise BadInput("Wrong current password.")
        users.delete(db.session, user)
    except BadInput as error:
        return render_template("auth/account.html", errors={"delete": str(error)}), 400
    db.session.commit()
    logout_user()
    cookie.clear()
    flash("Your account, likes and playlists are deleted.", "success")
    return redirect("/", 303)


def _confirm_limit(user: User) -> None:
    security.count_try(security.SIGN_IN, user.name_key, get_remote_address())


def _enter(user: User) -> None:
    current_listener.adopt(user)
    db.session.commit()
    # A new session: nothing that was planted in the cookie before signing in survives it.
    cookie.clear()
    cookie.permanent = True
    # Made now and not by the first page with a form: of two pages that load at the same moment,
    # each with a secret of its own, one would have its forms refused.
    cookie["csrf_token"] = secrets.token_hex(20)
    login_user(user)


def _form(template: str, name: str, error: str | None) -> str:
    target = security.safe_next(request.values.get("next"))
    return render_template(template, name=name, error=error, next=target)
