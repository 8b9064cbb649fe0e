"""Pages of music servers: the admin connects one, a listener an account on it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.types import no_progress
from songrec.jobs import server_tasks
from songrec.store import jobs
from songrec.store.db import db
from songrec.store.tables import Job, MusicServer, SecurityEvent, ServerAccount, User
from tests.servers.locks import nothing_locked
from tests.servers.made_server import PASSWORD, MadeServer, made_server, made_song
from tests.web.accounts import admin, anna, quick_hashes, sign_in
from tests.web.html import texts

__all__ = ["admin", "anna", "quick_hashes"]  # fixtures


@pytest.fixture
def made() -> Iterator[MadeServer]:
    """A made server with twelve songs, one with a star."""
    songs = [made_song(at) for at in range(12)]
    with made_server(MadeServer(songs=songs, stars={"s1": "2026-01-01T00:00:00Z"})) as running:
        yield running


def waiting(kind: str) -> list[Job]:
    """Return the waiting jobs of a kind."""
    return [job for job in jobs.active(db.session) if job.kind == kind]


def form(url: str = "", **fields: str) -> dict[str, str]:
    """Return a filled-in form."""
    return {"url": url, "name": "Attic", "username": "ann", "secret": PASSWORD, **fields}


def test_an_admin_connects_a_server_and_a_listener_an_account(
    app: Flask, client: FlaskClient, session: Session, admin: User, anna: User, made: MadeServer
) -> None:
    """Scan and exchange are jobs; pages say how they stand, and never the password."""
    before = client.get("/admin/servers")
    assert "Connect the server you listen with" in texts(before, "h2")
    assert "everybody here sees and plays" in before.text
    with nothing_locked(session):
        assert client.post("/admin/servers", data=form(made.url)).status_code == 303
    server = session.scalars(select(MusicServer)).one()
    assert "have not been read yet" in client.get("/admin/servers").text
    (job,) = waiting("server-scan")
    assert job.parameters == {"server": server.public_id}
    with nothing_locked(session):
        assert server_tasks.scan(session, job, no_progress)["present"] == 12
    session.commit()
    page = client.get("/admin/servers")
    assert "12 songs" in page.text
    assert "made 1.0" in page.text
    assert PASSWORD not in page.text
    (job,) = waiting("server-sync")
    with nothing_locked(session):
        server_tasks.sync(session, job, no_progress)
    session.commit()
    assert waiting("mixes") == []  # without a run there are none
    mine = client.get("/account/servers")
    assert "1 new like" in mine.text
    assert 'href="/account/servers"' in client.get("/account").text
    client.post(f"/account/servers/{server.public_id}/switches", data={"sends_likes": "1"})
    account = session.scalars(select(ServerAccount)).one()
    assert (account.sends_likes, account.sends_mixes) == (True, False)
    other = app.test_client()
    sign_in(other, "Anna")
    assert "Connected as" not in other.get("/account/servers").text
    assert other.post(f"/account/servers/{server.public_id}/exchange").status_code == 404
    assert other.get("/admin/servers").status_code == 403
    address = f"/account/servers/{server.public_id}"
    with nothing_locked(session):
        assert other.post(address, data=form()).status_code == 303
    assert len(session.scalars(select(ServerAccount)).all()) == 2
    other.post(f"{address}/disconnect")
    assert len(session.scalars(select(ServerAccount)).all()) == 1
    client.post(f"/admin/servers/{server.public_id}/remove")
    assert session.scalars(select(MusicServer)).all() == []
    kinds = [event.kind for event in session.scalars(select(SecurityEvent))]
    assert {"server-added", "server-removed", "server-account-connected"} <= set(kinds)


def test_what_cannot_be_connected_is_one_line_above_the_form(
    client: FlaskClient, session: Session, admin: User, made: MadeServer
) -> None:
    """What was entered stays, except for the password."""
    made.refuses["*"] = 40
    answer = client.post("/admin/servers", data=form(made.url))
    assert answer.status_code == 400
    assert "refuses the name or the password" in texts(answer, "#server-error")[0]
    assert f'value="{made.url}"' in answer.text
    assert PASSWORD not in answer.text
    assert client.post("/admin/servers", data=form("ftp://x")).status_code == 400
    assert session.scalars(select(MusicServer)).all() == []


def test_a_lost_server_says_what_to_do(
    client: FlaskClient, session: Session, admin: User, made: MadeServer
) -> None:
    """On both pages."""
    client.post("/admin/servers", data=form(made.url))
    server = session.scalars(select(MusicServer)).one()
    server.error = "Attic cannot be reached: is it running, and is the address right?"
    session.scalars(select(ServerAccount)).one().error = "Attic says that the API key is expired."
    session.commit()
    assert "is it running" in client.get("/admin/servers").text
    assert "key is expired" in client.get("/account/servers").text
