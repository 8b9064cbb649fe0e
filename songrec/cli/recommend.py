"""``flask similar``, ``flask recommend`` and ``flask sound-spaces``."""

from __future__ import annotations

import textwrap
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from flask import current_app
from flask.cli import with_appcontext

from songrec.cli.base import (
    json_option,
    one_line_errors,
    print_json,
    terminal_progress,
    wrong_usage,
)
from songrec.core.errors import BadInput, UnknownName
from songrec.core.types import no_progress
from songrec.services.recommendation.options import DEFAULT_RERANKING, MAX_PER_ARTIST, METHODS
from songrec.store.db import db
from songrec.store.instance import current_instance

if TYPE_CHECKING:
    from songrec.services.similarity.ranked_tracks import RankedTrack


_METHODS = "; ".join(
    f"{entry.name}: {entry.description[0].lower()}{entry.description[1:].rstrip('.')}"
    for entry in METHODS
)
METHODS_HELP = (
    f"By default the best available one (additive_ranker, else learned, else taste). {_METHODS}."
)


@click.command("similar")
@click.argument("track")
@click.option(
    "-n",
    "count",
    type=click.IntRange(1, 1000),
    default=10,
    show_default=True,
    help="How many songs.",
)
@click.option(
    "--by",
    metavar="COMPARISON",
    help="What to compare by: best (the method that recommends best); sound alone; space, features "
    "or latent of the published run; or a feature set that was analysed (timbre, musicnn, …), "
    "which needs no run. By default best, or sound in a library of sound files without playlists.",
)
@json_option
@with_appcontext
@one_line_errors
def similar(track: str, count: int, by: str | None, as_json: bool) -> None:
    """List songs similar to TRACK (a public id or the catalogue's own id), with reasons."""
    from songrec.services.catalogue.track_lookup import resolve_track
    from songrec.services.recommendation import recommend

    with wrong_usage():
        if by is not None and by not in recommend.COMPARISONS:
            raise UnknownName("comparison", by, recommend.COMPARISONS)
    song = resolve_track(db.session, track)
    ranked = recommend.similar_songs(current_instance(), song, count, by=by)
    if not as_json:
        used = recommend.comparison_used(current_instance(), song, by)
        how = METHODS.entry(used).label if used in METHODS else "sound alone"
        click.echo(
            f"Songs like “{song.title}” ({song.artists or 'unknown artist'}) – {how} ({used}):\n"
        )
    _print_ranked(ranked, as_json)


@click.command("recommend")
@click.option("--like", "likes", multiple=True, metavar="TRACK", help="A song you like; repeat.")
@click.option(
    "--dislike", "dislikes", multiple=True, metavar="TRACK", help="A song you do not like; repeat."
)
@click.option("--method", metavar="METHOD", help=METHODS_HELP)
@click.option(
    "--discovery",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="0: what goes with your likes; 1: artists new to you. With additive_ranker.",
)
@click.option(
    "--variety",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="0: close to what you like; 1: varied.",
)
@click.option(
    "--novelty",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="1: prefer songs that are seldom played.",
)
@click.option(
    "--freshness",
    type=click.FloatRange(0, 1),
    default=0.0,
    show_default=True,
    help="1: prefer recent songs.",
)
@click.option(
    "--per-artist",
    type=click.IntRange(0),
    default=MAX_PER_ARTIST,
    show_default=True,
    help="Songs by one artist at most; 0: any number.",
)
@click.option(
    "--surprise",
    type=click.IntRange(0),
    metavar="SEED",
    help="Pick at random from the best matches, reproducibly by SEED.",
)
@click.option(
    "-n",
    "count",
    type=click.IntRange(1, 1000),
    default=10,
    show_default=True,
    help="How many songs.",
)
@json_option
@with_appcontext
@one_line_errors
def recommend(
    likes: tuple[str, ...],
    dislikes: tuple[str, ...],
    method: str | None,
    count: int,
    as_json: bool,
    discovery: float,
    **options: Any,
) -> None:
    """Recommend songs for liked TRACKs (public ids or the catalogue's own ids), with reasons."""
    from songrec.services.catalogue.track_lookup import resolve_track
    from songrec.services.recommendation.recommend import method_used, recommend_for

    with wrong_usage():
        if not likes:
            raise BadInput(
                "Name at least one liked song: flask recommend --like TRACK [--like TRACK …]."
            )
        if method is not None:
            METHODS.entry(method)
    ranked = recommend_for(
        current_instance(),
        [resolve_track(db.session, name).id for name in likes],
        [resolve_track(db.session, name).id for name in dislikes],
        method=method,
        by=replace(DEFAULT_RERANKING, **options),
        n=count,
        discovery=discovery,
    )
    used = method_used(current_instance(), method)
    if not as_json and ranked:
        click.echo(f"{METHODS.entry(used).label} ({used}):\n")
    _print_ranked(ranked, as_json, method=used)


@click.command("sound-spaces")
@json_option
@with_appcontext
@one_line_errors
def spaces_of_sound(as_json: bool) -> None:
    """Prepare comparing songs by each feature set; an analysis does this at its end."""
    from songrec.services.similarity import audio_similarity
    from songrec.store.sound import sound_folders

    on_progress = no_progress if as_json else terminal_progress()
    written = audio_similarity.refresh_matrices(current_instance(), on_progress)
    matrices = [
        {"written": written.get(name, False), **sound_folders.manifest(_instance(), name)}
        for name in sound_folders.names(_instance())
    ]
    if as_json:
        print_json(matrices)
        return
    for one in matrices:
        damaged = f", {one['damaged']:,} damaged" if one["damaged"] else ""
        click.echo(
            f"{one['feature_set']:<14}{one['tracks']:>9,} songs by {len(one['columns'])} columns"
            f"{damaged}{'' if one['written'] else ' (unchanged)'}"
        )
    if not matrices:
        click.echo("Nothing is analysed yet: flask analyze DIR")


def _instance() -> Path:
    return Path(current_app.config["INSTANCE"])


def _print_ranked(ranked: list[RankedTrack], as_json: bool, **extra: str) -> None:
    if as_json:
        from songrec.services.similarity.ranked_tracks import serialize_ranked

        print_json([{**match, **extra} for match in serialize_ranked(db.session, ranked)])
        return
    if not ranked:
        click.echo("Nothing left to recommend: every other song is rated already.")
        return
    width = max(len(one.track.public_id) for one in ranked)
    for place, one in enumerate(ranked, 1):
        by = f" – {one.track.artists}" if one.track.artists else ""
        name = textwrap.shorten(f"{one.track.title}{by}", 68, placeholder=" …")
        click.echo(f"{place:>4}  {one.track.public_id:<{width}}  {one.score:+8.3f}  {name}")
        for line in textwrap.wrap(one.sentence, 84 - width):
            click.echo(f"{'':{width + 18}}{line}")


COMMANDS = (similar, recommend, spaces_of_sound)
