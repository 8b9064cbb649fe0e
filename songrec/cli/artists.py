"""``flask artists``: listening counts of others and similar artists, for nearness of artists."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click
from flask.cli import with_appcontext

from songrec.cli.base import json_option, one_line_errors, print_json, terminal_progress
from songrec.store.db import db

if TYPE_CHECKING:
    from songrec.services.catalogue.artist_affinities import AffinityReport

_KINDS = {"counts": "listeners", "similar": "artists with similar ones"}


@click.group("artists")
def artists_group() -> None:
    """Import listening counts of artists, which recommendations use as similarity of artists."""


@artists_group.command("import")
@click.argument("path", metavar="FILE", type=click.Path(path_type=Path))
@click.option("--name", metavar="NAME", help="Name of the source; default: that of the file.")
@json_option
@with_appcontext
@one_line_errors
def import_command(path: Path, name: str | None, as_json: bool) -> None:
    """Import listening counts or similar artists.

    FILE has the columns listener, artist, count, or artist, artist, score; or is a folder with
    user_artists.tsv and artists.tsv. What a source of this name held is replaced.
    """
    from songrec.services.catalogue.artist_affinities import import_file

    report = import_file(db.session, path, name=name, on_progress=terminal_progress())
    db.session.commit()
    _print_report(report, as_json)


@artists_group.command("fetch")
@click.option(
    "-n",
    "most",
    type=click.IntRange(1, 100_000),
    default=1000,
    show_default=True,
    help="Maximum number of artists to fetch; the next call continues.",
)
@click.option("--server", metavar="URL", help="Another server than ListenBrainz's.")
@json_option
@with_appcontext
@one_line_errors
def fetch_command(most: int, server: str | None, as_json: bool) -> None:
    """Fetch artists similar to the catalogue's from ListenBrainz.

    The MusicBrainz ids of artists are sent, nothing else. Nothing is fetched without this command.
    """
    from songrec.services.catalogue import listenbrainz
    from songrec.services.catalogue.artist_affinities import fetch_similar

    client = listenbrainz.Client(server or listenbrainz.SERVER)
    report = fetch_similar(db.session, client, most=most, on_progress=terminal_progress())
    _print_report(report, as_json)


@artists_group.command("list")
@json_option
@with_appcontext
@one_line_errors
def list_command(as_json: bool) -> None:
    """List the imported sources."""
    from songrec.store.catalogue.artist_affinities import sources

    rows = sources(db.session)
    if as_json:
        print_json([{**asdict(row), "created_at": row.created_at.isoformat()} for row in rows])
        return
    for row in rows:
        click.echo(f"{row.name}: {row.groups:,} {_KINDS[row.kind]}, {row.artists:,} artists")
    if not rows:
        click.echo("Nothing was imported yet: flask artists import FILE")


@artists_group.command("remove")
@click.argument("name")
@with_appcontext
@one_line_errors
def remove_command(name: str) -> None:
    """Remove the imported source NAME."""
    from songrec.store.catalogue.artist_affinities import remove

    remove(db.session, name)
    db.session.commit()
    click.echo(f"Removed {name}. It counts no longer from the next training on.")


def _print_report(report: AffinityReport, as_json: bool) -> None:
    if as_json:
        print_json(report.to_json())
        return
    for reject in report.rejects:
        click.echo(str(reject), err=True)
    more = report.n_rejects - len(report.rejects)
    if more:
        click.echo(f"… and {more:,} more rows were left out", err=True)
    click.echo(
        f"{report.source}: {report.groups:,} {_KINDS[report.kind]}, {report.artists:,} artists; "
        f"{report.matched:,} of the catalogue's {report.catalogue_artists:,} artists are among them"
    )
    click.echo("They count from the next training on: flask train")


COMMANDS = (artists_group,)
