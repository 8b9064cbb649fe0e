"""Accounts: names, passwords (argon2id) and admin rights. The caller commits."""

from __future__ import annotations

import functools
import re
import secrets
import unicodedata
from collections.abc import Iterable
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerifyMismatchError
from sqlalchemy import delete as sql_delete
from sqlalchemy import func, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput, UnknownName
from songrec.core.passwords import weakness
from songrec.store.db import now
from songrec.store.listeners import api_tokens, app_passwords, user_sessions
from songrec.store.tables import ApiToken, Listener, User, UserSession

NAME_LENGTH = (3, 30)
PASSWORD_LENGTH = (10, 500)
# Letters and digits of any script first and last; in between also spaces and . _ - '.
_NAME = re.compile(r"[^\W_][\w .'-]*[^\W_]")

HASHER = PasswordHasher()  # RFC 9106's second recommendation: argon2id, 64 MiB, 3 passes


class NameTaken(BadInput):
    """Raised for a name that belongs to another account."""


def clean_name(name: str) -> str:
    """Return ``name`` in Unicode's composed form, stripped; ``BadInput`` if it is not allowed."""
    shortest, longest = NAME_LENGTH
    cleaned = unicodedata.normalize("NFKC", name).strip()
    if not shortest <= len(cleaned) <= longest or len(name_key(cleaned)) > 60:
        raise BadInput(f"A name has {shortest} to {longest} characters.")
    if not _NAME.fullmatch(cleaned):
        raise BadInput(
            "A name is made of letters, digits, spaces and . _ - ', "
            "and begins and ends with a letter or a digit."
        )
    return cleaned


def name_key(name: str) -> str:
    """Return the key under which two names count as the same: composed Unicode, without case."""
    return unicodedata.normalize("NFKC", name).strip().casefold()


def check_password(password: str, name: str = "") -> None:
    """Raise ``BadInput`` if ``password`` is too short, too long or equal to the name."""
    shortest, longest = PASSWORD_LENGTH
    if len(password) < shortest:
        raise BadInput(f"A password has at least {shortest} characters.")
    if len(password) > longest:
        raise BadInput(f"A password has at most {longest} characters.")
    if name and name_key(password) == name_key(name):
        raise BadInput("The password must not be the name.")
    if reason := weakness(password, name):
        raise BadInput(f"The password is easy to guess: {reason}. Use several unrelated words.")


def generate_password() -> str:
    """Generate a random password of 20 characters (about 119 bits)."""
    return secrets.token_urlsafe(15)


def find(session: Session, name: str) -> User | None:
    """Return the account called ``name``, ignoring case, or None."""
    return session.scalar(select(User).where(User.name_key == name_key(name)))


def get(session: Session, name: str) -> User:
    """Return the account called ``name``; ``UnknownName`` if it does not exist."""
    user = find(session, name)
    if user is None:
        raise UnknownName("account", name, session.scalars(select(User.name).limit(1000)))
    return user


def listener_of(session: Session, user: User) -> Listener | None:
    """Return the listener of an account, or None before its first reaction."""
    return session.scalar(select(Listener).where(Listener.user_id == user.id))


def names_by_listener(session: Session, listener_ids: Iterable[int | None]) -> dict[int, str]:
    """Return the account names of listeners, without those that have no account."""
    ids = [listener_id for listener_id in listener_ids if listener_id is not None]
    query = select(Listener.id, User.name).join(User, User.id == Listener.user_id)
    return dict(session.execute(query.where(Listener.id.in_(ids))).all())


def require_listener(session: Session, user: User) -> Listener:
    """Return the listener of an account, creating it if necessary."""
    return listener_of(session, user) or create_listener(session, random_token(), user.id)


def create_listener(session: Session, token: str, user_id: int | None = None) -> Listener:
    """Create the listener of an account, or of a browser that carries ``token``."""
    try:
        with session.begin_nested():
            listener = Listener(token=token, user_id=user_id)
            session.add(listener)
    except IntegrityError:
        # Another request inserted the row at the same time.
        same = Listener.token == token if user_id is None else Listener.user_id == user_id
        return session.scalars(select(Listener).where(same)).one()
    return listener


def random_token() -> str:
    """Return a new token of a listener."""
    return secrets.token_urlsafe(32)


def create(session: Session, name: str, password: str, *, is_admin: bool = False) -> User:
    """Create an account; ``BadInput`` for an unsuitable name or password."""
    cleaned = clean_name(name)
    check_password(password, cleaned)
    user = User(
        name=cleaned,
        name_key=name_key(cleaned),
        password_hash=HASHER.hash(password),
        session_key=secrets.token_urlsafe(32),
        is_admin=is_admin,
    )
    try:
        # A savepoint, because the unique constraint rejects one of two concurrent sign-ups.
        with session.begin_nested():
            session.add(user)
    except IntegrityError:
        raise NameTaken(f"The name {cleaned!r} is taken; choose another one.") from None
    return user


