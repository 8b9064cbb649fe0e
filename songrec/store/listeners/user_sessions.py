"""Sessions of signed-in browsers, which end with the deletion of their row.

The browser's cookie holds a token of 256 random bits, the database its SHA-256. A cookie replayed
after the end of its session is invalid. The caller commits, unless stated otherwise.
"""

from __future__ import annotations

import contextlib
import hashlib
import secrets
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import Connection, CursorResult, Engine, bindparam, delete, exists, select, update
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from songrec.store.db import BUSY_TIMEOUT_MS, is_transient, now
from songrec.store.tables import User, UserSession

LIFETIME = timedelta(days=31)
"""Lifetime of a session after the last visit, and of the cookie."""
SESSION_LIMIT = 50
"""Limit of sessions per account; a further one replaces the least recently seen session."""
# Minimum interval between updates of "last seen", which never wait for another writer.
SEEN_INTERVAL = timedelta(minutes=15)
_SEEN_WAIT_MS = 50
# Built once: every page of a signed-in browser runs it.
_LOAD = (
    select(User, UserSession.id, UserSession.last_seen_at)
    .join(UserSession, UserSession.user_id == User.id)
    .where(
        UserSession.token_hash == bindparam("token_hash"),
        UserSession.expires_at > bindparam("moment", type_=UserSession.expires_at.type),
    )
)


def start(session: Session, user: User, *, device: str = "", address: str = "") -> str:
    """Start a session of ``user`` and return its token, which is not stored."""
    rows = of_user(session, user)
    for row in rows[SESSION_LIMIT - 1 :]:
        session.delete(row)
    token = secrets.token_urlsafe(32)
    session.add(
        UserSession(
            token_hash=_hash(token),
            user_id=user.id,
            device=device[:60],
            address=address[:45],
            expires_at=now() + LIFETIME,
        )
    )
    session.flush()
    return token


def load(session: Session, token: str) -> tuple[User, int, datetime] | None:
    """Return the account of a session, the session's id and when it was last seen.

    None for a token without a session. One query.
    """
    row = session.execute(_LOAD, {"token_hash": _hash(token), "moment": now()}).one_or_none()
    return None if row is None else (row[0], row[1], row[2])


def record_visit(engine: Engine, session_id: int, last_seen_at: datetime, address: str) -> None:
    """Record a visit of a session, unless one was recorded recently. **Commits.**

    Uses its own connection and does not wait for another writer; then a later request records the
    visit.
    """
    moment = now()
    if moment - last_seen_at < SEEN_INTERVAL:
        return
    seen = (
        update(UserSession)
        .where(UserSession.id == session_id)
        .values(last_seen_at=moment, expires_at=moment + LIFETIME, address=address[:45])
    )
    with engine.connect() as connection, _without_waiting(connection):
        try:
            connection.execute(seen)
            connection.commit()
        except OperationalError as error:
            connection.rollback()
            if not is_transient(error):
                raise


def of_user(session: Session, user: User) -> list[UserSession]:
    """List the account's sessions, the most recently seen first."""
    return list(
        session.scalars(
            select(UserSession)
            .where(UserSession.user_id == user.id, UserSession.expires_at > now())
            .order_by(UserSession.last_seen_at.desc(), UserSession.id.desc())
        )
    )


def is_known_address(session: Session, user: User | None, address: str) -> bool:
    """Return whether the account is signed in from ``address``; takes the same time for None."""
    account = user.id if user is not None else 0
    return bool(
        session.scalar(
            select(
                exists().where(
                    UserSession.user_id == account,
                    UserSession.address == address,
                    UserSession.expires_at > now(),
                )
            )
        )
    )


def has_token(row: UserSession, token: str) -> bool:
    """Return whether ``token`` is the one of this session."""
    return secrets.compare_digest(row.token_hash, _hash(token))


def end(session: Session, token: str) -> None:
    """End the session of this token, if it exists."""
    session.execute(delete(UserSession).where(UserSession.token_hash == _hash(token)))


def end_one(session: Session, user: User, session_id: int) -> bool:
    """End a session of ``user``; return False if the user has no such session."""
    statement = delete(UserSession).where(
        UserSession.id == session_id, UserSession.user_id == user.id
    )
    return bool(cast(CursorResult[Any], session.execute(statement)).rowcount)


def end_all(session: Session, user: User) -> int:
    """End all sessions of ``user`` and return their number."""
    statement = delete(UserSession).where(UserSession.user_id == user.id)
    return cast(CursorResult[Any], session.execute(statement)).rowcount


def end_everybody(session: Session) -> int:
    """End the sessions of all accounts and return their number."""
    return cast(CursorResult[Any], session.execute(delete(UserSession))).rowcount


def prune(session: Session) -> int:
    """Delete sessions that have expired and return their number."""
    statement = delete(UserSession).where(UserSession.expires_at <= now())
    return cast(CursorResult[Any], session.execute(statement)).rowcount


@contextlib.contextmanager
def _without_waiting(connection: Connection) -> Iterator[None]:
    """Make statements fail quickly if another process locks the database or the row."""
    if connection.dialect.name != "sqlite":
        # Until the end of the transaction.
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{_SEEN_WAIT_MS}ms'")
        yield
        return
    connection.exec_driver_sql(f"PRAGMA busy_timeout={_SEEN_WAIT_MS}")
    try:
        yield
    finally:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={BUSY_TIMEOUT_MS}")


def _hash(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
