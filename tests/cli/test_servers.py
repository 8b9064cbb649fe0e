"""``flask servers``: connect, scan, exchange, remove."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from flask import Flask

from songrec.store.db import db
from songrec.store.listeners import users
from tests.servers.made_server import PASSWORD, MadeServer, made_server, made_song


@pytest.fixture
def made() -> Iterator[MadeServer]:
    """A made server with three songs, one with a star."""
    state = MadeServer(
        songs=[made_song(at) for at in range(3)], stars={"s1": "2026-01-01T00:00:00Z"}
    )
    with made_server(state) as running:
        yield running


@pytest.fixture
def ada(app: Flask) -> str:
    """The name of an account."""
    users.create(db.session, "Ada", "a long enough one")
    db.session.commit()
    return "Ada"


def run(app: Flask, *arguments: str, stdin: str | None = None) -> tuple[int, str]:
    """Run a command; return its exit code and everything that it printed."""
    result = app.test_cli_runner().invoke(args=["servers", *arguments], input=stdin)
    return result.exit_code, result.output


def add(app: Flask, url: str, *more: str) -> tuple[int, str]:
    """Connect a server for Ada."""
    options = ("--user", "Ada", "--username", "admin", "--name", "Attic", "--password-stdin")
    return run(app, "add", url, *options, *more, stdin=f"{PASSWORD}\n")


def test_a_server_is_connected_scanned_and_exchanged_with(
    app: Flask, ada: str, made: MadeServer
) -> None:
    """Each command says in a line what it did."""
    code, output = add(app, made.url)
    assert code == 0
    assert "Attic is connected for Ada: made 1.0" in output
    assert "private network, which you allow" in output
    assert PASSWORD not in output
    assert run(app, "check", "Attic") == (0, "Attic answers: made 1.0, protocol 1.16.1.\n")
    code, output = run(app, "scan", "Attic")
    assert (code, output.splitlines()[0]) == (0, "Attic has 3 songs: 3 new.")
    code, output = run(app, "sync", "Attic", "--json")
    assert (code, json.loads(output)[0]["likes"]) == (0, 1)
    code, output = run(app, "list", "--json")
    [row] = json.loads(output)
    assert (row["songs"], row["state"], row["accounts"][0]["user"]) == (3, "scanned", "Ada")
    assert PASSWORD not in output
    assert run(app, "remove", "Attic")[0] == 0
    assert "No music server" in run(app, "list")[1]


def test_a_wrong_password_connects_nothing(app: Flask, ada: str, made: MadeServer) -> None:
    """One line, exit code 1."""
    made.refuses["*"] = 40
    code, output = add(app, made.url)
    assert code == 1
    assert output.startswith("songrec: Attic refuses the name or the password")
    assert json.loads(run(app, "list", "--json")[1]) == []


def test_passwords_are_not_taken_from_the_command_line(
    app: Flask, ada: str, made: MadeServer
) -> None:
    """Other people on the machine could read them there."""
    code, output = run(app, "add", made.url, "--user", "Ada", "--username", "admin")
    assert code == 1
    assert "--password-stdin" in output
