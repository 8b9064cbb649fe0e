"""Errors for users: one line that says what is wrong, where, and what to do."""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class SongrecError(Exception):
    """Base of all errors whose message is shown to the user instead of a traceback."""


class UnknownName(SongrecError):
    """A name that is not registered; suggests the closest one."""

    def __init__(self, kind: str, name: str, registered: Iterable[str]) -> None:
        names = sorted(registered)
        close = difflib.get_close_matches(str(name), names, n=1)
        hint = f" Did you mean {close[0]!r}?" if close else ""
        super().__init__(f"No {kind} {name!r}.{hint} Known: {', '.join(names) or 'none'}.")


class BadInput(SongrecError):
    """A file, value or request that cannot be used."""


class NotReady(SongrecError):
    """Something else has to be done first (ingest, train, publish); the message says what."""


class Cancelled(SongrecError):
    """The work was cancelled by the user."""
