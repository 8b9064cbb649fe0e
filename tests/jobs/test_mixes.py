"""Mixes are queued for those who use apps or servers, and made when their time has come."""

from __future__ import annotations

from datetime import timedelta

from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.encryption import instance_cipher
from songrec.core.types import no_progress
from songrec.jobs import mixes as job
from songrec.jobs import schedule
from songrec.jobs.schedule import DueJob
from songrec.store.db import now
from songrec.store.listeners import app_passwords, mixes, reactions, users
from songrec.store.tables import Job, Listener, Publication
from tests.planted_run import Planted


def run(session: Session, listener: Listener) -> dict[str, object]:
    return job.run(session, Job(kind="mixes", parameters={"listener": listener.id}), no_progress)


def queued(session: Session, later: timedelta = timedelta(0)) -> list[DueJob]:
    return [one for one in schedule.due(session, now() + later) if one.kind == "mixes"]


def test_an_app_and_five_likes_make_mixes_every_morning(
    app: Flask, session: Session, planted: Planted
) -> None:
    user = users.create(session, "ada", "a long enough password")
    listener = users.require_listener(session, user)
    cipher = instance_cipher(app.config["INSTANCE"], app.config["ENCRYPTION_KEY"])
    app_passwords.create(session, user, "phone", cipher)
    reactions.like_all(session, listener, planted.track_ids[:4].tolist())
    assert queued(session) == []
    reactions.like_all(session, listener, planted.track_ids[4:5].tolist())
    assert queued(session) == [DueJob("mixes", {"listener": listener.id})]
    assert "New to you" in run(session, listener)["made"]
    assert queued(session) == []
    assert queued(session, timedelta(days=1)) == [DueJob("mixes", {"listener": listener.id})]


def test_mixes_that_were_all_removed_do_not_come_back(
    app: Flask, session: Session, planted: Planted
) -> None:
    user = users.create(session, "ada", "a long enough password")
    listener = users.require_listener(session, user)
    cipher = instance_cipher(app.config["INSTANCE"], app.config["ENCRYPTION_KEY"])
    app_passwords.create(session, user, "phone", cipher)
    reactions.like_all(session, listener, planted.track_ids[:8].tolist())
    run(session, listener)
    for mix in mixes.mixes_of(session, listener):
        mixes.remove(session, mix)
    assert queued(session, timedelta(days=3)) == []


def test_somebody_without_an_app_has_no_mixes_made(session: Session, planted: Planted) -> None:
    listener = users.create_listener(session, "browser")
    reactions.like_all(session, listener, planted.track_ids[:8].tolist())
    assert queued(session) == []


def test_mixes_wait_an_hour_where_they_cannot_be_made(session: Session, planted: Planted) -> None:
    listener = users.create_listener(session, "browser")
    mix = mixes.create(
        session, listener, mixes.MOOD, "x", settings={"genre": "folk"}, schedule="0 6 * * *"
    )
    mix.next_at = now() - timedelta(hours=3)
    session.commit()
    assert queued(session)
    publication = session.scalars(select(Publication)).one()
    published = publication.run_id
    session.delete(publication)
    result = run(session, listener)
    assert result["made"] == []
    assert "flask train" in str(result["problem"])
    session.add(Publication(run_id=published))
    session.flush()
    assert queued(session) == []
    assert queued(session, timedelta(hours=2))


def test_a_mix_whose_subject_is_gone_says_so_and_the_others_are_made(
    session: Session, planted: Planted
) -> None:
    listener = users.create_listener(session, "browser")
    for settings in ({"sound": "Unheard of"}, {"genre": "folk"}):
        mix = mixes.create(
            session, listener, mixes.MOOD, "x", settings=settings, schedule="0 6 * * *"
        )
        mix.next_at = now() - timedelta(hours=3)
    run(session, listener)
    gone, folk = mixes.mixes_of(session, listener)
    assert "Unheard of" in gone.comment
    assert mixes.tracks_of(session, gone) == []
    assert mixes.tracks_of(session, folk)
