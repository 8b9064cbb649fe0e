"""What all commands share: errors as one line and exit code 1, JSON output."""

from __future__ import annotations

import functools
import json
import sys
from collections.abc import Callable
from typing import Any, ParamSpec, TypeVar

import click

from songrec.core.errors import Cancelled, SongrecError

P = ParamSpec("P")
R = TypeVar("R")


def one_line_errors(function: Callable[P, R]) -> Callable[P, R]:
    """Turn a ``SongrecError`` into its one line on stderr and exit code 1."""

    @functools.wraps(function)
    def wrapped(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return function(*args, **kwargs)
        except Cancelled as error:
            raise SystemExit(f"songrec: {error or 'cancelled'}") from None
        except SongrecError as error:
            click.echo(f"songrec: {error}", err=True)
            sys.exit(1)

    return wrapped


def print_json(value: Any) -> None:
    """Print one JSON document on stdout and nothing else."""
    click.echo(json.dumps(value, indent=2, ensure_ascii=False, allow_nan=False))


json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
