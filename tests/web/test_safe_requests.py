"""GET requests leave the database as it is; only an API token notes its last use."""

from __future__ import annotations

from datetime import timedelta

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.store import jobs
from songrec.store.db import Base, now
from songrec.store.listeners import api_tokens, reactions, skips
from songrec.store.tables import Job, Listener, Track, User
from tests.web.test_routes_access import ROLES, TABLE, as_role, places  # noqa: F401

# By endpoint, the tables that a GET may write, and why nobody could miss that.
Rows = dict[str, list[tuple[object, ...]]]


def snapshot(session: Session) -> Rows:
    session.rollback()
    return {
        name: sorted(session.execute(select(table)).all(), key=repr)
        for name, table in Base.metadata.tables.items()
        if name != "rate_limit"  # counted in a file of its own on SQLite
    }


@pytest.fixture
def used(session: Session, places: dict[str, str]) -> dict[str, str]:  # noqa: F811
    """Accounts with likes and skips, and a running job whose worker is dead."""
    tracks = session.scalars(select(Track.id).limit(4)).all()
    listener = session.scalars(
        select(Listener).join(User, User.id == Listener.user_id).where(User.name == "the admin")
    ).one()
    for track in tracks[:2]:
        reactions.react(session, listener, track, reactions.LIKE)
    reactions.react(session, listener, tracks[2], reactions.DISLIKE)
    skips.record(session, listener, tracks[3])
    job = session.scalars(select(Job).where(Job.public_id == places["job"])).one()
    job.state, job.worker, job.heartbeat_at = "running", "dead", now() - timedelta(hours=1)
    session.commit()
    return places


@pytest.mark.parametrize("role", ROLES)
def test_a_get_changes_nothing(
    app: Flask, session: Session, used: dict[str, str], role: str
) -> None:
    client = as_role(app, role)
    changed = {}
    before = snapshot(session)
    for (endpoint, method), (address, _) in TABLE.items():
        if method != "GET":
            continue
        client.get(address.format(**used)).close()
        after = snapshot(session)
        tables = {name for name in after if after[name] != before[name]}
        if tables:
            changed[endpoint] = tables
        before = after
    assert changed == {}


def test_a_job_of_a_dead_worker_is_shown_as_waiting_and_waits_with_the_next_change(
    app: Flask, session: Session, used: dict[str, str]
) -> None:
    def stored() -> str:
        session.rollback()
        return session.scalars(select(Job.state).where(Job.public_id == name)).one()

    client, name = as_role(app, "admin"), used["job"]
    for address in ("/admin", "/admin/jobs", f"/admin/jobs/{name}"):
        assert ">Waiting<" in client.get(address).text
    assert client.get(f"/admin/jobs/{name}/state").json["state"] == "waiting"
    assert client.get(f"/api/v1/jobs/{name}").json["message"] == jobs.STARTS_AGAIN
    assert stored() == "running"
    assert client.post(f"/admin/jobs/{name}/cancel").status_code == 303
    assert stored() == "cancelled"


def test_a_token_notes_its_last_use(app: Flask, session: Session, used: dict[str, str]) -> None:
    user = session.scalars(select(User).where(User.name == "the admin")).one()
    token, clear = api_tokens.create(session, user, "reader", ["read"])
    session.commit()
    before = snapshot(session)
    answer = app.test_client().get("/api/v1/likes", headers={"Authorization": f"Bearer {clear}"})
    assert len(answer.json["items"]) == 3
    after = snapshot(session)
    assert {name for name in after if after[name] != before[name]} == {"api_token"}
    session.expire_all()
    assert token.last_used_at is not None
