"""Sessions on the server: what ends them, cookies that are replayed, the list of browsers."""

from __future__ import annotations

import sqlite3
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_login import encode_cookie
from sqlalchemy import event, select, update
from sqlalchemy.orm import Session

from songrec.store import security_log
from songrec.store.db import db, now
from songrec.store.listeners import api_tokens, user_sessions, users
from songrec.store.tables import User, UserSession
from tests.web.accounts import PASSWORD, anna, quick_hashes, sign_in
from tests.web.html import parse, texts

__all__ = ["anna", "quick_hashes"]  # fixtures

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
SAFARI = (
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_0 like Mac OS X) AppleWebKit/605.1.15 "
    "(KHTML, like Gecko) Version/17.0 Mobile/15E148 Safari/604.1"
)
EDGE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/120.0.0.0 Safari/537.36 Edg/120.0.0.0"
)


def is_signed_in(client: FlaskClient) -> bool:
    return client.get("/account").status_code == 200


def cookie_of(client: FlaskClient) -> str:
    cookie = client.get_cookie("session")
    assert cookie is not None
    return cookie.value


def with_cookie(app: Flask, value: str) -> FlaskClient:
    client = app.test_client()
    client.set_cookie("session", value)
    return client


def kinds(session: Session) -> list[str]:
    return [one.event.kind for one in reversed(security_log.page(session)[0])]


def test_a_cookie_that_is_replayed_after_signing_out_opens_nothing(
    app: Flask, client: FlaskClient, anna: User
) -> None:
    sign_in(client)
    stolen = cookie_of(client)
    assert is_signed_in(with_cookie(app, stolen))
    client.post("/sign-out")
    assert not is_signed_in(with_cookie(app, stolen))
    assert with_cookie(app, stolen).get("/api/v1/likes").status_code == 401


def test_signing_in_again_is_another_session(app: Flask, client: FlaskClient, anna: User) -> None:
    sign_in(client)
    before = cookie_of(client)
    client.post("/sign-out")
    sign_in(client)
    assert is_signed_in(client)
    assert not is_signed_in(with_cookie(app, before))


def test_a_planted_cookie_is_not_what_gets_signed_in(
    app: Flask, client: FlaskClient, anna: User
) -> None:
    client.get("/sign-in")
    planted = cookie_of(client)
    victim = with_cookie(app, planted)
    sign_in(victim)
    assert is_signed_in(victim)
    assert not is_signed_in(with_cookie(app, planted))
    with victim.session_transaction() as after:
        secret = after["csrf_token"]
    with with_cookie(app, planted).session_transaction() as before:
        assert before["csrf_token"] != secret


def test_only_a_hash_of_the_token_is_stored(
    client: FlaskClient, session: Session, anna: User
) -> None:
    sign_in(client)
    with client.session_transaction() as cookie:
        token = cookie["_user_id"]
    stored = session.execute(select(UserSession.__table__)).one()
    assert len(token) == 43
    assert token not in map(str, stored)


@pytest.mark.parametrize("value", ["", "x", "a" * 5000, "\0", "ä", None])
def test_a_session_that_does_not_exist_is_nobody(
    client: FlaskClient, anna: User, value: object
) -> None:
    with client.session_transaction() as cookie:
        cookie["_user_id"] = value
    assert not is_signed_in(client)


def test_the_key_of_earlier_versions_is_no_session(client: FlaskClient, anna: User) -> None:
    with client.session_transaction() as cookie:
        cookie["_user_id"], cookie["_fresh"] = anna.session_key, True
    assert client.get("/account").location == "/sign-in?next=/account"
    assert sign_in(client).status_code == 303


def test_signing_out_everywhere_ends_every_session_and_keeps_tokens(
    app: Flask, session: Session, anna: User
) -> None:
    here, there = app.test_client(), app.test_client()
    sign_in(here)
    sign_in(there)
    _, clear = api_tokens.create(session, anna, "reader")
    session.commit()
    answer = here.post("/account/sessions/end", follow_redirects=True)
    assert "signed out everywhere." in answer.text
    assert not is_signed_in(here)
    assert not is_signed_in(there)
    assert api_tokens.find(session, clear) is not None
    sign_in(here)
    assert here.post("/account/sessions/end", data={"revoke_tokens": "1"}).status_code == 303
    assert api_tokens.find(session, clear) is None
    assert kinds(session) == [
        "signed-in",
        "signed-in",
        "signed-out-everywhere",
        "signed-in",
        "signed-out-everywhere",
    ]


