"""``flask words`` and ``flask search``: prepare lyrics, and search songs by words."""

from __future__ import annotations

import textwrap
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
from songrec.cli.evaluate import evaluate_group
from songrec.core.errors import BadInput
from songrec.store.db import db
from songrec.store.instance import current_instance

if TYPE_CHECKING:
    from songrec.services.similarity.word_search import WordMatch


@click.command("words")
@json_option
@with_appcontext
@one_line_errors
def words_command(as_json: bool) -> None:
    """Prepare lyrics and tags for searching: clean, detect the language, index, embed.

    Only new and changed songs are processed.
    """
    from songrec.services.similarity import word_search as words

    done = words.prepare_lyrics(current_instance(), terminal_progress())
    if as_json:
        print_json(done.to_json())
        return
    click.echo(
        f"{done.tracks:,} songs, {done.changed:,} new or changed, {done.with_lyrics:,} with lyrics."
    )
    for name, count in list(done.languages.items())[:10]:
        click.echo(f"  {name:<20} {count:>9,}")


@click.command("search")
@click.argument("words", nargs=-1)
@click.option(
    "-n",
    "count",
    type=click.IntRange(1, 1000),
    default=10,
    show_default=True,
    help="Number of songs.",
)
@click.option("--like", metavar="TRACK", help="Find songs with lyrics similar to this song's.")
@click.option(
    "--by-sound",
    is_flag=True,
    help="Find songs that sound like WORDS, with a run trained on sound and lyrics.",
)
@json_option
@with_appcontext
@one_line_errors
def search_command(
    words: tuple[str, ...], count: int, like: str | None, by_sound: bool, as_json: bool
) -> None:
    """Search songs by sound, lyrics, tags and titles, for example: sad piano at night."""
    from songrec.services.similarity import sound_word_search, word_search

    query = " ".join(words).strip()
    with wrong_usage():
        if bool(query) == bool(like) or (like and by_sound):
            raise BadInput("Give WORDS (with or without --by-sound) or --like TRACK.")
    if like:
        from songrec.services.catalogue.track_lookup import resolve_track

        track = resolve_track(db.session, like)
        matches = word_search.similar_lyrics(current_instance(), track.id, count)
    elif by_sound:
        from songrec.services.similarity import text_to_audio

        matches = text_to_audio.search_by_sound(current_instance(), query, count)
    else:
        matches = sound_word_search.search(current_instance(), query, count)
    _print_matches(matches, as_json)


@evaluate_group.command("words")
@click.option(
    "--share",
    type=click.FloatRange(0.05, 0.5),
    default=0.2,
    show_default=True,
    help="Share of the songs with sound and lyrics that is held out.",
)
@click.option(
    "--epochs",
    type=click.IntRange(1, 10_000),
    default=30,
    show_default=True,
    help="Epochs of the training.",
)
@click.option(
    "--seed",
    type=click.IntRange(0, 2**31 - 1),
    default=0,
    show_default=True,
    help="Seed of the songs held out and of the training.",
)
@click.option(
    "--tags",
    "by_tags",
    is_flag=True,
    help="Measure instead: recall@10 of genres, emotions and tags by sound, labels held out.",
)
@click.option(
    "--reworded",
    is_flag=True,
    help="Measure instead: how often sentence vectors understand words that are held out.",
)
@json_option
@with_appcontext
@one_line_errors
def evaluate_words(
    share: float, epochs: int, seed: int, by_tags: bool, reworded: bool, as_json: bool
) -> None:
    """Measure recall@10 of songs' sound by their lyrics and of lyrics by their sound."""
    from songrec.services.similarity import sound_word_search, text_to_audio

    if by_tags:
        _print_tags(sound_word_search.evaluate(current_instance()), as_json)
        return
    if reworded:
        _print_reworded(sound_word_search.evaluate_reworded(current_instance()), as_json)
        return
    measures = text_to_audio.evaluate_retrieval(
        current_instance(),
        share=share,
        epochs=epochs,
        seed=seed,
        on_progress=terminal_progress(),
    )
    if as_json:
        print_json(measures)
        return
    click.echo(f"{measures['learnt_from']:,} songs for training, {measures['held_out']:,} held out")
    click.echo(f"  lyrics → sound          recall@10 {measures['words_to_sound']:.3f}")
    click.echo(f"  sound → lyrics          recall@10 {measures['sound_to_words']:.3f}")
    click.echo(f"  chance                            {measures['chance']:.3f}")


def _print_tags(measures: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(measures)
        return
    click.echo(f"{measures['tracks']:,} tracks, labels held out: recall@10 (by chance)")
    rows = [*measures["words"], {**measures, "word": "mean"}]
    for row in rows:
        click.echo(f"  {row['word']:<20} {row['recall_at_10']:.3f} ({row['chance']:.3f})")


def _print_reworded(measures: dict[str, Any], as_json: bool) -> None:
    if as_json:
        print_json(measures)
        return
    click.echo(f"{measures['names']} words, each held out")
    for answer in ("right", "wrong", "none"):
        click.echo(f"  {answer:<12} {measures[answer]:.3f}")
    if measures["recall_at_10"] is not None:
        click.echo(f"  recall@10    {measures['recall_at_10']:.3f}")


def _instance() -> Path:
    return Path(current_app.config["INSTANCE"])


def _print_matches(matches: list[WordMatch], as_json: bool) -> None:
    if as_json:
        print_json([one.to_json() for one in matches])
        return
    if not matches:
        click.echo("No results. New lyrics and tags are searchable after: flask words")
        return
    wide = max(len(one.track.public_id) for one in matches)
    for place, one in enumerate(matches, 1):
        by = f" – {one.track.artists}" if one.track.artists else ""
        name = textwrap.shorten(f"{one.track.title}{by}", 68, placeholder=" …")
        matched_words = ", ".join(dict.fromkeys([*one.words, *one.sound_words]))
        matched = f"  ({matched_words})" if matched_words else ""
        click.echo(f"{place:>4}  {one.track.public_id:<{wide}}  {one.score:8.3f}  {name}{matched}")


COMMANDS = (words_command, search_command)
