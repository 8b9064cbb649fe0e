"""``flask listenbrainz`` and ``flask scrobble``: plays and likes, from and to ListenBrainz."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click
from flask.cli import with_appcontext

from songrec.cli.base import (
    json_option,
    one_line_errors,
    print_json,
    terminal_progress,
)
from songrec.core.errors import BadInput, NotReady
from songrec.store.db import db

if TYPE_CHECKING:
    from songrec.core.encryption import Cipher
    from songrec.store.tables import ListenBrainzAccount

user_option = click.option("--user", required=True, metavar="NAME", help="The account.")


@click.group("listenbrainz")
def listenbrainz_group() -> None:
    """Accounts of ListenBrainz: listens and feedback come in; plays go out when switched on."""


@listenbrainz_group.command("connect")
@user_option
@click.option("--server", default="", metavar="URL", help="Another server with the same API.")
@click.option("--token-stdin", is_flag=True, help="Read the token's line from stdin.")
@json_option
@with_appcontext
@one_line_errors
def connect(user: str, server: str, token_stdin: bool, as_json: bool) -> None:
    """Connect an account with a user token, which is stored encrypted."""
    from songrec.services.listeners import listenbrainz
    from songrec.store.listeners import users

    listener = users.require_listener(db.session, users.get(db.session, user))
    db.session.commit()  # nothing stays locked while the token is typed
    token = sys.stdin.readline() if token_stdin else click.prompt("User token", hide_input=True)
    account = listenbrainz.connect(
        db.session, listener, _cipher(), token, server, may_be_private=True
    )
    db.session.commit()
    _show(account, as_json, f"Connected as {account.username} at {account.url}.")


@listenbrainz_group.command("set")
@user_option
@click.option("--read-plays/--no-read-plays", "reads_plays", default=None, help="Listens come in.")
@click.option(
    "--read-feedback/--no-read-feedback", "reads_feedback", default=None, help="Feedback comes in."
)
@click.option(
    "--send-plays/--no-send-plays", "sends_plays", default=None, help="Plays go out, from now on."
)
@click.option(
    "--send-feedback/--no-send-feedback",
    "sends_feedback",
    default=None,
    help="Likes and dislikes go out, from now on.",
)
@json_option
@with_appcontext
@one_line_errors
def set_switches(user: str, as_json: bool, **switches: bool | None) -> None:
    """Set the directions of the exchange; without an option nothing changes."""
    from songrec.services.listeners import listenbrainz

    account = _account(user)
    chosen = {
        name: bool(getattr(account, name)) if value is None else value
        for name, value in switches.items()
    }
    listenbrainz.switch(account, **chosen)
    db.session.commit()
    on = [name.replace("_", " ") for name, value in chosen.items() if value]
    _show(account, as_json, f"{account.username}: {', '.join(on) or 'nothing is exchanged'}.")


@listenbrainz_group.command("status")
@user_option
@json_option
@with_appcontext
@one_line_errors
def status(user: str, as_json: bool) -> None:
    """Show the directions, the time and the error of the last exchange."""
    account = _account(user)
    last = account.synced_at.isoformat(timespec="minutes") if account.synced_at else "never"
    text = f"{account.username} at {account.url}; last exchange: {last}."
    _show(account, as_json, f"{text} {account.error}" if account.error else text)


@listenbrainz_group.command("exchange")
@user_option
@json_option
@with_appcontext
@one_line_errors
def exchange(user: str, as_json: bool) -> None:
    """Exchange now, in the directions that are switched on."""
    from songrec.services.listeners import listenbrainz

    report = listenbrainz.exchange(db.session, _account(user), _cipher(), terminal_progress())
    if as_json:
        print_json(report.to_json())
        return
    click.echo(
        f"Came in: {report.plays:,} plays, {report.likes:,} likes, {report.dislikes:,} dislikes; "
        f"{report.unsure:,} songs are not sure. Sent: {report.sent_plays:,} plays, "
        f"{report.sent_reactions:,} likes and dislikes."
    )
    if not report.is_complete:
        click.echo("Older plays remain: the next exchange continues.")


@listenbrainz_group.command("disconnect")
@user_option
@with_appcontext
@one_line_errors
def disconnect(user: str) -> None:
    """Delete the token of an account; what came in stays."""
    account = _account(user)
    db.session.delete(account)
    db.session.commit()
    click.echo(f"{account.username} is disconnected; the token is deleted.")


@click.command("scrobble")
@click.option("--user", metavar="NAME", help="One account; without it all that send plays.")
@click.option(
    "--since",
    type=click.DateTime(["%Y-%m-%d"]),
    metavar="DATE",
    help="Also plays from this day on (UTC) played before sending was switched on.",
)
@click.option("--dry-run", is_flag=True, help="Only count them.")
@json_option
@with_appcontext
@one_line_errors
def scrobble(user: str | None, since: datetime | None, dry_run: bool, as_json: bool) -> None:
    """Send plays in songrec to ListenBrainz, each once, for accounts that switched it on."""
    from songrec.services.listeners import listenbrainz
    from songrec.store.db import now
    from songrec.store.listeners import listenbrainz_accounts

    if user is not None:
        accounts = [_account(user)]
        if not accounts[0].sends_plays:
            raise BadInput(
                f"{user} sends no plays: flask listenbrainz set --user {user} --send-plays"
            )
    else:
        everybody = listenbrainz_accounts.everybody(db.session)
        accounts = [one for one in everybody if one.sends_plays]
    day = since.replace(tzinfo=UTC) if since else None
    documents: list[dict[str, Any]] = []
    for account in accounts:
        name = account.username
        document: dict[str, Any] = {"username": name, "sent": 0, "refused": 0, "error": None}
        if dry_run:
            number = listenbrainz_accounts.count_unsent(db.session, account, now(), day)
            document["waiting"] = number
        else:
            try:
                report = listenbrainz.send_plays(db.session, account, _cipher(), day)
                document |= {"sent": report.sent_plays, "refused": report.refused}
            except NotReady as error:
                document["error"] = str(error)
        documents.append(document)
    if as_json:
        print_json(documents)
    for one in () if as_json else documents:
        if dry_run:
            click.echo(f"{one['username']}: {one['waiting']:,} plays to send.")
        elif one["error"] is None:
            refused = f", {one['refused']:,} refused" if one["refused"] else ""
            click.echo(f"{one['username']}: {one['sent']:,} plays sent{refused}.")
    if not documents and not as_json:
        click.echo("No account sends plays.")
    errors = [f"{one['username']}: {one['error']}" for one in documents if one["error"]]
    if errors:
        raise NotReady("; ".join(errors))


def _account(user: str) -> ListenBrainzAccount:
    from songrec.store.listeners import listenbrainz_accounts, users

    listener = users.listener_of(db.session, users.get(db.session, user))
    account = listenbrainz_accounts.of_listener(db.session, listener)
    if account is None:
        raise BadInput(f"{user} is not connected: flask listenbrainz connect --user {user}")
    return account


def _show(account: ListenBrainzAccount, as_json: bool, text: str) -> None:
    if not as_json:
        click.echo(text)
        return
    switches = ("reads_plays", "reads_feedback", "sends_plays", "sends_feedback")
    print_json(
        {
            "username": account.username,
            "server": account.url,
            **{name: getattr(account, name) for name in switches},
            "synced_at": account.synced_at.isoformat() if account.synced_at else None,
            "last": account.sync.get("last"),
            "error": account.error,
        }
    )


def _cipher() -> Cipher:
    from songrec.store.ciphers import current_cipher

    return current_cipher()


COMMANDS = (listenbrainz_group, scrobble)
