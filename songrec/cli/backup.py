"""``flask backup`` and ``flask restore``."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path

import click
from flask import Flask, current_app

from songrec.cli.base import json_option, one_line_errors, print_json, terminal_progress
from songrec.core.errors import NotReady
from songrec.core.instance_contents import BY_NAME
from songrec.jobs import queue
from songrec.store.backups.restoring import Migrations
from songrec.store.db import db
from songrec.store.listeners import user_sessions


@click.command("backup")
@click.argument("path", type=click.Path(path_type=Path))
@click.option("--with-derived", is_flag=True, help="Include data that can be recreated.")
@json_option
@one_line_errors
def backup_command(path: Path, with_derived: bool, as_json: bool) -> None:
    """Back up all data that cannot be recreated to PATH, a new .tar.gz, while songrec runs.

    That is the database, training runs, kept songs, predictors, taggers, covers, results of
    sweeps, rejected rows and the key that signs cookies. What can be made again is listed. A
    PostgreSQL database is dumped by pg_dump. flask restore takes it back.
    """
    from songrec.store.backups import writing

    report = writing.write(
        db.engine,
        current_app.config["INSTANCE"],
        path,
        with_derived=with_derived,
        on_progress=terminal_progress(),
    )
    if as_json:
        print_json(report.to_json())
        return
    click.echo(f"{path}: {report.bytes / 2**20:.1f} MiB, {report.files:,} files.")
    for note in report.notes:
        click.echo(f"songrec: {note}", err=True)
    _echo_left_out("Not in it, because it can be made again:", report.left_out)
    if report.music:
        click.echo(f"Not in it: the music in {', '.join(report.music)}.")
    click.echo("To restore it into an empty instance: flask restore PATH")


@click.command("restore")
@click.argument("archive", type=click.Path(path_type=Path))
@json_option
@one_line_errors
def restore_command(archive: Path, as_json: bool) -> None:
    """Restore ARCHIVE, which flask backup wrote, into an empty instance.

    All of it is restored or nothing. A database of an earlier version is migrated.
    SONGREC_INSTANCE and SONGREC_DATABASE_URL say where to.
    """
    from songrec.store.backups import restoring

    instance = current_app.config["INSTANCE"]
    if queue.local_workers(instance):
        raise NotReady(f"A worker is running in {instance}: stop songrec first.")
    restored = restoring.restore(
        db.engine, instance, archive, _migrations(), on_progress=terminal_progress()
    )
    if as_json:
        print_json(restored.to_json())
        return
    click.echo(f"Restored {restored.files:,} files ({restored.bytes / 2**20:.1f} MiB).")
    if not restored.has_key:
        click.echo("It does not contain the key for cookies: set SONGREC_SECRET_KEY as before.")
    _echo_left_out("Recreate the data that is not in the backup:", restored.left_out)
    if restored.music:
        click.echo(f"The music was in {', '.join(restored.music)}.")
    click.echo("Then start songrec: make run")


def _echo_left_out(title: str, names: Iterable[str]) -> None:
    contents = [BY_NAME[name] for name in names]
    if contents:
        click.echo(title)
    for content in contents:
        click.echo(f"  {content.name:<10} {content.holds}: {content.made_by}")


def _migrations() -> Migrations:
    from alembic import command
    from alembic.script import ScriptDirectory
    from flask_migrate import Migrate

    folder = current_app.extensions["migrate"].directory
    revisions = {script.revision for script in ScriptDirectory(folder).walk_revisions()}
    settings = current_app.config

    def upgrade(instance: Path, url: str) -> None:
        app = Flask("songrec")
        app.config.from_mapping(settings, INSTANCE=instance, SQLALCHEMY_DATABASE_URI=url)
        db.init_app(app)
        Migrate(app, db, directory=folder, render_as_batch=True)
        logging.getLogger("alembic").setLevel(logging.WARNING)
        with app.app_context():
            command.upgrade(app.extensions["migrate"].migrate.get_config(), "head")
            # A session that ended after the backup was made must not be there again.
            user_sessions.end_everybody(db.session)
            db.session.commit()
            db.session.remove()
            db.engine.dispose()

    return Migrations(revisions.__contains__, upgrade)


COMMANDS = (backup_command, restore_command)
