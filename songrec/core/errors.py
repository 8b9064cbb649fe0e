"""Errors that a person is meant to read: one line saying what, where and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SongrecError(Exception):
    """Base of every error whose message is for the user, never for a traceback."""


class UnknownName(SongrecError):
    """A name that no registry, table or setting knows; suggests the nearest one."""

    def __init__(self, what: str, name: str, known: Iterable[str]) -> None:
        names = sorted(known)
        near = difflib.get_close_matches(str(name), names, n=1)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        super().__init__(f"No {what} {name!r}.{hint} Known: {', '.join(names) or 'none'}.")


class BadInput(SongrecError):
    """A file, a value or a request that cannot be used as it is."""


class NotReady(SongrecError):
    """Something has to happen first (ingest, train, publish); the message says what."""


class Cancelled(SongrecError):
    """The person who started the work asked for it to stop."""
