"""``flask evaluate``: offline evaluation of feature sets and recommendation methods."""

from __future__ import annotations

from collections.abc import Callable
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


@click.group("evaluate")
def evaluate_group() -> None:
    """Evaluate feature sets and recommendation methods offline."""


@evaluate_group.command("clips")
@click.argument("folder", metavar="DIR", type=click.Path(path_type=Path))
@click.option(
    "--features",
    default="mfcc,statistical,mfcc+statistical",
    show_default=True,
    metavar="SET[,SET]",
    help="Sets to evaluate. + concatenates sets; statistical:chroma selects columns by the "
    "beginning of their names, musicnn:MTT_musicnn:max network and pooling; segments is the "
    "recommendation method, segments:tagger with an encoder (tagger, musicnn, mfcc).",
)
@click.option(
    "--by",
    type=click.Choice(("track", "artist")),
    default="track",
    show_default=True,
    help="What excerpt a has to find: excerpt b of the same track, or another track by its artist "
    "(also by those of other albums alone, where artists have several).",
)
@json_option
@one_line_errors
def clips_command(folder: Path, features: str, by: str, as_json: bool) -> None:
    """Evaluate feature sets by retrieval: excerpt a of a track in DIR has to find its excerpt b.

    DIR holds audio files and clips.csv: docs/evaluation.md.
    """
    from songrec.services.evaluation import clip_retrieval

    with wrong_usage():
        clip_retrieval.parse_sets(features)
    result = clip_retrieval.evaluate_clips(
        Path(current_app.config["INSTANCE"]), folder, features, terminal_progress(), by=by
    )
    if as_json:
        print_json(result)
        return
    wide = max(len(name) for name in result)
    click.echo(f"{'':{wide}}  {'pairs':>6} {'top 1':>6} {'top 5':>6} {'MRR':>6}")
    for name, figures in result.items():
        for label, row in ((name, figures), ("  other albums", figures.get("album_filter"))):
            if row:
                click.echo(
                    f"{label:{wide}}  {row['pairs']:>6} {row['top1']:6.3f} {row['top5']:6.3f} "
                    f"{row['mrr']:6.3f}"
                )


_TABLES: tuple[dict[str, str], ...] = (
    {
        "p_at_10": "P@10",
        "recall_at_50": "recall@50",
        "ndcg_at_10": "NDCG@10",
        "r_precision": "R-precision",
        "clicks": "clicks",
        "discovery_p_at_10": "discovery",
        "new_artist_p_at_10": "new artists",
    },
    {
        "hits_per_artist": "per artist",
        "coverage": "coverage",
        "hubness": "hubness",
        "largest_hub": "largest hub",
        "intra_list_diversity": "diversity",
    },
)
"""Columns of the printed tables: measures with their headings."""

_TASTES_TABLE = {
    "tastes_served": "served",
    "served_alone": "alone",
    "served_at_most": "at most",
    "p_at_20": "P@20",
    "best_single_p_at_20": "best single",
    "of_best_single": "ratio",
}


_PLAYLIST_OPTIONS = (
    click.argument("file", metavar="FILE", type=click.Path(path_type=Path)),
    click.option(
        "--method",
        "methods",
        multiple=True,
        metavar="METHOD",
        help="A method, or several separated by commas; repeatable. Default: all.",
    ),
    click.option(
        "--train",
        type=click.Path(path_type=Path),
        metavar="FILE",
        help="Playlists to train on; default: the other playlists of FILE.",
    ),
    click.option(
        "--draws",
        type=click.IntRange(1, 100),
        default=3,
        show_default=True,
        help="Number of times that likes are drawn from each playlist.",
    ),
    click.option(
        "--seed",
        type=click.IntRange(0, 2**31 - 1),
        default=0,
        show_default=True,
        help="Seed of draws, folds and resampling.",
    ),
    click.option(
        "--listening",
        type=click.Path(path_type=Path),
        metavar="DIR",
        help="Listening counts of others (user_artists.tsv, artists.tsv; or a file that flask "
        "artists import reads), for nearness of artists.",
    ),
)


def _playlist_options(command: Callable[..., None]) -> Callable[..., None]:
    """Add the argument and the options of evaluations by playlists."""
    for option in reversed(_PLAYLIST_OPTIONS):
        command = option(command)
    return command


