"""Accounts for tests of pages: cheap hashes, a listener and an admin, signing in."""

from __future__ import annotations

from typing import Any

import pytest
from argon2 import PasswordHasher
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec.store.listeners import users
from songrec.store.tables import User

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes that cost next to nothing."""
    monkeypatch.setattr(users, "HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


@pytest.fixture
def anna(session: Session) -> User:
    """A listener's account, signed in nowhere."""
    user = users.create(session, "Anna", PASSWORD)
    session.commit()
    return user


@pytest.fixture
def admin(client: FlaskClient, session: Session) -> User:
    """An admin, who is signed in with ``client``."""
    user = users.create(session, "Chief", PASSWORD, is_admin=True)
    session.commit()
    sign_in(client, "Chief")
    return user


def sign_in(client: FlaskClient, name: str = "Anna", password: str = PASSWORD, **more: str) -> Any:
    """What the sign-in page answers."""
    return client.post("/sign-in", data={"name": name, "password": password, **more})
