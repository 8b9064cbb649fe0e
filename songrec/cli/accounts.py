"""``flask users``, ``flask tokens`` and ``flask security-log``."""

from __future__ import annotations

import sys
from datetime import timedelta
from typing import Any

import click
from flask.cli import with_appcontext

from songrec.cli.base import json_option, one_line_errors, print_json
from songrec.core.errors import BadInput
from songrec.store.db import db, now
from songrec.store.tables import ApiToken

BY_COMMAND = "by command"


@click.group("users")
def users_group() -> None:
    """Accounts: list them, sign somebody out, reset a password."""


@users_group.command("list")
@json_option
@with_appcontext
@one_line_errors
def list_users(as_json: bool) -> None:
    """List all accounts with their rights, signed-in browsers and API tokens."""
    from songrec.store.listeners import users

    rows = users.overview(db.session)
    if as_json:
        print_json([{**row, "created_at": row["created_at"].isoformat()} for row in rows])
        return
    for row in rows:
        role = "admin" if row["is_admin"] else ""
        click.echo(
            f"{row['name']:<32}{role:<8}since {row['created_at']:%Y-%m-%d}"
            f"  browsers {row['sessions']}  tokens {row['tokens']}"
        )


@users_group.command("sign-out")
@click.argument("name", required=False)
@click.option("--everybody", is_flag=True, help="All accounts instead of one.")
@click.option("--keep-tokens", is_flag=True, help="Leave API tokens and app passwords valid.")
@with_appcontext
@one_line_errors
def sign_out(name: str | None, everybody: bool, keep_tokens: bool) -> None:
    """End all sessions of the account NAME, and revoke its API tokens and app passwords."""
    from songrec.store import security_log
    from songrec.store.listeners import users

    if (name is None) != everybody:
        raise click.UsageError("Give the NAME of an account, or --everybody.")
    accounts = users.everybody(db.session) if name is None else [users.get(db.session, name)]
    for user in accounts:
        ended, revoked = users.sign_out(db.session, user, revoke_tokens=not keep_tokens)
        security_log.record(db.session, "signed-out-everywhere", user=user, detail=BY_COMMAND)
        click.echo(f"{user.name} is signed out: {ended} browser(s), {revoked} API token(s).")
    db.session.commit()


@users_group.command("reset-password")
@click.argument("name")
@click.option("--password-stdin", is_flag=True, help="Read the password's line from stdin.")
@with_appcontext
@one_line_errors
def reset_password(name: str, password_stdin: bool) -> None:
    """Set a new password for NAME; sessions, API tokens and app passwords end.

    Without --password-stdin a password is generated and printed.
    """
    from songrec.store import security_log
    from songrec.store.listeners import users

    user = users.get(db.session, name)
    if password_stdin:
        users.set_password(db.session, user, read_password(), revoke_tokens=True)
    else:
        password = users.reset_password(db.session, user)
    security_log.record(db.session, "password-reset", user=user, detail=BY_COMMAND)
    db.session.commit()
    click.echo(f"{user.name} has a new password; sessions and API tokens have ended.")
    if not password_stdin:
        click.echo(f"Password (shown only once): {password}")


def read_password() -> str:
    """Read a password's line from stdin; ``BadInput`` if it is empty."""
    password = sys.stdin.readline().rstrip("\r\n")
    if not password:
        raise BadInput("--password-stdin was given, but stdin is empty.")
    return password


@click.group("tokens")
def tokens_group() -> None:
    """API tokens of accounts."""


