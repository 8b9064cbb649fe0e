"""Account, Listening elsewhere: connect, state, switches, disconnect; and the same by command."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec.core import polite_session
from songrec.core.encryption import instance_cipher
from songrec.jobs import listening, schedule
from songrec.store import jobs
from songrec.store.db import db, now
from songrec.store.listeners import users
from songrec.store.tables import Job, Listen, ListenBrainzAccount, SecurityEvent, User
from tests.servers.locks import nothing_locked
from tests.services.listeners import listenbrainz_server
from tests.services.listeners.listenbrainz_server import TOKEN, ListenBrainzServer
from tests.web.accounts import admin, anna, quick_hashes, sign_in
from tests.web.html import texts

__all__ = ["admin", "anna", "quick_hashes"]  # fixtures


@pytest.fixture
def server() -> Iterator[ListenBrainzServer]:
    with listenbrainz_server.running() as found:
        yield found


def queued() -> list[Job]:
    return [job for job in jobs.active(db.session) if job.kind == "listenbrainz"]


def test_an_account_is_connected_exchanged_and_disconnected(
    app: Flask, client: FlaskClient, session: Session, admin: User, server: ListenBrainzServer
) -> None:
    page = client.get("/account/listening")
    assert "Connect" in texts(page, "h2")
    assert 'href="/account/listening"' in client.get("/account").text
    wrong = client.post("/account/listening", data={"token": "nope", "server": server.url})
    assert wrong.status_code == 400
    assert "does not know this token" in texts(wrong, "#connect-error")[0]
    assert "nope" not in wrong.text
    with nothing_locked(db.session):
        answer = client.post("/account/listening", data={"token": TOKEN, "server": server.url})
    assert answer.status_code == 303
    (job,) = queued()
    server.add_listen(1_700_000_000, "Nobody", "Song")
    with nothing_locked(session):
        assert listening.run(session, job, lambda *_: None)["plays"] == 1
    page = client.get("/account/listening")
    assert "Connected as ann lee" in texts(page, "h2")
    assert "1 new play" in page.text
    assert TOKEN not in page.text
    client.post("/account/listening/switches", data={"sends_plays": "1", "reads_plays": "1"})
    account = session.query(ListenBrainzAccount).one()
    assert (account.sends_plays, account.reads_feedback) == (True, False)
    client.post("/account/listening/exchange")
    assert len(queued()) == 1
    server.is_revoked = True
    result = listening.run(session, job, lambda *_: None)
    assert "enter a new one" in result["error"]
    assert "enter a new one" in client.get("/account/listening").text
    client.post("/account/listening/disconnect")
    assert session.query(ListenBrainzAccount).count() == 0
    assert session.query(Listen).count() == 1
    kinds = [event.kind for event in session.query(SecurityEvent)]
    assert kinds[-2:] == ["service-connected", "service-disconnected"]


def test_only_an_admin_reaches_this_machine(
    client: FlaskClient, anna: User, server: ListenBrainzServer
) -> None:
    sign_in(client)
    answer = client.post("/account/listening", data={"token": TOKEN, "server": server.url})
    assert answer.status_code == 400
    assert "Only an admin" in texts(answer, "#connect-error")[0]
    assert server.asked == []
    assert client.post("/account/listening/disconnect").status_code == 404


def test_a_page_waits_for_no_rate_limit(
    client: FlaskClient,
    admin: User,
    server: ListenBrainzServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """The server would choose for how long it holds a thread of the web server."""
    waits: list[float] = []
    monkeypatch.setattr(polite_session.time, "sleep", waits.append)
    server.headers, server.failures = {"Retry-After": "60"}, [429, 429, 429]
    answer = client.post("/account/listening", data={"token": TOKEN, "server": server.url})
    assert answer.status_code == 400
    assert "answers 429" in texts(answer, "#connect-error")[0]
    assert len(server.asked) == 1
    assert sum(waits) == 0


def test_exchanges_are_due_by_themselves(
    app: Flask, session: Session, anna: User, server: ListenBrainzServer
) -> None:
    run = app.test_cli_runner().invoke
    connected = run(
        args=["listenbrainz", "connect", "--user", "anna", "--server", server.url, "--token-stdin"],
        input=f"{TOKEN}\n",
    )
    assert connected.exit_code == 0, connected.output
    schedule.queue_due(session)
    schedule.queue_due(session)
    assert len(queued()) == 1
    listening.run(session, queued()[0], lambda *_: None)
    assert [one for one in schedule.due(session, now()) if one.kind == "listenbrainz"] == []
    app.config["SERVER_MINUTES"] = 0
    assert schedule.due(session, now()) == []


def test_the_commands_connect_switch_and_scrobble(
    app: Flask, session: Session, anna: User, server: ListenBrainzServer
) -> None:
    def run(*args: str, **more: str):
        result = app.test_cli_runner().invoke(args=list(args), **more)
        return result.exit_code, result

    user = ("--user", "anna")
    status, result = run("scrobble", *user)
    assert (status, result.stderr) == (
        1,
        "songrec: anna is not connected: flask listenbrainz connect --user anna\n",
    )
    status, result = run(
        "listenbrainz", "connect", *user, "--server", server.url, "--token-stdin", "--json",
        input=TOKEN,
    )  # fmt: skip
    assert json.loads(result.stdout)["username"] == "ann lee"
    assert TOKEN not in result.output
    assert "sends no plays" in run("scrobble", *user)[1].stderr
    assert run("listenbrainz", "set", *user, "--send-plays")[0] == 0
    listener = users.require_listener(session, anna)
    moment = now()
    session.add(
        Listen(listener_id=listener.id, key="k", played_at=moment, source="songrec",
               title="Halo", artists="Beyoncé")
    )  # fmt: skip
    session.commit()
    assert run("scrobble", "--dry-run")[1].stdout == "ann lee: 1 plays to send.\n"
    status, result = run("scrobble", "--json")
    assert json.loads(result.stdout)[0]["sent"] == 1
    assert [one["track_metadata"]["artist_name"] for one in server.submitted] == ["Beyoncé"]
    assert run("scrobble")[1].stdout == "ann lee: 0 plays sent.\n"
    server.is_revoked = True
    status, result = run("listenbrainz", "exchange", *user)
    assert (status, len(result.stderr.splitlines())) == (1, 1)
    assert "enter a new one" in run("listenbrainz", "status", *user)[1].stdout
    assert run("listenbrainz", "disconnect", *user)[0] == 0
    assert session.query(ListenBrainzAccount).count() == 0
    # The key that encrypts tokens lies in the instance.
    assert instance_cipher(app.config["INSTANCE"], app.config["ENCRYPTION_KEY"])
