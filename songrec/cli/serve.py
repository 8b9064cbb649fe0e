"""``flask first-run`` and ``flask worker``.

``python -m songrec.cli.serve`` runs them without pages and other commands, in half the time.
"""

from __future__ import annotations

import errno
import logging
import secrets
import shutil
import socket
from pathlib import Path

import click
from flask import current_app

from songrec.cli.base import one_line_errors
from songrec.core import config, logs
from songrec.core.errors import BadInput
from songrec.jobs.kinds import KIND_GROUPS
from songrec.services.library.demo_songs import DEMO
from songrec.store.db import database_app, db, enable_migrations

ADMIN = "admin"
LEAST_FREE = 1e9
"""Bytes of free space without which no song can come in: runs, vectors, SQLite's log."""


@click.command("first-run")
@click.option(
    "--catalogue",
    metavar="FILE",
    help="Import this catalogue file; demo: 3,024 invented songs without sound.",
)
@click.option(
    "--audio",
    metavar="DIR",
    help="Analyse the sound files below this folder; demo: 96 synthesised pieces.",
)
@one_line_errors
def first_run_command(catalogue: str | None, audio: str | None) -> None:
    """Prepare this instance to be served; existing data stays.

    Migrates the database, makes the first admin, whose password is printed once, and queues what
    takes longer: a worker imports, analyses and trains while songrec serves. An empty instance
    gets the demo music unless something else is named.
    """
    address = config.address()
    config.web_processes()
    _port_is_free()
    if catalogue not in (None, DEMO) and not Path(catalogue).expanduser().is_file():
        raise BadInput(f"There is no file {catalogue}: CATALOGUE takes a CSV, CSV.gz or Parquet.")
    if audio not in (None, DEMO) and not Path(audio).expanduser().is_dir():
        raise BadInput(f"There is no folder {audio}: AUDIO takes a folder of sound files, or demo.")
    _check_space()
    _migrate()
    _make_admin()
    _queue_setup(_absolute(catalogue), _absolute(audio))
    click.echo(f"Starting songrec at {address}")


def _absolute(path: str | None) -> str | None:
    return path if path in (None, DEMO) else str(Path(path).expanduser().resolve())


def _check_space() -> None:
    folder = current_app.config["INSTANCE"]
    free = shutil.disk_usage(folder).free
    if free < LEAST_FREE:
        raise BadInput(
            f"No space: {folder} needs {LEAST_FREE / 1e9:.1f} GB free and has {free / 1e9:.1f}. "
            "Free some, or set SONGREC_INSTANCE to a folder on another disk."
        )


def _port_is_free() -> None:
    host, port = config.bind()
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as probe:
        # As the server does it: a port that was in use a moment ago is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            why = {
                errno.EADDRINUSE: "is taken by another program; choose one: make run PORT=8001",
                errno.EACCES: "needs more rights; choose one above 1023: make run PORT=8001",
            }.get(error.errno or 0, f"cannot be used ({error.strerror or error})")
            raise BadInput(f"Port {port} on {host} {why}.") from None


def _migrate() -> None:
    from songrec.store import new_database

    current = new_database.current_revision(db.engine)
    if current is None:
        click.echo("Setting up the database.")
        new_database.create_tables(db.engine)
    if new_database.current_revision(db.engine) == new_database.newest_revision():
        return
    if current is not None:
        click.echo("Bringing the database up to date.")
    from flask_migrate import upgrade

    enable_migrations(current_app._get_current_object())  # type: ignore[attr-defined]
    logging.getLogger("alembic").setLevel(logging.WARNING)
    upgrade()


def _queue_setup(catalogue: str | None, audio: str | None) -> None:
    """Queue what is to come in, and say so; nothing where everything is there."""
    from songrec.jobs import queue
    from songrec.services.library import setup_progress
    from songrec.store.catalogue import tracks
    from songrec.store.models import published_weights
    from songrec.store.runs import runs
    from songrec.store.sound import audio_files

    count = tracks.track_count(db.session)
    if not count and catalogue is None and audio is None:
        audio = DEMO
    for source, text in (
        (catalogue, "The demo catalogue" if catalogue == DEMO else f"The catalogue {catalogue}"),
        (audio, "The demo music" if audio == DEMO else f"The music in {audio}"),
    ):
        if source is not None:
            click.echo(f"{text} comes in while songrec serves; the home page shows how far it is.")
    if audio == DEMO:
        click.echo("Your own music instead: make run AUDIO=~/Music")
    has_sound = audio_files.any_audible(db.session)
    lacks_weights = has_sound and not published_weights.is_installed(
        current_app.config["INSTANCE"], "musicnn"
    )
    if catalogue or audio or lacks_weights or (count and runs.published(db.session) is None):
        parameters = {"catalogue": catalogue, "audio": audio}
        queue.enqueue_once(db.session, setup_progress.KIND, parameters)
        db.session.commit()


def _make_admin() -> None:
    from songrec.store import security_log
    from songrec.store.listeners import users

    if users.any_admin(db.session):
        return
    password = users.generate_password()
    name = ADMIN
    if users.find(db.session, name) is not None:  # somebody who is none signed up as "admin"
        name = f"admin-{secrets.token_hex(2)}"
    user = users.create(db.session, name, password, is_admin=True)
    security_log.record(db.session, "account-created", user=user, detail="admin, by command")
    db.session.commit()
    click.echo("")
    click.echo("  The admin's account, shown this once:")
    click.echo(f"    name      {name}")
    click.echo(f"    password  {password}")
    click.echo("")


@click.command("worker")
@click.option(
    "--only",
    type=click.Choice(sorted(KIND_GROUPS)),
    help="Do only short jobs that somebody waits for: uploaded songs, lists, waveforms.",
)
@one_line_errors
def worker_command(only: str | None) -> None:
    """Do the jobs that the pages queue, one at a time, until Ctrl-C; several workers may run."""
    from songrec.jobs import worker

    _check_database()
    logs.configure()
    config.warn_of_removed_settings()
    worker.serve(current_app._get_current_object(), only)  # type: ignore[attr-defined]


def _check_database() -> None:
    from sqlalchemy import inspect

    if not inspect(db.engine).has_table("job"):
        raise BadInput("The database has not been set up: flask db upgrade, or make run.")


COMMANDS = (first_run_command, worker_command)


def main() -> None:
    """Run one of these commands on an application without pages."""
    with config.one_line():
        app = database_app()
    with app.app_context():
        click.Group(commands={str(command.name): command for command in COMMANDS}).main()


if __name__ == "__main__":
    main()