@evaluate_group.command("playlists")
@_playlist_options
@click.option(
    "--likes",
    type=click.IntRange(1, 1000),
    default=10,
    show_default=True,
    help="Number of songs of each playlist that are liked.",
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
    listening: Path | None,
    as_json: bool,
) -> None:
    """Evaluate recommendation methods by playlist continuation.

    Some songs of each playlist of FILE are liked; the method has to recommend the others.
    """
    from songrec.services.evaluation import playlist_continuation

    with wrong_usage():
        names = playlist_continuation.parse_methods(methods)
    request = playlist_continuation.ContinuationRequest(
        file, names, likes, train, draws, seed, listening
    )
    result = playlist_continuation.evaluate_playlists(request, terminal_progress())
    if as_json:
        print_json(result)
        return
    click.echo(
        f"{result['playlists']:,} playlists, {result['questions']:,} questions with "
        f"{likes} likes each, {result['tracks']:,} tracks to choose from"
    )
    for columns in _TABLES:
        _print_measures(result["methods"], columns)
    for baseline, others in result["p_at_10_times"].items():
        for name, ratio in others.items():
            if ratio is not None:
                click.echo(
                    "P@10 of {} is {:.2f} times that of {} ({:.2f} to {:.2f})".format(
                        name, ratio[0], baseline, *ratio[1:]
                    )
                )


@evaluate_group.command("tastes")
@_playlist_options
@json_option
@one_line_errors
def tastes_command(
    file: Path,
    methods: tuple[str, ...],
    train: Path | None,
    draws: int,
    seed: int,
    listening: Path | None,
    as_json: bool,
) -> None:
    """Evaluate lists for several tastes: one song of each of five playlists of FILE is liked.

    How many of the five have a song among the first twenty, and how many of the twenty are right?
    """
    from songrec.services.evaluation import playlist_continuation, playlist_tastes

    with wrong_usage():
        names = playlist_continuation.parse_methods(methods)
    request = playlist_continuation.ContinuationRequest(
        file, names, train=train, draws=draws, seed=seed, listening=listening
    )
    result = playlist_tastes.evaluate_tastes(request, terminal_progress())
    if as_json:
        print_json(result)
        return
    click.echo(
        f"{result['sets']:,} sets of {result['tastes']} playlists, {result['tracks']:,} tracks to "
        "choose from"
    )
    _print_measures(result["methods"], _TASTES_TABLE)


def _print_measures(methods: dict[str, dict[str, Any]], columns: dict[str, str]) -> None:
    """Print a table of methods: each measure, and below it its interval."""
    click.echo(f"{'':16}" + "".join(f"{label:>13}" for label in columns.values()))
    for name, figures in methods.items():
        for label, row in ((name, figures), ("  95% from", 0), ("  to", 1)):
            shown = (
                row[measure]
                if isinstance(row, dict)
                else (figures["intervals"][measure] or [None] * 2)[row]
                for measure in columns
            )
            click.echo(f"{label:16}" + "".join(f"{_figure(value):>13}" for value in shown))
    click.echo()


def _figure(value: float | None) -> str:
    return "–" if value is None else f"{value:.3f}"


@evaluate_group.command("list-matching")
@click.option("--songs", default=1000, show_default=True, metavar="N", help="Songs to alter.")
@click.option("--seed", default=0, show_default=True, help="Seed of the alterations.")
@json_option
@one_line_errors
def list_matching_command(songs: int, seed: int, as_json: bool) -> None:
    """Measure how songs of lists are matched: the catalogue's names, altered as lists alter them.

    Nothing is stored: docs/lists.md.
    """
    from songrec.services.listeners import matching_evaluation
    from songrec.store.db import db

    result = matching_evaluation.evaluate_matching(db.session, songs, seed, terminal_progress())
    if as_json:
        print_json(result.to_json())
        return
    columns = (
        "songs",
        "accepted",
        "false_accepted",
        "queries",
        "futile_queries",
        "unmatched",
    )
    click.echo(f"{'':26}" + "".join(f"{name:>16}" for name in columns))
    for kind, figures in result.kinds.items():
        click.echo(f"{kind:26}" + "".join(f"{getattr(figures, name):16,}" for name in columns))
    click.echo(f"\n{'sureness':12} {'candidates':>10} {'right':>7}")
    for name, (number, right) in result.by_sureness.items():
        share = f"{right / number:7.3f}" if number else f"{'–':>7}"
        click.echo(f"{name:12} {number:10,} {share}")
    click.echo(f"\n{'accepted from':13} {'precision':>10} {'recall':>7}")
    for name, (precision, recall) in result.thresholds.items():
        click.echo(f"{name:13} {precision:10.3f} {recall:7.3f}")


COMMANDS = (evaluate_group,)
