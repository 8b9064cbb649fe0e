"""``flask ingest``: import a catalogue file."""

from __future__ import annotations

import shlex
import sys
import textwrap
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from flask import current_app
from flask.cli import with_appcontext

from songrec.cli.base import json_option, one_line_errors, print_json, wrong_usage
from songrec.core.config import job_memory_bytes
from songrec.core.file_names import safe_file_name
from songrec.core.files import write_json
from songrec.core.memory import bounded_growth
from songrec.core.types import Progress, no_progress
from songrec.store.instance import current_instance

if TYPE_CHECKING:
    from songrec.services.catalogue.formats import ColumnMapping
    from songrec.services.catalogue.ingest import IngestReport

MOST_PASSED_OVER = 40


@click.command("ingest")
@click.argument("path", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "dialect",
    metavar="NAME",
    help="The file's format; default: detected from its header.",
)
@click.option(
    "--source",
    metavar="NAME",
    help="The catalogue's name; default: that of the catalogue it updates, else the file's.",
)
@click.option(
    "--trust-ids",
    is_flag=True,
    help="Update songs by their ids also where title and artist are others.",
)
@click.option(
    "--scale",
    type=click.Choice(["auto", "unit", "percent"]),
    default="auto",
    show_default=True,
    help="Range of energy, danceability etc.: unit (0–1) or percent (0–100).",
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="FIELD=NAME",
    help="Read a field from the column NAME, as in title=song_name. May be repeated.",
)
@click.option(
    "--rejects",
    "rejects_path",
    type=click.Path(path_type=Path, dir_okay=False),
    help="File for rejected rows; default: rejects/ in the instance folder.",
)
@click.option("--dry-run", is_flag=True, help="Report what would happen, write nothing.")
@json_option
@with_appcontext
@one_line_errors
def ingest(
    path: Path,
    dialect: str | None,
    source: str | None,
    trust_ids: bool,
    scale: str,
    columns: tuple[str, ...],
    rejects_path: Path | None,
    dry_run: bool,
    as_json: bool,
) -> None:
    """Import the catalogue file PATH (.csv, .csv.gz, .json, .parquet).

    The report lists the columns that were read and passed over, with a warning if a column that
    looks like a title, an artist or an id was not read.

    Unusable rows are rejected with a reason, the others are imported. Importing the same file
    again changes nothing.
    """
    from songrec.services.catalogue.formats import dialect_by_name, parse_column_choices
    from songrec.services.library.after_import import import_catalogue

    with wrong_usage():
        chosen = parse_column_choices(columns)
        if dialect is not None:
            dialect_by_name(dialect)
    if rejects_path is None and not dry_run:
        rejects_path = rejects_file(path, source)
    with (
        bounded_growth(job_memory_bytes()),
        _progress_bar(enabled=not as_json) as on_progress,
    ):
        report = import_catalogue(
            current_instance(),
            path,
            dialect=dialect,
            source=source,
            trust_ids=trust_ids,
            scale=scale,
            columns=chosen,
            dry_run=dry_run,
            rejects_path=rejects_path,
            on_progress=on_progress,
        )
    if not dry_run:
        store_report(report)
    if as_json:
        print_json(report.to_json())
    else:
        _echo_report(report)


def _echo_report(report: IngestReport) -> None:
    suffix = " (dry run: nothing was written)" if report.dry_run else ""
    click.echo(
        f"{report.rows_text} read as {report.dialect} ({report.scale} scale, {report.encoding}) "
        f"in {report.seconds:.1f} s{suffix}"
    )
    click.echo(
        f"{report.inserted:,} inserted, {report.updated:,} updated, "
        f"{report.unchanged:,} unchanged, {report.rejected_count:,} rejected"
    )
    click.echo(f"Songs are known by {_identities(report.identified_by)}.")
    for note in report.notes:
        click.echo(f"{note[:1].upper()}{note[1:]}.")
    if report.adopted:
        songs = "1 song" if report.adopted == 1 else f"{report.adopted:,} songs"
        click.echo(f"{songs} of earlier imports recognised, now by another key.")
    if report.contradicting:
        click.echo(
            f"{report.contradicting:,} rejected for having the id of another song, which is "
            "unchanged."
        )
    if report.alike:
        click.echo(
            f"{report.alike:,} of them look like songs already in the catalogue; nothing was "
            "merged: flask duplicates"
        )
    echo_columns(report.columns)
    for assumption in report.assumptions:
        click.echo(f"Assumed: {assumption}")
    for lost in report.lost_cells.values():
        click.echo(f"Lost: {lost}")
    for reject in report.rejected[:5]:
        click.echo(f"  {reject}")
    if report.rejected_count > 5:
        click.echo(f"  and {report.rejected_count - 5:,} more")
    if report.rejects_path:
        click.echo(f"Rejected rows and lost cells: {report.rejects_path}")


def echo_columns(columns: ColumnMapping) -> None:
    """Print the columns that were read and passed over, and warnings."""
    from songrec.services.catalogue.formats import FIELD_LABELS

    read = [
        f"{FIELD_LABELS.get(column.field, column.field)} from '{column.header}'"
        + (f" ({column.note})" if column.note else "")
        for column in columns.mapped
    ]
    passed = [
        f"'{column.header}'" + (f" ({column.note})" if column.note else "")
        for column in columns.passed_over
    ]
    _echo_list("Columns read", read)
    _echo_list("Passed over", passed, MOST_PASSED_OVER)
    _echo_list("In no column", [FIELD_LABELS[name] for name in columns.unknown_attributes])
    for warning in columns.warnings:
        hint = f". To read it: --column {shlex.quote(warning.choice)}" if warning.choice else ""
        click.echo(f"Warning: {warning.text}{hint}", err=True)


def _echo_list(label: str, items: Sequence[str], most: int | None = None) -> None:
    if items:
        more = f" and {len(items) - most:,} more" if most and len(items) > most else ""
        text = f"{label}: {', '.join(items[:most])}{more}"
        click.echo(textwrap.fill(text, 100, subsequent_indent="  ", break_on_hyphens=False))


def _identities(counts: dict[str, int]) -> str:
    from songrec.services.catalogue.formats import IDENTITIES

    rows = {label: counts[kind] for kind, label in IDENTITIES.items() if counts.get(kind)}
    return ", ".join(f"{label} ({count:,})" for label, count in rows.items())


def store_report(report: IngestReport) -> Path:
    """Write the report of an import into the instance, as a job stores its own; return the path."""
    path = _dated_file("imports", report.source, ".json")
    write_json(path, report.to_json(), indent=2)
    return path


def rejects_file(path: Path, source: str | None = None) -> Path:
    """Return the default file for rejected rows of ``path``, a new one each time."""
    from songrec.services.catalogue.ingest import source_name

    return _dated_file("rejects", source or source_name(path), ".csv")


def _dated_file(folder: str, source: str, ending: str) -> Path:
    moment = time.strftime("%Y%m%d-%H%M%S")
    name = safe_file_name(f"{source.replace('/', '_')}-{moment}{ending}", folder)
    return Path(current_app.config["INSTANCE"]) / folder / name


@contextmanager
def _progress_bar(*, enabled: bool) -> Iterator[Progress]:
    """Show a progress bar on stderr if it is a terminal."""
    if not enabled or not sys.stderr.isatty():
        yield no_progress
        return
    with click.progressbar(length=1000, label="Reading", file=sys.stderr) as bar:

        def advance(fraction: float, message: str, details: dict[str, Any] | None = None) -> None:
            bar.label = message
            bar.update(round(fraction * 1000) - bar.pos)

        yield advance


COMMANDS = (ingest,)
