"""Stored paths: relative for files in the instance folder, else absolute.

So files remain valid when an instance is moved or restored into another folder.
"""

from __future__ import annotations

import functools
from pathlib import Path

from flask import current_app
from sqlalchemy import Dialect, String, Text
from sqlalchemy.types import TypeDecorator


def to_stored(instance: Path, path: str) -> str:
    """Convert an absolute path to its stored form."""
    for base in (str(instance), _resolved(instance)):
        inside = path.removeprefix(f"{base}/")
        if inside != path:
            return inside
    return path


def to_absolute(instance: Path, stored: str) -> str:
    """Convert a stored path to an absolute one."""
    return stored if stored.startswith("/") else f"{_resolved(instance)}/{stored}"


class InstancePath(TypeDecorator[str]):
    """An absolute path that is stored relative to the instance folder if it is inside.

    A ``VARCHAR`` of the given length, or a ``TEXT`` without a length.
    """

    impl = String
    cache_ok = True

    def __init__(self, length: int | None = None) -> None:
        super().__init__(length)
        if length is None:
            self.impl = Text()

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """Store a path, or compare with stored ones."""
        return None if value is None else to_stored(current_app.config["INSTANCE"], value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:
        """Read an absolute path."""
        return None if value is None else to_absolute(current_app.config["INSTANCE"], value)


@functools.lru_cache(maxsize=16)
def _resolved(instance: Path) -> str:
    return str(instance.resolve())
