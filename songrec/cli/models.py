"""``flask models`` (weights of published networks) and ``flask tags`` (tags of a file)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from flask import current_app
from flask.cli import with_appcontext

from songrec.cli.base import json_option, one_line_errors, print_json


@click.group("models")
def models_command() -> None:
    """List and download the weights of published networks."""


@models_command.command("status")
@json_option
@with_appcontext
@one_line_errors
def status_command(as_json: bool) -> None:
    """List the models, and for unavailable ones what is missing and how to get it."""
    from songrec.store.models.published_weights import all_status

    statuses = all_status(_instance())
    if as_json:
        print_json([status.as_json() for status in statuses])
        return
    for status in statuses:
        _print_status(status)


@models_command.command("fetch")
@click.argument("name")
@click.option(
    "--from",
    "source",
    type=click.Path(path_type=Path),
    help="Local copy: for musicnn its wheel, packed or unpacked, else a folder.",
)
@json_option
@with_appcontext
@one_line_errors
def fetch_command(name: str, source: Path | None, as_json: bool) -> None:
    """Download the weights of the model NAME into the instance folder and check them."""
    from songrec.store.models.fetching import fetch

    status = fetch(_instance(), name, source)
    if as_json:
        print_json(status.as_json())
    else:
        _print_status(status)


@click.command("tags")
@click.argument("file", type=click.Path(path_type=Path))
@click.option(
    "--model", default="MTT_musicnn", show_default=True, help="MTT_musicnn or MSD_musicnn."
)
@click.option(
    "-n",
    "count",
    type=click.IntRange(1, 50),
    default=10,
    show_default=True,
    help="Number of tags.",
)
@click.option(
    "--overlap",
    "overlap_s",
    type=click.FloatRange(0.0, 2.9),
    default=0.0,
    show_default=True,
    help="Seconds of overlap between patches of three seconds.",
)
@click.option("--over-time", is_flag=True, help="Print the probabilities of these tags per patch.")
@json_option
@with_appcontext
@one_line_errors
def tags_command(
    file: Path, model: str, count: int, overlap_s: float, over_time: bool, as_json: bool
) -> None:
    """Print the likeliest tags of FILE by the network MODEL."""
    from songrec.services.features.audio_tags import tag_file

    predictions = tag_file(file, _instance(), model=model, overlap_s=overlap_s)
    top = predictions.top(count)
    if over_time:
        rows = _rows_over_time(predictions, [tag for tag, _ in top])
        if as_json:
            print_json(rows)
            return
        for row in rows:
            listed = ", ".join(f"{tag} {p:.2f}" for tag, p in row["probabilities"].items())
            click.echo(f"{row['start_s']:8.2f} s  {listed}")
        return
    if as_json:
        print_json([{"tag": tag, "probability": probability} for tag, probability in top])
        return
    for tag, probability in top:
        click.echo(f"{probability:6.3f}  {tag}")


def _rows_over_time(predictions: Any, tags: list[str]) -> list[dict[str, Any]]:
    columns = [predictions.tags.index(tag) for tag in tags]
    return [
        {
            "start_s": round(float(start), 3),
            "end_s": round(float(start) + predictions.length_s, 3),
            "probabilities": {
                tag: float(predictions.probabilities[row, at])
                for tag, at in zip(tags, columns, strict=True)
            },
        }
        for row, start in enumerate(predictions.times_s)
    ]


def _print_status(status: Any) -> None:
    click.echo(f"{status.name:12}{'ready' if status.ready else 'not ready':11}{status.label}")
    for what, names in (
        ("not installed", status.missing_libraries),
        ("missing", status.missing_files),
        ("damaged", status.damaged_files),
    ):
        if names:
            click.echo(f"{'':12}{what}: {', '.join(names)}")
    for step in status.advice:
        click.echo(f"{'':12}→ {step}")


def _instance() -> Path:
    return Path(current_app.config["INSTANCE"])


COMMANDS = (models_command, tags_command)
