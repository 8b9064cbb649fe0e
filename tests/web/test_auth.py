"""Accounts and doors: signing up, in and out, moving likes in, limits, where `next` leads."""

from __future__ import annotations

import re
import time
from typing import Any

import pytest
from argon2 import PasswordHasher
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput
from songrec.store import users
from songrec.store.tables import Listener, Reaction, User
from songrec.web import security
from tests.factories import make_track

PASSWORD = "correct horse battery"


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(users, "HASHER", PasswordHasher(time_cost=1, memory_cost=64, parallelism=1))


@pytest.fixture
def anna(session: Session) -> User:
    user = users.create(session, "Anna", PASSWORD)
    session.commit()
    return user


def sign_in(client: FlaskClient, name: str = "Anna", password: str = PASSWORD, **more: str) -> Any:
    return client.post("/sign-in", data={"name": name, "password": password, **more})


def is_signed_in(client: FlaskClient) -> bool:
    return client.get("/account").status_code == 200


def test_signing_up_signs_in(client: FlaskClient, session: Session) -> None:
    answer = client.post("/sign-up", data={"name": "Bo Li", "password": PASSWORD})
    assert answer.status_code == 303
    assert is_signed_in(client)
    assert not users.get(session, "bo li").is_admin


@pytest.mark.parametrize(
    ("name", "password", "message"),
    [
        ("ab", PASSWORD, "3 to 30"),
        ("a" * 31, PASSWORD, "3 to 30"),
        ("<b>bold</b>", PASSWORD, "letters, digits"),
        ("Anna\n", "short", "at least 10"),
        ("aNNa", PASSWORD, "taken"),
        ("some-long-name", "Some-Long-Name", "must not be the name"),
    ],
)
def test_an_unfit_name_or_password_is_explained(
    client: FlaskClient, anna: User, name: str, password: str, message: str
) -> None:
    answer = client.post("/sign-up", data={"name": name, "password": password})
    assert answer.status_code == 400
    assert message in answer.text
    assert not is_signed_in(client)


def test_wrong_password_and_unknown_name_get_the_same_answer(
    client: FlaskClient, anna: User
) -> None:
    wrong = sign_in(client, password="not the password")
    unknown = sign_in(client, name="Anne", password="not the password")
    assert wrong.status_code == unknown.status_code == 400
    assert wrong.text.replace("Anna", "Anne") == unknown.text


