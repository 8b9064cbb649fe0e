"""``flask servers import-audiomuse`` and ``flask servers read-ids``."""

from __future__ import annotations

import sys

import click
from flask.cli import with_appcontext

from songrec.cli.base import json_option, one_line_errors, print_json, terminal_progress
from songrec.cli.servers import servers_group
from songrec.store.instance import current_instance


@servers_group.command("import-audiomuse")
@click.argument("url")
@click.option("--token", default="", metavar="TEXT", help="AudioMuse-AI's token; - reads stdin.")
@click.option(
    "--server",
    default="",
    metavar="NAME",
    help="The connected music server whose ids it uses; by default one that only stores ids.",
)
@click.option("--name", default="", metavar="NAME", help="Name of the server that is added.")
@click.option("--allow-private", is_flag=True, help="Allow an address in a private network.")
@json_option
@with_appcontext
@one_line_errors
def import_audiomuse(
    url: str, token: str, server: str, name: str, allow_private: bool, as_json: bool
) -> None:
    """Import the analysis of the AudioMuse-AI at URL, so that songs are not analysed twice.

    Its vectors become the feature sets audiomuse and audiomuse_moods. An interrupted import
    continues.
    """
    from songrec.services.audiomuse.analysis_import import import_analysis

    report = import_analysis(
        current_instance(),
        url,
        token=_entered(token),
        server=server,
        name=name,
        allows_private=allow_private,
        on_progress=terminal_progress(),
    )
    if as_json:
        print_json(report.to_json())
    else:
        click.echo(report.text)
        if report.vectors:
            click.echo("Train on it: flask train --features audiomuse")


@servers_group.command("read-ids")
@click.argument("url")
@click.option(
    "--kind",
    type=click.Choice(["jellyfin", "emby", "lyrion"]),
    required=True,
    help="Kind of server.",
)
@click.option(
    "--token",
    default="",
    metavar="TEXT",
    help="An API key, or name:password for a Lyrion with a password; - reads stdin.",
)
@click.option("--name", default="", metavar="NAME", help="Name of the server.")
@click.option("--allow-private", is_flag=True, help="Allow an address in a private network.")
@json_option
@with_appcontext
@one_line_errors
def read_server_ids(
    url: str, kind: str, token: str, name: str, allow_private: bool, as_json: bool
) -> None:
    """Read the song ids of a Jellyfin, Emby or Lyrion server at URL, for AudioMuse-AI's plugins.

    Run it again for new songs. Servers with the OpenSubsonic API are scanned instead.
    """
    from songrec.services.audiomuse.server_lists import read_ids

    report = read_ids(
        current_instance(),
        url,
        kind=kind,
        token=_entered(token),
        name=name,
        allows_private=allow_private,
        on_progress=terminal_progress(),
    )
    if as_json:
        print_json(report.to_json())
    else:
        click.echo(report.text)


def _entered(token: str) -> str:
    """Return the token, read from stdin if it must not appear among the arguments."""
    return sys.stdin.readline().strip() if token == "-" else token  # noqa: S105


COMMANDS: tuple[click.Command, ...] = ()
