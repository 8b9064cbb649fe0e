"""API tokens of accounts. Only the SHA-256 of a token is stored.

A token is 256 random bits, so a plain hash of it cannot be reversed by guessing (a password needs
a slow one). The caller commits.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from datetime import timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput
from songrec.store.db import now
from songrec.store.tables import ApiToken, User

PREFIX = "songrec_"
SCOPES: dict[str, str] = {
    "read": "Read your likes, playlists, uploads and recommendations.",
    "write": "Change your likes and playlists, and upload songs.",
}
NAME_LENGTH = 60
TOKEN_LIMIT = 20
# Minimum interval between updates of "last used", because most requests should not write.
LAST_USED_INTERVAL = timedelta(minutes=5)
EXPIRY_DAYS = (30, 90, 365)
"""Lifetimes offered on the account page, besides unlimited."""
MAX_DAYS = 3650


def create(
    session: Session,
    user: User,
    name: str,
    scopes: Iterable[str] = ("read",),
    days: int | None = None,
) -> tuple[ApiToken, str]:
    """Create a token for ``user``; return it and its clear text, which is shown once, never stored.

    ``write`` includes ``read``. It expires after ``days``, by default never. Raises ``BadInput``
    for an empty or too long name, an unknown scope, an invalid lifetime, or more than
    ``TOKEN_LIMIT`` tokens in use.
    """
    name = " ".join(name.split())
    if not 1 <= len(name) <= NAME_LENGTH:
        raise BadInput(f"A token needs a name of at most {NAME_LENGTH} characters.")
    requested = set(scopes)
    if not requested or requested - set(SCOPES):
        raise BadInput(f"A token may {' or '.join(SCOPES)}; it was given {sorted(requested)}.")
    if days is not None and not 1 <= days <= MAX_DAYS:
        raise BadInput(f"A token lasts 1 to {MAX_DAYS:,} days, or for ever; not {days}.")
    if sum(not is_expired(token) for token in of_user(session, user)) >= TOKEN_LIMIT:
        raise BadInput(f"You have {TOKEN_LIMIT} tokens; revoke one to make another.")
    if "write" in requested:
        requested.add("read")
    clear = PREFIX + secrets.token_urlsafe(32)
    token = ApiToken(
        user_id=user.id,
        name=name,
        token_hash=_hash(clear),
        scopes=" ".join(sorted(requested)),
        expires_at=now() + timedelta(days=days) if days is not None else None,
    )
    session.add(token)
    session.flush()
    return token, clear


def find(session: Session, clear: str) -> tuple[ApiToken, User] | None:
    """Return the valid token with this clear text and its account, or None."""
    token_and_user = _find(session, clear)
    return None if token_and_user is None or is_expired(token_and_user[0]) else token_and_user


def find_expired(session: Session, clear: str) -> tuple[ApiToken, User] | None:
    """Return the token with this clear text and its account if it has expired, else None."""
    token_and_user = _find(session, clear)
    return token_and_user if token_and_user is not None and is_expired(token_and_user[0]) else None


def _find(session: Session, clear: str) -> tuple[ApiToken, User] | None:
    if not clear.startswith(PREFIX) or len(clear) > 200:
        return None
    row = session.execute(
        select(ApiToken, User)
        .join(User, User.id == ApiToken.user_id)
        .where(ApiToken.token_hash == _hash(clear), ApiToken.revoked_at.is_(None))
    ).one_or_none()
    return (row[0], row[1]) if row is not None else None


def is_expired(token: ApiToken) -> bool:
    """Return whether the token has expired."""
    return token.expires_at is not None and token.expires_at <= now()


def record_use(token: ApiToken) -> bool:
    """Record the use of a token; return False if that was recorded recently."""
    moment = now()
    if token.last_used_at is not None and moment - token.last_used_at < LAST_USED_INTERVAL:
        return False
    token.last_used_at = moment
    return True


def of_user(session: Session, user: User) -> list[ApiToken]:
    """List the account's unrevoked tokens, including expired ones, newest first."""
    return list(
        session.scalars(
            select(ApiToken)
            .where(ApiToken.user_id == user.id, ApiToken.revoked_at.is_(None))
            .order_by(ApiToken.id.desc())
        )
    )


def revoke(session: Session, user: User, token_id: int) -> bool:
    """Revoke a token of ``user``; return False if it does not exist or is revoked already."""
    token = session.scalar(
        select(ApiToken).where(
            ApiToken.id == token_id, ApiToken.user_id == user.id, ApiToken.revoked_at.is_(None)
        )
    )
    if token is None:
        return False
    token.revoked_at = now()
    session.flush()
    return True


def revoke_all(session: Session, user: User) -> int:
    """Revoke all tokens of ``user`` and return their number."""
    statement = update(ApiToken).where(ApiToken.user_id == user.id, ApiToken.revoked_at.is_(None))
    done = session.execute(statement.values(revoked_at=now()))
    return cast(CursorResult[Any], done).rowcount


def prune(session: Session, days: int) -> int:
    """Delete tokens that were revoked or expired more than ``days`` ago; return their number."""
    before = now() - timedelta(days=days)
    ended = (ApiToken.revoked_at < before) | (ApiToken.expires_at < before)
    return cast(CursorResult[Any], session.execute(delete(ApiToken).where(ended))).rowcount


def allows(token: ApiToken, scope: str) -> bool:
    """Return whether the token may be used for ``scope``."""
    return scope in token.scopes.split()


def _hash(clear: str) -> str:
    return hashlib.sha256(clear.encode()).hexdigest()
