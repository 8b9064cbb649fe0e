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
    "columns whose names begin so, musicnn:MTT_musicnn:max the network and pooling; segments "
    "the rule of that name, fragments:tagger by the tagger (or musicnn, mfcc).",
)
@json_option
@one_line_errors
def clips_command(folder: Path, features: str, as_json: bool) -> None:
    """How often excerpt a of a track in DIR (with clips.csv) finds its excerpt b."""
    from songrec.services.evaluation import clip_retrieval

    with wrong_usage():
        clip_retrieval.parse(features)
    found = clip_retrieval.evaluate_clips(
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


_FIGURES = {
    "p_at_10": "P@10",
    "recall_at_50": "recall@50",
    "ndcg_at_10": "NDCG@10",
    "new_artist_p_at_10": "new artists",
    "hits_per_artist": "per artist",
    "coverage": "coverage",
    "intra_list_diversity": "diversity",
}


@evaluate_group.command("playlists")
@click.argument("file", metavar="FILE", type=click.Path(path_type=Path))
@click.option(
    "--method",
    "methods",
    multiple=True,
    metavar="METHOD",
    help="Repeat, or part by commas; default: all.",
)
@click.option(
    "--likes",
    type=click.IntRange(1, 1000),
    default=10,
    show_default=True,
    help="How many songs of each playlist are liked.",
)
@click.option(
    "--train",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="Playlists to learn from; default: the others of FILE.",
)
@click.option(
    "--draws",
    type=click.IntRange(1, 100),
    default=3,
    show_default=True,
    help="How often likes are drawn from each playlist.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    default=0,
    show_default=True,
    help="Draws, parts and resampling follow from it.",
)
@json_option
@one_line_errors
def playlists_command(
    file: Path,
    methods: tuple[str, ...],
    likes: int,
    train: Path | None,
    draws: int,
    seed: int,
    as_json: bool,
) -> None:
    """How much of the rest of each playlist of FILE a METHOD recommends to who likes a part."""
    from songrec.services.evaluation import playlist_continuation

    with wrong_usage():
        names = playlist_continuation.parse(methods)
    request = playlist_continuation.Request(file, names, likes, train, draws, seed)
    found = playlist_continuation.evaluate_playlists(request, terminal_progress())
    if as_json:
        print_json(found)
        return
    click.echo(
        f"{found['playlists']:,} playlists, {found['questions']:,} questions with "
        f"{likes} likes each, {found['tracks']:,} tracks to choose from"
    )
    click.echo(f"{'':16}" + "".join(f"{label:>13}" for label in _FIGURES.values()))
    for name, figures in found["methods"].items():
        for label, row in ((name, figures), ("  95% from", 0), ("  to", 1)):
            shown = (
                row[measure]
                if isinstance(row, dict)
                else (figures["intervals"][measure] or [None] * 2)[row]
                for measure in _FIGURES
            )
            click.echo(f"{label:16}" + "".join(f"{_figure(value):>13}" for value in shown))
    for baseline, others in found["p_at_10_times"].items():
        for name, ratio in others.items():
            if ratio is not None:
                click.echo(
                    "P@10 of {} is {:.2f} times that of {} ({:.2f} to {:.2f})".format(
                        name, ratio[0], baseline, *ratio[1:]
                    )
                )


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


COMMANDS = (evaluate_group,)
