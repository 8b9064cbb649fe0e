"""Commands for accounts: signing out, passwords, API tokens, the security log."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
from click.testing import Result
from flask import Flask
from sqlalchemy.orm import Session

from songrec.store import security_log
from songrec.store.listeners import api_tokens, user_sessions, users
from songrec.store.tables import User, UserSession
from tests.web.accounts import anna, quick_hashes

__all__ = ["anna", "quick_hashes"]  # fixtures
Run = Callable[..., Result]


@pytest.fixture
def run(app: Flask) -> Run:
    return lambda *args, **more: app.test_cli_runner().invoke(args=list(args), **more)


def kinds(session: Session) -> list[str]:
    return [one.event.kind for one in reversed(security_log.page(session)[0])]


def test_somebody_is_signed_out(run: Run, session: Session, anna: User) -> None:
    user_sessions.start(session, anna)
    _, clear = api_tokens.create(session, anna, "reader")
    session.commit()
    kept = run("users", "sign-out", "anna", "--keep-tokens")
    assert kept.output == "Anna is signed out: 1 browser(s), 0 API token(s).\n"
    assert session.query(UserSession).count() == 0
    assert api_tokens.find(session, clear) is not None
    assert run("users", "sign-out", "Anna").output.endswith("0 browser(s), 1 API token(s).\n")
    assert api_tokens.find(session, clear) is None
    missing = run("users", "sign-out", "Bert")
    assert missing.exit_code == 1
    assert missing.output.startswith("songrec: ")
    assert kinds(session) == ["signed-out-everywhere"] * 2
    users.create(session, "Bert", "a good password")
    session.commit()
    assert run("users", "sign-out").exit_code == 2
    assert run("users", "sign-out", "Bert", "--everybody").exit_code == 2
    assert run("users", "sign-out", "--everybody").output.splitlines() == [
        "Anna is signed out: 0 browser(s), 0 API token(s).",
        "Bert is signed out: 0 browser(s), 0 API token(s).",
    ]


def test_a_password_is_reset(run: Run, session: Session, anna: User) -> None:
    user_sessions.start(session, anna)
    session.commit()
    printed = run("users", "reset-password", "Anna").output
    password = printed.splitlines()[1].partition(": ")[2]
    assert users.authenticate(session, "Anna", password) is not None
    assert session.query(UserSession).count() == 0
    typed = run(
        "users", "reset-password", "Anna", "--password-stdin", input="unrelated words here\n"
    )
    assert typed.exit_code == 0
    assert "words" not in typed.output
    assert users.authenticate(session, "Anna", "unrelated words here") is not None
    assert kinds(session) == ["password-reset", "password-reset"]


@pytest.mark.parametrize(
    "args", [("create-user", "Bert"), ("users", "reset-password", "Anna")], ids=["new", "reset"]
)
@pytest.mark.parametrize("password", ["", "short", "aaaaaaaaaaaa", "password1234", "qwertyuiop12"])
def test_no_command_takes_a_weak_password(
    run: Run, session: Session, anna: User, args: tuple[str, ...], password: str
) -> None:
    before = anna.password_hash
    refused = run(*args, "--password-stdin", input=f"{password}\n")
    assert refused.exit_code == 1
    assert refused.output.startswith("songrec: ")
    session.refresh(anna)
    assert anna.password_hash == before
    assert users.find(session, "Bert") is None


def test_a_token_is_made_listed_and_revoked(run: Run, session: Session, anna: User) -> None:
    made = json.loads(run("tokens", "create", "Anna", "My script", "--days", "30", "--json").output)
    assert (made["name"], made["scopes"]) == ("My script", ["read"])
    found = api_tokens.find(session, made["token"])
    assert found is not None
    assert round((found[0].expires_at - found[0].created_at).total_seconds() / 86400) == 30
    forever = run("tokens", "create", "Anna", "For ever", "--write").output
    assert forever.startswith("Token (shown only once), valid until it is revoked: songrec_")
    listed = json.loads(run("tokens", "list", "Anna", "--json").output)
    assert [(one["name"], one["expires_at"] is None) for one in listed] == [
        ("For ever", True),
        ("My script", False),
    ]
    assert made["token"] not in run("tokens", "list", "Anna").output
    assert run("tokens", "revoke", "Anna", str(made["id"])).exit_code == 0
    assert api_tokens.find(session, made["token"]) is None
    again = run("tokens", "revoke", "Anna", str(made["id"]))
    assert (again.exit_code, again.output.count("\n")) == (1, 1)
    assert run("tokens", "create", "Anna", "x", "--days", "0").exit_code == 1


def test_accounts_are_listed(run: Run, session: Session, anna: User) -> None:
    users.create(session, "Chief", "a good password", is_admin=True)
    user_sessions.start(session, anna)
    session.commit()
    rows = json.loads(run("users", "list", "--json").output)
    assert [(row["name"], row["is_admin"], row["sessions"], row["tokens"]) for row in rows] == [
        ("Anna", False, 1, 0),
        ("Chief", True, 0, 0),
    ]
    assert run("users", "list").output.splitlines()[1].startswith("Chief ")


def test_the_log_is_printed_newest_first(run: Run, session: Session, anna: User) -> None:
    security_log.record(session, "signed-in", user=anna, actor=anna, address="192.0.2.1")
    security_log.record(session, "sign-in-failed", address="192.0.2.1")
    session.commit()
    lines = run("security-log").output.splitlines()
    assert lines[0].endswith("sign-in-failed        from 192.0.2.1")
    assert lines[1].endswith("signed-in             Anna  from 192.0.2.1")
    printed = json.loads(run("security-log", "--user", "Anna", "--days", "1", "--json").output)
    assert (printed["total"], printed["events"][0]["kind"]) == (1, "signed-in")
    assert json.loads(run("security-log", "-n", "1", "--json").output)["total"] == 2
    wrong = run("security-log", "--kind", "x")
    assert wrong.exit_code == 1
    assert wrong.output.startswith("songrec: Unknown kind of event 'x'. Known: signed-in, ")
