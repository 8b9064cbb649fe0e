"""The account pages. Every one works without JavaScript."""

from __future__ import annotations

import secrets

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask import session as cookie
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required, login_user, logout_user

from songrec.jobs import personal_data
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.listeners import invitations, user_sessions, users
from songrec.store.tables import User
from songrec.web import current_listener, security, security_log
from songrec.web.auth import browsers, sign_in_limits
from songrec.web.auth.forms import (
    AccountForm,
    AppPasswordForm,
    ChangePasswordForm,
    DeleteAccountForm,
    SignInForm,
    SignUpForm,
    TokenForm,
)

blueprint = Blueprint("auth", __name__)

WRONG = "Wrong name or password."


@blueprint.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> ResponseReturnValue:
    """Sign in with name and password, then go on to where you wanted to go."""
    if current_user.is_authenticated:
        return redirect(security.back(url_for("auth.account")), 303)
    form = SignInForm()
    if request.method == "GET":
        return _page("auth/sign_in.html", form)
    tries = sign_in_limits.count_sign_in(form.name.data)
    user = users.authenticate(db.session, form.name.data, form.password.data)
    if user is None:
        # Who types a password into the field of the name must not find it in a log.
        security_log.record("sign-in-failed", users.find(db.session, form.name.data))
        db.session.commit()
        return _page("auth/sign_in.html", form, WRONG), 400
    sign_in_limits.forget(tries)
    _enter(user, "signed-in")
    return redirect(security.back(url_for("pages.home")), 303)


@blueprint.route("/sign-up", methods=["GET", "POST"])
def sign_up() -> ResponseReturnValue:
    """Make an account; what you liked in this browser moves into it."""
    if current_user.is_authenticated:
        return redirect(security.back(url_for("auth.account")), 303)
    secret = request.values.get("invitation", "")
    by_invitation = current_app.config["SIGN_UP"] == "invitation"
    if current_app.config["SIGN_UP"] == "closed" or (
        by_invitation and invitations.find(db.session, secret) is None
    ):
        return render_template("auth/no_sign_up.html", tried=bool(secret)), 403
    form = SignUpForm()
    if request.method == "GET":
        return _page("auth/sign_up.html", form)
    security.count_try(security.SIGN_UP_ADDRESS, security.client_network())
    if not form.carry_out(lambda: _sign_up(form, secret if by_invitation else None)):
        return _page("auth/sign_up.html", form, form.error), 400
    flash("Welcome. Your likes in this browser are now in your account.", "success")
    return redirect(security.back(url_for("pages.home")), 303)


@blueprint.post("/sign-out")
def sign_out() -> ResponseReturnValue:
    """Sign out of this browser: its session ends."""
    if current_user.is_authenticated:
        user_sessions.end(db.session, current_user.get_id())
        security_log.record("signed-out", db.session.get_one(User, current_user.id))
        db.session.commit()
    leave()
    return redirect(url_for("pages.home"), 303)


@blueprint.get("/account")
@login_required
def account() -> ResponseReturnValue:
    """Show the account: browsers that are signed in, passwords, API tokens, deletion."""
    return account_page()


@blueprint.post("/account/password")
@login_required
def change_password() -> ResponseReturnValue:
    """Change your password, sign out other browsers and, if requested, revoke all keys."""
    user = db.session.get_one(User, current_user.id)
    sign_in_limits.count_confirmation(user)
    form = ChangePasswordForm(user)
    with_tokens = form.revoke_tokens.data

    def change() -> None:
        users.set_password(db.session, user, form.password.data, revoke_tokens=with_tokens)

    if not form.carry_out(change):
        _record_refusal(form, user)
        return account_page(change_password=form), 400
    security_log.record(
        "password-changed", user, "with API tokens and app passwords" if with_tokens else ""
    )
    _begin_session(user)
    db.session.commit()
    tokens = " API tokens and app passwords are revoked." if with_tokens else ""
    flash(f"Password changed. Other browsers are signed out.{tokens}", "success")
    return redirect(url_for("auth.account"), 303)


