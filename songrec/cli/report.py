"""``flask report``: a run as one HTML file."""

from __future__ import annotations

from pathlib import Path

import click
from flask.cli import with_appcontext

from songrec.cli.base import one_line_errors, terminal_progress
from songrec.core.private_files import persons_umask
from songrec.store.db import db
from songrec.store.instance import current_instance


@click.command("report")
@click.argument("run")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File to write. Default: report_RUN.html.",
)
@click.option(
    "--pictures",
    type=click.Path(path_type=Path, file_okay=False),
    help="Also write the pictures as PNG and SVG, and the audio, into this folder.",
)
@with_appcontext
@one_line_errors
def report_command(run: str, out: Path | None, pictures: Path | None) -> None:
    """Write RUN's report: one HTML file without network or scripts."""
    from songrec.services.reports import html_report as reports
    from songrec.store.runs import runs

    selected = runs.find(db.session, run)
    report = reports.make_report(current_instance(), selected, terminal_progress())
    path = out or Path(f"report_{selected.public_id}.html")
    with persons_umask():
        if pictures is not None:
            reports.write_report(report, pictures)
        path.write_text(report.html, encoding="utf-8")
    click.echo(f"Written: {path} ({len(report.html) / 1e6:.1f} MB).")


COMMANDS = (report_command,)
