"""Invitations: links for creating one account each. The caller commits.

Only the SHA-256 of a link's secret is stored: 256 random bits cannot be guessed from it.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from songrec.core.errors import BadInput
from songrec.store.db import now
from songrec.store.tables import Invitation, User

NOTE_LENGTH = 60
DAYS = 7
MAX_DAYS = 90
LIMIT = 500
"""Maximum number of open invitations."""
HISTORY = timedelta(days=30)
"""Period in which used and expired invitations are listed."""


def create(
    session: Session, note: str = "", days: int = DAYS, creator: User | None = None
) -> tuple[Invitation, str]:
    """Create an invitation; return it and its secret, which is shown once, never stored.

    ``note`` describes the invited person. Raises ``BadInput`` for a long note, days out of range or
    too many open invitations.
    """
    note = " ".join(note.split())
    if len(note) > NOTE_LENGTH:
        raise BadInput(f"A note has at most {NOTE_LENGTH} characters.")
    if not 1 <= days <= MAX_DAYS:
        raise BadInput(f"An invitation lasts from 1 to {MAX_DAYS} days; not {days}.")
    _prune(session)
    if sum(is_open(one) for one in recent(session)) >= LIMIT:
        raise BadInput(f"{LIMIT} invitations are open; revoke one to make another.")
    secret = secrets.token_urlsafe(32)
    invitation = Invitation(
        secret_hash=_hash(secret),
        note=note,
        creator_id=creator.id if creator else None,
        expires_at=now() + timedelta(days=days),
    )
    session.add(invitation)
    session.flush()
    return invitation, secret


def recent(session: Session) -> list[Invitation]:
    """List open invitations and those that ended within ``HISTORY``, newest first."""
    rows = select(Invitation).where(Invitation.expires_at > now() - HISTORY)
    return list(session.scalars(rows.order_by(Invitation.id.desc())))


def is_open(invitation: Invitation) -> bool:
    """Return whether an account can still be created with the invitation."""
    return invitation.used_at is None and invitation.expires_at > now()


def find(session: Session, secret: str) -> Invitation | None:
    """Return the open invitation with this secret, or None."""
    if not secret or len(secret) > 200:
        return None
    invitation = session.scalar(select(Invitation).where(Invitation.secret_hash == _hash(secret)))
    return invitation if invitation is not None and is_open(invitation) else None


def redeem(session: Session, secret: str, user: User) -> Invitation:
    """Use an invitation for ``user``'s new account; ``BadInput`` if it is no longer open."""
    # One statement, so that only one of two concurrent sign-ups succeeds.
    invitation = session.scalar(
        update(Invitation)
        .where(
            Invitation.secret_hash == _hash(secret),
            Invitation.used_at.is_(None),
            Invitation.expires_at > now(),
        )
        .values(used_at=now(), user_id=user.id)
        .returning(Invitation)
    )
    if invitation is None:
        raise BadInput("This invitation was used, revoked or has expired; ask for a new one.")
    return invitation


def revoke(session: Session, invitation_id: int) -> bool:
    """Delete an open invitation; return False if it does not exist."""
    done = session.execute(
        delete(Invitation).where(Invitation.id == invitation_id, Invitation.used_at.is_(None))
    )
    return done.rowcount == 1  # type: ignore[attr-defined]


def _prune(session: Session) -> None:
    ended = now() - HISTORY
    session.execute(
        delete(Invitation).where(or_(Invitation.expires_at < ended, Invitation.used_at < ended))
    )


def _hash(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
