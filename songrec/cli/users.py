"""``flask create-user`` and ``flask listeners``."""

from __future__ import annotations

import sys

import click
from flask.cli import with_appcontext

from songrec.cli.base import json_option, one_line_errors, print_json
from songrec.core.errors import BadInput
from songrec.store.db import db


@click.command("create-user")
@click.argument("name")
@click.option("--admin", is_flag=True, help="Make the account an admin.")
@click.option("--password-stdin", is_flag=True, help="Read the password's line from stdin.")
@one_line_errors
def create_user_command(name: str, admin: bool, password_stdin: bool) -> None:
    """Make an account called NAME; without a password given, generate and print one."""
    from songrec.store.listeners import users

    if password_stdin:
        password = sys.stdin.readline().rstrip("\r\n")
        if not password:
            raise BadInput("--password-stdin was given, but stdin is empty.")
    else:
        password = users.generate_password()
    user = users.create(db.session, name, password, is_admin=admin)
    db.session.commit()
    click.echo(f"{'Admin' if admin else 'Account'} {user.name} is made.")
    if not password_stdin:
        click.echo(f"Password, shown this once: {password}")


@click.group("listeners")
def listeners_group() -> None:
    """Whoever likes songs, with or without an account."""


@listeners_group.command("prune")
@click.option(
    "--days", default=365, show_default=True, metavar="N", help="Nothing was heard for so long."
)
@click.option("--dry-run", is_flag=True, help="Count them and leave them be.")
@json_option
@with_appcontext
@one_line_errors
def prune(days: int, dry_run: bool, as_json: bool) -> None:
    """Remove listeners without an account who have said nothing for N days, with all of theirs.

    Saying is liking, disliking, skipping, making a playlist, importing or uploading. A browser that
    did not come for 31 days has lost its cookie and cannot come back to what it liked.
    """
    from songrec.store.listeners import inactive_listeners

    work = inactive_listeners.count if dry_run else inactive_listeners.remove
    number = work(db.session, days)
    db.session.commit()
    if as_json:
        print_json({"days": days, "removed": 0 if dry_run else number, "found": number})
        return
    who = f"{number:,} listener{'s' * (number != 1)} without an account"
    since = f"of whom nothing was heard for {days} day{'s' * (days != 1)}"
    if dry_run:
        click.echo(f"{who}, {since}; none was removed.")
    else:
        click.echo(f"Removed: {who}, {since}.")


COMMANDS = (create_user_command, listeners_group)
