"""Music servers of an account: connect one's own account there, switches, exchange, disconnect."""

from __future__ import annotations

from typing import TYPE_CHECKING

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

from songrec.core.errors import BadInput, NotReady, UnknownName
from songrec.jobs import queue
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.listeners import users
from songrec.store.servers import music_servers
from songrec.store.servers.music_servers import API_KEY, PASSWORD
from songrec.store.tables import MusicServer, ServerAccount, User
from songrec.web import security, security_log

if TYPE_CHECKING:
    from songrec.services.servers.connection import SignIn

blueprint = Blueprint("servers", __name__, url_prefix="/account/servers")
SWITCHES = ("sends_likes", "sends_mixes", "learns_removals")


def init_app(app: Flask) -> None:
    """Register the pages."""
    app.register_blueprint(blueprint)


@blueprint.app_template_global()
def has_music_servers() -> bool:
    """Return whether any music server is connected."""
    return music_servers.any_server(db.session)


@blueprint.get("")
@login_required
def page() -> str:
    """Show the servers, the account's connections to them, and what they exchanged last."""
    return _page()


@blueprint.post("/<public_id>")
@login_required
def connect(public_id: str) -> ResponseReturnValue:
    """Connect the account on a server, or replace its password."""
    from songrec.services.servers import connection

    server = find_or_404(public_id)
    user = db.session.get_one(User, current_user.id)
    security.count_try(security.CONNECT_ADDRESS, security.client_network(), f"user:{user.id}")
    listener = users.require_listener(db.session, user)
    try:
        account = connection.connect_account(
            current_instance(), server, listener, sign_in_of_form()
        )
    except (BadInput, NotReady) as error:
        db.session.rollback()
        return _page(public_id, str(error)), 400
    security_log.record("server-account-connected", user, server.name)
    _queue(server, account, user)
    db.session.commit()
    flash(f"Connected to {server.name}. The first exchange begins in a moment.", "success")
    return redirect(url_for("servers.page"), 303)


@blueprint.post("/<public_id>/switches")
@login_required
def switch(public_id: str) -> ResponseReturnValue:
    """Set what flows out, and what a removed song means."""
    account = _account_or_404(find_or_404(public_id))
    for name in SWITCHES:
        setattr(account, name, request.form.get(name) is not None)
    db.session.commit()
    flash("Saved.", "success")
    return redirect(url_for("servers.page"), 303)


@blueprint.post("/<public_id>/exchange")
@login_required
def exchange(public_id: str) -> ResponseReturnValue:
    """Exchange now."""
    server = find_or_404(public_id)
    account = _account_or_404(server)
    security.count_try(
        security.CONNECT_ADDRESS, security.client_network(), f"user:{current_user.id}"
    )
    _queue(server, account, db.session.get_one(User, current_user.id))
    db.session.commit()
    flash("The exchange begins in a moment.", "success")
    return redirect(url_for("servers.page"), 303)


@blueprint.post("/<public_id>/disconnect")
@login_required
def disconnect(public_id: str) -> ResponseReturnValue:
    """Forget the account's sign-in; what came in stays."""
    server = find_or_404(public_id)
    music_servers.disconnect(db.session, _account_or_404(server))
    name = server.name
    user = db.session.get_one(User, current_user.id)
    security_log.record("server-account-disconnected", user, name)
    db.session.commit()
    flash(f"Disconnected from {name}: the password is deleted. What came in stays.", "success")
    return redirect(url_for("servers.page"), 303)


def sign_in_of_form() -> SignIn:
    """Return the sign-in that a form was filled in with: name and password, or an API key."""
    from songrec.services.servers.connection import SignIn

    kind = API_KEY if request.form.get("kind") == API_KEY else PASSWORD
    return SignIn(request.form.get("username", ""), request.form.get("secret", ""), kind)


def find_or_404(public_id: str) -> MusicServer:
    """Return the server with this id."""
    try:
        server = music_servers.find(db.session, public_id)
    except UnknownName:
        abort(404, "No such music server.")
    if server.public_id != public_id:
        abort(404, "No such music server.")
    return server


def _account_or_404(server: MusicServer) -> ServerAccount:
    user = db.session.get_one(User, current_user.id)
    listener = users.listener_of(db.session, user)
    account = music_servers.account_of(db.session, server, listener) if listener else None
    if account is None:
        abort(404, f"You have no account on {server.name} connected.")
    return account


def _queue(server: MusicServer, account: ServerAccount, user: User) -> None:
    parameters = {"server": server.public_id, "account": account.id}
    queue.enqueue_once(db.session, "server-sync", parameters, user)


def _page(failed: str = "", error: str = "") -> str:
    listener = users.listener_of(db.session, db.session.get_one(User, current_user.id))
    servers = [
        one for one in music_servers.all_servers(db.session) if one.kind == music_servers.SCANNED
    ]
    return render_template(
        "auth/servers.html",
        servers=servers,
        accounts=music_servers.accounts_of(db.session, listener) if listener else {},
        failed=failed,
        error=error,
        username=request.form.get("username", "")[:200],
        minutes=current_app.config["SERVER_MINUTES"],
        worker=queue.worker_runs(current_instance(), "server-sync") if servers else True,
    )
