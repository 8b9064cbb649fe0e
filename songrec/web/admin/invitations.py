"""Invitations: the list, made, shown once, revoked."""

from __future__ import annotations

from flask import (
    abort,
    current_app,
    flash,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.typing import ResponseReturnValue
from flask_login import current_user

from songrec.core.errors import BadInput
from songrec.store.db import db
from songrec.store.listeners import invitations
from songrec.store.tables import Invitation, User
from songrec.web import security_log
from songrec.web.admin import blueprint


@blueprint.get("/invitations", endpoint="invitations")
def list_invitations() -> ResponseReturnValue:
    """List open invitations and those that ended a short while ago, newest first."""
    return render_template("admin/invitations.html", invitations=invitations.recent(db.session))


@blueprint.app_template_test("open_invitation")
def is_open(invitation: Invitation) -> bool:
    """Return whether an account can still be made by it."""
    return invitations.is_open(invitation)


@blueprint.post("/invitations")
def create_invitation() -> ResponseReturnValue:
    """Make an invitation and show its link, this once."""
    if current_app.config["SIGN_UP"] == "closed":
        abort(409, "Sign-up is closed: set SONGREC_SIGN_UP=invitation to invite somebody.")
    creator = db.session.get_one(User, current_user.id)
    days = request.form.get("days", invitations.DAYS, type=int)
    try:
        invitation, secret = invitations.create(
            db.session, request.form.get("note", ""), days, creator
        )
    except BadInput as error:
        flash(str(error), "error")
        return redirect(url_for("admin.invitations"), 303)
    security_log.record("invitation-created", detail=f"invitation {invitation.id}")
    db.session.commit()
    link = url_for("auth.sign_up", invitation=secret, _external=True)
    # Shown in this response, because a redirect would have to store the secret in clear text.
    return make_response(
        render_template("admin/new_invitation.html", invitation=invitation, link=link), 201
    )


@blueprint.post("/invitations/<int(max=2147483647):invitation_id>/revoke")
def revoke_invitation(invitation_id: int) -> ResponseReturnValue:
    """Make an open invitation useless from now on."""
    if not invitations.revoke(db.session, invitation_id):
        abort(404, "No such invitation, or it was used or revoked already.")
    security_log.record("invitation-revoked", detail=f"invitation {invitation_id}")
    db.session.commit()
    flash("Invitation revoked. Its link no longer works.", "success")
    return redirect(url_for("admin.invitations"), 303)
