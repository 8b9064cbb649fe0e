"""Rate limits of sign-ins: by account and address, by address, and by account.

The last one counts attempts from all addresses, against distributed guessing. So that it does not
lock out the owner, browsers that have signed in to the account before, and addresses from which the
account is signed in, are counted separately.
"""

from __future__ import annotations

from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from werkzeug.exceptions import TooManyRequests

from songrec.store.db import db
from songrec.store.listeners import user_sessions, users
from songrec.store.tables import User
from songrec.web import security, security_log
from songrec.web.auth import browsers

BY_ACCOUNT_AND_ADDRESS = RateLimitItemPerMinute(10, 5)
"""Forgotten as soon as one try succeeds."""
BY_ADDRESS = RateLimitItemPerMinute(100, 5)
"""Limit for all accounts together, against one password tried on many names."""
BY_ACCOUNT = RateLimitItemPerHour(50)
"""From anywhere; apart for each browser and address that is known."""
ANYWHERE = "anywhere"

Tries = list[tuple[RateLimitItem, tuple[str, ...]]]


def count_sign_in(name: str) -> Tries:
    """Count one try to sign in as ``name``; 429 after too many.

    Returns what to forget after a success. An account that does not exist is counted like one that
    does.
    """
    address = security.client_network()
    user = users.find(db.session, name)
    key = _account(users.name_key(name))
    is_known_address = user_sessions.is_known_address(db.session, user, address)
    origin = browsers.known_browser(user) or (address if is_known_address else ANYWHERE)
    tries: Tries = [
        (BY_ADDRESS, (address,)),
        (BY_ACCOUNT_AND_ADDRESS, (key, address)),
        (BY_ACCOUNT, (key, origin)),
    ]
    for item, identifiers in tries:
        _count(item, identifiers, user)
    return [tries[1], *(() if origin == ANYWHERE else (tries[2],))]


def count_confirmation(user: User) -> None:
    """Count one try to confirm a change by the current password; 429 after too many."""
    _count(BY_ACCOUNT_AND_ADDRESS, (_account(user.name_key), security.client_network()), user)


def _account(name_key: str) -> str:
    """Return the part of a counter's key that stands for an account: no name outlives it."""
    return security.keyed_digest(f"account:{name_key}")


def forget(tries: Tries) -> None:
    """Reset the counters after a successful sign-in."""
    for item, identifiers in tries:
        security.forget_tries(item, *identifiers)


def _count(item: RateLimitItem, identifiers: tuple[str, ...], user: User | None) -> None:
    try:
        security.count_try(item, *identifiers)
    except TooManyRequests:
        if security.is_first(item, "sign-in-limited", *identifiers):
            security_log.record("sign-in-limited", user)
            db.session.commit()
        raise