def test_an_unknown_name_takes_as_long_as_a_wrong_password(
    session: Session, anna: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[str] = []
    verify = users._verify
    monkeypatch.setattr(users, "_verify", lambda h, p: bool(calls.append(h)) or verify(h, p))
    assert users.authenticate(session, "nobody", PASSWORD) is None
    assert users.authenticate(session, "Anna", "not the password") is None
    assert len(calls) == 2
    assert calls[0].split("$")[:4] == calls[1].split("$")[:4]  # the same algorithm and cost


def test_signing_out_needs_a_post_and_ends_the_session(client: FlaskClient, anna: User) -> None:
    sign_in(client)
    assert client.get("/sign-out").status_code == 405
    assert client.post("/sign-out").status_code == 303
    assert not is_signed_in(client)


def test_changing_the_password_signs_out_every_other_browser(app: Flask, anna: User) -> None:
    here, there = app.test_client(), app.test_client()
    sign_in(here)
    sign_in(there)
    new = "another good password"
    answer = here.post("/account/password", data={"current": PASSWORD, "password": new})
    assert answer.status_code == 303
    assert is_signed_in(here)
    assert not is_signed_in(there)
    assert sign_in(there).status_code == 400
    assert sign_in(there, password=new).status_code == 303


def test_changing_the_password_needs_the_current_one(client: FlaskClient, anna: User) -> None:
    sign_in(client)
    data = {"current": "a wrong guess", "password": "another good password"}
    answer = client.post("/account/password", data=data)
    assert answer.status_code == 400
    assert "not your current password" in answer.text


def test_deleting_an_account_deletes_its_likes(
    client: FlaskClient, session: Session, anna: User
) -> None:
    listener = Listener(token="t", user_id=anna.id)
    session.add(listener)
    session.flush()
    session.add(Reaction(listener_id=listener.id, track_id=make_track(session).id, value=1))
    session.commit()
    sign_in(client)
    assert client.post("/account/delete", data={"current": PASSWORD}).status_code == 303
    assert session.query(User).count() == session.query(Listener).count() == 0
    assert session.query(Reaction).count() == 0
    assert not is_signed_in(client)


def test_the_last_admin_can_neither_leave_nor_step_down(session: Session, anna: User) -> None:
    users.set_admin(session, anna, True)
    with pytest.raises(BadInput, match="last admin"):
        users.delete(session, anna)
    with pytest.raises(BadInput, match="last admin"):
        users.set_admin(session, anna, False)
    users.create(session, "Second", PASSWORD, is_admin=True)
    users.set_admin(session, anna, False)
    assert not anna.is_admin


def test_a_password_is_never_stored_in_clear(session: Session, anna: User) -> None:
    assert PASSWORD not in anna.password_hash
    assert anna.password_hash.startswith("$argon2id$")


class TestLikesWithoutAnAccount:
    """What a browser liked moves into the account that it signs in to."""

    @pytest.fixture
    def liked(self, app: Flask, session: Session, client: FlaskClient) -> int:
        """A track that the client liked without an account."""
        track = make_track(session)
        listener = Listener(token="browser-token")
        session.add(listener)
        session.flush()
        session.add(Reaction(listener_id=listener.id, track_id=track.id, value=1))
        session.commit()
        with client.session_transaction() as cookie:
            cookie["listener"] = "browser-token"
        return track.id

    def likes_of(self, session: Session, user: User) -> list[int]:
        rows = session.query(Reaction.track_id).join(Listener, Listener.id == Reaction.listener_id)
        return [row[0] for row in rows.filter(Listener.user_id == user.id)]

    def test_at_sign_up(self, client: FlaskClient, session: Session, liked: int) -> None:
        client.post("/sign-up", data={"name": "Newcomer", "password": PASSWORD})
        assert self.likes_of(session, users.get(session, "Newcomer")) == [liked]

    def test_at_sign_in_they_join_those_of_the_account(
        self, client: FlaskClient, session: Session, anna: User, liked: int
    ) -> None:
        mine = Listener(token="mine", user_id=anna.id)
        session.add(mine)
        session.flush()
        other = make_track(session).id
        session.add(Reaction(listener_id=mine.id, track_id=other, value=1))
        session.commit()
        sign_in(client)
        assert sorted(self.likes_of(session, anna)) == sorted([liked, other])
        assert session.query(Listener).count() == 1

    def test_the_old_cookie_no_longer_opens_them(
        self, app: Flask, client: FlaskClient, session: Session, anna: User, liked: int
    ) -> None:
        sign_in(client)
        assert session.query(Listener).filter_by(token="browser-token").count() == 0
        with client.session_transaction() as cookie:
            assert "listener" not in cookie

    @pytest.mark.parametrize("signed_in", [False, True])
    def test_two_first_likes_at_the_same_moment_are_both_kept(
        self, app: Flask, session: Session, anna: User, signed_in: bool
    ) -> None:
        tracks = [make_track(session) for _ in range(2)]
        session.commit()
        first, second = app.test_client(), app.test_client()
        if signed_in:
            sign_in(first)
        first.get("/sign-up")  # any page with a form
        cookie = first.get_cookie("session")
        assert cookie is not None
        second.set_cookie("session", cookie.value)
        for client, track in zip((first, second), tracks, strict=True):
            client.post(f"/tracks/{track.public_id}/reaction", data={"value": "like"})
        assert session.query(Listener).count() == 1
        assert session.query(Reaction).count() == 2

    def test_two_pages_that_load_at_once_after_signing_in_share_their_forms_secret(
        self, client: FlaskClient, anna: User
    ) -> None:
        sign_in(client)
        with client.session_transaction() as cookie:
            assert cookie["csrf_token"]


class TestRateLimit:
    """Ten tries in five minutes per name and address."""

    def test_the_eleventh_try_waits_even_with_the_right_password(
        self, client: FlaskClient, anna: User
    ) -> None:
        for _ in range(10):
            assert sign_in(client, password="wrong guess").status_code == 400
        answer = sign_in(client)
        assert answer.status_code == 429
        assert 0 < int(answer.headers["Retry-After"]) <= 300
        assert "Try again in" in answer.text

    def test_another_process_counts_on(
        self, client: FlaskClient, anna: User, app_config: dict[str, Any], app: Flask
    ) -> None:
        from limits.strategies import FixedWindowRateLimiter

        from songrec.web import ratelimit

        for _ in range(9):
            sign_in(client, password="wrong guess")
        uri = ratelimit.storage_uri(app.config["INSTANCE"], None)
        elsewhere = FixedWindowRateLimiter(ratelimit.SqliteCounters(uri))
        assert elsewhere.hit(security.SIGN_IN, "anna", "127.0.0.1")
        assert sign_in(client, password="wrong guess").status_code == 429

    def test_a_success_starts_counting_anew(self, client: FlaskClient, anna: User) -> None:
        for _ in range(9):
            sign_in(client, password="wrong guess")
        sign_in(client)
        client.post("/sign-out")
        assert sign_in(client, password="wrong guess").status_code == 400

    def test_a_window_ends(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        from songrec.web import ratelimit

        counters = ratelimit.SqliteCounters(ratelimit.storage_uri(app.config["INSTANCE"], None))
        assert [counters.incr("k", 300) for _ in range(3)] == [1, 2, 3]
        later = time.time() + 301
        monkeypatch.setattr(time, "time", lambda: later)
        assert counters.get("k") == 0
        assert counters.incr("k", 300) == 1


class TestDoors:
    """Headers, cookies, CSRF, size limits."""

    def test_every_page_carries_the_policy(self, client: FlaskClient) -> None:
        headers = client.get("/sign-in").headers
        policy = headers["Content-Security-Policy"]
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy
        assert "frame-ancestors 'none'" in policy
        assert headers["X-Content-Type-Options"] == "nosniff"
        assert headers["Referrer-Policy"] == "same-origin"
        assert "camera=()" in headers["Permissions-Policy"]

    def test_the_session_cookie_is_closed_to_scripts_and_other_sites(
        self, client: FlaskClient, anna: User
    ) -> None:
        cookie = sign_in(client).headers["Set-Cookie"]
        assert "HttpOnly" in cookie
        assert "SameSite=Lax" in cookie
        assert "Secure" not in cookie

    class TestBehindHttps:
        """With SONGREC_HTTPS=1."""

        @pytest.fixture
        def app_config(self) -> dict[str, Any]:
            return {"HTTPS": True, "SESSION_COOKIE_SECURE": True}

        def test_cookies_are_secure_and_plain_http_is_sent_on(
            self, client: FlaskClient, anna: User
        ) -> None:
            assert client.get("/sign-in").headers["Location"] == "https://localhost/sign-in"
            answer = client.post(
                "/sign-in",
                data={"name": "Anna", "password": PASSWORD},
                headers={"X-Forwarded-Proto": "https"},
            )
            assert "Secure" in answer.headers["Set-Cookie"]
            assert "max-age=" in answer.headers["Strict-Transport-Security"]

    class TestCsrf:
        """With the protection on, as it is outside tests."""

        @pytest.fixture
        def app_config(self) -> dict[str, Any]:
            return {"WTF_CSRF_ENABLED": True}

        def test_a_form_without_its_token_is_refused_and_says_what_to_do(
            self, client: FlaskClient, anna: User
        ) -> None:
            answer = sign_in(client)
            assert answer.status_code == 400
            assert "reload the page" in answer.text

        def test_a_form_with_its_token_passes(self, client: FlaskClient, anna: User) -> None:
            token = re.search(r'name="csrf_token" value="([^"]+)"', client.get("/sign-in").text)
            assert token is not None
            assert sign_in(client, csrf_token=token[1]).status_code == 303

    class TestUploadSize:
        """A body over the limit is answered with a page."""

        @pytest.fixture
        def app_config(self) -> dict[str, Any]:
            return {"MAX_CONTENT_LENGTH": 2**20}

        def test_too_large_a_body_is_explained(self, client: FlaskClient) -> None:
            answer = client.post("/sign-in", data={"name": "x" * (2**20 + 1)})
            assert answer.status_code == 413
            assert "The limit is 1 MiB" in answer.text


def test_next_leads_back_after_signing_in(client: FlaskClient, anna: User) -> None:
    answer = sign_in(client, next="/tracks?q=a&page=2")
    assert answer.headers["Location"] == "/tracks?q=a&page=2"


@pytest.mark.parametrize(
    "target",
    ["//evil.test", "/\\evil.test", "https://evil.test/", "\t//evil.test", "/\t/evil.test", "evil",
     "javascript:alert(1)", "", "/ /evil.test", "\\\\evil.test", "/%0d\n", "///evil.test"],
)  # fmt: skip
def test_next_never_leads_elsewhere(client: FlaskClient, anna: User, target: str) -> None:
    assert security.safe_next(target) is None
    assert sign_in(client, next=target).headers["Location"] == "/"


@given(st.text(alphabet=st.sampled_from("/\\:@.?#%ab \t\r\n\x00"), max_size=12))
def test_a_safe_next_is_always_a_path_of_this_site(target: str) -> None:
    safe = security.safe_next(target)
    if safe is None:
        return
    # What a browser makes of it (WHATWG URL): tab and newline vanish, backslash is a slash.
    seen = re.sub(r"[\t\r\n]", "", safe).strip("".join(map(chr, range(33)))).replace("\\", "/")
    assert re.match(r"/(?!/)", seen)


class TestErrorPages:
    """Errors say what happened and what to do, as a page or as JSON."""

    def test_an_unknown_address(self, client: FlaskClient) -> None:
        answer = client.get("/no/such/page")
        assert answer.status_code == 404
        assert "There is nothing here" in answer.text
        assert "text/html" in answer.content_type

    def test_json_when_asked_for(self, client: FlaskClient) -> None:
        answer = client.get("/no/such/page", headers={"Accept": "application/json"})
        assert answer.status_code == 404
        assert answer.json is not None
        assert answer.json["status"] == 404

    def test_405_says_which_methods_work(self, client: FlaskClient) -> None:
        assert "POST" in client.get("/sign-out").headers["Allow"]

    def test_a_message_for_people_becomes_the_page(self, app: Flask) -> None:
        from songrec.core.errors import NotReady

        def view() -> str:
            raise NotReady("Nothing is published yet: press Retrain.")

        app.view_functions["auth.sign_in"] = view
        answer = app.test_client().get("/sign-in")
        assert answer.status_code == 503
        assert "Nothing is published yet: press Retrain." in answer.text

    def test_a_bug_is_a_page_without_its_details(self, app: Flask) -> None:
        def view() -> str:
            raise RuntimeError("secret detail")

        app.view_functions["auth.sign_in"] = view
        app.config["PROPAGATE_EXCEPTIONS"] = False
        answer = app.test_client().get("/sign-in")
        assert answer.status_code == 500
        assert "secret detail" not in answer.text
        assert "Something broke on our side" in answer.text
