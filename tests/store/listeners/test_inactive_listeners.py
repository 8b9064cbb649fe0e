"""Listeners without an account who said nothing for long are removed, and nobody else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from songrec.core.errors import BadInput
from songrec.store import jobs
from songrec.store.db import Base, UtcDateTime, now
from songrec.store.listeners import inactive_listeners, mixes, playlists, reactions, skips, users
from songrec.store.tables import Listener, Reaction, Skip, Track
from tests.factories import make_track

LONG_AGO = timedelta(days=100)


def listener(session, token, *, ago=LONG_AGO, **values):
    row = Listener(token=token, created_at=now() - ago, **values)
    session.add(row)
    session.flush()
    return row


def tokens(session):
    return set(session.scalars(select(Listener.token)))


def test_only_those_without_account_and_without_a_recent_sign_go(session):
    track = make_track(session)
    account = users.create(session, "anna", "a long password", is_admin=False)
    listener(session, "with account", user_id=account.id)
    listener(session, "new", ago=timedelta(days=5))
    listener(session, "looked once")
    liked = listener(session, "liked long ago")
    reactions.react(session, liked, track.id, 1)
    session.execute(update(Reaction).values(created_at=now() - LONG_AGO))
    again = listener(session, "liked lately")
    reactions.react(session, again, track.id, -1)
    skips.record(session, listener(session, "skipped lately"), track.id)
    skips.record(session, listener(session, "skipped long ago"), track.id, at=now() - LONG_AGO)
    playlists.create(session, listener(session, "made a list"), name="Mine", track_ids=[track.id])
    gone = {"looked once", "liked long ago", "skipped long ago"}
    everyone = tokens(session)
    assert inactive_listeners.count(session, 30) == len(gone)
    assert tokens(session) == everyone
    assert inactive_listeners.remove(session, 30) == len(gone)
    session.commit()
    assert tokens(session) == everyone - gone
    # What was theirs went along, what is others' stays.
    assert session.scalars(select(Reaction.listener_id)).all() == [again.id]
    assert session.scalar(select(func.count()).select_from(Skip)) == 1
    assert session.get(Track, track.id) is not None
    assert inactive_listeners.remove(session, 30) == 0
    assert inactive_listeners.count(session, 200) == 0


def test_mixes_that_renew_themselves_keep_nobody(session):
    gone, importing = listener(session, "has mixes"), listener(session, "imports a list")
    mix = mixes.create(session, gone, mixes.REDISCOVER, "Mine", schedule="0 4 * * *")
    mix.created_at = now() - LONG_AGO
    for kind, whose in (("mixes", gone), ("import", importing)):
        jobs.create(session, kind, {}, listener_id=whose.id)
    assert inactive_listeners.remove(session, 30) == 1
    assert tokens(session) == {"imports a list"}


def test_every_table_of_a_listener_s_own_is_asked_for_signs():
    asked = {whose.class_.__tablename__ for whose, _ in inactive_listeners.ACTIVITY}
    own = {
        table.name
        for table in Base.metadata.tables.values()
        if any(key.column.table.name == "listener" for key in table.foreign_keys)
    }
    assert asked == own - inactive_listeners.OF_ACCOUNTS
    assert own > inactive_listeners.OF_ACCOUNTS
    assert all(isinstance(when.type, UtcDateTime) for _, when in inactive_listeners.ACTIVITY)


def test_listeners_are_kept_a_day_at_least(session):
    with pytest.raises(BadInput, match="one day"):
        inactive_listeners.remove(session, 0)


def test_the_command_counts_first_and_removes_then(app, session):
    listener(session, "one")
    listener(session, "two", ago=timedelta(days=500))
    session.commit()
    run = app.test_cli_runner().invoke

    def say(*words):
        return run(args=["listeners", "prune", *words]).output.strip()

    listeners = "1 listener without an account, inactive for 365 days"
    assert say("--dry-run") == f"{listeners}; nothing removed (dry run)."
    assert tokens(session) == {"one", "two"}
    assert say() == f"Removed {listeners}."
    assert tokens(session) == {"one"}
    assert '"removed": 1' in say("--days", "30", "--json")
    assert run(args=["listeners", "prune", "--days", "0"]).exit_code == 1
