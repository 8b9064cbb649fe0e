"""Merging all duplicates at once, and undoing it."""

from __future__ import annotations

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.core.errors import Cancelled
from songrec.services.catalogue.duplicate_merges import merge_all, undo_all
from songrec.store.catalogue import duplicates, merge_redirects, merging
from songrec.store.catalogue.duplicates import DuplicatePair
from songrec.store.instance import Instance
from songrec.store.listeners import reactions
from songrec.store.tables import Listener, Track
from tests.factories import make_track


def ids(session: Session) -> set[int]:
    return set(session.scalars(select(Track.id)))


@pytest.fixture
def tracks(session: Session) -> list[int]:
    """Six tracks: three of one song, two of another, by their sound one of either."""
    numbers = [make_track(session).id for _ in range(6)]
    a, b, c, d, e, _ = numbers
    pairs = [(a, b, "names"), (b, c, "content"), (d, e, "names"), (c, d, "features")]
    duplicates.replace_all(session, [DuplicatePair(*pair) for pair in pairs])
    session.commit()
    return numbers


def test_only_groups_of_the_kinds_are_merged_into_the_best_track(
    app: Flask, session: Session, tracks: list[int]
) -> None:
    a, b, c, d, e, f = tracks
    person = Listener(token="somebody")
    session.add(person)
    session.flush()
    reactions.react(session, person, b, 1)
    instance = Instance(app.config["INSTANCE"], session)
    done = merge_all(instance, "batch", ("names", "content"))
    assert (done.tracks, done.groups, done.problems) == (3, 2, ())
    assert ids(session) == {b, d, f}  # the liked one stays, else the older
    assert merge_redirects.survivors(session, [a, c, e]) == {a: b, c: b, e: d}
    undone = undo_all(instance, "batch")
    assert (undone.tracks, undone.groups) == (3, 2)
    assert ids(session) == set(tracks)
    assert reactions.values(session, person) == {b: 1}
    assert duplicates.totals(session)["names"] == 2  # the groups are there again
    assert merge_redirects.last_batch(session) is None


def test_what_was_merged_further_by_hand_stays_and_is_named(
    app: Flask, session: Session, tracks: list[int]
) -> None:
    a, _, c, d, e, f = tracks
    instance = Instance(app.config["INSTANCE"], session)
    merge_all(instance, "batch", ("names",))
    merging.merge(session, f, a)
    session.commit()
    undone = undo_all(instance, "batch")
    assert undone.tracks == 1
    assert [problem for problem in undone.problems if "has a later one on top of it" in problem]
    assert ids(session) == {c, d, e, f}


def test_a_cancelled_job_leaves_whole_groups_that_can_be_undone(
    app: Flask, session: Session, tracks: list[int]
) -> None:
    def stop_after_one(fraction: float, message: str, details: object = None) -> None:
        if fraction > 0:
            raise Cancelled

    instance = Instance(app.config["INSTANCE"], session)
    with pytest.raises(Cancelled):
        merge_all(instance, "batch", ("names",), stop_after_one)
    session.rollback()
    batch = merge_redirects.last_batch(session)
    assert batch is not None
    assert (batch.batch, batch.count) == ("batch", 1)
    undo_all(instance, "batch")
    assert ids(session) == set(tracks)
