"""Who gets in at ``/rest``, by what, and what nobody sees."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec.store import security_log
from songrec.store.listeners import app_passwords, users
from songrec.store.tables import AppPassword
from songrec.web.subsonic.authentication import PUBLIC, REFUSED_NAME
from songrec.web.subsonic.endpoints import NAMES
from tests.web.accounts import PASSWORD, sign_in
from tests.web.subsonic.conftest import Device, Library

COMMON = {"v": "1.16.1", "c": "a test", "f": "json"}


def ask(client: FlaskClient, **params: Any) -> dict[str, Any]:
    response = client.get("/rest/ping", query_string={**COMMON, **params})
    assert response.status_code == 200
    assert "Set-Cookie" not in response.headers
    answer: dict[str, Any] = response.json["subsonic-response"]  # type: ignore[index]
    return answer


def code(client: FlaskClient, **params: Any) -> int | None:
    answer = ask(client, **params)
    return answer.get("error", {}).get("code")


def token(password: str, salt: str) -> str:
    return hashlib.md5((password + salt).encode()).hexdigest()


def test_apps_sign_in_in_four_ways(client: FlaskClient, phone: Device) -> None:
    password, salt = phone.password, "c19b2d"
    signed = token(password, salt)
    assert code(client, apiKey=phone.api_key) is None
    assert code(client, u="anna", p=password) is None
    assert code(client, u="Anna", p=f"enc:{password.encode().hex()}") is None
    assert code(client, u="ANNA", t=signed, s=salt) is None
    posted = client.post("/rest/ping.view", data={**COMMON, "u": "anna", "t": signed, "s": salt})
    assert posted.json["subsonic-response"]["status"] == "ok"  # type: ignore[index]


def test_what_is_wrong_with_a_sign_in_has_its_code(client: FlaskClient, phone: Device) -> None:
    password, key = phone.password, phone.api_key
    assert code(client) == 10
    assert code(client, u="anna") == 10
    assert code(client, u="anna", t=token(password, "a")) == 10
    assert code(client, u="anna", p="wrong") == 40
    assert code(client, u="anna", p="enc:zz") == 40
    assert code(client, u="nobody", p=password) == 40
    assert code(client, u="anna", t=token(password, "a"), s="b") == 40
    assert code(client, u="anna", p=PASSWORD) == 40  # the account's own password never works
    assert code(client, u="anna", t=token(PASSWORD, "a"), s="a") == 40
    assert code(client, u="anna", p=password, t="x", s="y") == 43
    assert code(client, apiKey=key, u="anna") == 43
    assert code(client, apiKey=key, p=password) == 43
    assert code(client, apiKey=key + "x") == 44
    assert code(client, apiKey="") == 44


def test_the_version_and_the_name_of_an_app_are_required(phone: Device) -> None:
    assert phone.code("ping", v="") == 10
    assert phone.code("ping", c="") == 10
    assert phone.code("ping", v="2.0.0") == 30
    assert phone.code("ping", v="1.17.0") == 30
    assert phone.code("ping", v="0.9") == 20
    assert phone.code("ping", v="new") == 0
    for version in ("1.16.9", "1.8.0", "1.1", "1"):
        assert phone.answer("ping", v=version)["status"] == "ok"


def test_a_revoked_device_is_out_and_so_are_those_of_a_deleted_account(
    client: FlaskClient, session: Session, phone: Device, device_of: Callable[..., Device]
) -> None:
    tablet = device_of("Anna")
    user = users.get(session, "Anna")
    first = min(row.id for row in app_passwords.of_user(session, user))
    app_passwords.revoke(session, user, first)
    session.commit()
    assert code(client, apiKey=phone.api_key) == 44
    assert code(client, u="anna", p=phone.password) == 40
    assert code(client, apiKey=tablet.api_key) is None
    users.delete(session, user)
    session.commit()
    assert code(client, apiKey=tablet.api_key) == 44
    assert session.query(AppPassword).count() == 0


@pytest.mark.parametrize("catalogue", ["everyone", "accounts"])
def test_no_endpoint_answers_without_a_sign_in(
    app: Flask, client: FlaskClient, small: Library, catalogue: str
) -> None:
    app.config["CATALOGUE"] = catalogue
    users.create(app.extensions["sqlalchemy"].session, "Anna", PASSWORD)
    app.extensions["sqlalchemy"].session.commit()
    assert sign_in(client).status_code == 303  # a browser's cookie does not count
    for name in sorted(NAMES - PUBLIC):
        for method in ("GET", "POST"):
            for suffix in ("", ".view"):
                response = client.open(
                    f"/rest/{name}{suffix}?f=json&id={small.song('Loose')}", method=method
                )
                # The specification gives the errors of this one statuses.
                status = 400 if name == "getTranscodeStream" else 200
                assert response.status_code == status, name
                answer = response.json["subsonic-response"]  # type: ignore[index]
                assert (answer["status"], answer["error"]["code"]) == ("failed", 10), name
    for name in PUBLIC:
        answer = client.get(f"/rest/{name}?f=json").json["subsonic-response"]  # type: ignore[index]
        assert answer["status"] == "ok"


def test_unknown_endpoints_fail_in_the_format_of_the_request(phone: Device) -> None:
    for name in ("getNothing", "getNothing.view", "a/b", ""):
        assert phone.code(name) == 0
    response = phone.client.get("/rest/getNothing")
    assert response.content_type == "application/xml; charset=utf-8"
    assert b'code="10"' in response.data  # without a sign-in not even that is told


def test_too_many_wrong_sign_ins_are_refused_and_the_right_one_is_not(
    client: FlaskClient, session: Session, phone: Device
) -> None:
    for _ in range(REFUSED_NAME.amount):
        assert code(client, u="anna", p="wrong") == 40
    refused = client.get("/rest/ping", query_string={**COMMON, "u": "Anna", "p": "wrong"})
    assert refused.status_code == 429
    assert int(refused.headers["Retry-After"]) > 0
    assert refused.json["subsonic-response"]["status"] == "failed"  # type: ignore[index]
    assert code(client, u="anna", p=phone.password) is None
    kinds = [one.event.kind for one in security_log.page(session)[0]]
    assert sorted(kinds) == ["app-sign-in-failed", "app-sign-in-limited"]


def test_no_secret_is_in_a_log(phone: Device, caplog: pytest.LogCaptureFixture, app: Flask) -> None:
    caplog.set_level(logging.DEBUG)
    secrets = (phone.password, phone.api_key, "a-wrong-one", "a-wrong-salt")
    for params in (
        {"u": "anna", "p": phone.password},
        {"apiKey": phone.api_key},
        {"u": "anna", "t": token(phone.password, "x"), "s": "x"},
        {"u": "anna", "t": "a-wrong-one", "s": "a-wrong-salt"},
        {"apiKey": "a-wrong-one"},
    ):
        for path in ("ping", "getSong", "nothing", "getSong.view"):
            phone.client.get(f"/rest/{path}", query_string={**COMMON, **params})
            phone.client.post(f"/rest/{path}", data={**COMMON, **params})
    lines = [record.getMessage() for record in caplog.records]
    assert not [line for line in lines if any(secret in line for secret in secrets)]


def test_browsers_may_ask_from_anywhere_without_a_cookie(client: FlaskClient) -> None:
    asked = client.options(
        "/rest/ping", headers={"Origin": "https://app.example", "Sec-Fetch-Mode": "cors"}
    )
    assert asked.status_code == 204
    assert asked.headers["Access-Control-Allow-Origin"] == "*"
    assert "Range" in asked.headers["Access-Control-Allow-Headers"]
    assert "Access-Control-Allow-Credentials" not in asked.headers
    answered = client.get("/rest/ping")
    assert answered.headers["Access-Control-Allow-Origin"] == "*"


def test_the_device_remembers_its_app(session: Session, phone: Device) -> None:
    phone.answer("ping", c="Symfonium")
    (row,) = app_passwords.of_user(session, users.get(session, "Anna"))
    assert row.last_client == "Symfonium"
    assert row.last_used_at is not None


class TestAccounts:
    """What an account sees of itself and of others."""

    def test_a_listener_sees_only_their_own(
        self, phone: Device, device_of: Callable[..., Device]
    ) -> None:
        device_of("Chief", is_admin=True)
        assert phone.get("tokenInfo") == {"username": "Anna"}
        own = phone.get("getUser", username="anna")
        assert (own["username"], own["adminRole"], own["folder"]) == ("Anna", False, [1])
        assert phone.code("getUser", username="Chief") == 50
        assert phone.code("getUser", username="nobody") == 50
        assert phone.code("getUsers") == 50

    def test_an_admin_sees_all(self, phone: Device, device_of: Callable[..., Device]) -> None:
        chief = device_of("Chief", is_admin=True)
        assert chief.get("getUser", username="ANNA")["username"] == "Anna"
        assert chief.code("getUser", username="nobody") == 70
        assert [one["username"] for one in chief.get("getUsers")["user"]] == ["Anna", "Chief"]
