"""The security log: sign-ins, failed sign-ins, changes of rights, passwords and keys.

Every event is a row of ``security_event`` and a line of the logger ``songrec.security``. Neither
contains secrets or typed text: a name is stored only as a reference to an existing account. The
caller commits. In a request use ``songrec.web.security_log.record``, which adds actor and address.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, cast

from sqlalchemy import ColumnElement, CursorResult, delete, func, select
from sqlalchemy.orm import Session, aliased

from songrec.core.errors import BadInput
from songrec.store.db import now
from songrec.store.listeners.users import name_key
from songrec.store.tables import SecurityEvent, User

log = logging.getLogger("songrec.security")

KINDS: dict[str, str] = {
    "signed-in": "Signed in",
    "sign-in-failed": "Wrong name or password",
    "sign-in-limited": "Too many attempts to sign in",
    "signed-out": "Signed out",
    "signed-out-everywhere": "Signed out everywhere",
    "session-ended": "Ended the session of another browser",
    "password-changed": "Changed the password",
    "password-reset": "Password reset",
    "password-refused": "Wrong current password",
    "account-created": "Account created",
    "account-deleted": "Account deleted",
    "admin-granted": "Admin rights granted",
    "admin-revoked": "Admin rights revoked",
    "token-created": "API token created",
    "token-revoked": "API token revoked",
    "service-connected": "Service connected",
    "service-disconnected": "Service disconnected",
    "token-expired": "Expired API token used",
    "token-limited": "Too many unknown API tokens",
    "app-password-created": "App password created",
    "app-password-revoked": "App password revoked",
    "app-sign-in-failed": "Wrong app password",
    "app-sign-in-limited": "Too many wrong app passwords or keys",
    "server-added": "Music server connected",
    "server-removed": "Music server removed",
    "server-account-connected": "Account on a music server connected",
    "server-account-disconnected": "Account on a music server disconnected",
    "invitation-created": "Invitation created",
    "invitation-used": "Invitation used",
    "invitation-revoked": "Invitation revoked",
    "run-published": "Run published",
    "sharing-on": "Shares playlists for recommendations",
    "sharing-off": "Stopped sharing playlists",
}
"""Kinds of events with their labels."""
WARNINGS = frozenset(
    {
        "sign-in-failed",
        "sign-in-limited",
        "password-refused",
        "token-expired",
        "token-limited",
        "app-sign-in-failed",
        "app-sign-in-limited",
    }
)
RETENTION_DAYS = 180
MAX_EVENTS = 200_000
"""Limit of stored events, so that repeated failed sign-ins cannot fill the disk."""


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event with the names of the accounts, None without an account or after its deletion."""

    event: SecurityEvent
    user: str | None
    actor: str | None

    @property
    def label(self) -> str:
        """Description of the event for people."""
        return KINDS.get(self.event.kind, self.event.kind)

    def to_json(self) -> dict[str, Any]:
        """Return the event as ``flask security-log --json`` prints it."""
        event = self.event
        return {
            "id": event.id,
            "at": event.at.isoformat(),
            "kind": event.kind,
            "user": self.user,
            "actor": self.actor,
            "address": event.address,
            "request_id": event.request_id,
            "detail": event.detail,
        }


def record(
    session: Session,
    kind: str,
    *,
    user: User | None = None,
    actor: User | None = None,
    address: str | None = None,
    request_id: str | None = None,
    detail: str = "",
) -> None:
    """Add an event of ``KINDS``; the caller commits.

    Parameters
    ----------
    user
        The account concerned; None for an unknown name, which is not stored.
    actor
        The acting account; None without a signed-in account and for commands.
    address
        The client's network, None for commands.
    detail
        Text without secrets and without input of anonymous clients.
    """
    if kind not in KINDS:
        raise ValueError(f"unknown kind of security event {kind!r}; add it to KINDS")
    values: dict[str, Any] = {
        "user_id": user.id if user else None,
        "actor_id": actor.id if actor else None,
        "address": address,
        "detail": detail[:200],
    }
    session.add(SecurityEvent(kind=kind, request_id=request_id, **values))
    # Ids of accounts instead of names, because log files outlive deleted accounts. The formatter
    # adds the request's id.
    shown = " ".join(f"{name}={value}" for name, value in values.items() if value not in (None, ""))
    level = logging.WARNING if kind in WARNINGS else logging.INFO
    log.log(level, "%s %s", kind, shown, extra={"security_event": kind, **values})


def page(
    session: Session,
    number: int = 1,
    size: int = 50,
    *,
    kinds: Sequence[str] = (),
    account: str = "",
    since: datetime | None = None,
) -> tuple[list[LoggedEvent], int]:
    """Return one page of events, newest first (pages start at 1), and the total number.

    ``account`` is the name of the account that is concerned or that acted; without ``kinds`` all
    kinds are listed. Raises ``BadInput`` for an unknown kind.
    """
    if unknown := sorted(set(kinds) - set(KINDS)):
        raise BadInput(f"Unknown kind of event {unknown[0]!r}. Known: {', '.join(KINDS)}.")
    user, actor = aliased(User), aliased(User)
    conditions: list[ColumnElement[bool]] = []
    if kinds:
        conditions.append(SecurityEvent.kind.in_(kinds))
    if since is not None:
        conditions.append(SecurityEvent.at >= since)
    if account:
        accounts = select(User.id).where(User.name_key == name_key(account)).scalar_subquery()
        conditions.append(
            (SecurityEvent.user_id == accounts) | (SecurityEvent.actor_id == accounts)
        )
    total = session.scalar(select(func.count()).select_from(SecurityEvent).where(*conditions)) or 0
    rows = session.execute(
        select(SecurityEvent, user.name, actor.name)
        .join(user, user.id == SecurityEvent.user_id, isouter=True)
        .join(actor, actor.id == SecurityEvent.actor_id, isouter=True)
        .where(*conditions)
        .order_by(SecurityEvent.id.desc())
        .limit(size)
        .offset((number - 1) * size)
    )
    return [LoggedEvent(*row) for row in rows], total


def prune(session: Session, days: int = RETENTION_DAYS, max_events: int = MAX_EVENTS) -> int:
    """Delete events older than ``days`` and beyond ``max_events``; return their number."""
    last = session.scalar(
        select(SecurityEvent.id).order_by(SecurityEvent.id.desc()).limit(1).offset(max_events)
    )
    old = SecurityEvent.at < now() - timedelta(days=days)
    if last is not None:
        old |= SecurityEvent.id <= last
    return cast(CursorResult[Any], session.execute(delete(SecurityEvent).where(old))).rowcount