@tokens_group.command("create")
@click.argument("name")
@click.argument("title")
@click.option("--write", is_flag=True, help="May also change likes and playlists and upload songs.")
@click.option("--days", type=int, metavar="N", help="Days until it expires; default: never.")
@json_option
@with_appcontext
@one_line_errors
def create_token(name: str, title: str, write: bool, days: int | None, as_json: bool) -> None:
    """Create an API token called TITLE for the account NAME and print it, this once."""
    from songrec.store import security_log
    from songrec.store.listeners import api_tokens, users

    user = users.get(db.session, name)
    scopes = ["write"] if write else ["read"]
    token, clear = api_tokens.create(db.session, user, title, scopes, days)
    detail = f"token {token.id}, {token.scopes}, {BY_COMMAND}"
    security_log.record(db.session, "token-created", user=user, detail=detail)
    db.session.commit()
    if as_json:
        print_json({**_token(token), "token": clear})
        return
    ends = f"until {token.expires_at:%Y-%m-%d}" if token.expires_at else "until it is revoked"
    click.echo(f"Token (shown only once), valid {ends}: {clear}")


@tokens_group.command("list")
@click.argument("name")
@json_option
@with_appcontext
@one_line_errors
def list_tokens(name: str, as_json: bool) -> None:
    """List the API tokens of the account NAME, newest first."""
    from songrec.store.listeners import api_tokens, users

    tokens = api_tokens.of_user(db.session, users.get(db.session, name))
    if as_json:
        print_json([_token(token) for token in tokens])
        return
    for token in tokens:
        used = f"{token.last_used_at:%Y-%m-%d}" if token.last_used_at else "never"
        ends = f"{token.expires_at:%Y-%m-%d}" if token.expires_at else "never"
        state = " (expired)" if api_tokens.is_expired(token) else ""
        click.echo(
            f"{token.id:>5}  {token.name:<32}{token.scopes:<12}used {used}  expires {ends}{state}"
        )


@tokens_group.command("revoke")
@click.argument("name")
@click.argument("token_id", type=int, metavar="ID")
@with_appcontext
@one_line_errors
def revoke_token(name: str, token_id: int) -> None:
    """Revoke the API token ID of the account NAME."""
    from songrec.store import security_log
    from songrec.store.listeners import api_tokens, users

    user = users.get(db.session, name)
    if not api_tokens.revoke(db.session, user, token_id):
        raise BadInput(f"{user.name} has no token {token_id}: flask tokens list {user.name!r}")
    detail = f"token {token_id}, {BY_COMMAND}"
    security_log.record(db.session, "token-revoked", user=user, detail=detail)
    db.session.commit()
    click.echo(f"Token {token_id} revoked.")


@click.command("security-log")
@click.option("--kind", "kinds", multiple=True, metavar="KIND", help="Only this kind; repeatable.")
@click.option("--user", "account", default="", metavar="NAME", help="Only about or by NAME.")
@click.option("--days", type=click.FloatRange(min=0), metavar="N", help="Only the last N days.")
@click.option("-n", "limit", default=100, show_default=True, help="Maximum number, newest first.")
@json_option
@with_appcontext
@one_line_errors
def security_log_command(
    kinds: tuple[str, ...], account: str, days: float | None, limit: int, as_json: bool
) -> None:
    """List sign-ins, failures and changes of passwords, rights and keys, newest first."""
    from songrec.store import security_log
    from songrec.store.listeners import users

    if account:
        users.get(db.session, account)
    since = now() - timedelta(days=min(days, 36_500)) if days is not None else None
    events, total = security_log.page(
        db.session, 1, max(1, limit), kinds=kinds, account=account, since=since
    )
    if as_json:
        print_json({"total": total, "events": [one.to_json() for one in events]})
        return
    for one in events:
        event = one.event
        details = [
            one.user or "",
            f"by {one.actor}" if one.actor and one.actor != one.user else "",
            f"from {event.address}" if event.address else "",
            event.detail,
        ]
        text = "  ".join(filter(None, details))
        click.echo(f"{event.at:%Y-%m-%d %H:%M:%S}  {event.kind:<22}{text}".rstrip())


def _token(token: ApiToken) -> dict[str, Any]:
    return {
        "id": token.id,
        "name": token.name,
        "scopes": token.scopes.split(),
        "created_at": token.created_at.isoformat(),
        "last_used_at": token.last_used_at.isoformat() if token.last_used_at else None,
        "expires_at": token.expires_at.isoformat() if token.expires_at else None,
    }


COMMANDS = (users_group, tokens_group, security_log_command)
