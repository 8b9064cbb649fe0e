"""Accounts of ListenBrainz, and the plays and reactions to send there. The caller commits."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, func, select, update
from sqlalchemy.orm import Session

from songrec.store.bulk import chunks
from songrec.store.tables import Listen, ListenBrainzAccount, Listener, Reaction

_IMPORTED = ("listenbrainz", "lastfm", "spotify", "deezer", "apple", "itunes", "youtube", "csv", "")
"""Sources of imported plays, which are never sent; earlier versions stored no ``sent_at``."""


def of_listener(session: Session, listener: Listener | None) -> ListenBrainzAccount | None:
    """Return the account of a listener."""
    if listener is None:
        return None
    return session.scalar(
        select(ListenBrainzAccount).where(ListenBrainzAccount.listener_id == listener.id)
    )


def find(session: Session, account_id: int) -> ListenBrainzAccount | None:
    """Return an account by its id."""
    return session.get(ListenBrainzAccount, account_id)


def everybody(session: Session) -> list[ListenBrainzAccount]:
    """List all accounts."""
    return list(session.scalars(select(ListenBrainzAccount).order_by(ListenBrainzAccount.id)))


def unsent(
    session: Session,
    account: ListenBrainzAccount,
    until: datetime,
    limit: int,
    since: datetime | None = None,
) -> list[Listen]:
    """List plays in songrec that were not sent yet, oldest first.

    Plays before ``since``, by default before sending was switched on, are left out.
    """
    query = _unsent(account, until, since).order_by(Listen.played_at, Listen.id).limit(limit)
    return list(session.scalars(query.execution_options(populate_existing=True)))


def count_unsent(
    session: Session,
    account: ListenBrainzAccount,
    until: datetime,
    since: datetime | None = None,
) -> int:
    """Count the plays that are not sent yet."""
    query = _unsent(account, until, since).subquery()
    return session.scalar(select(func.count()).select_from(query)) or 0


def mark_sent(session: Session, ids: Sequence[int], at: datetime) -> None:
    """Record that plays were sent."""
    for part in chunks(list(ids)):
        session.execute(update(Listen).where(Listen.id.in_(part)).values(sent_at=at))


def reactions_since(
    session: Session, account: ListenBrainzAccount, since: datetime, limit: int
) -> list[Reaction]:
    """List the likes and dislikes given after ``since``, oldest first."""
    query = (
        select(Reaction)
        .where(Reaction.listener_id == account.listener_id, Reaction.created_at > since)
        .order_by(Reaction.created_at, Reaction.track_id)
        .limit(limit)
    )
    return list(session.scalars(query.execution_options(populate_existing=True)))


def _unsent(
    account: ListenBrainzAccount, until: datetime, since: datetime | None
) -> Select[tuple[Listen]]:
    return select(Listen).where(
        Listen.listener_id == account.listener_id,
        Listen.sent_at.is_(None),
        Listen.is_skip.is_(False),
        Listen.source.not_in(_IMPORTED),
        Listen.key.not_like("server:%"),  # counts of a music server without times of single plays
        Listen.title != "",
        Listen.artists != "",
        Listen.played_at >= (since or account.sends_since or until),
        Listen.played_at <= until,
    )
