"""The admin's security log: events with their accounts, filters, pages; signing somebody out."""

from __future__ import annotations

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec.store import security_log
from songrec.store.listeners import api_tokens, users
from songrec.store.tables import User
from songrec.web.admin import security_events
from tests.planted_run import plant
from tests.web.accounts import PASSWORD, admin, anna, quick_hashes, sign_in
from tests.web.html import texts

__all__ = ["admin", "anna", "quick_hashes"]  # fixtures


def rows(client: FlaskClient, query: str = "") -> list[str]:
    answer = client.get(f"/admin/security{query}")
    assert answer.status_code == 200
    return texts(answer, "tbody th")


def test_what_admins_do_is_listed_with_who_did_it(
    app: Flask, client: FlaskClient, session: Session, admin: User, anna: User
) -> None:
    run = plant(session, app.config["INSTANCE"], n=20).run
    session.commit()
    client.post(f"/admin/users/{anna.id}/admin", data={"value": "1"})
    client.post(f"/admin/users/{anna.id}/admin", data={"value": "0"})
    client.post(f"/admin/users/{anna.id}/password")
    client.post(f"/admin/runs/{run.public_id}/publish")
    assert rows(client) == [
        "Run published",
        "Password reset",
        "Admin rights revoked",
        "Admin rights granted",
        "Signed in",
    ]
    assert rows(client, "?account=anna") == [
        "Password reset",
        "Admin rights revoked",
        "Admin rights granted",
    ]
    assert rows(client, "?kind=run-published&account=Chief") == ["Run published"]
    assert rows(client, "?account=nobody") == []
    page = client.get("/admin/security?kind=password-reset")
    assert texts(page, "tbody td")[1:4] == ["Anna", "Chief", "127.0.0.1"]
    client.post(f"/admin/users/{anna.id}/delete")
    assert rows(client, "?account=Chief")[0] == "Account deleted"
    assert client.get("/admin/security?kind=x").status_code == 400


def test_the_list_has_pages_that_keep_the_filter(
    client: FlaskClient, session: Session, admin: User
) -> None:
    for _ in range(security_events.SIZE + 1):
        security_log.record(session, "sign-in-failed", address="192.0.2.1")
    session.commit()
    first = client.get("/admin/security?kind=sign-in-failed")
    assert len(texts(first, "tbody th")) == security_events.SIZE
    assert 'href="/admin/security?page=2&amp;kind=sign-in-failed"' in first.text
    assert rows(client, "?kind=sign-in-failed&page=2") == ["Wrong name or password"]


def test_an_admin_signs_somebody_out(
    app: Flask, client: FlaskClient, session: Session, admin: User, anna: User
) -> None:
    hers = app.test_client()
    sign_in(hers)
    _, clear = api_tokens.create(session, anna, "reader")
    session.commit()
    answer = client.post(f"/admin/users/{anna.id}/sign-out", follow_redirects=True)
    assert "Anna is signed out: 1 browser and 1 API token." in answer.text
    assert hers.get("/account").status_code == 303
    assert api_tokens.find(session, clear) is None
    assert rows(client, "?account=Anna&kind=signed-out-everywhere") == ["Signed out everywhere"]
    own = client.post(f"/admin/users/{admin.id}/sign-out", follow_redirects=True)
    assert "on your account page" in own.text


def test_rights_count_at_once_for_pages_and_tokens(
    app: Flask, client: FlaskClient, session: Session, admin: User, anna: User
) -> None:
    hers = app.test_client()
    sign_in(hers)
    _, clear = api_tokens.create(session, anna, "writer", ["write"])
    job_of_admin = "/api/v1/jobs"
    session.commit()
    client.post("/admin/duplicates/search")  # a job of the admin's
    bearer = {"Authorization": f"Bearer {clear}"}
    for value, status, seen in (("0", 403, 0), ("1", 200, 1), ("0", 403, 0)):
        users.set_admin(session, anna, value == "1")
        session.commit()
        assert hers.get("/admin/users").status_code == status
        jobs = app.test_client().get(job_of_admin, headers=bearer).json["items"]
        assert len(jobs) == seen


def test_every_door_refuses_weak_passwords(
    app: Flask, client: FlaskClient, session: Session, anna: User
) -> None:
    sign_in(client)
    for password in ("aaaaaaaaaaaa", "password1234", "qwertyuiop12", "abcabcabcabc"):
        signed_up = app.test_client().post(
            "/sign-up", data={"name": "Somebody", "password": password, "again": password}
        )
        assert signed_up.status_code == 400
        assert "easy to guess" in signed_up.text
        data = {"current": PASSWORD, "password": password, "again": password}
        changed = client.post("/account/password", data=data)
        assert changed.status_code == 400
        assert "easy to guess" in changed.text
    assert users.find(session, "Somebody") is None
