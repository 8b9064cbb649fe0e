"""``flask first-run`` and ``flask worker``."""

from __future__ import annotations

import errno
import logging
import secrets
import socket
from pathlib import Path

import click
from flask import current_app

from songrec.cli import first_run_audio
from songrec.cli.base import one_line_errors
from songrec.cli.catalogue import echo_columns, rejects_file, store_report
from songrec.core import config, logs
from songrec.core.errors import BadInput
from songrec.jobs.kinds import KIND_GROUPS
from songrec.store.db import db
from songrec.store.instance import current_instance

ADMIN = "admin"


@click.command("first-run")
@click.option(
    "--catalogue",
    type=click.Path(path_type=Path),
    help="Start on this file instead of the demo catalogue.",
)
@click.option(
    "--audio",
    metavar="DIR",
    help="Analyse the sound files below this folder before training; demo: 60 made clips.",
)
@one_line_errors
def first_run_command(catalogue: Path | None, audio: str | None) -> None:
    """Set up this instance to be served; existing data stays.

    Migrates the database, imports the demo catalogue into an empty one (or the file given),
    analyses sound where there is some, trains when no run is published, and makes the first
    admin, whose password is printed once.
    """
    address = config.address()
    config.web_processes()
    _port_is_free()
    if catalogue is not None and not catalogue.is_file():
        raise BadInput(f"There is no file {catalogue}: CATALOGUE takes a CSV, CSV.gz or Parquet.")
    first_run_audio.check(audio)
    _migrate()
    _import(catalogue)
    first_run_audio.analyse_audio(audio)
    _prepare_words()
    _train()
    _make_admin()
    click.echo(f"Starting songrec at {address}")


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
    from alembic.migration import MigrationContext
    from alembic.script import ScriptDirectory
    from flask_migrate import upgrade

    extension = current_app.extensions["migrate"]
    head = ScriptDirectory(extension.directory).get_current_head()
    with db.engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    if current == head:
        return
    click.echo(
        "Setting up the database." if current is None else "Bringing the database up to date."
    )
    logging.getLogger("alembic").setLevel(logging.WARNING)
    upgrade()


def _import(catalogue: Path | None) -> None:
    from songrec.store.catalogue import tracks as store

    tracks = store.track_count(db.session)
    if catalogue is None and tracks:
        click.echo(f"The catalogue holds {tracks:,} songs.")
        return
    path = catalogue or config.ROOT / "data" / "preprocess.csv"
    if not path.is_file():
        raise BadInput(f"The demo catalogue {path} is missing: make demo.")
    from songrec.services.library.after_import import import_catalogue

    click.echo(f"Importing {path.name}.")
    report = import_catalogue(current_instance(), path, rejects_path=rejects_file(path))
    db.session.commit()
    click.echo(
        f"  {report.inserted:,} new songs, {report.updated:,} updated, {report.unchanged:,} "
        f"unchanged, {report.rejected_count:,} rejected."
    )
    store_report(report)
    echo_columns(report.columns)
    if report.rejects_path:
        click.echo(f"  Rejected rows, with reasons: {report.rejects_path}")


def _prepare_words() -> None:
    """Make the first catalogue searchable by words; later imports see to their own."""
    from songrec.store.catalogue import lyrics

    if lyrics.any_prepared(db.session):
        return
    click.echo("Preparing lyrics and tags to be searched.")
    from songrec.services.similarity.word_search import prepare_lyrics

    prepare_lyrics(current_instance())
    db.session.commit()


def _train() -> None:
    from songrec.store.runs import runs

    shown = runs.published(db.session)
    if shown is not None:
        click.echo(f"Run {shown.public_id} is published: {shown.cluster_count} clusters.")
        return
    click.echo("Training the first run; this takes a few seconds.")
    from songrec.services.training.request import TrainRequest
    from songrec.services.training.train import train

    run = train(current_instance(), TrainRequest())
    db.session.commit()
    click.echo(f"  Run {run.public_id}: {run.track_count:,} songs in {run.cluster_count} clusters.")


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
