"""``flask report``: a run as one HTML file."""

from __future__ import annotations

from pathlib import Path

import click
from flask import current_app
from flask.cli import with_appcontext

from songrec.cli.base import one_line_errors, terminal_progress
from songrec.store.db import db


@click.command("report")
@click.argument("run")
@click.option(
    "--out", type=click.Path(path_type=Path, dir_okay=False), help="Default: report_RUN.html."
)
@click.option(
    "--pictures",
    type=click.Path(path_type=Path, file_okay=False),
    help="A folder for the pictures as PNG and SVG, and the sounds.",
)
@with_appcontext
@one_line_errors
def report_command(run: str, out: Path | None, pictures: Path | None) -> None:
    """Write RUN's report: one HTML file that needs no network and no script."""
    from songrec.services.reports import html_report as reports
    from songrec.store.runs import runs

    found = runs.find(db.session, run)
    made = reports.make(
        db.session, Path(current_app.config["INSTANCE"]), found, terminal_progress()
    )
    path = out or Path(f"report_{found.public_id}.html")
    if pictures is not None:
        reports.write(made, pictures)
    path.write_text(made.html, encoding="utf-8")
    click.echo(f"Written: {path} ({len(made.html) / 1e6:.1f} MB).")


COMMANDS = (report_command,)
