"""A person drops a song, sees how far it is, hears what sounds like it; programmers read on."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

from songrec.jobs import tasks
from songrec.services.training.request import TrainRequest
from songrec.services.training.train import train
from songrec.store import jobs
from songrec.store.db import db
from songrec.store.instance import Instance
from songrec.store.tables import Job
from tests.browser.conftest import LiveServer
from tests.browser.sizes import both_sizes
from tests.planted_run import come_from_sound
from tests.sounding import write_wav

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def working(live_server: LiveServer) -> Iterator[None]:
    """A run that was trained, and a thread that does jobs as the worker would."""
    stop = threading.Event()
    with live_server.app.app_context():
        come_from_sound(db.session)
        settings = {"clustering": {"clusters": 4}}
        train(
            Instance(live_server.instance, db.session),
            TrainRequest(representation="pca", parameters=settings),
        )
        db.session.commit()
        db.session.remove()

    def work() -> None:
        while not stop.wait(0.2):
            with live_server.app.app_context():
                while (waiting := jobs.claim(db.session, "worker")) is not None:
                    db.session.commit()
                    job = db.session.get_one(Job, waiting)
                    try:
                        result = getattr(tasks, job.kind)(db.session, job, lambda *_: None)
                        jobs.finish(db.session, waiting, result, log="", details={})
                    except Exception as error:  # noqa: BLE001 - told on the page
                        db.session.rollback()
                        jobs.fail(db.session, waiting, str(error))
                    db.session.commit()
                db.session.remove()

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    yield
    stop.set()
    thread.join(60)


@pytest.fixture(scope="module")
def song(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three seconds of sound."""
    return write_wav(tmp_path_factory.mktemp("mine") / "My own song.wav", 3.0)


@both_sizes
def test_a_song_is_dropped_and_what_sounds_like_it_is_shown(
    page: Any, working: None, song: Path
) -> None:
    page.goto("/")
    page.get_by_role("link", name="Upload", exact=True).click()
    page.get_by_role("heading", name="Find similar songs").wait_for()
    page.get_by_label("Choose a song").set_input_files(str(song))
    page.get_by_role("button", name="Find similar songs").click()
    page.get_by_role("heading", name="My own song", level=1).wait_for()
    page.get_by_role("heading", name="Similar songs").wait_for(timeout=120_000)
    expect(page.locator(".song-list > li")).to_have_count(10)
    # Its sound alone is known, and loudness is never said to be a reason: the figures tell.
    expect(page.locator(".song-list .scored summary").first).to_be_visible()
    expect(page.get_by_role("cell", name="measured from the sound").nth(0)).to_be_attached()
    expect(page.get_by_role("link", name="Sign in to keep it")).to_be_visible()
    fits = "document.documentElement.scrollWidth <= window.innerWidth"
    assert page.evaluate(fits)
    # The song itself plays in the player.
    page.get_by_role("link", name="Play", exact=True).click()
    end = time.monotonic() + 15
    while page.evaluate("document.querySelector('[data-player-audio]').currentTime") < 0.2:
        assert time.monotonic() < end
        page.wait_for_timeout(50)
    expect(page.locator("[data-player-title]")).to_have_text("My own song")
    page.get_by_role("button", name="Delete now").click()
    page.get_by_text("is deleted here").wait_for()


def test_what_is_no_song_is_told_with_its_reason(page: Any, working: None, tmp_path: Path) -> None:
    words = tmp_path / "words.mp3"
    words.write_text("words and no sound\n" * 20)
    page.goto("/upload")
    page.get_by_label("Choose a song").set_input_files(str(words))
    page.get_by_role("button", name="Find similar songs").click()
    page.get_by_role("alert").wait_for(timeout=120_000)
    assert "words.mp3" in page.get_by_role("alert").inner_text()
    page.get_by_role("link", name="Upload another song").click()
    page.get_by_role("heading", name="Find similar songs").wait_for()


def test_a_song_that_is_too_large_is_told_before_it_is_sent(
    page: Any, live_server: LiveServer, song: Path
) -> None:
    live_server.app.config["UPLOAD_AUDIO_BYTES"] = 1
    try:
        page.goto("/upload")
        page.get_by_label("Choose a song").set_input_files(str(song))
        page.get_by_role("button", name="Find similar songs").click()
        page.get_by_text("is larger than").wait_for()
    finally:
        live_server.app.config["UPLOAD_AUDIO_BYTES"] = 50 * 2**20


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_upload_and_player_are_accessible(
    browser: Any, live_server: LiveServer, working: None, song: Path, theme: str
) -> None:
    context = browser.new_context(
        base_url=live_server.url,
        color_scheme=theme,
        bypass_csp=True,
        viewport={"width": 1200, "height": 800},
    )
    page = context.new_page()
    found = []

    def look() -> None:
        found.extend(
            f"{page.url}: {violation['id']}: {violation['nodes'][0]['html']}"
            for violation in Axe().run(page).response["violations"]
            if violation["impact"] in ("serious", "critical")
        )

    page.goto("/upload")
    look()
    page.get_by_label("Choose a song").set_input_files(str(song))
    page.get_by_role("button", name="Find similar songs").click()
    page.get_by_role("heading", name="Similar songs").wait_for(timeout=120_000)
    page.get_by_role("link", name="Play", exact=True).click()
    page.get_by_role("region", name="Player").wait_for()
    look()
    context.close()
    assert found == []


def test_the_description_of_the_interface_is_drawn_without_a_network(
    page: Any, live_server: LiveServer
) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto("/api/v1/docs")
    page.locator("[data-api-docs][data-ready=true]").wait_for()
    page.locator("#operations-tracks-get_api_v1_tracks").click()
    page.get_by_role("button", name="Try it out").click()
    page.get_by_role("button", name="Execute").click()
    page.locator(".live-responses-table .response-col_status", has_text="200").wait_for()
    outside = [u for u in asked if not u.startswith((live_server.url, "data:", "blob:"))]
    assert outside == []
