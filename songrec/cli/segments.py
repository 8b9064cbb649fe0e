"""``flask segments``: segments of songs, and the network that tags them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from flask import current_app

from songrec.cli.base import (
    json_option,
    one_line_errors,
    print_json,
    terminal_progress,
    wrong_usage,
)
from songrec.store.db import db
from songrec.store.instance import current_instance

SOURCES = ("musicnn", "genre", "tags", "folders")
_seconds = click.option(
    "--seconds",
    type=click.FloatRange(min=0),
    default=60.0,
    show_default=True,
    help="Seconds from the middle of each song; 0: the whole song.",
)
_seed = click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    default=0,
    show_default=True,
    help="Seed of everything random.",
)


@click.group("segments")
def segments_group() -> None:
    """Cut songs into segments of a few seconds and tag them, for recommendations by segments."""


@segments_group.command("train")
@click.option(
    "--tags",
    "source",
    type=click.Choice(SOURCES),
    default=SOURCES[0],
    show_default=True,
    help="Source of the tags to learn.",
)
@click.option(
    "--n-seconds",
    type=click.FloatRange(0.5, 60),
    default=5.0,
    show_default=True,
    help="Length of a segment in seconds.",
)
@click.option(
    "--step",
    type=click.FloatRange(0.1, 60),
    default=1.0,
    show_default=True,
    help="Seconds from the start of a segment to that of the next.",
)
@_seconds
@click.option(
    "--validation-probability",
    type=click.FloatRange(0, 0.9),
    default=0.2,
    show_default=True,
    help="Probability that a part of a song is used for validation.",
)
@click.option(
    "--by",
    type=click.Choice(("windows", "songs")),
    default="windows",
    show_default=True,
    help="Use parts of songs, or whole songs, for validation.",
)
@click.option(
    "--epochs",
    type=click.IntRange(1, 10_000),
    default=40,
    show_default=True,
    help="Maximum number of epochs.",
)
@click.option(
    "--patience",
    type=click.IntRange(1, 10_000),
    default=6,
    show_default=True,
    help="Epochs without improvement after which training stops.",
)
@click.option(
    "--units",
    type=click.IntRange(1, 2048),
    default=256,
    show_default=True,
    help="Dimensions of the vector of a segment.",
)
@click.option(
    "--filters",
    type=click.IntRange(1, 2048),
    default=128,
    show_default=True,
    help="Filters of a convolution.",
)
@click.option(
    "--depth", type=click.IntRange(1, 8), default=4, show_default=True, help="Recurrent layers."
)
@click.option(
    "--batch-size",
    type=click.IntRange(1, 4096),
    default=32,
    show_default=True,
    help="Segments per training step.",
)
@click.option("--no-baselines", is_flag=True, help="Do not evaluate MusiCNN for comparison.")
@click.option("--queue", "queued", is_flag=True, help="Run as a job in the worker.")
@_seed
@json_option
@one_line_errors
def train_command(
    source: str,
    n_seconds: float,
    step: float,
    seconds: float,
    no_baselines: bool,
    validation_probability: float,
    by: str,
    queued: bool,
    seed: int,
    as_json: bool,
    **size: int,
) -> None:
    """Train the tagger on audible songs and evaluate it on validation segments."""
    params = {
        "task": "train",
        "source": source,
        "by": by,
        "seed": seed,
        "size": size,
        "cutting": {"n_seconds": n_seconds, "step": step, "seconds": seconds or None},
        "validation_probability": validation_probability,
        "baselines": not no_baselines,
    }
    if queued:
        _enqueue(params, as_json)
        return
    from songrec.jobs import segment_tasks

    result = segment_tasks.execute(current_instance(), params, terminal_progress())
    if as_json:
        print_json(result)
        return
    from songrec.services.segments import encoder_selection

    windows = result["windows"]
    click.echo(
        f"Tagger {result['tagger']}: {len(result['tags'])} tags, {result['songs']} songs, "
        f"{windows['training']:,} training and {windows['validation']:,} validation segments; "
        f"best after epoch {result['best_epoch']} of {result['epochs']}."
    )
    _show(result.get("measures") or {})
    best = encoder_selection.choose(_instance())
    click.echo(f"To cut all songs again: flask segments tag ({_by(best.name)}: {best.why})")


@segments_group.command("tag")
@click.option(
    "--by",
    type=click.Choice(("best", "tagger", "musicnn", "mfcc")),
    default="best",
    show_default=True,
    help="Vector of a segment; best: the available one that predicts the tags of "
    "validation segments best.",
)
@_seconds
@click.option("--queue", "queued", is_flag=True, help="Run as a job in the worker.")
@_seed
@json_option
@one_line_errors
def tag_command(by: str, seconds: float, queued: bool, seed: int, as_json: bool) -> None:
    """Cut all audible songs into segments, for recommendations by segments.

    Songs analysed later are added by the analysis; songs whose files vanish are removed.
    """
    params = {"task": "tag", "by": by, "seed": seed, "cutting": {"seconds": seconds or None}}
    if queued:
        _enqueue(params, as_json)
        return
    from songrec.jobs import segment_tasks

    result = segment_tasks.execute(current_instance(), params, terminal_progress())
    if as_json:
        print_json(result)
        return
    click.echo(
        f"{result['fragments']:,} segments of {result['tracks']:,} songs, "
        f"by {_by(result['made_by'])}: {result['why']}."
    )
    if result["songs_unread"]:
        click.echo(f"{result['songs_unread']:,} songs could not be read. See: flask analyze")


@segments_group.command("status")
@json_option
@one_line_errors
def status_command(as_json: bool) -> None:
    """Show the segments in use and the metrics of the newest tagger."""
    from songrec.services.segments import build_index

    status = build_index.status(_instance())
    if as_json:
        print_json(status)
        return
    index, tagger = status["index"], status["tagger"]
    if index is None:
        click.echo("No song is cut into segments yet. Run: flask segments tag")
    else:
        click.echo(
            f"{index['fragments']:,} segments of {index['tracks']:,} songs, {index['seconds']:g} "
            f"s each, by {_by(index['made_by'])}: {index.get('why', '')}".rstrip(": ")
            + "."
        )
    best = status["best"]
    if index is None or best["made_by"] != index["made_by"]:
        click.echo(f"flask segments tag would use {_by(best['made_by'])}: {best['why']}.")
    if tagger is None:
        click.echo("No tagger is trained yet. Run: flask segments train")
        return
    click.echo(
        f"Tagger {tagger['tagger']}: {len(tagger['tags'])} tags from {tagger['source']}, "
        f"{tagger['songs']} songs."
    )
    _show(tagger["measures"] or {})


def _by(name: str) -> str:
    return {
        "tagger": "the tagger’s vector",
        "musicnn": "MusiCNN’s embedding",
        "mfcc": "cepstral coefficients",
    }.get(name, name)


_FIGURES = {
    "bce": "BCE",
    "hamming_accuracy": "Hamming",
    "exact_match": "exact",
    "mean_average_precision": "mean AP",
}


def _show(measures: dict[str, Any]) -> None:
    if not measures:
        return
    click.echo(f"{'':10}" + "".join(f"{label:>10}" for label in _FIGURES.values()))
    for name, figures in measures.items():
        values = (figures[measure] for measure in _FIGURES)
        click.echo(
            f"{name:10}"
            + "".join(f"{'–' if value is None else f'{value:.3f}':>10}" for value in values)
        )
    groups = [_group(group) for group in measures["tagger"]["wrong_tags"]["grouped"]]
    click.echo(f"{'wrong tags':10}" + "".join(f"{label:>10}" for label in groups))
    for name, figures in measures.items():
        counts = (group["samples"] for group in figures["wrong_tags"]["grouped"])
        click.echo(f"{name:10}" + "".join(f"{count:>10,}" for count in counts))
    for name, figures in measures.items():
        single = ", ".join(
            f"{group['wrong']}: {group['samples']:,}" for group in figures["wrong_tags"]["single"]
        )
        click.echo(f"{name:10}  samples by wrong tags: {single}")


def _group(group: dict[str, Any]) -> str:
    if group["to"] is None:
        return f"{group['from']}+"
    return str(group["from"]) if group["from"] == group["to"] else f"{group['from']}–{group['to']}"


def _enqueue(params: dict[str, Any], as_json: bool) -> None:
    from songrec.jobs import queue, segment_tasks

    with wrong_usage():
        job = queue.enqueue(db.session, segment_tasks.KIND, params)
    db.session.commit()
    if as_json:
        print_json({"job_id": job.public_id})
    else:
        click.echo(f"Job {job.public_id} is queued.")


def _instance() -> Path:
    return Path(current_app.config["INSTANCE"])


# Former name of the command.
fragments_group = click.Group(
    "fragments", segments_group.commands, help=segments_group.help, hidden=True
)

COMMANDS = (segments_group, fragments_group)