@functools.cache
def _decoy(hasher: PasswordHasher) -> str:
    return hasher.hash(secrets.token_urlsafe(32))


def authenticate(session: Session, name: str, password: str) -> User | None:
    """Return the account if name and password match, else None; takes the same time either way."""
    decoy = _decoy(HASHER)
    user = find(session, name)
    matches = _verify(user.password_hash if user else decoy, password[: PASSWORD_LENGTH[1] + 1])
    if user is None or not matches:
        return None
    if HASHER.check_needs_rehash(user.password_hash):
        user.password_hash = HASHER.hash(password)
    return user


def has_password(user: User, password: str) -> bool:
    """Return whether ``password`` is the account's."""
    return _verify(user.password_hash, password)


def _verify(password_hash: str, password: str) -> bool:
    try:
        return HASHER.verify(password_hash, password)
    except (VerifyMismatchError, InvalidHashError):
        return False


def set_password(
    session: Session, user: User, password: str, *, revoke_tokens: bool = False
) -> None:
    """Set a new password and end all sessions; with ``revoke_tokens`` also revoke all API keys."""
    check_password(password, user.name)
    user.password_hash = HASHER.hash(password)
    user.session_key = secrets.token_urlsafe(32)
    sign_out(session, user, revoke_tokens=revoke_tokens)


def reset_password(session: Session, user: User) -> str:
    """Set a generated password and return it; all sessions, API tokens and app passwords end."""
    password = generate_password()
    set_password(session, user, password, revoke_tokens=True)
    return password


def sign_out(session: Session, user: User, *, revoke_tokens: bool) -> tuple[int, int]:
    """End all sessions and, if requested, all API tokens and app passwords.

    Returns the numbers of sessions and of API tokens.
    """
    ended = user_sessions.end_all(session, user)
    revoked = api_tokens.revoke_all(session, user) if revoke_tokens else 0
    if revoke_tokens:
        app_passwords.revoke_all(session, user)
    session.flush()
    return ended, revoked


def set_admin(session: Session, user: User, is_admin: bool) -> None:
    """Grant or revoke admin rights; ``BadInput`` for the last admin."""
    if not is_admin:
        require_another_admin(session, user)
    user.is_admin = is_admin
    session.flush()


def delete(session: Session, user: User) -> None:
    """Delete the account with its likes and playlists; ``BadInput`` for the last admin."""
    require_another_admin(session, user)
    session.execute(sql_delete(User).where(User.id == user.id))
    session.expire_all()


def require_another_admin(session: Session, user: User) -> None:
    """Raise ``BadInput`` if ``user`` is the last admin."""
    # Write before reading, so that two admins cannot remove each other concurrently: the write
    # makes the second one wait on every database, including SQLite.
    session.execute(update(User).where(User.is_admin).values(is_admin=True))
    admins = session.scalars(select(User.id).where(User.is_admin)).all()
    if user.is_admin and list(admins) == [user.id]:
        raise BadInput(f"{user.name!r} is the last admin; make somebody else admin first.")


def admin_count(session: Session) -> int:
    """Return the number of admins."""
    return session.scalar(select(func.count()).select_from(User).where(User.is_admin)) or 0


def any_admin(session: Session) -> bool:
    """Return whether at least one account is an admin."""
    return session.scalar(select(User.id).where(User.is_admin).limit(1)) is not None


def everybody(session: Session) -> list[User]:
    """List all accounts by name."""
    return list(session.scalars(select(User).order_by(User.name_key)))


def overview(session: Session) -> list[dict[str, Any]]:
    """List all accounts by name, each with its numbers of sessions and of valid API tokens."""
    moment = now()
    sessions = (
        select(func.count())
        .where(UserSession.user_id == User.id, UserSession.expires_at > moment)
        .scalar_subquery()
    )
    tokens = (
        select(func.count())
        .where(
            ApiToken.user_id == User.id,
            ApiToken.revoked_at.is_(None),
            ApiToken.expires_at.is_(None) | (ApiToken.expires_at > moment),
        )
        .scalar_subquery()
    )
    rows = session.execute(
        select(
            User.name,
            User.is_admin,
            User.created_at,
            sessions.label("sessions"),
            tokens.label("tokens"),
        ).order_by(User.name_key)
    )
    return [dict(row._mapping) for row in rows]


def page(session: Session, number: int, size: int = 50) -> tuple[list[User], int]:
    """Return one page of accounts by name (pages start at 1) and the total number."""
    total = session.scalar(select(func.count()).select_from(User)) or 0
    rows = select(User).order_by(User.name_key).limit(size).offset((number - 1) * size)
    return list(session.scalars(rows)), total
