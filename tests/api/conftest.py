"""A catalogue with a run, an account with a token that may do everything, and one that may read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec.store.listeners import api_tokens, users
from songrec.store.tables import User

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hashes that cost next to nothing."""
    monkeypatch.setattr(users, "HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


@pytest.fixture
def anna(session: Session) -> User:
    """An account."""
    user = users.create(session, "Anna", PASSWORD)
    session.commit()
    return user


@pytest.fixture
def token_of(session: Session) -> Callable[..., dict[str, str]]:
    """Makes a token of an account and gives it as a header."""

    def make(user: User, *scopes: str) -> dict[str, str]:
        _, clear = api_tokens.create(session, user, "test", scopes or ("write",))
        session.commit()
        return {"Authorization": f"Bearer {clear}"}

    return make


@pytest.fixture
def get(client: FlaskClient) -> Callable[..., Any]:
    """The JSON at an address under /api/v1, which must answer 200."""

    def ask(address: str, **more: Any) -> Any:
        answer = client.get(f"/api/v1{address}", **more)
        assert answer.status_code == 200, answer.text
        return answer.json

    return ask
