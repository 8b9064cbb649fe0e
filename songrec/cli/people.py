"""``flask create-user``."""

from __future__ import annotations

import sys

import click

from songrec.cli.base import one_line_errors
from songrec.core.errors import BadInput
from songrec.store.db import db


@click.command("create-user")
@click.argument("name")
@click.option("--admin", is_flag=True, help="Make the account an admin.")
@click.option("--password-stdin", is_flag=True, help="Read the password's line from stdin.")
@one_line_errors
def create_user_command(name: str, admin: bool, password_stdin: bool) -> None:
    """Make an account called NAME; without a password given, generate and print one."""
    from songrec.store import users

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


COMMANDS = (create_user_command,)
