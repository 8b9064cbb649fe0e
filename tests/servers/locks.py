"""A check that the database is not locked while another server is waited for."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

import requests
from sqlalchemy.orm import Session

from songrec.core.outgoing import OriginSession


@contextmanager
def nothing_locked(session: Session) -> Iterator[None]:
    """Fail where a request to a server is sent while ``session`` holds SQLite's write lock."""
    send = OriginSession.request

    def request(self: OriginSession, method: Any, url: Any, **kwargs: Any) -> requests.Response:
        raw = session.connection().connection.driver_connection
        assert not (isinstance(raw, sqlite3.Connection) and raw.in_transaction), f"locked at {url}"
        return send(self, method, url, **kwargs)

    with mock.patch.object(OriginSession, "request", request):
        yield
