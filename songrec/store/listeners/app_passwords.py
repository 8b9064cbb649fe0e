"""Passwords and API keys of apps, one pair per device of an account.

The legacy sign-in of the Subsonic API sends ``md5(password + salt)``, which requires the password
in clear text: it is stored encrypted (``core.encryption``). Passwords and keys are random, so a
plain hash of a key cannot be reversed by guessing. The caller commits.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from datetime import timedelta
from typing import Any, cast

from sqlalchemy import CursorResult, delete, select, update
from sqlalchemy.orm import Session

from songrec.core.encryption import Cipher
from songrec.core.errors import BadInput, NotReady
from songrec.store.db import now
from songrec.store.tables import AppPassword, User

DEVICE_LENGTH = 60
MAX_DEVICES = 30
KEY_PREFIX = "songrec-app-"
# Unambiguous letters and digits that are easy to type on a phone.
_ALPHABET = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _GROUP = 5, 4
# Minimum interval between updates of "last used", because most requests should not write.
_LAST_USED_INTERVAL = timedelta(minutes=5)
_LONGEST = 200


def create(
    session: Session, user: User, device: str, cipher: Cipher
) -> tuple[AppPassword, str, str]:
    """Create the password and the API key of a device; return the row and both as clear text.

    They are shown once. ``BadInput`` for an empty or too long device name, or too many devices.
    """
    device = " ".join(device.split())
    if not 1 <= len(device) <= DEVICE_LENGTH:
        raise BadInput(f"A device needs a name of at most {DEVICE_LENGTH} characters.")
    if len(of_user(session, user)) >= MAX_DEVICES:
        raise BadInput(f"You have app passwords for {MAX_DEVICES} devices; revoke one first.")
    password = "-".join(
        "".join(secrets.choice(_ALPHABET) for _ in range(_GROUP)) for _ in range(_GROUPS)
    )
    api_key = KEY_PREFIX + secrets.token_urlsafe(32)
    row = AppPassword(
        user_id=user.id,
        device=device,
        secret=cipher.encrypt(password),
        api_key_hash=_hash(api_key),
    )
    session.add(row)
    session.flush()
    return row, password, api_key


def with_api_key(session: Session, api_key: str) -> tuple[AppPassword, User] | None:
    """Return the row with this API key and its account, or None."""
    if not api_key.startswith(KEY_PREFIX) or len(api_key) > _LONGEST:
        return None
    row = session.execute(
        select(AppPassword, User)
        .join(User, User.id == AppPassword.user_id)
        .where(AppPassword.api_key_hash == _hash(api_key), AppPassword.revoked_at.is_(None))
    ).one_or_none()
    return (row[0], row[1]) if row is not None else None


def with_password(
    session: Session, user: User | None, password: str, cipher: Cipher
) -> AppPassword | None:
    """Return the account's row with this password, or None."""
    sent = password.encode()
    return _matching(session, user, cipher, lambda clear: hmac.compare_digest(clear, sent))


def with_token(
    session: Session, user: User | None, token: str, salt: str, cipher: Cipher
) -> AppPassword | None:
    """Return the account's row whose password matches ``md5(password + salt) = token``, or None."""
    sent = token.lower().encode()

    def agrees(clear: bytes) -> bool:
        digest = hashlib.md5(clear + salt.encode(), usedforsecurity=False).hexdigest()
        return hmac.compare_digest(digest.encode(), sent)

    return _matching(session, user, cipher, agrees)


def _matching(
    session: Session, user: User | None, cipher: Cipher, agrees: Any
) -> AppPassword | None:
    """Compare with all passwords of the account, in a time that does not depend on the match."""
    matching = None
    for row in of_user(session, user) if user is not None else ():
        try:
            clear = cipher.decrypt(row.secret)
        except NotReady:
            continue  # encrypted with a lost key: this device can only use its API key
        if agrees(clear.encode()):
            matching = row
    return matching


def record_use(row: AppPassword, client: str) -> bool:
    """Record a sign-in of the app ``client``; False if that was recorded recently."""
    moment = now()
    client = client[:100]
    recent = row.last_used_at is not None and moment - row.last_used_at < _LAST_USED_INTERVAL
    if recent and row.last_client == client:
        return False
    row.last_used_at, row.last_client = moment, client
    return True


def of_user(session: Session, user: User) -> list[AppPassword]:
    """List the account's unrevoked app passwords, newest first."""
    return list(
        session.scalars(
            select(AppPassword)
            .where(AppPassword.user_id == user.id, AppPassword.revoked_at.is_(None))
            .order_by(AppPassword.id.desc())
        )
    )


def revoke(session: Session, user: User, row_id: int) -> AppPassword | None:
    """Revoke an app password of ``user`` and return it; None if it no longer exists."""
    row = session.scalar(
        select(AppPassword).where(
            AppPassword.id == row_id,
            AppPassword.user_id == user.id,
            AppPassword.revoked_at.is_(None),
        )
    )
    if row is not None:
        row.revoked_at = now()
        row.secret = ""  # nothing is left to decrypt
        session.flush()
    return row


def revoke_all(session: Session, user: User) -> int:
    """Revoke all app passwords of ``user`` and return their number."""
    statement = update(AppPassword).where(
        AppPassword.user_id == user.id, AppPassword.revoked_at.is_(None)
    )
    done = session.execute(statement.values(revoked_at=now(), secret=""))
    return cast(CursorResult[Any], done).rowcount


def prune(session: Session, days: int) -> int:
    """Delete rows that were revoked more than ``days`` ago; return their number."""
    ended = AppPassword.revoked_at < now() - timedelta(days=days)
    return cast(CursorResult[Any], session.execute(delete(AppPassword).where(ended))).rowcount


def _hash(clear: str) -> str:
    return hashlib.sha256(clear.encode()).hexdigest()