@pytest.mark.parametrize("with_tokens", [False, True])
def test_a_changed_password_ends_the_other_sessions_and_tokens_if_asked_to(
    app: Flask, session: Session, anna: User, with_tokens: bool
) -> None:
    here, there = app.test_client(), app.test_client()
    sign_in(here)
    sign_in(there)
    _, clear = api_tokens.create(session, anna, "reader")
    session.commit()
    before = cookie_of(here)
    data = {"current": PASSWORD, "password": "another good password"}
    if with_tokens:
        data["revoke_tokens"] = "y"
    assert here.post("/account/password", data=data).status_code == 303
    assert is_signed_in(here)
    assert not is_signed_in(there)
    assert not is_signed_in(with_cookie(app, before))  # this browser's session is a new one too
    assert (api_tokens.find(session, clear) is None) == with_tokens
    assert session.query(UserSession).count() == 1


def test_a_reset_password_ends_sessions_and_tokens(
    client: FlaskClient, session: Session, anna: User
) -> None:
    sign_in(client)
    _, clear = api_tokens.create(session, anna, "reader")
    users.reset_password(session, anna)
    session.commit()
    assert not is_signed_in(client)
    assert api_tokens.find(session, clear) is None


def test_a_deleted_account_has_no_sessions(
    app: Flask, client: FlaskClient, session: Session, anna: User
) -> None:
    sign_in(client)
    stolen = cookie_of(client)
    assert client.post("/account/delete", data={"current": PASSWORD}).status_code == 303
    assert not is_signed_in(with_cookie(app, stolen))
    assert session.query(UserSession).count() == 0
    assert kinds(session) == ["account-deleted"]  # what concerned the account went with it


class TestBrowsers:
    """The list of signed-in browsers on the account page."""

    def test_each_is_listed_and_this_one_is_marked(self, app: Flask, anna: User) -> None:
        here, phone = app.test_client(), app.test_client()
        here.environ_base["HTTP_USER_AGENT"] = FIREFOX
        phone.environ_base["HTTP_USER_AGENT"] = SAFARI
        phone.environ_base["REMOTE_ADDR"] = "2001:db8:1:2::7"
        sign_in(phone)
        sign_in(here)
        items = [
            " ".join(item.text.split())
            for item in parse(here.get("/account")).select("#sessions ~ ul.song-list li")[:2]
        ]
        assert items[0].startswith("Firefox on Linux this browser From 127.0.0.1, since")
        assert items[1].startswith("Safari on iPhone From 2001:db8:1:2::/64, since")

    @pytest.mark.parametrize(
        ("agent", "name"),
        [
            (FIREFOX, "Firefox on Linux"),
            (SAFARI, "Safari on iPhone"),
            (EDGE, "Edge on Windows"),
            ("curl/8.0", "Another browser"),
            ("", "Another browser"),
            ("<script>" * 10_000, "Another browser"),
        ],
    )
    def test_a_browser_is_named_by_a_fixed_word(
        self, client: FlaskClient, session: Session, anna: User, agent: str, name: str
    ) -> None:
        client.environ_base["HTTP_USER_AGENT"] = agent
        sign_in(client)
        assert session.scalars(select(UserSession.device)).one() == name

    def test_another_browser_can_be_signed_out(self, app: Flask, anna: User) -> None:
        here, there = app.test_client(), app.test_client()
        sign_in(there)
        sign_in(here)
        forms = "form[action*='/account/sessions/'] button"
        button = parse(here.get("/account")).select(forms)[0]
        assert button["aria-label"].startswith("Sign out Another browser, last seen on")
        assert here.post(button.parent["action"]).status_code == 303
        assert is_signed_in(here)
        assert not is_signed_in(there)
        assert here.post(button.parent["action"]).status_code == 404

    def test_somebody_elses_session_cannot_be_ended(
        self, app: Flask, session: Session, anna: User
    ) -> None:
        users.create(session, "Bert", PASSWORD)
        session.commit()
        hers, his = app.test_client(), app.test_client()
        sign_in(hers)
        sign_in(his, "Bert")
        row = session.scalars(select(UserSession.id).where(UserSession.user_id == anna.id)).one()
        assert his.post(f"/account/sessions/{row}/end").status_code == 404
        assert is_signed_in(hers)


