"""``flask evaluate``: how good features and recommendations are, measured offline."""

from __future__ import annotations

from pathlib import Path

import click
from flask import current_app

from songrec.cli.base import (
    json_option,
    one_line_errors,
    print_json,
    terminal_progress,
    wrong_usage,
)


@click.group("evaluate")
def evaluate_group() -> None:
    """Measure features and recommendations offline."""


@evaluate_group.command("clips")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--features",
    default="mfcc,statistical,mfcc+statistical",
    show_default=True,
    metavar="SET[,SET]",
    help="Sets to measure, one by one; + puts sets side by side, statistical:chroma takes the "
    "columns whose names begin so, musicnn:MTT_musicnn:max the network and pooling.",
)
@json_option
@one_line_errors
def clips_command(folder: Path, features: str, as_json: bool) -> None:
    """How often excerpt a of a track in DIR (with clips.csv) finds its excerpt b."""
    from songrec.pipeline import evaluate_clips

    with wrong_usage():
        evaluate_clips.parse(features)
    found = evaluate_clips.evaluate_clips(
        Path(current_app.config["INSTANCE"]), folder, features, terminal_progress()
    )
    if as_json:
        print_json(found)
        return
    wide = max(len(name) for name in found)
    click.echo(f"{'':{wide}}  {'pairs':>6} {'top 1':>6} {'top 5':>6} {'MRR':>6}")
    for name, figures in found.items():
        click.echo(
            f"{name:{wide}}  {figures['pairs']:>6} {figures['top1']:6.3f} {figures['top5']:6.3f} "
            f"{figures['mrr']:6.3f}"
        )


COMMANDS = (evaluate_group,)
