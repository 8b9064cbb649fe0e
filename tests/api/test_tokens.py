"""Tokens: hashed, scoped, revocable, shown once; cookies need their proof."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput
from songrec.store import jobs, security_log
from songrec.store.db import now
from songrec.store.listeners import api_tokens, users
from songrec.store.tables import ApiToken, User
from songrec.web.api import authentication
from tests.api.conftest import PASSWORD
from tests.planted_run import Planted


def sign_in(client: FlaskClient, name: str = "Anna") -> None:
    assert client.post("/sign-in", data={"name": name, "password": PASSWORD}).status_code == 303


def test_a_token_is_shown_once_and_kept_as_a_hash(
    client: FlaskClient, anna: User, session: Session
) -> None:
    sign_in(client)
    answer = client.post("/account/tokens", data={"name": "My script", "scope": "write"})
    assert answer.status_code == 201
    assert answer.cache_control.no_store
    clear = re.search(r'value="(songrec_[\w-]+)"', answer.text)
    assert clear is not None
    kept = session.query(ApiToken).one()
    assert clear[1] not in (kept.token_hash, kept.name)
    assert len(kept.token_hash) == 64
    page = client.get("/account").text
    assert "My script" in page
    assert clear[1] not in page
    anonymous = client.application.test_client()
    header = {"Authorization": f"Bearer {clear[1]}"}
    assert anonymous.get("/api/v1/likes", headers=header).status_code == 200


def test_a_revoked_token_opens_nothing(client: FlaskClient, anna: User, token_of, session) -> None:
    header = token_of(anna)
    assert client.get("/api/v1/likes", headers=header).status_code == 200
    sign_in(client)
    kept = session.query(ApiToken).one()
    assert client.post(f"/account/tokens/{kept.id}/revoke").status_code == 303
    answer = client.application.test_client().get("/api/v1/likes", headers=header)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].lower().startswith("bearer")


def test_nobody_revokes_somebody_elses_token(client: FlaskClient, anna, token_of, session) -> None:
    token_of(anna)
    users.create(session, "Bert", PASSWORD)
    session.commit()
    sign_in(client, "Bert")
    kept = session.query(ApiToken).one()
    assert client.post(f"/account/tokens/{kept.id}/revoke").status_code == 404
    session.refresh(kept)
    assert kept.revoked_at is None


def test_a_reading_token_changes_nothing(
    client: FlaskClient, planted: Planted, anna: User, token_of
) -> None:
    header = token_of(anna, "read")
    answer = client.put("/api/v1/likes/p000000001", json={}, headers=header)
    assert answer.status_code == 403
    assert client.get("/api/v1/likes", headers=header).json["items"] == []


@pytest.mark.parametrize("header", ["Bearer songrec_wrong", "Bearer", "Basic YTpi", "songrec_x"])
def test_a_wrong_token_is_refused_even_where_none_is_needed(
    client: FlaskClient, header: str
) -> None:
    answer = client.get("/api/v1/health", headers={"Authorization": header})
    assert answer.status_code == 401


def test_a_token_opens_the_interface_and_no_page(client: FlaskClient, anna: User, token_of) -> None:
    assert client.get("/account", headers=token_of(anna)).status_code == 303


def test_last_use_is_noted_without_writing_every_time(session: Session, anna: User) -> None:
    token, _ = api_tokens.create(session, anna, "test")
    assert api_tokens.record_use(token)
    assert not api_tokens.record_use(token)
    token.last_used_at = now() - timedelta(minutes=10)
    assert api_tokens.record_use(token)


def test_tokens_have_names_known_scopes_and_a_limit(session: Session, anna: User) -> None:
    for name, scopes in (("", ["read"]), ("x" * 61, ["read"]), ("x", ["admin"]), ("x", [])):
        with pytest.raises(BadInput):
            api_tokens.create(session, anna, name, scopes)
    for number in range(api_tokens.TOKEN_LIMIT):
        api_tokens.create(session, anna, f"token {number}")
    with pytest.raises(BadInput, match="revoke one"):
        api_tokens.create(session, anna, "one more")


def test_jobs_are_seen_by_their_owner_and_by_admins(
    client: FlaskClient, session: Session, anna: User, token_of
) -> None:
    chief = users.create(session, "Chief", PASSWORD, is_admin=True)
    mine = jobs.create(session, "train", {}, anna.id).public_id
    theirs = jobs.create(session, "train", {}, chief.id).public_id
    session.commit()
    header = token_of(anna)
    assert [j["id"] for j in client.get("/api/v1/jobs", headers=header).json["items"]] == [mine]
    assert client.get(f"/api/v1/jobs/{mine}", headers=header).json["state"] == "waiting"
    assert client.get(f"/api/v1/jobs/{theirs}", headers=header).status_code == 404
    assert client.get(f"/api/v1/jobs/{mine}").status_code == 404
    assert len(client.get("/api/v1/jobs", headers=token_of(chief)).json["items"]) == 2


class TestWithProtection:
    """With the protection against forged requests on."""

    @pytest.fixture
    def app_config(self) -> dict[str, Any]:
        return {"WTF_CSRF_ENABLED": True}

    def test_a_token_needs_no_further_proof_but_a_cookie_does(
        self, app: Flask, planted: Planted, anna: User, token_of
    ) -> None:
        address = "/api/v1/likes/p000000001"
        assert app.test_client().put(address, json={}, headers=token_of(anna)).status_code == 200
        browser = app.test_client()
        page = browser.get("/sign-in").text
        token = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert token is not None
        data = {"name": "Anna", "password": PASSWORD, "csrf_token": token[1]}
        assert browser.post("/sign-in", data=data).status_code == 303
        assert browser.put(address, json={}).status_code == 400
        proof = re.search(r'data-csrf="([^"]+)"', browser.get("/api/v1/docs").text)
        assert proof is not None
        headers = {"X-CSRFToken": proof[1]}
        assert browser.put(address, json={}, headers=headers).status_code == 200


class TestWithLimits:
    """With the rate limits on, counted in the instance's own file."""

    def test_too_many_requests_are_told_when_to_come_back(
        self, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        from limits import RateLimitItemPerMinute

        monkeypatch.setattr(authentication, "REQUESTS", RateLimitItemPerMinute(3, 1))
        answers = [client.get("/api/v1/clusters") for _ in range(4)]
        assert [a.status_code for a in answers] == [200, 200, 200, 429]
        assert 0 < int(answers[-1].headers["Retry-After"]) <= 60
        assert answers[-1].content_type == "application/problem+json"


def test_a_read_token_of_an_admin_sees_its_own_jobs_only(
    client: FlaskClient, anna, token_of, session
) -> None:
    chief = users.create(session, "Chief", PASSWORD, is_admin=True)
    mine = jobs.create(session, "train", {}, chief.id).public_id
    theirs = jobs.create(session, "train", {}, anna.id).public_id
    session.commit()
    read, write = token_of(chief, "read"), token_of(chief, "write")

    def listed(header: dict[str, str]) -> set[str]:
        return {job["id"] for job in client.get("/api/v1/jobs", headers=header).json["items"]}

    assert listed(read) == {mine}
    assert listed(write) == {mine, theirs}
    statuses = [
        client.get(f"/api/v1/jobs/{job}", headers=header).status_code
        for header in (read, write)
        for job in (mine, theirs)
    ]
    assert statuses == [200, 404, 200, 200]


def test_a_token_expires_when_its_owner_chose_and_says_so(
    client: FlaskClient, anna: User, session: Session
) -> None:
    sign_in(client)
    data = {"name": "My script", "scope": "write", "days": "30"}
    clear = re.search(r'value="(songrec_[\w-]+)"', client.post("/account/tokens", data=data).text)
    assert clear is not None
    header = {"Authorization": f"Bearer {clear[1]}"}
    token = session.query(ApiToken).one()
    assert f"Expires on {token.expires_at:%-d %B %Y}." in client.get("/account").text
    program = client.application.test_client()
    described = program.get("/api/v1/token", headers=header).json
    assert described["account"] == "Anna"
    assert (described["name"], described["scopes"]) == ("My script", ["read", "write"])
    assert described["expires_at"][:10] == f"{token.expires_at:%Y-%m-%d}"
    token.expires_at = now() - timedelta(seconds=1)
    session.commit()
    for _ in range(2):
        refused = program.get("/api/v1/likes", headers=header)
        assert refused.status_code == 401
        assert f"This token expired on {token.expires_at:%-d %B %Y};" in refused.json["detail"]
    page = client.get("/account").text
    assert "Expired on" in page
    assert "Remove My script" in page
    events, total = security_log.page(session, kinds=["token-expired"])
    assert total == 1  # once a day, not with every request
    assert (events[0].user, events[0].event.detail) == ("Anna", f"token {token.id}")


@pytest.mark.parametrize("days", ["0", "30", "90", "365"])
def test_the_form_offers_lifetimes(client: FlaskClient, anna: User, session, days: str) -> None:
    sign_in(client)
    assert client.post("/account/tokens", data={"name": "a", "days": days}).status_code == 201
    token = session.query(ApiToken).one()
    assert (token.expires_at is None) == (days == "0")


@pytest.mark.parametrize("days", ["-1", "7", "x", "99999999999999999999"])
def test_the_form_takes_no_other_lifetime(client: FlaskClient, anna, session, days: str) -> None:
    sign_in(client)
    assert client.post("/account/tokens", data={"name": "a", "days": days}).status_code == 400
    assert session.query(ApiToken).count() == 0


def test_expired_tokens_take_no_place(session: Session, anna: User) -> None:
    for number in range(api_tokens.TOKEN_LIMIT):
        token, _ = api_tokens.create(session, anna, f"{number}", days=1)
    with pytest.raises(BadInput, match="revoke one"):
        api_tokens.create(session, anna, "one more")
    token.expires_at = now()
    api_tokens.create(session, anna, "one more")


def test_tokens_that_are_not_valid_are_limited_by_network_and_valid_ones_are_not(
    client: FlaskClient, anna: User, token_of, session: Session
) -> None:
    valid, wrong = token_of(anna), {"Authorization": "Bearer songrec_guess"}
    network = {"REMOTE_ADDR": "2001:db8::1"}

    def status(headers: dict[str, str], **where: str) -> int:
        return client.get("/api/v1/likes", headers=headers, environ_overrides=where).status_code

    tries = authentication.REFUSED.amount
    assert {status(wrong, **network) for _ in range(tries)} == {401}
    assert {status(wrong, REMOTE_ADDR=f"2001:db8::{n}") for n in range(2, 5)} == {429}
    assert status(valid, **network) == 200
    assert status(wrong, REMOTE_ADDR="192.0.2.1") == 401
    assert security_log.page(session, kinds=["token-limited"])[1] == 1
