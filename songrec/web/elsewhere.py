"""Listening elsewhere: the account's connection to ListenBrainz."""

from __future__ import annotations

from flask import (
    Blueprint,
    Flask,
    abort,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_login import current_user, login_required

from songrec.core.errors import BadInput, NotReady
from songrec.core.server_urls import LISTENBRAINZ
from songrec.jobs import queue
from songrec.store.ciphers import current_cipher
from songrec.store.db import db, now
from songrec.store.instance import current_instance
from songrec.store.listeners import listenbrainz_accounts, match_decisions, users
from songrec.store.tables import ListenBrainzAccount, Listener, User
from songrec.web import security, security_log

blueprint = Blueprint("elsewhere", __name__, url_prefix="/account/listening")
SWITCHES = ("reads_plays", "reads_feedback", "sends_plays", "sends_feedback")


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(blueprint)


@blueprint.get("")
@login_required
def page() -> str:
    """Show the connection, what it exchanges, and what it did last."""
    return _page()


@blueprint.post("")
@login_required
def connect() -> ResponseReturnValue:
    """Connect with a token, or replace the token."""
    from songrec.services.listeners import listenbrainz

    user = db.session.get_one(User, current_user.id)
    security.count_try(security.CONNECT_ADDRESS, security.client_network(), f"user:{user.id}")
    listener = users.require_listener(db.session, user)
    try:
        account = listenbrainz.connect(
            db.session,
            listener,
            current_cipher(),
            request.form.get("token", ""),
            request.form.get("server", ""),
            may_be_private=user.is_admin,
        )
    except (BadInput, NotReady) as error:
        db.session.rollback()
        return _page(error=str(error), server=request.form.get("server", "")[:500]), 400
    security_log.record("service-connected", user, account.url)
    _queue(account, user)
    db.session.commit()
    flash(f"Connected as {account.username}.", "success")
    return redirect(url_for("elsewhere.page"), 303)


@blueprint.post("/switches")
@login_required
def switch() -> ResponseReturnValue:
    """Set what is read and what is sent."""
    from songrec.services.listeners import listenbrainz

    account = _account_or_404()
    listenbrainz.switch(account, **{name: request.form.get(name) is not None for name in SWITCHES})
    db.session.commit()
    flash("Saved.", "success")
    return redirect(url_for("elsewhere.page"), 303)


@blueprint.post("/exchange")
@login_required
def exchange() -> ResponseReturnValue:
    """Exchange now."""
    account = _account_or_404()
    security.count_try(
        security.CONNECT_ADDRESS, security.client_network(), f"user:{current_user.id}"
    )
    _queue(account, db.session.get_one(User, current_user.id))
    db.session.commit()
    flash("The exchange begins in a moment.", "success")
    return redirect(url_for("elsewhere.page"), 303)


@blueprint.post("/disconnect")
@login_required
def disconnect() -> ResponseReturnValue:
    """Delete the token; plays and likes that came in stay."""
    account = _account_or_404()
    security_log.record(
        "service-disconnected", db.session.get_one(User, current_user.id), account.url
    )
    db.session.delete(account)
    db.session.commit()
    flash("Disconnected: the token is deleted. What came in stays.", "success")
    return redirect(url_for("elsewhere.page"), 303)


def _page(error: str = "", server: str = "") -> str:
    listener = _listener()
    account = listenbrainz_accounts.of_listener(db.session, listener)
    waiting = listenbrainz_accounts.count_unsent(db.session, account, now()) if account else 0
    return render_template(
        "auth/elsewhere.html",
        account=account,
        error=error,
        server=server,
        default_server=LISTENBRAINZ,
        unsent=waiting,
        undecided=match_decisions.count(db.session, listener, match_decisions.OPEN)
        if listener
        else 0,
        minutes=current_app.config["SERVER_MINUTES"],
        worker=queue.worker_runs(current_instance(), "listenbrainz") if account else True,
    )


def _listener() -> Listener | None:
    return users.listener_of(db.session, db.session.get_one(User, current_user.id))


def _account_or_404() -> ListenBrainzAccount:
    account = listenbrainz_accounts.of_listener(db.session, _listener())
    if account is None:
        abort(404, "Your account is not connected.")
    return account


def _queue(account: ListenBrainzAccount, user: User) -> None:
    queue.enqueue_once(db.session, "listenbrainz", {"account": account.id}, user)
