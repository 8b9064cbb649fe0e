"""``flask servers``: connect music servers, scan them, exchange with their accounts."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING, Any

import click
from flask.cli import with_appcontext

from songrec.cli.accounts import BY_COMMAND
from songrec.cli.base import json_option, one_line_errors, print_json, terminal_progress
from songrec.core.errors import BadInput
from songrec.store.db import db

if TYPE_CHECKING:
    from songrec.services.servers.connection import SignIn
    from songrec.store.tables import MusicServer

PASSWORD_VARIABLE = "SONGREC_SERVER_PASSWORD"  # noqa: S105 - the name of a variable


@click.group("servers")
def servers_group() -> None:
    """Music servers: connect one, read its songs, exchange likes, plays and playlists."""


@servers_group.command("add")
@click.argument("url")
@click.option("--user", "account", required=True, metavar="ACCOUNT", help="Account of songrec.")
@click.option("--username", default="", metavar="NAME", help="Name on the server.")
@click.option("--name", metavar="NAME", help="What songrec calls it; by default its address.")
@click.option("--password-stdin", is_flag=True, help="Read the password's line from stdin.")
@click.option("--api-key", is_flag=True, help="An API key is entered instead of a password.")
@click.option("--allow-private", is_flag=True, help="Its name may lead into a private network.")
@click.option("--send-likes", is_flag=True, help="Likes become stars there, dislikes one star.")
@json_option
@with_appcontext
@one_line_errors
def add(
    url: str,
    account: str,
    username: str,
    name: str | None,
    password_stdin: bool,
    api_key: bool,
    allow_private: bool,
    send_likes: bool,
    as_json: bool,
) -> None:
    """Connect the server at URL, or another account on one that is connected.

    The password is prompted for, read from stdin, or taken from SONGREC_SERVER_PASSWORD.
    """
    from songrec.core.server_urls import names_private_address, normalise_url
    from songrec.services.servers import connection
    from songrec.store import security_log
    from songrec.store.listeners import users
    from songrec.store.servers import music_servers

    user = users.get(db.session, account)
    listener = users.require_listener(db.session, user)
    db.session.commit()  # nothing stays locked while the password is typed
    sign_in = _sign_in(username, is_key=api_key, from_stdin=password_stdin)
    url = normalise_url(url).removesuffix("/rest")
    server = next((one for one in music_servers.all_servers(db.session) if one.url == url), None)
    kind = "server-account-connected" if server else "server-added"
    instance = _instance()
    if server is None:
        server, connected = connection.add_server(
            instance,
            url,
            name=name,
            listener=listener,
            sign_in=sign_in,
            allows_private=allow_private,
        )
    else:
        connected = connection.connect_account(instance, server, listener, sign_in)
    connected.sends_likes = connected.sends_likes or send_likes
    security_log.record(db.session, kind, user=user, detail=f"{server.name}, {BY_COMMAND}")
    db.session.commit()
    if as_json:
        print_json(_described(server))
        return
    software = " ".join(filter(None, (server.software, server.version)))
    click.echo(f"{server.name} is connected for {user.name}{f': {software}' if software else ''}.")
    if names_private_address(url):
        click.echo("Its address is on this machine or in a private network, which you allow by it.")
    click.echo("Everybody who uses this songrec will see and play its songs.")
    click.echo(f"Read its songs: flask servers scan {_shown(server.name)}")


@servers_group.command("list")
@json_option
@with_appcontext
@one_line_errors
def list_servers(as_json: bool) -> None:
    """List connected servers with their songs, accounts and last errors."""
    from songrec.store.servers import music_servers

    rows = [_described(server) for server in music_servers.all_servers(db.session)]
    if as_json:
        print_json(rows)
        return
    for row in rows:
        click.echo(f"{row['name']}  {row['url']}  {row['songs']:,} songs  {row['state']}")
        for account in row["accounts"]:
            click.echo(f"    {account['user']} as {account['username']}  {account['state']}")
    if not rows:
        click.echo("No music server is connected: flask servers add URL --user ACCOUNT")


@servers_group.command("check")
@click.argument("name")
@json_option
@with_appcontext
@one_line_errors
def check(name: str, as_json: bool) -> None:
    """Sign in to the server NAME and print its description."""
    from songrec.services.servers import connection
    from songrec.store.servers import music_servers

    server = music_servers.find(db.session, name)
    try:
        client, account = connection.working_client(_instance(), server)
    finally:
        db.session.commit()
    with client:
        info = client.info()
        status = client.scan_status()
    described = {
        "name": server.name,
        "url": server.url,
        "software": info.software,
        "version": info.version,
        "api_version": info.api_version,
        "extensions": sorted(info.extensions),
        "username": account.username,
        "songs": status.count if status else None,
    }
    if as_json:
        print_json(described)
        return
    software = " ".join(filter(None, (info.software, info.version))) or "a Subsonic server"
    click.echo(f"{server.name} answers: {software}, protocol {info.api_version}.")


@servers_group.command("scan")
@click.argument("name")
@click.option("--force", is_flag=True, help="Scan even if the server reports no changes.")
@click.option("--analyze", is_flag=True, help="Then analyse, by streaming, songs without a file.")
@json_option
@with_appcontext
@one_line_errors
def scan(name: str, force: bool, analyze: bool, as_json: bool) -> None:
    """Read the songs of the server NAME and match them with the library."""
    from songrec.services.servers.analyze import analyze_server
    from songrec.services.servers.scan import scan_server
    from songrec.store.servers import music_servers

    server = music_servers.find(db.session, name)
    report = scan_server(_instance(), server, terminal_progress(), force=force)
    result = report.to_json()
    lines = [report.text]
    if report.new:
        lines.append(
            f"Of the new songs the library had {report.matched:,}; {report.new_tracks:,} are new "
            "tracks."
        )
    if analyze:
        analysed = analyze_server(_instance(), server, terminal_progress())
        db.session.commit()
        result["analysis"] = analysed.to_json()
        unsent = f", {analysed.unsent:,} not sent" if analysed.unsent else ""
        lines.append(
            f"{analysed.analysed:,} songs analysed, {analysed.rejected:,} rejected{unsent}."
        )
    if as_json:
        print_json(result)
        return
    click.echo("\n".join(lines))


@servers_group.command("sync")
@click.argument("name")
@json_option
@with_appcontext
@one_line_errors
def sync(name: str, as_json: bool) -> None:
    """Exchange likes, ratings, plays and playlists with all accounts on the server NAME."""
    from songrec.services.servers.sync import sync_server
    from songrec.store.servers import music_servers

    server = music_servers.find(db.session, name)
    results = sync_server(_instance(), server, terminal_progress())
    if as_json:
        print_json(results)
        return
    for result in results:
        click.echo(f"{result['username']}: {result.get('error') or result['text']}")
        for note in result.get("notes", ()):
            click.echo(f"    {note}")
    if not results:
        click.echo(f"{server.name} has no account to exchange with.")


@servers_group.command("remove")
@click.argument("name")
@with_appcontext
@one_line_errors
def remove(name: str) -> None:
    """Forget the server NAME with its accounts; songs, likes, plays and playlists stay."""
    from songrec.services.servers import connection
    from songrec.store import security_log
    from songrec.store.servers import music_servers

    server = music_servers.find(db.session, name)
    shown = server.name
    connection.remove_server(_instance(), server)
    security_log.record(db.session, "server-removed", detail=f"{shown}, {BY_COMMAND}")
    db.session.commit()
    click.echo(f"{shown} is removed. Its songs, and likes, plays and playlists of them, stay.")


def _instance() -> Any:
    from songrec.store.instance import current_instance

    return current_instance()


def _sign_in(username: str, *, is_key: bool, from_stdin: bool) -> SignIn:
    from songrec.services.servers.connection import SignIn
    from songrec.store.servers.music_servers import API_KEY, PASSWORD

    if from_stdin:
        secret = sys.stdin.readline().rstrip("\r\n")
    else:
        secret = os.environ.get(PASSWORD_VARIABLE, "")
    if not secret and not from_stdin and sys.stdin.isatty():
        secret = click.prompt("API key" if is_key else "Password", hide_input=True)
    if not secret:
        raise BadInput(f"Give the password on stdin (--password-stdin) or in {PASSWORD_VARIABLE}.")
    return SignIn(username, secret, API_KEY if is_key else PASSWORD)


def _described(server: MusicServer) -> dict[str, Any]:
    from songrec.store.listeners import users
    from songrec.store.servers import music_servers, server_tracks

    accounts = music_servers.accounts(db.session, server)
    names = users.names_by_listener(db.session, [one.listener_id for one in accounts])
    songs, unmatched, gone = server_tracks.counts(db.session, server)
    return {
        "id": server.public_id,
        "name": server.name,
        "url": server.url,
        "software": server.software,
        "version": server.version,
        "songs": songs,
        "without_track": unmatched,
        "gone": gone,
        "scanned_at": server.scanned_at.isoformat() if server.scanned_at else None,
        "error": server.error,
        "state": server.error or ("scanned" if server.scanned_at else "never scanned"),
        "accounts": [
            {
                "user": names.get(one.listener_id, "somebody without an account"),
                "username": one.username,
                "sends_likes": one.sends_likes,
                "sends_mixes": one.sends_mixes,
                "synced_at": one.synced_at.isoformat() if one.synced_at else None,
                "error": one.error,
                "state": one.error or ("exchanged" if one.synced_at else "never exchanged"),
            }
            for one in accounts
        ],
    }


def _shown(name: str) -> str:
    return f'"{name}"' if " " in name else name


COMMANDS = (servers_group,)
