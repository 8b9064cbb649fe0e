"""Playlists written to music servers, one per mix and account. The caller commits."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.store.listeners import mixes
from songrec.store.tables import Mix, ServerAccount, ServerPlaylist

SYNC_KEY = "mixes"
"""Key in ``ServerAccount.sync`` of the last report of writing mixes."""
TRY_AGAIN = timedelta(hours=1)
"""Interval until failed writes are retried."""
MAX_REMOVALS = 50


def of_account(session: Session, account: ServerAccount) -> list[ServerPlaylist]:
    """Return the playlists written for an account, the oldest first."""
    query = select(ServerPlaylist).where(
        ServerPlaylist.account_id == account.id, ServerPlaylist.is_own
    )
    return list(session.scalars(query.order_by(ServerPlaylist.id)))


def receiving(session: Session, listener_id: int) -> list[ServerAccount]:
    """Return the accounts of a listener to which mixes are written."""
    query = select(ServerAccount).where(
        ServerAccount.listener_id == listener_id, ServerAccount.sends_mixes
    )
    return list(session.scalars(query.order_by(ServerAccount.id)))


def report(session: Session, account: ServerAccount, **values: object) -> None:
    """Store the report of the last writing, beside the reports of other exchanges."""
    account.sync = {**account.sync, SYNC_KEY: {**account.sync.get(SYNC_KEY, {}), **values}}
    session.flush()


def last_report(account: ServerAccount) -> dict[str, Any]:
    """Return the report of the last writing; empty before the first one."""
    return dict(account.sync.get(SYNC_KEY, {}))


def waiting(session: Session, at: datetime) -> list[int]:
    """Return the ids of listeners with mixes to write, without those tried recently."""
    accounts = session.scalars(select(ServerAccount).where(ServerAccount.sends_mixes)).all()
    listeners = []
    for account in accounts:
        tried = account.sync.get(SYNC_KEY, {}).get("tried_at")
        if tried and datetime.fromisoformat(tried) > at - TRY_AGAIN:
            continue
        written = {row.mix_id: row.synced_at for row in of_account(session, account)}
        query = select(Mix).where(Mix.listener_id == account.listener_id, Mix.made_at.is_not(None))
        on = {mix.id: mix.made_at for mix in session.scalars(query) if not mixes.is_off(mix)}
        outdated = any(
            (written.get(mix_id) or datetime.min.replace(tzinfo=at.tzinfo)) < made_at
            for mix_id, made_at in on.items()
            if made_at is not None
        )
        if outdated or any(mix_id not in on for mix_id in written):
            listeners.append(account.listener_id)
    return sorted(set(listeners))
