"""Shared by all commands: one-line errors, exit codes, JSON output, progress."""

from __future__ import annotations

import contextlib
import errno
import functools
import json
import sys
from collections.abc import Callable, Iterator
from typing import Any, ParamSpec, TypeVar

import click
from sqlalchemy.exc import DatabaseError, DataError, IntegrityError, ProgrammingError

from songrec.core.errors import Cancelled, SongrecError
from songrec.core.types import Progress, no_progress
from songrec.store.db import explain_failure

P = ParamSpec("P")
R = TypeVar("R")


def one_line_errors(function: Callable[P, R]) -> Callable[P, R]:
    """Print a ``SongrecError`` as one line on stderr and exit with code 1.

    The same applies to names that are not UTF-8, database errors and unreadable or unwritable
    files. The SQL statement that failed is not printed: it may contain a password's hash.
    """

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except Cancelled as error:
            raise SystemExit(f"songrec: {error or 'cancelled'}") from None
        except SongrecError as error:
            click.echo(f"songrec: {error}", err=True)
            sys.exit(1)
        except MemoryError:
            click.echo("songrec: it needs more memory than it may take here.", err=True)
            sys.exit(1)
        except UnicodeEncodeError as error:
            message = _name_message(error)
            if message is None:
                raise
            click.echo(f"songrec: {message}", err=True)
            sys.exit(1)
        except DatabaseError as error:
            if isinstance(error.orig, UnicodeEncodeError):
                message = _name_message(error.orig)
            else:
                message = _database_message(error)
            if message is None:
                raise
            click.echo(f"songrec: {message}", err=True)
            sys.exit(1)
        except OSError as error:
            if error.errno == errno.EPIPE or not error.strerror:  # the first is click's to handle
                raise
            where = f"{error.filename}: " if error.filename else ""
            what = explain_failure(error) or f"{error.strerror}."
            click.echo(f"songrec: {where}{what}", err=True)
            sys.exit(1)

    return wrapped


@contextlib.contextmanager
def wrong_usage() -> Iterator[None]:
    """Turn a ``SongrecError`` into a usage error (exit code 2); wraps the parsing of arguments."""
    try:
        yield
    except SongrecError as error:
        raise click.UsageError(str(error), click.get_current_context(silent=True)) from None


def _name_message(error: UnicodeEncodeError) -> str | None:
    """Return the message for a name in bytes that are no UTF-8, as the shell passes it on."""
    if error.reason != "surrogates not allowed":
        return None
    name = error.object.encode("utf-8", "surrogateescape")
    return f"{name.decode('utf-8', 'backslashreplace')} is not valid UTF-8: rename it."


def _database_message(error: DatabaseError) -> str | None:
    """Return the message for a database error; None for a bug, which needs its traceback."""
    explained = explain_failure(error)
    if explained is not None:
        return explained
    first = str(error.orig).strip().partition("\n")[0]
    if any(sign in first for sign in ("no such table", "no such column", "does not exist")):
        return "The database has not been set up or is an older one: flask db upgrade, or make run."
    if isinstance(error, (IntegrityError, DataError, ProgrammingError)):
        return None
    if "database is locked" in first:
        return "The database is busy: another program has been writing to it. Try again."
    return f"The database cannot be used ({first})."


def print_json(value: Any) -> None:
    """Print ``value`` as one JSON document on stdout."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


def terminal_progress() -> Progress:
    """Return a progress callback that updates one line on a terminal, else does nothing."""
    if not sys.stderr.isatty():
        return no_progress

    def report(fraction: float, message: str, details: dict[str, Any] | None = None) -> None:
        done = round(24 * fraction)
        end = "\n" if fraction >= 1 else ""
        click.echo(
            f"\r\x1b[K[{'#' * done}{'.' * (24 - done)}] {fraction:4.0%} {message[:70]}{end}",
            err=True,
            nl=False,
        )

    return report


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
