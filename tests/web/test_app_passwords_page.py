"""App passwords on the account page and from the command line."""

from __future__ import annotations

import json

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.orm import Session

from songrec.core.encryption import instance_cipher
from songrec.services.listeners import export_data
from songrec.store import security_log
from songrec.store.listeners import app_passwords, users
from songrec.store.tables import User
from tests.web.accounts import anna, quick_hashes, sign_in
from tests.web.html import parse

__all__ = ["anna", "quick_hashes"]  # fixtures


def kinds(session: Session) -> list[str]:
    return [one.event.kind for one in reversed(security_log.page(session)[0])]


def test_a_password_is_shown_once_listed_and_revoked(
    app: Flask, client: FlaskClient, session: Session, anna: User
) -> None:
    sign_in(client)
    answer = client.post("/account/apps", data={"device": "My phone"})
    assert answer.status_code == 201
    assert answer.cache_control.no_store
    page = parse(answer.text)
    values = {one["id"]: one["value"] for one in page.select("input[readonly]")}
    assert values["name"] == "Anna"
    assert values["server"] == "http://localhost/"
    password, key = str(values["app-password"]), str(values["api-key"])
    cipher = instance_cipher(app.config["INSTANCE"], None)
    row = app_passwords.with_password(session, anna, password, cipher)
    assert row is not None
    assert app_passwords.with_api_key(session, key) == (row, anna)
    page_text = client.get("/account").text
    assert "My phone" in page_text
    assert "never used" in page_text
    assert password not in page_text
    assert key not in page_text
    exported = json.dumps(export_data.export(session, None, anna))
    assert '"device": "My phone"' in exported
    for secret in (password, key, row.secret, row.api_key_hash):
        assert secret not in exported
    assert client.post(f"/account/apps/{row.id}/revoke").status_code == 303
    assert client.post(f"/account/apps/{row.id}/revoke").status_code == 404
    assert app_passwords.with_api_key(session, key) is None
    assert "My phone</strong>" not in client.get("/account").text
    assert kinds(session) == ["signed-in", "app-password-created", "app-password-revoked"]
    details = " ".join(one.event.detail for one in security_log.page(session)[0])
    assert password not in details


def test_a_device_without_a_name_is_explained(client: FlaskClient, anna: User) -> None:
    sign_in(client)
    answer = client.post("/account/apps", data={"device": " "})
    assert answer.status_code == 400
    assert "A device needs a name of at most 60 characters." in answer.text


def test_nobody_revokes_the_device_of_another(
    client: FlaskClient, app: Flask, session: Session, anna: User
) -> None:
    cipher = instance_cipher(app.config["INSTANCE"], None)
    row, _, _ = app_passwords.create(session, anna, "Phone", cipher)
    users.create(session, "Bert", "correct horse battery")
    session.commit()
    sign_in(client, "Bert")
    assert client.post(f"/account/apps/{row.id}/revoke").status_code == 404
    assert row.revoked_at is None


def test_the_command_prints_what_programs_read(app: Flask, session: Session, anna: User) -> None:
    def run(*words: str) -> str:
        result = app.test_cli_runner().invoke(args=["app-password", *words])
        assert result.exit_code == 0, result.output
        return result.output

    made = json.loads(run("anna", "--device", "Car", "--json"))
    assert list(made) == ["username", "password", "api_key"]
    assert made["username"] == "Anna"
    cipher = instance_cipher(app.config["INSTANCE"], None)
    row = app_passwords.with_password(session, anna, made["password"], cipher)
    assert row is not None
    assert "never" in run("Anna", "--list")
    (listed,) = json.loads(run("Anna", "--list", "--json"))
    assert (listed["id"], listed["device"], listed["last_used_at"]) == (row.id, "Car", None)
    assert run("Anna", "--revoke", str(row.id)) == "The app password of Car is revoked.\n"
    assert json.loads(run("Anna", "--list", "--json")) == []
    invoke = app.test_cli_runner().invoke
    again = invoke(args=["app-password", "Anna", "--revoke", str(row.id)])
    assert again.exit_code == 1
    assert again.output.startswith("songrec: Anna has no app password")
    assert invoke(args=["app-password", "Anna"]).exit_code == 2
    assert invoke(args=["app-password", "Nobody", "--list"]).exit_code == 1
    assert "password" in run("Anna", "--device", "Phone")
