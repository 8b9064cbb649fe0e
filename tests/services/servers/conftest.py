"""Fixtures of the tests of music servers."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from flask import Flask
from sqlalchemy import select

from songrec.services.servers import connection
from songrec.services.servers.connection import SignIn
from songrec.store.db import db
from songrec.store.instance import Instance, current_instance
from songrec.store.tables import Listener, MusicServer, ServerAccount
from tests.servers.made_server import PASSWORD, MadeServer, made_server, made_song

Connect = Callable[..., tuple[MusicServer, ServerAccount]]


@pytest.fixture
def here(app: Flask) -> Iterator[Instance]:
    """The instance of the test's application."""
    with app.app_context():
        yield current_instance()


@pytest.fixture
def made() -> Iterator[MadeServer]:
    """A made server with twelve songs on two albums."""
    with made_server(MadeServer(songs=[made_song(at) for at in range(12)])) as running:
        yield running


@pytest.fixture
def connect(here: Instance) -> Connect:
    """Connects a server with the account of the one listener."""

    def add(url: str, name: str = "Attic", password: str = PASSWORD, **fields: object) -> object:
        listener = db.session.scalar(select(Listener)) or Listener(token="a")
        db.session.add(listener)
        db.session.flush()
        sign_in = SignIn("admin", password)
        added = connection.add_server(here, url, name=name, listener=listener, sign_in=sign_in)
        for field, value in fields.items():
            setattr(added[1], field, value)
        db.session.commit()
        return added

    return add  # type: ignore[return-value]
