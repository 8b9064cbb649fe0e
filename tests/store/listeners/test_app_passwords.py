"""Passwords and keys of apps: what opens, what does not any more, and what is stored."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from sqlalchemy.orm import Session

from songrec.core.encryption import Cipher
from songrec.core.errors import BadInput
from songrec.store.db import now
from songrec.store.listeners import app_passwords, users
from songrec.store.tables import AppPassword, User
from tests.web.accounts import anna, quick_hashes

__all__ = ["anna", "quick_hashes"]  # fixtures
CIPHER = Cipher("a key")


def token(password: str, salt: str) -> str:
    return hashlib.md5((password + salt).encode()).hexdigest()


def test_each_device_signs_in_by_its_own_password_token_and_key(
    session: Session, anna: User
) -> None:
    phone, password, key = app_passwords.create(session, anna, "My  phone", CIPHER)
    tablet, other, _ = app_passwords.create(session, anna, "Tablet", CIPHER)
    assert phone.device == "My phone"
    assert password != other
    assert app_passwords.with_password(session, anna, password, CIPHER) is phone
    assert app_passwords.with_password(session, anna, other, CIPHER) is tablet
    assert app_passwords.with_token(session, anna, token(other, "salt"), "salt", CIPHER) is tablet
    # Some apps send the digest in capitals.
    upper = token(password, "pepper").upper()
    assert app_passwords.with_token(session, anna, upper, "pepper", CIPHER) is phone
    assert app_passwords.with_api_key(session, key) == (phone, anna)
    for wrong in ("", "correct horse battery", password[:-1], password + "x"):
        assert app_passwords.with_password(session, anna, wrong, CIPHER) is None
    assert app_passwords.with_token(session, anna, token(password, "a"), "b", CIPHER) is None
    assert app_passwords.with_api_key(session, key + "x") is None
    assert app_passwords.with_api_key(session, "") is None
    assert app_passwords.with_password(session, None, password, CIPHER) is None


def test_nothing_of_a_password_or_key_is_stored_in_the_clear(session: Session, anna: User) -> None:
    row, password, key = app_passwords.create(session, anna, "Phone", CIPHER)
    stored = " ".join(str(getattr(row, one.key)) for one in AppPassword.__table__.columns)
    assert password not in stored
    assert key not in stored
    assert CIPHER.decrypt(row.secret) == password


def test_a_revoked_device_is_shut_out_and_its_secret_is_gone(session: Session, anna: User) -> None:
    row, password, key = app_passwords.create(session, anna, "Phone", CIPHER)
    other = users.create(session, "Bert", "a good password")
    assert app_passwords.revoke(session, other, row.id) is None
    assert app_passwords.revoke(session, anna, row.id) is row
    assert app_passwords.revoke(session, anna, row.id) is None
    assert row.secret == ""
    assert app_passwords.with_password(session, anna, password, CIPHER) is None
    assert app_passwords.with_api_key(session, key) is None
    row.revoked_at = now() - timedelta(days=10)
    session.flush()
    assert app_passwords.prune(session, 20) == 0
    assert app_passwords.prune(session, 5) == 1


def test_after_a_restored_backup_without_its_key_only_api_keys_open(
    session: Session, anna: User
) -> None:
    row, password, key = app_passwords.create(session, anna, "Phone", CIPHER)
    assert app_passwords.with_password(session, anna, password, Cipher("another")) is None
    assert app_passwords.with_api_key(session, key) == (row, anna)


def test_a_device_needs_a_name_and_an_account_has_so_many(session: Session, anna: User) -> None:
    for name in ("", "  ", "x" * 61):
        with pytest.raises(BadInput, match="A device needs a name"):
            app_passwords.create(session, anna, name, CIPHER)
    for number in range(app_passwords.MAX_DEVICES):
        app_passwords.create(session, anna, f"Phone {number}", CIPHER)
    with pytest.raises(BadInput, match="for 30 devices"):
        app_passwords.create(session, anna, "One more", CIPHER)


def test_signing_somebody_out_of_everything_shuts_out_their_apps(
    session: Session, anna: User
) -> None:
    _, _, key = app_passwords.create(session, anna, "Phone", CIPHER)
    users.sign_out(session, anna, revoke_tokens=False)
    assert app_passwords.with_api_key(session, key) is not None
    users.reset_password(session, anna)
    assert app_passwords.with_api_key(session, key) is None


def test_the_last_use_is_written_now_and_then(session: Session, anna: User) -> None:
    row, _, _ = app_passwords.create(session, anna, "Phone", CIPHER)
    assert app_passwords.record_use(row, "Symfonium")
    assert not app_passwords.record_use(row, "Symfonium")
    assert app_passwords.record_use(row, "Feishin")
    row.last_used_at = now() - timedelta(hours=1)
    assert app_passwords.record_use(row, "Feishin")
    assert row.last_client == "Feishin"