@blueprint.post("/account/sharing")
@login_required
def share_playlists() -> ResponseReturnValue:
    """Set whether trainings use the account's playlists, and its likes and plays."""
    user = db.session.get_one(User, current_user.id)
    shares = {
        name: request.form.get(name) is not None
        for name in ("shares_playlists", "shares_listening")
    }
    if shares != {name: getattr(user, name) for name in shares}:
        user.shares_playlists = shares["shares_playlists"]
        user.shares_listening = shares["shares_listening"]
        names = ", ".join(name.removeprefix("shares_") for name, on in shares.items() if on)
        security_log.record("sharing-on" if names else "sharing-off", user, names)
        db.session.commit()
    verbs = {True: "count", False: "do not count"}
    flash(
        f"From the next training on your playlists {verbs[shares['shares_playlists']]}, and your "
        f"likes and plays {verbs[shares['shares_listening']]}.",
        "success",
    )
    return redirect(url_for("auth.account") + "#sharing", 303)


@blueprint.post("/account/delete")
@login_required
def delete() -> ResponseReturnValue:
    """Delete your account with your likes, playlists and uploads."""
    user = db.session.get_one(User, current_user.id)
    sign_in_limits.count_confirmation(user)
    form = DeleteAccountForm(user)
    if not form.carry_out(lambda: personal_data.delete_account(current_instance(), user)):
        _record_refusal(form, user)
        return account_page(delete_account=form), 400
    logout_user()
    cookie.clear()
    security_log.record("account-deleted", detail="by its owner")
    db.session.commit()
    flash("Your account is deleted, with your likes, playlists and uploads.", "success")
    return redirect(url_for("pages.home"), 303)


def _record_refusal(form: DeleteAccountForm, user: User) -> None:
    if form.current.errors:
        security_log.record("password-refused", user)
        db.session.commit()


def _sign_up(form: SignUpForm, secret: str | None) -> None:
    # A savepoint, because without a valid invitation no account must be created.
    with db.session.begin_nested():
        user = users.create(db.session, form.name.data, form.password.data)
        if secret is not None:
            invitation = invitations.redeem(db.session, secret, user)
            security_log.record("invitation-used", user, detail=f"invitation {invitation.id}")
    _enter(user, "account-created")


def _enter(user: User, event: str) -> None:
    current_listener.adopt(user)
    _begin_session(user)
    security_log.record(event, user)
    db.session.commit()


def _begin_session(user: User) -> None:
    """Sign in this browser with a new session; the caller commits."""
    # Nothing that was planted in the cookie before signing in survives it, but for the marks of
    # accounts, which nobody can make.
    browsers.forget_all_but_marks()
    cookie.permanent = True
    # Made now and not by the first page with a form: of two pages that load at the same moment,
    # each with a secret of its own, one would have its forms refused.
    cookie["csrf_token"] = secrets.token_hex(20)
    browsers.remember(user)
    user.session_token = user_sessions.start(
        db.session, user, device=browsers.device_name(), address=security.client_network()
    )
    login_user(user)


def leave() -> None:
    """Empty the cookie, but for the marks of accounts that signed in with this browser."""
    logout_user()
    browsers.forget_all_but_marks()


def account_page(**submitted: AccountForm) -> str:
    """Render the account with its forms; a refused one is passed to show its error."""
    forms = {
        "change_password": ChangePasswordForm(current_user),
        "create_token": TokenForm(),
        "create_app_password": AppPasswordForm(),
        "delete_account": DeleteAccountForm(current_user),
    }
    return render_template("auth/account.html", **forms | submitted)


def _page(template: str, form: AccountForm, error: str | None = None) -> str:
    target = security.safe_next(request.values.get("next"))
    return render_template(template, form=form, error=error, next=target)
