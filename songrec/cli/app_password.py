"""``flask app-password``: passwords and keys by which phone apps sign in."""

from __future__ import annotations

from typing import Any

import click
from flask.cli import with_appcontext

from songrec.cli.accounts import BY_COMMAND
from songrec.cli.base import json_option, one_line_errors, print_json
from songrec.core.errors import BadInput
from songrec.store.db import db
from songrec.store.tables import AppPassword, User


@click.command("app-password")
@click.argument("name")
@click.option("--device", metavar="TEXT", help="Make a password for this device.")
@click.option("--list", "lists", is_flag=True, help="List the devices that have one.")
@click.option("--revoke", type=int, metavar="ID", help="Revoke the password of a device.")
@json_option
@with_appcontext
@one_line_errors
def app_password_command(
    name: str, device: str | None, lists: bool, revoke: int | None, as_json: bool
) -> None:
    """Make a password and an API key for an app of the account NAME and print them, this once.

    Apps that speak the Subsonic API sign in with them at this songrec's address. With --list the
    devices that have one are listed, with --revoke one of them is shut out.
    """
    from songrec.store.listeners import users

    if (device is not None) + lists + (revoke is not None) != 1:
        raise click.UsageError("Give one of --device TEXT, --list and --revoke ID.")
    user = users.get(db.session, name)
    if device is not None:
        _create(user, device, as_json)
    elif revoke is not None:
        _revoke(user, revoke, as_json)
    else:
        _list(user, as_json)


def _create(user: User, device: str, as_json: bool) -> None:
    from songrec.store import security_log
    from songrec.store.ciphers import current_cipher
    from songrec.store.listeners import app_passwords

    cipher = current_cipher()
    row, password, api_key = app_passwords.create(db.session, user, device, cipher)
    detail = f"app password {row.id}, {BY_COMMAND}"
    security_log.record(db.session, "app-password-created", user=user, detail=detail)
    db.session.commit()
    if as_json:
        print_json({"username": user.name, "password": password, "api_key": api_key})
        return
    click.echo(f"For {row.device}, shown only once:")
    click.echo(f"name      {user.name}\npassword  {password}\nAPI key   {api_key}")


def _revoke(user: User, row_id: int, as_json: bool) -> None:
    from songrec.store import security_log
    from songrec.store.listeners import app_passwords

    row = app_passwords.revoke(db.session, user, row_id)
    if row is None:
        raise BadInput(
            f"{user.name} has no app password {row_id}: flask app-password {user.name!r} --list"
        )
    detail = f"app password {row_id}, {BY_COMMAND}"
    security_log.record(db.session, "app-password-revoked", user=user, detail=detail)
    db.session.commit()
    if as_json:
        print_json(_described(row))
        return
    click.echo(f"The app password of {row.device} is revoked.")


def _list(user: User, as_json: bool) -> None:
    from songrec.store.listeners import app_passwords

    rows = app_passwords.of_user(db.session, user)
    if as_json:
        print_json([_described(row) for row in rows])
        return
    for row in rows:
        used = f"{row.last_used_at:%Y-%m-%d}" if row.last_used_at else "never"
        client = f" by {row.last_client}" if row.last_client else ""
        click.echo(f"{row.id:>5}  {row.device:<32}used {used}{client}")


def _described(row: AppPassword) -> dict[str, Any]:
    return {
        "id": row.id,
        "device": row.device,
        "created_at": row.created_at.isoformat(),
        "last_used_at": row.last_used_at.isoformat() if row.last_used_at else None,
        "last_client": row.last_client or None,
    }


COMMANDS = (app_password_command,)
