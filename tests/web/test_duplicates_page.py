"""The page of duplicates: groups with reasons, merging one, undoing it, paging, searching."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from sqlalchemy.orm import Session

from songrec.jobs import tasks
from songrec.services.catalogue.duplicate_search import search
from songrec.store import jobs
from songrec.store.catalogue import duplicates as store
from songrec.store.instance import Instance
from songrec.store.listeners import reactions
from songrec.store.tables import Job, Listener, Track, TrackMerge, User
from tests.factories import make_track
from tests.web.accounts import admin, quick_hashes
from tests.web.html import links, parse, texts

__all__ = ["admin", "quick_hashes"]  # fixtures


def pair(session: Session, number: int = 0) -> tuple[int, int]:
    """The ids of a song and its remaster."""
    first = make_track(session, f"Song number {number}", artists="Ann", duration_ms=200_000)
    again = make_track(
        session, f"Song Number {number} - 2011 Remaster", artists="Ann", duration_ms=201_000
    )
    return first.id, again.id


def test_nobody_has_searched_yet(client: FlaskClient, admin: User) -> None:
    page = client.get("/admin/duplicates")
    assert texts(page, "main h2") == ["Not searched yet"]
    assert texts(page, "main button") == ["Search"]


def test_a_search_that_is_done_leads_to_what_it_found(
    client: FlaskClient, session: Session, admin: User
) -> None:
    job = jobs.create(session, "duplicates", {}, admin.id)
    assert jobs.claim(session, "worker")
    assert jobs.finish(session, job.id, {"groups": 1}, log="", details={})
    session.commit()
    page = client.get(f"/admin/jobs/{job.public_id}")
    panel = texts(page, ".panel p")
    assert "1 group of tracks that are probably the same song." in panel
    assert "/admin/duplicates" in links(page, ".panel a").values()


def test_a_group_is_shown_with_its_reason_and_merged_into_the_one_that_stays(
    client: FlaskClient, app: Flask, session: Session, admin: User
) -> None:
    first, again = pair(session)
    person = Listener(token="somebody")
    session.add(person)
    session.flush()
    reactions.react(session, person, again, 1)
    search(Instance(app.config["INSTANCE"], session))
    page = client.get("/admin/duplicates")
    reasons = texts(page, ".duplicates td.quiet")
    assert "same name and length as “Song number 0”" in reasons
    # What somebody likes had better stay: it is the one that is chosen.
    chosen = parse(page).select("input[name=keep][checked]")
    assert [radio["value"] for radio in chosen] == [str(again)]
    answer = client.post(
        "/admin/duplicates/merge",
        data={"keep": first, "track": [first, again]},
        follow_redirects=True,
    )
    assert texts(answer, ".notice-good") == ["1 song merged. You can undo it below."]
    assert session.get(Track, again) is None
    assert reactions.values(session, person) == {first: 1}
    merge = session.scalars(select(TrackMerge)).one()
    answer = client.post(f"/admin/duplicates/merges/{merge.id}/undo", follow_redirects=True)
    assert texts(answer, ".notice-good") == [
        "Song Number 0 - 2011 Remaster is restored with its likes, playlists and files."
    ]
    assert reactions.values(session, person) == {again: 1}
    assert texts(answer, ".duplicates td.quiet") == reasons  # the group is there again


@pytest.mark.parametrize(
    "form",
    [
        {},
        {"keep": "1"},
        {"keep": "x", "track": "1"},
        {"keep": "9" * 40, "track": "1"},
        {"keep": "²", "track": "1"},
        {"keep": "1", "track": "999999"},
    ],
)
def test_a_form_that_says_nothing_merges_nothing(
    client: FlaskClient, session: Session, admin: User, form: dict[str, str]
) -> None:
    make_track(session)
    session.commit()
    answer = client.post("/admin/duplicates/merge", data=form, follow_redirects=True)
    assert answer.status_code == 200
    assert texts(answer, ".notice-good") == []
    assert session.scalars(select(TrackMerge)).all() == []


def test_many_groups_are_paged(
    client: FlaskClient, app: Flask, session: Session, admin: User
) -> None:
    pairs = [pair(session, number) for number in range(45)]
    assert search(Instance(app.config["INSTANCE"], session)).groups == len(pairs)
    shown = [
        len(
            parse(client.get(f"/admin/duplicates?page={n}")).select(
                'form[action="/admin/duplicates/merge"]'
            )
        )
        for n in (1, 2, 3)
    ]
    assert shown == [20, 20, 5]


def test_a_search_is_a_job(client: FlaskClient, app: Flask, session: Session, admin: User) -> None:
    pair(session)
    session.commit()
    answer = client.post("/admin/duplicates/search")
    (job,) = [job for job in jobs.active(session) if job.kind == "duplicates"]
    assert answer.headers["Location"] == f"/admin/jobs/{job.public_id}"
    again = client.post("/admin/duplicates/search")
    assert again.headers["Location"] == answer.headers["Location"]
    result = tasks.duplicates(session, session.get_one(Job, job.id), lambda *rest: None)
    assert result["pairs"]["names"] == 1
    assert store.totals(session)["groups"] == 1


def test_all_groups_are_merged_and_restored_in_one_step_each(
    client: FlaskClient, app: Flask, session: Session, admin: User
) -> None:
    pairs = [pair(session, number) for number in range(3)]
    search(Instance(app.config["INSTANCE"], session))
    assert texts(client.get("/admin/duplicates"), ".merge-all .check") == [
        "same name and length 3 pairs"
    ]
    answer = client.post("/admin/duplicates/merge-all", data={"kind": ["names", "nonsense"]})
    job = last_merge(session)
    assert answer.headers["Location"] == f"/admin/jobs/{job.public_id}"
    assert "Merging duplicates: waiting." in texts(client.get("/admin/duplicates"), ".notice")
    work_off(session, job)
    page = client.get(f"/admin/jobs/{job.public_id}")
    assert "3 songs merged, of 3 groups. You can undo all of them in one step." in page.text
    assert {track.id for track in session.scalars(select(Track))} == {one for one, _ in pairs}
    assert texts(client.get("/admin/duplicates"), ".merge-batch button") == ["Undo all 3"]
    client.post("/admin/duplicates/undo-all")
    work_off(session, last_merge(session))
    restored = session.scalars(select(Track.id).order_by(Track.id)).all()
    assert restored == [one for pair in pairs for one in pair]
    page = client.get("/admin/duplicates")
    assert texts(page, ".merge-batch") == []
    assert len(parse(page).select("form.duplicates")) == 3
    again = client.post("/admin/duplicates/undo-all", follow_redirects=True)
    assert "Nothing is left to undo." in again.text


def test_no_reason_ticked_merges_nothing(
    client: FlaskClient, session: Session, admin: User
) -> None:
    answer = client.post("/admin/duplicates/merge-all", follow_redirects=True)
    assert "Tick at least one reason to merge by." in answer.text
    assert jobs.active(session) == []


def last_merge(session: Session) -> Job:
    return next(job for job in jobs.active(session) if job.kind == "merge")


def work_off(session: Session, job: Job) -> None:
    jobs.claim(session, "worker")
    result = tasks.merge(session, session.get_one(Job, job.id), lambda *rest: None)
    jobs.finish(session, job.id, result, log="", details={})
    session.commit()
