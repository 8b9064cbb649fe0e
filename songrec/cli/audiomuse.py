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
@click.option("--token", default="", metavar="TEXT", help="A token of it; - reads stdin.")
@click.option(
    "--server",
    default="",
    metavar="NAME",
    help="The connected music server whose ids it uses; else one is added that is known by ids.",
)
@click.option("--name", default="", metavar="NAME", help="What to call the server that is added.")
@click.option("--allow-private", is_flag=True, help="It may lie in a private network.")
@json_option
@with_appcontext
@one_line_errors
def import_audiomuse(
    url: str, token: str, server: str, name: str, allow_private: bool, as_json: bool
) -> None:
    """Import the analysis that the AudioMuse-AI at URL made, so that nothing is analysed twice.

    Its vectors become the feature sets audiomuse and audiomuse_moods. One that was stopped goes on
    where it was.
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
    help="What kind of server it is.",
)
@click.option(
    "--token",
    default="",
    metavar="TEXT",
    help="An API key; name:password where Lyrion has one; - reads stdin.",
)
@click.option("--name", default="", metavar="NAME", help="What to call the server.")
@click.option("--allow-private", is_flag=True, help="It may lie in a private network.")
@json_option
@with_appcontext
@one_line_errors
def read_server_ids(
    url: str, kind: str, token: str, name: str, allow_private: bool, as_json: bool
) -> None:
    """Read the songs of the Jellyfin, Emby or Lyrion at URL by its ids, for AudioMuse-AI's plugins.

    Run it again after the server has new songs. Servers with the OpenSubsonic API are scanned
    instead.
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
    """Return the token, read from stdin where it is not to be seen among the arguments."""
    return sys.stdin.readline().strip() if token == "-" else token  # noqa: S105


COMMANDS: tuple[click.Command, ...] = ()
