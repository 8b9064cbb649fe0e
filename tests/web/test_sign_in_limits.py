"""How often a password may be tried, by attack: many addresses, forged headers, one network."""

from __future__ import annotations

from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec.store import security_log
from songrec.store.listeners import users
from songrec.store.tables import User
from songrec.web import security
from songrec.web.auth import sign_in_limits
from tests.web.accounts import PASSWORD, anna, quick_hashes, sign_in

__all__ = ["anna", "quick_hashes"]  # fixtures

WRONG = "not the password"


def attempt(
    app: Flask, address: str, password: str = WRONG, name: str = "Anna", **headers: str
) -> int:
    """Try once with a new browser at ``address`` and return the status."""
    data = {"name": name, "password": password}
    answer = app.test_client().post(
        "/sign-in", data=data, headers=headers, environ_overrides={"REMOTE_ADDR": address}
    )
    return answer.status_code


def attack(app: Flask, name: str = "Anna") -> None:
    """Use up all tries from anywhere."""
    addresses = (f"198.51.100.{n}" for n in range(sign_in_limits.BY_ACCOUNT.amount + 1))
    assert any(attempt(app, address, name=name) == 429 for address in addresses)


def test_guesses_from_many_addresses_are_limited_whether_the_account_exists_or_not(
    app: Flask, anna: User
) -> None:
    attack(app)
    attack(app, "Nobody")
    assert attempt(app, "198.51.100.100", name="Bert") == 400


def test_the_owners_browser_gets_in_during_an_attack(app: Flask, anna: User) -> None:
    browser = app.test_client()
    sign_in(browser)
    browser.post("/sign-out")
    attack(app)
    browser.environ_base["REMOTE_ADDR"] = "203.0.113.7"
    assert sign_in(browser).status_code == 303
    # An attacker at an address of the owner's own has tries of its own, and no more than those.
    assert attempt(app, "203.0.113.7") == 400


def test_a_new_browser_at_the_owners_address_gets_in_during_an_attack(
    app: Flask, anna: User
) -> None:
    assert attempt(app, "203.0.113.7", PASSWORD) == 303
    attack(app)
    assert attempt(app, "203.0.113.7", PASSWORD) == 303


def test_the_mark_of_another_account_opens_nothing(
    app: Flask, session: Session, anna: User
) -> None:
    users.create(session, "Mallory", PASSWORD)
    session.commit()
    attacker = app.test_client()
    attacker.environ_base["REMOTE_ADDR"] = "192.0.2.66"
    sign_in(attacker, "Mallory")
    attacker.post("/sign-out")
    attack(app)
    assert sign_in(attacker).status_code == 429


def test_a_changed_password_makes_every_browser_unknown(
    app: Flask, session: Session, anna: User
) -> None:
    browser = app.test_client()
    sign_in(browser)
    browser.post("/sign-out")
    users.set_password(session, anna, "another good password")
    session.commit()
    attack(app)
    assert sign_in(browser, password="another good password").status_code == 429


def test_one_ipv6_network_is_one_address(app: Flask, anna: User) -> None:
    tries = sign_in_limits.BY_ACCOUNT_AND_ADDRESS.amount
    assert [attempt(app, f"2001:db8:1:2::{n:x}") for n in range(1, tries + 1)] == [400] * tries
    assert attempt(app, "2001:db8:1:2:ffff::1") == 429
    assert attempt(app, "2001:db8:1:3::1") == 400


def test_an_ipv4_address_written_as_ipv6_is_the_same(app: Flask, anna: User) -> None:
    for _ in range(sign_in_limits.BY_ACCOUNT_AND_ADDRESS.amount):
        attempt(app, "192.0.2.1")
    assert attempt(app, "::ffff:192.0.2.1") == 429


def forge(number: int) -> dict[str, str]:
    address = f"203.0.113.{number}"
    return {"X-Forwarded-For": address, "Forwarded": f"for={address}", "X-Real-IP": address}


def test_forged_addresses_do_not_help_without_a_proxy(app: Flask, anna: User) -> None:
    for number in range(sign_in_limits.BY_ACCOUNT_AND_ADDRESS.amount):
        assert attempt(app, "192.0.2.1", **forge(number)) == 400
    assert attempt(app, "192.0.2.1", **forge(99)) == 429


class TestBehindAProxy:
    """With SONGREC_PROXIES=1."""

    @pytest.fixture
    def app_config(self) -> dict[str, Any]:
        return {"PROXIES": 1}

    def test_only_what_the_proxy_adds_counts(self, app: Flask, anna: User) -> None:
        for number in range(sign_in_limits.BY_ACCOUNT_AND_ADDRESS.amount):
            chain = {"X-Forwarded-For": f"203.0.113.{number}, 192.0.2.1"}
            assert attempt(app, "10.0.0.1", **chain) == 400
        assert attempt(app, "10.0.0.1", **{"X-Forwarded-For": "192.0.2.1"}) == 429
        assert attempt(app, "10.0.0.1", **{"X-Forwarded-For": "192.0.2.1:4711"}) == 429
        assert attempt(app, "10.0.0.1", **{"X-Forwarded-For": "192.0.2.2"}) == 400


def test_the_limit_is_logged_once_in_its_window(app: Flask, session: Session, anna: User) -> None:
    for _ in range(sign_in_limits.BY_ACCOUNT_AND_ADDRESS.amount + 3):
        attempt(app, "192.0.2.1")
    events, _ = security_log.page(session, kinds=["sign-in-limited"])
    assert [(one.user, one.event.address) for one in events] == [("Anna", "192.0.2.1")]


def test_confirming_a_change_is_limited_and_logged(
    client: FlaskClient, session: Session, anna: User
) -> None:
    sign_in(client)
    guesses = sign_in_limits.BY_ACCOUNT_AND_ADDRESS.amount
    for _ in range(guesses):
        assert client.post("/account/delete", data={"current": "a guess"}).status_code == 400
    assert client.post("/account/delete", data={"current": PASSWORD}).status_code == 429
    assert security_log.page(session, kinds=["password-refused"])[1] == guesses


def test_every_limit_counts_networks(app: Flask) -> None:
    with app.test_request_context(environ_overrides={"REMOTE_ADDR": "2001:db8:1:2::7"}):
        assert security.client_network() == "2001:db8:1:2::/64"
        assert security.limiter._key_func() == "2001:db8:1:2::/64"
