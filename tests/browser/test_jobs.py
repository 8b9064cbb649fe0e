"""An admin watches jobs: progress moves by itself, a job is cancelled, an ended one says so."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from songrec.jobs import queue
from songrec.store import jobs
from songrec.store.db import db
from songrec.store.listeners import users
from tests.browser.conftest import LiveServer
from tests.browser.test_player import playing, songs, start

__all__ = ["songs"]  # a fixture

pytestmark = pytest.mark.browser

PASSWORD = "correct horse battery"


@pytest.fixture(scope="module")
def admin(live_server: LiveServer) -> None:
    with live_server.app.app_context():
        users.create(db.session, "ada", PASSWORD, is_admin=True)
        db.session.commit()
        db.session.remove()


@pytest.fixture
def admin_page(page: Any, admin: None) -> Any:
    page.goto("/sign-in")
    page.get_by_label("Name", exact=True).fill("ada")
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Sign in").click()
    page.locator("form[action$='/sign-out']").wait_for(state="attached")
    return page


def test_progress_moves_and_a_job_can_be_cancelled(
    admin_page: Any, live_server: LiveServer
) -> None:
    page = admin_page
    with live_server.app.app_context():
        for representation in ("pca", "autoencoder"):
            queue.enqueue(db.session, "train", {"representation": representation})
        running = jobs.claim(db.session, "worker")
        assert running is not None
        db.session.commit()

        page.goto("/admin/jobs")
        rows = page.locator("[data-job-row]")
        expect(rows).to_have_count(2)
        bar = page.get_by_role("progressbar")
        expect(bar).to_have_js_property("value", 0)
        page.evaluate("window.isSamePage = true")
        jobs.report(db.session, running, progress=0.5, message="Epoch 20 of 40", log="", details={})
        db.session.commit()
        expect(bar).to_have_js_property("value", 0.5)
        expect(rows.first).to_contain_text("Epoch 20 of 40")
        assert page.evaluate("window.isSamePage")

        rows.nth(1).get_by_role("link").click()
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator(".page-head")).to_contain_text("Cancelled")

        page.goto("/admin/jobs")
        expect(rows).to_have_count(1)
        rows.first.get_by_role("link").click()
        page.get_by_role("button", name="Cancel").click()
        expect(page.locator("[data-job-word]")).to_have_text("Stopping")
        assert jobs.cancel_requested(db.session, running)
        jobs.cancelled(db.session, running, "Nothing was stored.")
        db.session.commit()
        # The page loads again by itself when the job has ended.
        expect(page.locator(".page-head")).to_contain_text("Cancelled")
        db.session.remove()


def test_a_song_plays_on_while_a_job_ends(
    admin_page: Any, live_server: LiveServer, songs: list[str]
) -> None:
    page = admin_page
    start(page, songs[0])
    page.evaluate("window.isSamePage = true")
    with live_server.app.app_context():
        queue.enqueue(db.session, "train", {"representation": "pca"})
        running = jobs.claim(db.session, "worker")
        assert running is not None
        db.session.commit()
        page.evaluate(
            """(href) => {
              const link = Object.assign(document.createElement("a"), { href });
              document.querySelector("main").append(link);
              link.click();
            }""",
            "/admin/jobs",
        )
        page.locator("[data-job-row]").get_by_role("link").click()
        jobs.report(db.session, running, progress=0.5, message="Epoch 20 of 40", log="", details={})
        db.session.commit()
        expect(page.locator("[data-job-message]")).to_have_text("Epoch 20 of 40")
        jobs.cancelled(db.session, running, "Nothing was stored.")
        db.session.commit()
        expect(page.locator(".page-head")).to_contain_text("Cancelled")
        assert page.evaluate("window.isSamePage")
        assert playing(page)
        db.session.remove()
