"""``flask listeners import|export``, ``flask playlists`` and ``flask export playlist``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click
from flask import current_app, url_for
from flask.cli import with_appcontext

from songrec.cli.base import json_option, one_line_errors, print_json
from songrec.cli.library import export
from songrec.cli.users import listeners_group
from songrec.core.errors import BadInput
from songrec.core.private_files import persons_umask
from songrec.store.db import db

if TYPE_CHECKING:
    from songrec.store.catalogue.tracks import TrackView

SHOWN = 20
user_option = click.option("--user", required=True, metavar="NAME", help="The account.")


@listeners_group.command("import")
@click.argument(
    "paths", nargs=-1, required=True, type=click.Path(exists=True, dir_okay=False, path_type=Path)
)
@user_option
@click.option(
    "--as",
    "kind",
    type=click.Choice(["auto", "likes", "playlist"]),
    default="auto",
    show_default=True,
    help="Kind of the songs; auto: depending on the file.",
)
@json_option
@with_appcontext
@one_line_errors
def import_lists(paths: tuple[Path, ...], user: str, kind: str, as_json: bool) -> None:
    """Import lists of an account: likes, plays, playlists, exports of music services.

    What a file is decides what its songs become. Files may be larger than on the page.
    """
    from songrec.services.listeners import import_export
    from songrec.store.listeners import users

    listener = users.require_listener(db.session, users.get(db.session, user))
    documents = []
    for path in paths:
        try:
            report = import_export.import_likes(
                db.session, listener, path.read_bytes(), file_name=path.name, kind=kind
            )
        except BadInput as error:
            raise BadInput(f"{path}: {error}") from None
        db.session.commit()
        documents.append({"file": str(path), **report.to_json()})
        if not as_json:
            click.echo("\n".join(import_export.summary_lines(report, path.name, SHOWN)))
    if as_json:
        print_json(documents[0] if len(documents) == 1 else documents)


@listeners_group.command("unsure")
@user_option
@click.option("--limit", default=50, show_default=True, metavar="N", help="Songs to list.")
@json_option
@with_appcontext
@one_line_errors
def unsure(user: str, limit: int, as_json: bool) -> None:
    """List songs of imported lists that may be one of the catalogue, with candidates."""
    from songrec.services.listeners import match_decisions
    from songrec.store.listeners import users

    listener = users.listener_of(db.session, users.get(db.session, user))
    rows = match_decisions.open_questions(db.session, listener, limit) if listener else []
    if as_json:
        print_json([row.to_json() for row in rows])
        return
    for row in rows:
        click.echo(f"{row.id}  {row.artists} – {row.title}")
        for track, sureness in row.candidates:
            click.echo(f"    {track.public_id}  {sureness:4.0%}  {track.artists} – {track.title}")
    if not rows:
        click.echo("Nothing to decide.")


@listeners_group.command("decide")
@click.argument("question", type=int, metavar="ID")
@click.argument("answer", metavar="TRACK|none", required=False)
@user_option
@click.option("--undo", is_flag=True, help="Take the answer back.")
@json_option
@with_appcontext
@one_line_errors
def decide(question: int, answer: str | None, user: str, undo: bool, as_json: bool) -> None:
    """Choose the track of the song ID of a list (flask listeners unsure), or none."""
    from songrec.services.listeners import match_decisions
    from songrec.store.listeners import users

    if undo == (answer is not None):
        raise click.UsageError("Give a track's id or none, or --undo.")
    listener = users.require_listener(db.session, users.get(db.session, user))
    if undo:
        match_decisions.undo(db.session, listener, question)
        db.session.commit()
        if as_json:
            print_json({"id": question, "state": "open"})
        else:
            click.echo("Undone: the song is open again.")
        return
    done = match_decisions.decide(db.session, listener, question, answer or "")
    db.session.commit()
    if as_json:
        print_json(done.to_json())
    elif done.answer:
        click.echo(f"{done.title}: {done.answer.artists} – {done.answer.title}")
    else:
        click.echo(f"{done.title}: none of them; it stays among the missing songs.")


@listeners_group.command("export")
@user_option
@click.option("--output", type=click.Path(path_type=Path), help="Write here, not to stdout.")
@with_appcontext
@one_line_errors
def export_listener(user: str, output: Path | None) -> None:
    """Export all data of an account as JSON that can be imported again."""
    import json

    from songrec.services.listeners import import_export
    from songrec.store.listeners import users

    listener = users.listener_of(db.session, users.get(db.session, user))
    content = import_export.export(db.session, listener)
    _write(json.dumps(content, indent=2, ensure_ascii=False) + "\n", output)


@click.command("playlists")
@click.option("--user", metavar="NAME", help="The account; without it those of the catalogue.")
@json_option
@with_appcontext
@one_line_errors
def playlists_command(user: str | None, as_json: bool) -> None:
    """List playlists with their ids."""
    from songrec.store.listeners import playlists, users

    if user is None:
        rows = playlists.of_catalogue(db.session, limit=10_000)
    else:
        listener = users.listener_of(db.session, users.get(db.session, user))
        rows = playlists.of_listener(db.session, listener) if listener else []
    if as_json:
        print_json(
            [
                {"id": row.playlist.public_id, "name": row.playlist.name, "size": row.size}
                for row in rows
            ]
        )
        return
    for row in rows:
        click.echo(f"{row.playlist.public_id}  {row.size:5,}  {row.playlist.name}")


@export.command("playlist")
@click.argument("playlist_id", metavar="ID")
@click.option(
    "--format",
    type=click.Choice(["m3u8", "jspf", "csv"]),
    default="m3u8",
    show_default=True,
    help="Format of the file.",
)
@click.option(
    "--files",
    type=click.Choice(["relative", "absolute", "stream", "pages"]),
    default="relative",
    show_default=True,
    help="How the playlist names its files.",
)
@click.option(
    "--root",
    default="",
    metavar="DIR",
    help="Folder that relative paths start from; the library's own if not given.",
)
@click.option(
    "--base-url", metavar="URL", help="Address of this songrec, for addresses of streams and pages."
)
@click.option("--output", type=click.Path(path_type=Path), help="Write here, not to stdout.")
@with_appcontext
@one_line_errors
def export_playlist(
    playlist_id: str, format: str, files: str, root: str, base_url: str | None, output: Path | None
) -> None:
    """Export the playlist ID (flask playlists lists them) for other players."""
    from songrec.core import config
    from songrec.services.listeners import playlist_export
    from songrec.store.listeners import playlists

    playlist = playlists.with_public_id(db.session, playlist_id)
    if playlist is None:
        raise BadInput(f"There is no playlist {playlist_id!r}: flask playlists --user NAME")
    if files == "stream":
        playlists.create_stream_key(db.session, playlist)
        db.session.commit()
    key = playlist_export.stream_key(playlist, str(current_app.secret_key))

    def stream_address(track: TrackView) -> str:
        return _address("player.stream", track, playlist_id=playlist_id, key=key)

    with current_app.test_request_context(base_url=base_url or config.address()):
        file = playlist_export.export_playlist(
            db.session,
            playlist,
            format,
            page_address=lambda track: _address("pages.track", track),
            stream_address=stream_address if key else None,
            files=files,
            root=root,
            may_see_paths=True,
        )
    _write(file.text, output)


def _address(endpoint: str, track: TrackView, **values: str | None) -> str:
    return url_for(endpoint, public_id=track.public_id, _external=True, **values)


def _write(text: str, output: Path | None) -> None:
    from songrec.core.files import write_bytes

    if output is None:
        click.echo(text, nl=False)
    else:
        with persons_umask():
            write_bytes(output, text.encode())


COMMANDS = (playlists_command,)
