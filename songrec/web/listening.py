"""Who is listening: an account, or a browser that carries a token in its signed cookie."""

from __future__ import annotations

import secrets

from flask import session as cookie
from flask_login import current_user
from sqlalchemy import select

from songrec.store import listeners
from songrec.store.db import db
from songrec.store.tables import Listener, User

TOKEN = "listener"  # noqa: S105 - the cookie's field, not a secret


def current_listener() -> Listener | None:
    """The listener of this request, or None for somebody who has liked nothing yet."""
    if current_user.is_authenticated:
        return _of_account(current_user)
    return _anonymous()


def require_listener() -> Listener:
    """The listener of this request, made now if there is none. The caller commits."""
    listener = current_listener()
    if listener is not None:
        return listener
    if current_user.is_authenticated:
        return _make(current_user.id)
    listener = _make(None)
    cookie[TOKEN] = listener.token
    cookie.permanent = True
    return listener


def current_reactions() -> dict[int, int]:
    """What the listener of this request thinks of tracks: track id to 1 (likes) or -1."""
    listener = current_listener()
    return listeners.values(db.session, listener) if listener else {}


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
        anonymous.token = secrets.token_urlsafe(32)
        db.session.flush()
        return
    listeners.merge(db.session, anonymous, account)


def _anonymous() -> Listener | None:
    token = cookie.get(TOKEN)
    if not token:
        return None
    return db.session.scalar(
        select(Listener).where(Listener.token == token, Listener.user_id.is_(None))
    )


def _of_account(user: User) -> Listener | None:
    return db.session.scalar(select(Listener).where(Listener.user_id == user.id))


def _make(user_id: int | None) -> Listener:
    listener = Listener(token=secrets.token_urlsafe(32), user_id=user_id)
    db.session.add(listener)
    db.session.flush()
    return listener
