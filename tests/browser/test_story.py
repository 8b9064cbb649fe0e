"""The whole story: browse, look around, like three songs, hear why, retrain, compare, publish."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from songrec.store.db import db
from songrec.store.listeners import users
from tests.browser.conftest import LiveServer
from tests.browser.sizes import both_sizes

pytestmark = pytest.mark.browser

ROOT = Path(__file__).resolve().parents[2]
NAME, PASSWORD = "curator", "correct horse battery"
TRAINING_SECONDS = 120
MODELS = {"desktop": "Autoencoder", "phone": "Principal components"}


@pytest.fixture(scope="module")
def admin(live_server: LiveServer) -> str:
    """An admin's name; the password is PASSWORD."""
    with live_server.app.app_context():
        users.create(db.session, NAME, PASSWORD, is_admin=True)
        db.session.commit()
        db.session.remove()
    return NAME


@pytest.fixture(scope="module")
def worker(live_server: LiveServer) -> Iterator[None]:
    """A real worker process on the server's instance."""
    process = subprocess.Popen(
        [sys.executable, "-m", "flask", "worker"],
        cwd=ROOT,
        env={**os.environ, "FLASK_APP": "app.py", "SONGREC_INSTANCE": str(live_server.instance)},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    yield
    process.terminate()
    process.wait(30)


def like_count(page: Any) -> int:
    return int(page.locator("[data-like-count]").inner_text())


def scrolls_sideways(page: Any) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))


def sign_in(page: Any) -> None:
    page.get_by_role("link", name="Sign in").click()
    page.get_by_label("Name", exact=True).fill(NAME)
    page.get_by_label("Password", exact=True).fill(PASSWORD)
    page.locator("main").get_by_role("button", name="Sign in").click()
    page.locator("form[action$='/sign-out']").wait_for(state="attached")


def choose_from_menu(page: Any, name: str) -> None:
    page.locator("[data-menu] > summary").click()
    page.locator("[data-menu]").get_by_role("link", name=name).click()


@both_sizes
def test_from_the_first_look_to_a_published_retraining(
    page: Any, live_server: LiveServer, admin: str, worker: None, viewport: str
) -> None:
    # A person browses clusters and looks around the map.
    page.goto("/")
    page.locator(".card-cluster h3 a").first.click()
    expect(page.get_by_role("heading", name="Songs", exact=True)).to_be_visible()
    page.get_by_role("link", name="Show on map").click()
    page.wait_for_selector("[data-map][data-ready=true]")

    # They like three songs of a list, without an account.
    page.goto("/clusters/0")
    for number in range(3):
        page.locator(".songs-table tbody tr").nth(number).get_by_role(
            "button", name=re.compile("^Like")
        ).click()
        expect(page.locator("[data-like-count]")).to_have_text(str(number + 1))
    liked = page.locator(".songs-table .title").all_inner_texts()[:3]

    # They get recommendations, each with a reason whose parts add up to the score.
    choose_from_menu(page, "For you")
    songs = page.locator(".song-list > li")
    expect(songs.nth(9)).to_be_attached()
    assert not set(liked) & set(page.locator(".song-list .title").all_inner_texts())
    first = songs.first
    assert first.locator(".reason").inner_text().strip()
    first.get_by_text("How this was scored").click()
    figures = [
        float(text.replace("−", "-").replace("+", ""))
        for text in first.locator(".sum").first.locator("td").all_inner_texts()
    ]
    assert sum(figures[:-1]) == pytest.approx(figures[-1], abs=0.0006 * len(figures))

    # "Not for me" takes a song away, for good.
    gone = first.locator(".title").inner_text()
    first.get_by_role("button", name=re.compile("^Not for me")).click()
    expect(page.locator("[data-announce]")).to_contain_text(f"Removed “{gone}”")
    page.reload()
    assert gone not in page.locator(".song-list .title").all_inner_texts()

    # The admin signs in: what was liked before moves into the account.
    sign_in(page)
    assert like_count(page) >= 3

    # They see how everything stands, press Retrain and watch.
    if viewport == "phone":
        choose_from_menu(page, "Admin")
    else:
        page.get_by_role("link", name="Admin").click()
    expect(page.get_by_role("heading", name="Published run")).to_be_visible()
    assert not scrolls_sideways(page)
    page.get_by_role("link", name="Settings").click()
    page.get_by_text("Other settings").click()
    label = MODELS[viewport]
    page.get_by_role("radio", name=re.compile(f"^{label}")).first.check()
    page.get_by_role("button", name="Retrain with these settings").click()
    page.wait_for_url(re.compile("/admin/jobs/"))
    page.get_by_role("link", name="Compare with the published run").wait_for(
        timeout=TRAINING_SECONDS * 1000
    )

    # They compare the new run with the old one and publish it.
    page.get_by_role("link", name="Compare with the published run").click()
    expect(page.get_by_text("Adjusted Rand index").first).to_be_visible()
    expect(page.locator(".flow-chart .ribbon").first).to_be_attached()
    assert not scrolls_sideways(page)
    page.get_by_role("button", name="Publish B").click()
    page.locator(".notice", has_text="is live.").wait_for()
    page.goto("/admin")
    published = page.locator(".status-value").filter(has_text=re.compile(f"{label}.*k-means"))
    expect(published).to_be_visible()

    # Rolling back is the same step.
    page.goto("/admin/runs")
    page.get_by_role("button", name="Roll back to this").last.click()
    page.locator(".notice", has_text="is live.").wait_for()
    page.goto("/admin")
    expect(page.locator(".status-value").first).to_be_visible()
    expect(published).to_have_count(0)


def test_everything_but_the_map_works_without_javascript(
    browser: Any, live_server: LiveServer
) -> None:
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/tracks?q=song&sort=tempo")
    page.locator(".songs-table button[value=like]").first.click()
    expect(page.locator("[data-like-count]")).to_have_text("1")
    assert page.url.endswith("/tracks?q=song&sort=tempo"), "back where they were"
    choose_from_menu(page, "For you")
    expect(page.locator(".song-list > li").nth(9)).to_be_attached()
    page.get_by_role("link", name="Browse", exact=True).click()
    page.get_by_role("link", name="Mood", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Mood")
    page.get_by_role("link", name="Map", exact=True).click()
    expect(page.get_by_role("heading", name="The map as a list")).to_be_visible()
    context.close()


def test_the_keyboard_reaches_the_content_first_and_likes_a_song(page: Any) -> None:
    page.goto("/clusters/1")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.textContent") == "Skip to content"
    page.keyboard.press("Enter")
    like = page.locator(".songs-table button[value=like]").first
    like.focus()
    page.keyboard.press("Enter")
    expect(page.locator("[data-like-count]")).to_have_text("1")


def test_the_theme_is_remembered(page: Any) -> None:
    page.goto("/")
    page.get_by_role("button", name="Switch to the dark theme").click()
    page.goto("/tracks")
    expect(page.locator("html")).to_have_attribute("data-bs-theme", "dark")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(22, 21, 18)"
