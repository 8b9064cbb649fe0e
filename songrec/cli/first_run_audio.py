"""The sound part of ``flask first-run``: model weights, a folder, the demo clips."""

from __future__ import annotations

from pathlib import Path

import click
from flask import current_app

from songrec.cli.base import terminal_progress
from songrec.core.errors import BadInput, SongrecError
from songrec.jobs import segment_tasks
from songrec.store.db import db
from songrec.store.instance import current_instance

DEMO = "demo"
MUSICNN = "musicnn"


def check(audio: str | None) -> None:
    """Raise ``BadInput`` unless ``audio`` is None, a folder or ``demo``."""
    if audio is not None and audio != DEMO and not Path(audio).expanduser().is_dir():
        raise BadInput(f"There is no folder {audio}: AUDIO takes a folder of sound files, or demo.")


def analyse_audio(audio: str | None) -> None:
    """Analyse the folder ``audio``, or the demo clips; fetch the weights that estimates need.

    Without a network it continues without weights.
    """
    from songrec.store.sound import audio_files

    analysed = audio_files.counts(db.session)["analysed"]
    if audio is None and not analysed:
        click.echo("There is no sound yet. make run AUDIO=~/Music analyses a folder of it;")
        click.echo("  make run AUDIO=demo adds 60 clips to listen to.")
        return
    _fetch_weights()
    if audio is None:
        click.echo(f"The sound library holds {analysed:,} files.")
    else:
        _analyse(audio)


def _fetch_weights() -> None:
    from songrec.store.models import fetching, published_weights

    instance = Path(current_app.config["INSTANCE"])
    if published_weights.is_there(instance, MUSICNN):
        return
    weights = published_weights.model(MUSICNN)
    click.echo(f"Fetching the weights of MusiCNN, {weights.size_mb} MB.")
    try:
        fetching.fetch(instance, MUSICNN)
    except SongrecError as error:
        click.echo(f"  Going on without them, so without tags and estimates from them: {error}")


def _analyse(audio: str) -> None:
    from songrec.core.config import dask_scheduler
    from songrec.services.features.feature_sets import default_sets
    from songrec.services.library import demo_clips
    from songrec.services.library.analysis_report import AnalyzeRequest
    from songrec.services.library.analyze_folder import analyze_folder
    from songrec.store.runs import runs

    instance = Path(current_app.config["INSTANCE"])
    if audio == DEMO:
        click.echo("Making 60 clips and analysing them; this takes a minute or two.")
        report = demo_clips.analyse_made_clips(current_instance(), terminal_progress())
    else:
        folder = Path(audio).expanduser()
        click.echo(
            f"Analysing the sound files in {folder}. Ctrl-C is safe: the next run continues."
        )
        request = AnalyzeRequest(folder, default_sets(instance), scheduler=dask_scheduler())
        report = analyze_folder(current_instance(), request, terminal_progress())
    click.echo(
        f"  {report.found:,} files: {report.analysed:,} analysed, {report.unchanged:,} unchanged, "
        f"{len(report.rejected):,} rejected."
    )
    segment_tasks.queue_refresh(current_instance())
    db.session.commit()
    if report.analysed and runs.published(db.session) is not None:
        click.echo("  The next training puts them on the map: Admin, Retrain, or flask train.")
