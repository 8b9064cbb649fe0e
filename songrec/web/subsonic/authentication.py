"""Authentication of apps by an app password, a token of it, or an API key.

The account's own password and cookies are not accepted.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from flask import g, request
from limits import RateLimitItemPerMinute
from werkzeug.exceptions import TooManyRequests

from songrec.store.ciphers import current_cipher
from songrec.store.db import db
from songrec.store.listeners import app_passwords, users
from songrec.store.tables import AppPassword, Listener, User
from songrec.web import security, security_log
from songrec.web.subsonic import parameters
from songrec.web.subsonic.answers import (
    CLIENT_TOO_OLD,
    CONFLICTING_CREDENTIALS,
    GENERIC,
    INVALID_API_KEY,
    SERVER_TOO_OLD,
    WRONG_CREDENTIALS,
    SubsonicError,
)

REQUESTS = RateLimitItemPerMinute(3000, 1)
"""Rate limit of an account's requests: an app that shows covers sends hundreds at once."""
REFUSED = RateLimitItemPerMinute(60, 5)
"""Rate limit of wrong passwords and keys from one network."""
REFUSED_NAME = RateLimitItemPerMinute(30, 5)
"""Rate limit of wrong passwords from one network for one name."""
PUBLIC = frozenset({"getOpenSubsonicExtensions"})
"""Endpoints without sign-in, as the specification requires."""
_SUPPORTED = (1, 16)


@dataclass(frozen=True, slots=True)
class Caller:
    """An account, and the app password or key of the requesting device."""

    user: User
    device: AppPassword
    client: str

    @property
    def listener(self) -> Listener | None:
        """The account's listener, None before its first reaction."""
        if "subsonic_listener" not in g:
            g.subsonic_listener = users.listener_of(db.session, self.user)
        return g.subsonic_listener

    def require_listener(self) -> Listener:
        """Return the account's listener, creating it if necessary. The caller commits."""
        g.subsonic_listener = users.require_listener(db.session, self.user)
        return g.subsonic_listener


def caller() -> Caller:
    """Return the caller of this request."""
    return g.subsonic_caller


def identify(name: str) -> None:
    """Authenticate the caller of the endpoint ``name`` and count the request."""
    if name in PUBLIC:
        security.count_from_here(REQUESTS, "subsonic-public")
        return
    user, device = _sign_in()
    client = parameters.require("c")
    check_version(parameters.require("v"))
    security.count_try(REQUESTS, "subsonic", str(user.id))
    g.subsonic_caller = Caller(user, device, client)
    if app_passwords.record_use(device, client):
        db.session.commit()


def check_version(version: str) -> None:
    """Raise the specification's error for an unsupported version."""
    try:
        major, minor = (int(part) for part in (*version.split("."), "0")[:2])
    except ValueError:
        raise SubsonicError(GENERIC, "v must be a version such as 1.16.1.") from None
    if major < _SUPPORTED[0]:
        raise SubsonicError(CLIENT_TOO_OLD, "The app must be updated: its version is too old.")
    if (major, minor) > _SUPPORTED:
        raise SubsonicError(
            SERVER_TOO_OLD, "The app uses a newer version of the Subsonic API than songrec."
        )


def _sign_in() -> tuple[User, AppPassword]:
    sent = {name: request.values.get(name) for name in ("apiKey", "u", "p", "t", "s")}
    if sent["apiKey"] is not None:
        if any(sent[name] is not None for name in "upts"):
            raise SubsonicError(CONFLICTING_CREDENTIALS, "Send apiKey alone, or u with p or t.")
        owned = app_passwords.with_api_key(db.session, parameters.text("apiKey"))
        if owned is None:
            raise _refusal(INVALID_API_KEY, "This API key is unknown or was revoked.")
        return owned[1], owned[0]
    if sent["p"] is not None and (sent["t"] is not None or sent["s"] is not None):
        raise SubsonicError(CONFLICTING_CREDENTIALS, "Send either p, or t with s.")
    name = parameters.require("u")
    user = users.find(db.session, name[:200])
    if sent["p"] is not None:
        device = app_passwords.with_password(db.session, user, _password(), current_cipher())
    else:
        token, salt = parameters.require("t"), parameters.require("s")
        device = app_passwords.with_token(db.session, user, token, salt, current_cipher())
    if user is None or device is None:
        text = "Wrong name or app password: your account's page makes app passwords."
        raise _refusal(WRONG_CREDENTIALS, text, name, user)
    return user, device


def _password() -> str:
    """Return the parameter ``p``, decoded if it is hexadecimal with the prefix ``enc:``."""
    password = parameters.text("p")
    if password.startswith("enc:"):
        try:
            return bytes.fromhex(password.removeprefix("enc:")).decode()
        except ValueError:
            return ""
    return password


def _refusal(code: int, text: str, name: str = "", user: User | None = None) -> SubsonicError:
    """Return the error for a wrong sign-in; 429 after too many.

    Only refusals are limited, because passwords are random and a device with an old password must
    not lock out others in the same network.
    """
    network = security.client_network()
    tries: list[tuple[Any, tuple[str, ...]]] = [(REFUSED, ("subsonic", network))]
    if name:
        tries.append(
            (
                REFUSED_NAME,
                ("subsonic", security.keyed_digest(f"account:{users.name_key(name)}"), network),
            )
        )
    for item, identifiers in tries:
        try:
            security.count_try(item, *identifiers)
        except TooManyRequests:
            if security.is_first(item, "app-sign-in-limited", *identifiers):
                security_log.record("app-sign-in-limited", user)
                db.session.commit()
            raise
    if user is not None and security.is_first(REFUSED_NAME, "app-sign-in-failed", *tries[-1][1]):
        security_log.record("app-sign-in-failed", user)
        db.session.commit()
    return SubsonicError(code, text)
