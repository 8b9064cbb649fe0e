"""``flask create-user`` and ``flask listeners``."""

from __future__ import annotations

import click
from flask.cli import with_appcontext

from songrec.cli.accounts import BY_COMMAND, read_password
from songrec.cli.base import json_option, one_line_errors, print_json
from songrec.store.db import db


@click.command("create-user")
@click.argument("name")
@click.option("--admin", is_flag=True, help="Make the account an admin.")
@click.option("--password-stdin", is_flag=True, help="Read the password's line from stdin.")
@one_line_errors
def create_user_command(name: str, admin: bool, password_stdin: bool) -> None:
    """Create the account NAME; without --password-stdin a password is generated and printed."""
    from songrec.store import security_log
    from songrec.store.listeners import users

    password = read_password() if password_stdin else users.generate_password()
    user = users.create(db.session, name, password, is_admin=admin)
    detail = f"{'admin, ' if admin else ''}{BY_COMMAND}"
    security_log.record(db.session, "account-created", user=user, detail=detail)
    db.session.commit()
    click.echo(f"{'Admin' if admin else 'Account'} {user.name} created.")
    if not password_stdin:
        click.echo(f"Password (shown only once): {password}")


@click.group("listeners")
def listeners_group() -> None:
    """Listeners: people who like songs, with or without an account."""


@listeners_group.command("prune")
@click.option("--days", default=365, show_default=True, metavar="N", help="Days of inactivity.")
@click.option("--dry-run", is_flag=True, help="Only count them.")
@json_option
@with_appcontext
@one_line_errors
def prune(days: int, dry_run: bool, as_json: bool) -> None:
    """Delete anonymous listeners that were inactive for N days, with all their data.

    Activity is liking, disliking, skipping, playing, importing, uploading, and creating a playlist,
    a rule or a mix. After 31 days without a visit a browser has lost its cookie and cannot return
    to its likes anyway.
    """
    from songrec.store.listeners import inactive_listeners

    action = inactive_listeners.count if dry_run else inactive_listeners.remove
    number = action(db.session, days)
    db.session.commit()
    if as_json:
        print_json({"days": days, "removed": 0 if dry_run else number, "found": number})
        return
    listeners = f"{number:,} listener{'s' * (number != 1)} without an account"
    period = f"inactive for {days} day{'s' * (days != 1)}"
    if dry_run:
        click.echo(f"{listeners}, {period}; nothing removed (dry run).")
    else:
        click.echo(f"Removed {listeners}, {period}.")


COMMANDS = (create_user_command, listeners_group)
