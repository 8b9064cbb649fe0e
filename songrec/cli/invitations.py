"""``flask invite`` and ``flask invitations``."""

from __future__ import annotations

from typing import Any

import click
from flask import current_app, url_for
from flask.cli import with_appcontext

from songrec.cli.base import json_option, one_line_errors, print_json
from songrec.core.errors import BadInput
from songrec.store.db import db
from songrec.store.tables import Invitation


@click.command("invite")
@click.option("--for", "note", default="", metavar="NOTE", help="Note on whom it is for.")
@click.option("--days", default=7, show_default=True, metavar="N", help="Days until it expires.")
@click.option("--base-url", metavar="URL", help="Address of this songrec, as the guest reaches it.")
@json_option
@with_appcontext
@one_line_errors
def invite(note: str, days: int, base_url: str | None, as_json: bool) -> None:
    """Print a link with which one person can create an account."""
    from songrec.core import config
    from songrec.store import security_log
    from songrec.store.listeners import invitations

    if current_app.config["SIGN_UP"] == "closed":
        raise BadInput("Sign-up is closed: set SONGREC_SIGN_UP=invitation to invite somebody.")
    invitation, secret = invitations.create(db.session, note, days)
    with current_app.test_request_context(base_url=base_url or config.address()):
        link = url_for("auth.sign_up", invitation=secret, _external=True)
    detail = f"invitation {invitation.id}, by command"
    security_log.record(db.session, "invitation-created", detail=detail)
    db.session.commit()
    if as_json:
        print_json({**_described(invitation), "link": link})
        return
    click.echo(f"Shown only once, for one account, until {_date(invitation)}:\n{link}")


@click.group("invitations")
def invitations_group() -> None:
    """Invitations: links with which one person each can create an account."""


@invitations_group.command("list")
@json_option
@with_appcontext
@one_line_errors
def list_invitations(as_json: bool) -> None:
    """List open invitations and those of the last 30 days."""
    from songrec.store.listeners import invitations

    rows = [_described(one) for one in invitations.recent(db.session)]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        ends = f"until {row['expires_at'][:10]}" if row["state"] == "open" else ""
        click.echo(f"{row['id']:>5}  {row['state']:<8}{ends:<18}{row['note']}".rstrip())


@invitations_group.command("revoke")
@click.argument("invitation_id", type=int, metavar="ID")
@with_appcontext
@one_line_errors
def revoke(invitation_id: int) -> None:
    """Make the link of the open invitation ID useless."""
    from songrec.store import security_log
    from songrec.store.listeners import invitations

    if not invitations.revoke(db.session, invitation_id):
        raise BadInput(f"No open invitation {invitation_id}: flask invitations list")
    detail = f"invitation {invitation_id}, by command"
    security_log.record(db.session, "invitation-revoked", detail=detail)
    db.session.commit()
    click.echo(f"Invitation {invitation_id} revoked.")


def _described(invitation: Invitation) -> dict[str, Any]:
    from songrec.store.listeners import invitations

    used = invitation.used_at is not None
    open_ = invitations.is_open(invitation)
    return {
        "id": invitation.id,
        "note": invitation.note,
        "state": "open" if open_ else "used" if used else "expired",
        "created_at": invitation.created_at.isoformat(),
        "expires_at": invitation.expires_at.isoformat(),
        "used_at": invitation.used_at.isoformat() if invitation.used_at else None,
    }


def _date(invitation: Invitation) -> str:
    return f"{invitation.expires_at:%Y-%m-%d %H:%M} UTC"


COMMANDS = (invite, invitations_group)
