"""``flask duplicates``: find tracks that are the same song, merge them, undo merges."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click
from flask.cli import with_appcontext

from songrec.cli.base import json_option, one_line_errors, print_json, terminal_progress
from songrec.core.types import no_progress
from songrec.store.instance import current_instance

if TYPE_CHECKING:
    from songrec.store.catalogue.duplicates import Group

_PAGE = 500


@click.group("duplicates", invoke_without_command=True)
@click.option(
    "-n",
    "limit",
    type=click.IntRange(0),
    default=20,
    show_default=True,
    help="Number of groups printed, also by --json; 0 prints all.",
)
@json_option
@click.pass_context
@with_appcontext
@one_line_errors
def duplicates(context: click.Context, limit: int, as_json: bool) -> None:
    """Find tracks that are the same song, with reasons. Nothing is merged."""
    if context.invoked_subcommand is not None:
        return
    from songrec.services.catalogue.duplicate_search import search

    result = search(current_instance(), no_progress if as_json else terminal_progress())
    if as_json:
        groups = [_serialize(group) for group in _groups(limit or result.groups)]
        print_json({**result.to_json(), "shown": groups})
        return
    click.echo(
        f"{result.groups:,} groups of tracks look like one song each ({result.seconds:.1f} s): "
        + ", ".join(f"{number:,} by {kind}" for kind, number in result.pairs.items())
    )
    if result.fingerprints:
        click.echo(f"Fingerprints: {result.fingerprints}.")
    for group in _groups(limit or result.groups):
        click.echo("")
        for member in group.members:
            track = member.track
            click.echo(f"  {track.public_id}  {track.artists} – {track.title}")
            for kind, value, other in member.reasons:
                click.echo(f"      {describe_reason(kind, value)} as {other.public_id}")
    if result.groups:
        click.echo("\nMerge two with: flask duplicates merge KEPT OTHER (can be undone).")


@duplicates.command("merge")
@click.argument("kept")
@click.argument("others", nargs=-1, required=True)
@json_option
@with_appcontext
@one_line_errors
def merge(kept: str, others: tuple[str, ...], as_json: bool) -> None:
    """Merge the tracks OTHERS into KEPT, with their likes, playlists, tags and files.

    A track is given by its public id or the catalogue's own id.
    """
    from songrec.services.catalogue.track_lookup import resolve_track
    from songrec.store.catalogue import merging
    from songrec.store.db import db

    survivor = resolve_track(db.session, kept)
    tracks = [resolve_track(db.session, name) for name in others]
    done = [merging.merge(db.session, survivor.id, track.id).id for track in tracks]
    db.session.commit()
    if as_json:
        print_json({"kept": survivor.public_id, "merges": done})
        return
    for merge_id, track in zip(done, tracks, strict=True):
        click.echo(
            f"Merge {merge_id}: {track.artists} – {track.title} ({track.public_id}) is now "
            f"{survivor.public_id}. Undo with: flask duplicates undo {merge_id}"
        )


@duplicates.command("undo")
@click.argument("merge_id", metavar="ID", type=click.IntRange(1, 2**31 - 1))
@with_appcontext
@one_line_errors
def undo(merge_id: int) -> None:
    """Undo the merge ID: the merged track is restored with its likes, playlists and files."""
    from songrec.store.catalogue import merging
    from songrec.store.db import db

    row = merging.undo(db.session, merge_id)
    db.session.commit()
    click.echo(f"Merge {merge_id} is undone: {row.merged_public_id} is back.")


@duplicates.command("merges")
@click.option(
    "-n",
    "number",
    type=click.IntRange(1, 100_000),
    default=50,
    show_default=True,
    help="Number of merges.",
)
@json_option
@with_appcontext
@one_line_errors
def merges(number: int, as_json: bool) -> None:
    """List the merges that were not undone, newest first."""
    from songrec.store.catalogue import merge_redirects
    from songrec.store.db import db

    rows, total = merge_redirects.page(db.session, 1, number)
    merge_list = [
        {
            "id": one.row.id,
            "kept": one.survivor.public_id if one.survivor else None,
            "merged": one.row.merged_public_id,
            "title": one.row.title,
            "artists": one.row.artists,
            "at": one.row.created_at.isoformat(),
            "can_be_undone": one.can_be_undone,
        }
        for one in rows
    ]
    if as_json:
        print_json({"total": total, "merges": merge_list})
        return
    click.echo(f"{total:,} merges")
    for one in merge_list:
        click.echo(
            f"  {one['id']}  {one['artists']} – {one['title']} ({one['merged']}) is now "
            f"{one['kept'] or 'merged further'}"
        )


def describe_reason(kind: str, value: float | None) -> str:
    """Return the reason why two tracks look like one song."""
    share = "" if value is None else f" ({100 * value:.1f}%)"
    return {
        "content": "the same file",
        "names": "the same name and length",
        "fingerprint": f"the same fingerprint{share}",
        "features": f"near-identical sound{share}",
    }[kind]


def _groups(number: int) -> list[Group]:
    from songrec.store.catalogue import duplicates as store
    from songrec.store.db import db

    groups: list[Group] = []
    for at in range(1, -(-number // _PAGE) + 1):
        groups += store.page(db.session, at, _PAGE)
    return groups[:number]


def _serialize(group: Group) -> dict[str, Any]:
    return {
        "size": group.size,
        "tracks": [
            {
                "track_id": member.track.public_id,
                "external_id": member.track.external_id,
                "title": member.track.title,
                "artists": member.track.artists,
                "album": member.track.album.title if member.track.album else None,
                "duration_ms": member.track.duration_ms,
                "likes": member.likes,
                "playlists": member.playlists,
                "files": member.files,
                "why": [
                    {"kind": kind, "value": value, "as": other.public_id}
                    for kind, value, other in member.reasons
                ],
            }
            for member in group.members
        ],
    }


COMMANDS = (duplicates,)
