"""``flask segments``: songs cut into windows of a few seconds, and the network that tags them."""

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
    help="How much of a song's middle is cut; 0: all of it.",
)
_seed = click.option("--seed", type=click.IntRange(0, 2**31 - 1), default=0, show_default=True)


@click.group("segments")
def segments_group() -> None:
    """Cut songs into windows of a few seconds, tag them, recommend by them."""


@segments_group.command("train")
@click.option(
    "--tags",
    "source",
    type=click.Choice(SOURCES),
    default=SOURCES[0],
    show_default=True,
    help="Where the tags to learn come from.",
)
@click.option(
    "--n-seconds",
    type=click.FloatRange(0.5, 60),
    default=5.0,
    show_default=True,
    help="How long a window is.",
)
@click.option(
    "--step",
    type=click.FloatRange(0.1, 60),
    default=1.0,
    show_default=True,
    help="Seconds from one window to the next.",
)
@_seconds
@click.option(
    "--validation-probability",
    type=click.FloatRange(0, 0.9),
    default=0.2,
    show_default=True,
    help="Of each part of a song to be held out.",
)
@click.option(
    "--by",
    type=click.Choice(("windows", "songs")),
    default="windows",
    show_default=True,
    help="Hold out parts of songs, or whole songs.",
)
@click.option("--epochs", type=click.IntRange(1, 10_000), default=40, show_default=True)
@click.option(
    "--patience",
    type=click.IntRange(1, 10_000),
    default=6,
    show_default=True,
    help="Epochs without progress after which it stops.",
)
@click.option(
    "--units",
    type=click.IntRange(1, 2048),
    default=256,
    show_default=True,
    help="TaggerConfig of the vector that stands for a segment.",
)
@click.option("--filters", type=click.IntRange(1, 2048), default=128, show_default=True)
@click.option(
    "--depth", type=click.IntRange(1, 8), default=4, show_default=True, help="Recurrent layers."
)
@click.option("--batch-size", type=click.IntRange(1, 4096), default=32, show_default=True)
@click.option("--no-baselines", is_flag=True, help="Do not measure MusiCNN beside it.")
@click.option("--queue", "queued", is_flag=True, help="Leave it to the worker, and go on.")
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
    """Train the tagger on the songs that can be heard, and measure it on windows held out."""
    parameters = {
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
        _enqueue(parameters, as_json)
        return
    from songrec.jobs import segment_tasks

    result = segment_tasks.execute(current_instance(), parameters, terminal_progress())
    if as_json:
        print_json(result)
        return
    from songrec.services.segments import encoder_selection

    windows = result["windows"]
    click.echo(
        f"Tagger {result['tagger']}: {len(result['tags'])} tags, {result['songs']} songs, "
        f"{windows['training']:,} windows to learn from, {windows['validation']:,} held out; "
        f"best after epoch {result['best_epoch']} of {result['epochs']}."
    )
    _show(result.get("measures") or {})
    best = encoder_selection.choose(_instance())
    click.echo(f"Songs are cut anew by: flask segments tag ({_by(best.name)}: {best.why})")


@segments_group.command("tag")
@click.option(
    "--by",
    type=click.Choice(("best", "tagger", "musicnn", "mfcc")),
    default="best",
    show_default=True,
    help="What stands for a segment; best: of what is there what "
    "told the tags of windows held out best.",
)
@_seconds
@click.option("--queue", "queued", is_flag=True, help="Leave it to the worker, and go on.")
@_seed
@json_option
@one_line_errors
def tag_command(by: str, seconds: float, queued: bool, seed: int, as_json: bool) -> None:
    """Cut all songs that can be heard, so that they are recommended by segments.

    Songs that are analysed later are cut with the analysis, those that vanish leave the index.
    """
    parameters = {"task": "tag", "by": by, "seed": seed, "cutting": {"seconds": seconds or None}}
    if queued:
        _enqueue(parameters, as_json)
        return
    from songrec.jobs import segment_tasks

    result = segment_tasks.execute(current_instance(), parameters, terminal_progress())
    if as_json:
        print_json(result)
        return
    click.echo(
        f"{result['fragments']:,} segments of {result['tracks']:,} songs, "
        f"by {_by(result['made_by'])}: {result['why']}."
    )
    if result["songs_unread"]:
        click.echo(f"{result['songs_unread']:,} songs could not be read: flask analyze says why.")


@segments_group.command("status")
@json_option
@one_line_errors
def status_command(as_json: bool) -> None:
    """The segments in use, the newest tagger and its figures."""
    from songrec.services.segments import build_index

    status = build_index.status(_instance())
    if as_json:
        print_json(status)
        return
    index, tagger = status["index"], status["tagger"]
    if index is None:
        click.echo("No song is cut into segments yet: flask segments tag")
    else:
        click.echo(
            f"{index['fragments']:,} segments of {index['tracks']:,} songs, {index['seconds']:g} "
            f"s each, by {_by(index['made_by'])}: {index.get('why', '')}".rstrip(": ")
            + "."
        )
    best = status["best"]
    if index is None or best["made_by"] != index["made_by"]:
        click.echo(f"Now they would be cut by {_by(best['made_by'])}: {best['why']}.")
    if tagger is None:
        click.echo("No tagger is trained yet: flask segments train")
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
        shown = (figures[measure] for measure in _FIGURES)
        click.echo(
            f"{name:10}"
            + "".join(f"{'–' if value is None else f'{value:.3f}':>10}" for value in shown)
        )
    groups = [_group(one) for one in measures["tagger"]["wrong_tags"]["grouped"]]
    click.echo(f"{'wrong tags':10}" + "".join(f"{label:>10}" for label in groups))
    for name, figures in measures.items():
        counts = (one["samples"] for one in figures["wrong_tags"]["grouped"])
        click.echo(f"{name:10}" + "".join(f"{count:>10,}" for count in counts))
    for name, figures in measures.items():
        single = ", ".join(
            f"{one['wrong']}: {one['samples']:,}" for one in figures["wrong_tags"]["single"]
        )
        click.echo(f"{name:10}  samples by wrong tags: {single}")


def _group(one: dict[str, Any]) -> str:
    if one["to"] is None:
        return f"{one['from']}+"
    return str(one["from"]) if one["from"] == one["to"] else f"{one['from']}–{one['to']}"


def _enqueue(parameters: dict[str, Any], as_json: bool) -> None:
    from songrec.jobs import queue, segment_tasks

    with wrong_usage():
        job = queue.enqueue(db.session, segment_tasks.KIND, parameters)
    db.session.commit()
    if as_json:
        print_json({"job_id": job.public_id})
    else:
        click.echo(f"Job {job.public_id} waits for the worker.")


def _instance() -> Path:
    return Path(current_app.config["INSTANCE"])


# The command's former name goes on working.
fragments_group = click.Group(
    "fragments", segments_group.commands, help=segments_group.help, hidden=True
)

COMMANDS = (segments_group, fragments_group)
