"""``flask analyze``: analyse a folder of audio files."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from flask import current_app
from flask.cli import with_appcontext

from songrec.cli.base import json_option, one_line_errors, print_json, terminal_progress
from songrec.core.config import dask_scheduler
from songrec.core.types import Progress, no_progress
from songrec.jobs import queue, segment_tasks
from songrec.store.instance import Instance, current_instance
from songrec.store.sound import segment_index

if TYPE_CHECKING:
    from songrec.services.library.analysis_report import AnalyzeReport


@click.command("analyze")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--features",
    metavar="SETS",
    help="Feature sets, separated by commas; statistical is always among them. Default: "
    "mfcc,statistical,timbre,chroma and, where their weights are (flask models), "
    "musicnn,instrument_tags,vibenet.",
)
@click.option(
    "--set",
    "set_options",
    multiple=True,
    metavar="NAME=VALUE",
    help="A parameter of the features: n_mfcc=20, musicnn.model=MTT_musicnn; docs/features.md.",
)
@click.option(
    "--workers",
    type=click.IntRange(1, 256),
    help="How many files at once; default: one a core. Not with SONGREC_DASK_SCHEDULER.",
)
@click.option(
    "--seconds",
    type=click.FloatRange(1, 3600),
    default=30.0,
    show_default=True,
    help="How much of each file is analysed.",
)
@click.option(
    "--from",
    "where",
    type=click.Choice(["middle", "start"]),
    default="middle",
    show_default=True,
    help="Which part that is.",
)
@click.option(
    "--time-limit",
    type=click.FloatRange(1, 86_400),
    default=120.0,
    show_default=True,
    help="Seconds after which a file is given up.",
)
@json_option
@with_appcontext
@one_line_errors
def analyze(
    folder: Path,
    features: str | None,
    set_options: tuple[str, ...],
    workers: int | None,
    seconds: float,
    where: str,
    time_limit: float,
    as_json: bool,
) -> None:
    """Analyse the sound files below DIR: tags, features, measured tempo, key and loudness.

    Unchanged files are skipped; moved files keep their track, changed ones are analysed again. An
    interrupted analysis continues when it is started again. Unusable files are rejected with the
    reason.
    """
    from dataclasses import replace

    from songrec.services.features.feature_sets import (
        default_sets,
        parse_audio_features,
        settings_from,
    )
    from songrec.services.library.analysis_report import AnalyzeRequest
    from songrec.services.library.analyze_folder import analyze_folder

    instance = Path(current_app.config["INSTANCE"])
    request = AnalyzeRequest(
        folder,
        parse_audio_features(features) if features is not None else default_sets(instance),
        workers,
        dask_scheduler(),
        replace(settings_from(set_options), seconds=seconds, where=where),
        time_limit,
    )
    on_progress = no_progress if as_json else terminal_progress()
    report = analyze_folder(current_instance(), request, on_progress)
    report.segments = _update_segments(current_instance(), on_progress)
    if as_json:
        print_json(report.to_json())
    else:
        _echo_report(report)


def _echo_report(report: AnalyzeReport) -> None:
    click.echo(
        f"{report.found:,} files: {report.analysed:,} analysed, {report.unchanged:,} unchanged, "
        f"{len(report.rejected):,} rejected in {report.seconds:.1f} s"
    )
    if report.missing:
        click.echo(f"{report.missing:,} have vanished since last time; their tracks stay.")
    if report.ignored:
        kinds = ", ".join(f"{count:,} {kind}" for kind, count in report.ignored.items())
        click.echo(f"Passed over: {kinds}.")
    if report.alike:
        click.echo(
            f"{report.alike:,} new ones look like songs that were there already; nothing was "
            "merged: flask duplicates"
        )
    if cut := report.segments:
        click.echo(_describe_segments(cut))
    if report.tags_read_again:
        click.echo(f"The tags of {report.tags_read_again:,} unchanged ones were read again.")
    for encoding, count in report.suspected_encodings.most_common():
        click.echo(
            f"The tags of {count:,} look like {encoding}: if the notes read right, analyse again "
            f"with SONGREC_TAG_ENCODING={encoding}"
        )
    for path, note in report.notes[:10]:
        click.echo(f"  {path}: {note}")
    if len(report.notes) > 10:
        click.echo(f"  and {len(report.notes) - 10:,} more notes; --json lists them all")
    for path, reason in report.rejected[:10]:
        click.echo(f"  {path}: {reason}")
    if len(report.rejected) > 10:
        click.echo(f"  and {len(report.rejected) - 10:,} more; --json lists them all")


def _update_segments(instance: Instance, on_progress: Progress) -> dict[str, Any] | None:
    """Queue the update of the index of segments; without a worker an existing one is updated here.

    **Commits**.
    """
    from songrec.services.segments.build_index import refresh_after_analysis

    is_in_use = segment_index.current(instance.folder) is not None
    if is_in_use and not queue.worker_runs(instance, segment_tasks.KIND):
        return refresh_after_analysis(instance, on_progress)
    job = segment_tasks.queue_refresh(instance)
    instance.session.commit()
    return None if job is None else {"job_id": job.public_id}


def _describe_segments(segments: dict[str, Any]) -> str:
    if "job_id" in segments:
        return f"Segments: the worker cuts new songs (job {segments['job_id']})."
    if "problem" in segments:
        return str(segments["problem"])
    return (
        f"Segments: {segments['added']:,} songs cut, {segments['removed']:,} left out; "
        f"{segments['tracks']:,} songs are in use."
    )


COMMANDS = (analyze,)