class TestLastSeen:
    """A visit prolongs a session, is written rarely, and waits for no other writer."""

    @pytest.fixture
    def seen(self, client: FlaskClient, session: Session, anna: User) -> UserSession:
        """Anna's session, last seen an hour ago."""
        sign_in(client)
        hour_ago = now() - timedelta(hours=1)
        session.execute(
            update(UserSession).values(last_seen_at=hour_ago, expires_at=now() + timedelta(days=2))
        )
        session.commit()
        return session.scalars(select(UserSession)).one()

    def test_a_visit_is_recorded_once_in_a_while(
        self, client: FlaskClient, session: Session, seen: UserSession
    ) -> None:
        client.environ_base["REMOTE_ADDR"] = "192.0.2.9"
        client.get("/")
        session.refresh(seen)
        first = seen.last_seen_at
        assert now() - first < timedelta(minutes=1)
        assert seen.expires_at == first + user_sessions.LIFETIME
        assert seen.address == "192.0.2.9"
        client.get("/")
        session.refresh(seen)
        assert seen.last_seen_at == first

    @pytest.mark.sqlite
    def test_while_another_process_writes_the_page_comes_all_the_same(
        self, app: Flask, client: FlaskClient, session: Session, seen: UserSession
    ) -> None:
        before = seen.last_seen_at
        session.commit()
        other = sqlite3.connect(app.config["INSTANCE"] / "songrec.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        assert client.get("/account").status_code == 200
        other.execute("ROLLBACK")
        other.close()
        session.refresh(seen)
        assert seen.last_seen_at == before
        with db.engine.connect() as connection:
            assert connection.exec_driver_sql("PRAGMA busy_timeout").scalar() == 30_000

    def test_an_expired_session_is_over_and_cleared_away(
        self, client: FlaskClient, session: Session, seen: UserSession
    ) -> None:
        assert user_sessions.prune(session) == 0
        seen.expires_at = now() - timedelta(seconds=1)
        session.commit()
        assert not is_signed_in(client)
        assert user_sessions.prune(session) == 1


def test_a_remembering_cookie_obeys_the_session_too(
    app: Flask, client: FlaskClient, anna: User
) -> None:
    sign_in(client)
    with client.session_transaction() as cookie:
        token = cookie["_user_id"]
    with app.test_request_context():
        remembering = encode_cookie(token)
    other = app.test_client()
    other.set_cookie("remember_token", remembering)
    assert is_signed_in(other)
    client.post("/sign-out")
    other = app.test_client()
    other.set_cookie("remember_token", remembering)
    assert not is_signed_in(other)


def test_the_page_asks_the_database_once_for_session_and_account(
    client: FlaskClient, session: Session, anna: User
) -> None:
    sign_in(client)
    statements: list[str] = []

    def note(connection: object, cursor: object, statement: str, *rest: object) -> None:
        statements.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        client.get("/account")
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    accounts = [one for one in statements if "password_hash" in one]
    assert len(accounts) == 1
    assert "JOIN user_session" in accounts[0]


def test_what_is_typed_for_a_name_is_not_logged(
    client: FlaskClient, session: Session, anna: User
) -> None:
    sign_in(client, name=PASSWORD, password="")
    sign_in(client, password="not the password")
    assert kinds(session) == ["sign-in-failed", "sign-in-failed"]
    newest, oldest = security_log.page(session)[0]
    assert (newest.user, oldest.user) == ("Anna", None)
    assert (newest.event.address, newest.event.detail) == ("127.0.0.1", "")
    assert PASSWORD not in repr([one.to_json() for one in (newest, oldest)])
    assert texts(sign_in(client, password="x"), "#form-error") == ["Wrong name or password."]


class TestSharingPlaylists:
    """An account lets playlists, likes and plays teach the models; by default it does not."""

    @pytest.fixture
    def app_config(self) -> dict[str, bool]:
        return {"LEARN_FROM_ACCOUNTS": True}

    def test_it_is_the_owners_choice(
        self, client: FlaskClient, session: Session, anna: User
    ) -> None:
        sign_in(client)
        names = ("shares_playlists", "shares_listening")
        for ticked in ((), names[:1], names, names[1:], (), ()):
            data = dict.fromkeys(ticked, "1")
            assert client.post("/account/sharing", data=data).status_code == 303
            session.refresh(anna)
            page = parse(client.get("/account"))
            for name in names:
                assert getattr(anna, name) == (name in ticked)
                assert bool(page.select(f"input[name={name}][checked]")) == (name in ticked)
        events = ["signed-in", "sharing-on", "sharing-on", "sharing-on", "sharing-off"]
        assert kinds(session) == events


def test_where_nothing_is_learnt_from_accounts_none_is_asked(
    client: FlaskClient, anna: User
) -> None:
    sign_in(client)
    assert not parse(client.get("/account")).select("input[name=shares_playlists]")
