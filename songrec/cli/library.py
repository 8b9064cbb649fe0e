"""``flask export`` and ``flask write-tags``: export results of the audio analysis."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import click
from flask.cli import with_appcontext

from songrec.cli.base import json_option, one_line_errors, print_json
from songrec.core.csv_output import CsvDictWriter
from songrec.core.private_files import persons_umask
from songrec.store.db import db
from songrec.store.instance import current_instance


@click.group("export", invoke_without_command=True)
@click.option(
    "--format",
    "kind",
    type=click.Choice(["csv", "json"]),
    default="csv",
    show_default=True,
    help="Format of the output.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write to a file instead of stdout.",
)
@click.pass_context
@with_appcontext
@one_line_errors
def export(context: click.Context, kind: str, output: Path | None) -> None:
    """Export all analysed files with their measured values, one row per file."""
    if context.invoked_subcommand is not None:
        return
    from songrec.services.library.export_values import COLUMNS, rows

    with persons_umask():
        target = output.open("w", encoding="utf-8", newline="") if output else sys.stdout
    try:
        if kind == "json":
            json.dump(list(rows(db.session)), target, ensure_ascii=False, indent=2, allow_nan=False)
            target.write("\n")
            return
        table = CsvDictWriter(target, COLUMNS)
        table.writeheader()
        for row in rows(db.session):
            sources = "; ".join(f"{name}: {source}" for name, source in row["sources"].items())
            table.writerow({**row, "sources": sources})
    finally:
        if output:
            target.close()


@export.command("clusters")
@click.option("--run", "run_id", metavar="RUN", help="Run id; default: the published run.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False, allow_dash=True),
    help="Default: audio_clustering_results_METHOD.csv; - is stdout.",
)
@with_appcontext
@one_line_errors
def export_clusters(run_id: str | None, out: Path | None) -> None:
    """Export every track of a run: cluster, its name, confidence and position on the map."""
    from songrec.services.reports import cluster_export
    from songrec.store.runs import runs

    run = runs.find(db.session, run_id) if run_id else runs.published_or_error(db.session)
    with persons_umask():
        written = cluster_export.write_csv(db.session, run, out)
    if written is not None:
        click.echo(f"Wrote {written}: {run.track_count:,} tracks.")


@click.command("write-tags")
@click.argument("path", type=click.Path(path_type=Path, exists=True))
@click.option("--tempo", is_flag=True, help="Write the tempo in BPM.")
@click.option("--key", is_flag=True, help="Write the key, such as F#m.")
@click.option("--dry-run", is_flag=True, help="Report what would be written, change no file.")
@json_option
@with_appcontext
@one_line_errors
def write_tags(path: Path, tempo: bool, key: bool, dry_run: bool, as_json: bool) -> None:
    """Write measured values into the tags of files: PATH is an analysed file or folder.

    All else in the files stays: other tags, pictures, the version of ID3. Links stay links; a file
    with several hard links is overwritten in place, others are replaced. The modification time
    becomes the present.
    """
    from songrec.services.library.export_values import write_tags as write

    values = [name for name, selected in (("tempo", tempo), ("key", key)) if selected]
    if not values:
        raise click.UsageError("Choose what to write: --tempo, --key or both.")
    done = write(current_instance(), path, values, dry_run=dry_run)
    db.session.commit()
    if as_json:
        print_json({"written": done.written, "skipped": done.skipped})
        return
    click.echo(
        f"{done.written} file(s) {'would get' if dry_run else 'got'} {' and '.join(values)}."
    )
    for one in done.skipped:
        click.echo(f"skipped: {one['path']}: {one['reason']}", err=True)


COMMANDS = (export, write_tags)
