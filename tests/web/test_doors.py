"""Doors: rate limits, headers, CSRF, sizes, where `next` leads, error pages."""

from __future__ import annotations

import re
import shutil
import time
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import text
from sqlalchemy.exc import DataError
from sqlalchemy.orm import Session

from songrec.store.tables import User
from songrec.web import security
from songrec.web.auth import sign_in_limits
from tests.planted_run import plant
from tests.web.accounts import PASSWORD, anna, quick_hashes, sign_in

__all__ = ["anna", "quick_hashes"]  # fixtures


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
        elsewhere = FixedWindowRateLimiter(ratelimit.DatabaseCounters(ratelimit.URI))
        with app.app_context():  # the digest's key is the application's
            name = security.keyed_digest(f"account:{anna.name_key}")
        assert elsewhere.hit(sign_in_limits.BY_ACCOUNT_AND_ADDRESS, name, "127.0.0.1")
        assert sign_in(client, password="wrong guess").status_code == 429

    def test_a_success_starts_counting_anew(self, client: FlaskClient, anna: User) -> None:
        for _ in range(9):
            sign_in(client, password="wrong guess")
        sign_in(client)
        client.post("/sign-out")
        assert sign_in(client, password="wrong guess").status_code == 400

    def test_a_window_ends(self, app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
        from songrec.web import ratelimit

        counters = ratelimit.DatabaseCounters(ratelimit.URI)
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
            return {"HTTPS": True, "PROXIES": 1, "SESSION_COOKIE_SECURE": True}

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
    [
        "//evil.test",
        "/\\evil.test",
        "https://evil.test/",
        "\t//evil.test",
        "/\t/evil.test",
        "evil",
        "javascript:alert(1)",
        "",
        "/ /evil.test",
        "\\\\evil.test",
        "/%0d\n",
        "///evil.test",
    ],
)
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
        assert "Page not found" in answer.text
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

    @pytest.mark.parametrize(
        ("change", "said"),
        [
            ("DROP TABLE publication", "has not been set up"),
            ("ALTER TABLE run DROP COLUMN seconds", "is older than this songrec"),
        ],
    )
    def test_a_database_that_is_not_migrated_says_how_to(
        self, client: FlaskClient, session: Session, change: str, said: str
    ) -> None:
        session.execute(text(change))
        session.commit()
        answer = client.get("/")
        assert answer.status_code == 503
        assert said in answer.text
        assert "flask db upgrade" in answer.text

    def test_what_the_database_refuses_to_compare_is_the_askers_mistake(self, app: Flask) -> None:
        def view() -> str:
            raise DataError("SELECT", {}, ValueError("cannot contain NUL (0x00) bytes"))

        app.view_functions["auth.sign_in"] = view
        answer = app.test_client().get("/sign-in")
        assert answer.status_code == 400
        assert "Invalid request" in answer.text

    def test_a_run_whose_files_are_gone_is_told_without_paths(
        self, app: Flask, client: FlaskClient, session: Session
    ) -> None:
        planted = plant(session, app.config["INSTANCE"], n=20)
        session.commit()
        shutil.rmtree(app.config["INSTANCE"] / "runs")
        for address in ("/map", "/mood", "/map/points"):
            answer = client.get(address)
            assert answer.status_code == 503, address
            assert f"The files of run {planted.run.public_id} cannot be read" in answer.text
            assert "manifest.json" in answer.text
            assert str(app.config["INSTANCE"]) not in answer.text
        for address in ("/", "/tracks", "/clusters/0", "/recommendations", "/tracks/p000000001"):
            assert client.get(address).status_code == 200, address

    def test_a_bug_is_a_page_without_its_details(self, app: Flask) -> None:
        def view() -> str:
            raise RuntimeError("secret detail")

        app.view_functions["auth.sign_in"] = view
        app.config["PROPAGATE_EXCEPTIONS"] = False
        answer = app.test_client().get("/sign-in")
        assert answer.status_code == 500
        assert "secret detail" not in answer.text
        assert "Something went wrong" in answer.text
