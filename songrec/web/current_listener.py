"""Who is listening: an account, or a browser that carries a token in its signed cookie."""

from __future__ import annotations

from flask import g
from flask import session as cookie
from flask_login import current_user
from sqlalchemy import select

from songrec.store.db import db
from songrec.store.listeners import reactions, users
from songrec.store.tables import Listener, User
from songrec.web import security

TOKEN = "listener"  # noqa: S105 - the cookie's field, not a secret


def current_listener() -> Listener | None:
    """Return the listener of this request, or None for somebody who has liked nothing yet."""
    who = current_user.id if current_user.is_authenticated else cookie.get(TOKEN)
    cached: tuple[object, Listener] | None = g.get("listener")
    if cached is not None and cached[0] == who:
        return cached[1]
    listener = _of_account(current_user) if current_user.is_authenticated else _anonymous()
    if listener is not None:
        g.listener = (who, listener)
    return listener


def require_listener() -> Listener:
    """Return the listener of this request, created if there is none. The caller commits.

    429 when too many were made from the same address.
    """
    listener = current_listener()
    if listener is not None:
        return listener
    if current_user.is_authenticated:
        return users.require_listener(db.session, current_user)
    security.count_from_here(security.NEW_LISTENER_ADDRESS, "listener")
    listener = users.create_listener(db.session, _browser_token())
    cookie[TOKEN] = listener.token
    cookie.permanent = True
    return listener


def listener_of(user: User | None) -> Listener | None:
    """Return the listener of an account, or None while it has liked nothing."""
    return _of_account(user) if user is not None else None


def make_listener_of(user: User) -> Listener:
    """Return the listener of an account, created if there is none. The caller commits."""
    return users.require_listener(db.session, user)


def current_reactions() -> dict[int, int]:
    """Return the reactions of this request's listener: track id to 1 (likes) or -1."""
    listener = current_listener()
    return reactions.values(db.session, listener) if listener else {}


def adopt(user: User) -> None:
    """Move what this browser liked without an account into ``user``. The caller commits."""
    anonymous = _anonymous()
    cookie.pop(TOKEN, None)
    if anonymous is None:
        return
    account = _of_account(user)
    if account is None:
        anonymous.user_id = user.id
        # The old cookie must not open what now belongs to an account.
        anonymous.token = users.random_token()
        db.session.flush()
        return
    reactions.merge(db.session, anonymous, account)


def _anonymous() -> Listener | None:
    token = cookie.get(TOKEN)
    if not token:
        return None
    return db.session.scalar(
        select(Listener).where(Listener.token == token, Listener.user_id.is_(None))
    )


def _of_account(user: User) -> Listener | None:
    return users.listener_of(db.session, user)


def _browser_token() -> str:
    """Return a token that two first likes sent at the same moment agree on.

    Both carry the cookie of the page that they were pressed on, and with it that page's CSRF
    secret; a random token each would leave one of the likes with a listener nobody knows.
    """
    secret = cookie.get("csrf_token")
    if not secret:
        return users.random_token()
    return security.keyed_digest(f"listener:{secret}")
