"""The admin's pages of music servers: connecting, status, scans, removal."""

from __future__ import annotations

from flask import current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from songrec.core.errors import BadInput, NotReady
from songrec.jobs import queue
from songrec.services.servers import status
from songrec.store.db import db
from songrec.store.instance import current_instance
from songrec.store.listeners import users
from songrec.store.tables import User
from songrec.web import security, security_log
from songrec.web.admin import blueprint
from songrec.web.servers import find_or_404, sign_in_of_form


@blueprint.get("/servers")
def servers() -> str:
    """List the connected servers and offer to connect another."""
    return _page()


@blueprint.post("/servers")
def add_server() -> ResponseReturnValue:
    """Connect a server with the admin's own account on it, and queue its first scan."""
    from songrec.services.servers import connection

    user = db.session.get_one(User, current_user.id)
    security.count_try(security.CONNECT_ADDRESS, security.client_network(), f"user:{user.id}")
    try:
        server, _ = connection.add_server(
            current_instance(),
            request.form.get("url", ""),
            name=request.form.get("name", "").strip() or None,
            listener=users.require_listener(db.session, user),
            sign_in=sign_in_of_form(),
            allows_private=request.form.get("allows_private") is not None,
        )
    except (BadInput, NotReady) as error:
        db.session.rollback()
        return _page(str(error)), 400
    security_log.record("server-added", user, server.name)
    queue.enqueue_once(db.session, "server-scan", {"server": server.public_id}, user)
    db.session.commit()
    flash(f"{server.name} is connected. Its songs are read in a moment.", "success")
    return redirect(url_for("admin.servers"), 303)


@blueprint.post("/servers/<public_id>/scan")
def scan_server(public_id: str) -> ResponseReturnValue:
    """Queue a scan of a server, with the exchange that follows it."""
    server = find_or_404(public_id)
    user = db.session.get_one(User, current_user.id)
    parameters = {"server": server.public_id, "force": True}
    queue.enqueue_once(db.session, "server-scan", parameters, user)
    db.session.commit()
    flash(f"{server.name} is scanned in a moment.", "success")
    return redirect(url_for("admin.servers"), 303)


@blueprint.post("/servers/<public_id>/remove")
def remove_server(public_id: str) -> ResponseReturnValue:
    """Forget a server; songs, likes, plays and playlists stay."""
    from songrec.services.servers import connection

    server = find_or_404(public_id)
    name = server.name
    connection.remove_server(current_instance(), server)
    security_log.record("server-removed", db.session.get_one(User, current_user.id), name)
    db.session.commit()
    flash(f"{name} is removed. Its songs, and your likes, plays and playlists, stay.", "success")
    return redirect(url_for("admin.servers"), 303)


def _page(error: str = "") -> str:
    form = {name: request.form.get(name, "")[:500] for name in ("url", "name", "username")}
    statuses = status.all_statuses(db.session)
    return render_template(
        "admin/servers.html",
        statuses=statuses,
        error=error,
        form=form,
        minutes=current_app.config["SERVER_MINUTES"],
        worker=queue.worker_runs(current_instance(), "server-scan") if statuses else True,
    )
