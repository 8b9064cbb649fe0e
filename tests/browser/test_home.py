"""A fresh visitor taps three hearts, sees rows with reasons, presses play and hears music."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from songrec.store.db import db
from songrec.store.tables import Track
from tests.browser.conftest import LiveServer
from tests.browser.sizes import both_sizes
from tests.sounding import add_sound, write_wav

pytestmark = pytest.mark.browser

SONGS = 30
REFRESH_MS = 300
"""Longer than a page waits after a reaction before it asks for another song."""


@pytest.fixture(scope="module")
def sound(live_server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Some of the planted songs have a little sound."""
    folder = tmp_path_factory.mktemp("sounds")
    with live_server.app.app_context():
        for number, track_id in enumerate(live_server.planted.track_ids[:SONGS].tolist()):
            path = write_wav(folder / f"{number}.wav", 30, 200 + 10 * number, 8000)
            track = db.session.get_one(Track, track_id)
            add_sound(db.session, track, path, duration_s=30.0)
        db.session.commit()
        db.session.remove()


def until(page: Any, condition: Callable[[], bool]) -> None:
    """Wait for it. Playwright's own waiting evaluates text, which the pages' policy forbids."""
    end = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        page.wait_for_timeout(50)


def clock(page: Any) -> float:
    return page.evaluate("document.querySelector('[data-player-audio]').currentTime")


@both_sizes
def test_three_hearts_become_rows_and_play_begins(page: Any, sound: None) -> None:
    page.goto("/")
    expect(page.get_by_role("heading", name="Press play")).to_be_visible()
    hearts = page.locator("[data-starters] .i-heart")
    began = time.monotonic()
    hearts.nth(0).click()
    rows = page.locator("[data-row=because]")
    expect(rows).to_have_count(1)
    print(f"first like to first row: {1000 * (time.monotonic() - began):.0f} ms")
    expect(page.locator("[data-home-count]")).to_have_text("1")
    # The songs to like stay where they are under the finger.
    hearts.nth(1).click()
    expect(rows).to_have_count(2)
    hearts.nth(2).click()
    expect(page.locator("[data-starters]")).to_have_count(0)
    expect(page.get_by_role("heading", name="Your mix")).to_be_focused()
    expect(rows).to_have_count(3)
    expect(rows.first.get_by_role("heading")).to_contain_text("Because you like “Song")
    expect(rows.first.locator(".reason").first).not_to_be_empty()
    page.get_by_role("link", name="Play your mix").click()
    until(page, lambda: clock(page) > 0.3)
    page.get_by_role("link", name="Pause your mix").click()
    expect(page.get_by_role("link", name="Play your mix")).to_be_visible()
    # What plays from a row says why it is there.
    tile = rows.locator(".tile:has([data-play]):has(.reason)").first
    tile.locator("[data-play]").click()
    expect(page.locator("[data-player-why]")).to_have_text(tile.locator(".reason").inner_text())
    # The page goes on showing the same rows, whatever is liked on it now.
    first = rows.first.locator(".title").first.inner_text()
    rows.first.locator(".i-heart").first.click()
    expect(page.locator("[data-like-count]").first).to_have_text("4")
    expect(rows.first.locator(".title").first).to_have_text(first)


REASONS = """(root) => Object.fromEntries(
  [...root.querySelectorAll("[data-row=because] .tile")].map((tile) => [
    tile.querySelector(".title").textContent, tile.querySelector(".reason")?.textContent ?? "",
  ]))"""


def shown_reasons(page: Any) -> dict[str, str]:
    """The reasons of the songs in rows because of likes, by title; empty where a song has none."""
    return page.evaluate(f"({REASONS})(document)")


def sent_reasons(page: Any) -> dict[str, str]:
    """The same as a reload would show them."""
    return page.evaluate(
        f"""async () => {{
          const text = await (await fetch("/")).text();
          return ({REASONS})(new DOMParser().parseFromString(text, "text/html"));
        }}"""
    )


def like(page: Any, count: int) -> None:
    page.goto("/")
    for number in range(count):
        with page.expect_response(re.compile("/reaction$")):
            page.locator("[data-starters] .i-heart").nth(number).click()
    page.goto("/")


@both_sizes
def test_not_for_me_brings_another_song_into_the_row_and_undo_the_first_one_back(
    page: Any, viewport: str
) -> None:
    like(page, 3)
    row = page.locator("[data-row=because]").first
    songs = row.locator(".tile")
    titles = row.locator(".tile .title")
    before = titles.all_inner_texts()
    heading = row.get_by_role("heading").inner_text()
    places = [round(song.bounding_box()["x"]) for song in songs.all()]
    dislike = songs.nth(1).get_by_role("button", name=f"Not for me: {before[1]}")
    dislike.focus()
    page.keyboard.press("Enter")
    undo = row.get_by_role("button", name=f"Undo: {before[1]}")
    expect(undo).to_be_focused()
    # The new one stands where the other one stood, and no other one moved.
    expect(songs).to_have_count(len(before))
    new = titles.nth(1).inner_text()
    assert new not in before
    assert titles.all_inner_texts() == [before[0], new, *before[2:]]
    if viewport == "desktop":
        assert [round(song.bounding_box()["x"]) for song in songs.all()] == places
    # Its reason is the one that the page gives it; a song that shares no trait has none.
    assert shown_reasons(page)[new] == sent_reasons(page)[new]
    expect(page.locator("[data-announce]")).to_contain_text(f"New in its place: “{new}”")
    expect(row.get_by_role("heading")).to_have_text(heading)
    undo.click()
    expect(titles).to_have_text(before)
    # A like adds nothing: the page is not even asked for another song.
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    songs.first.locator(".i-heart").click()
    expect(page.locator("[data-like-count]").first).to_have_text("4")
    page.wait_for_timeout(REFRESH_MS)
    assert [address for address in asked if not address.endswith("/reaction")] == []
    assert titles.all_inner_texts() == before


def test_a_dislike_undone_among_the_first_likes_leaves_the_rows_and_the_focus(page: Any) -> None:
    """While there are songs to like first, a like renews the rows; a dislike does not."""
    like(page, 1)
    row = page.locator("[data-row=because]").first
    titles = row.locator(".tile .title")
    before = titles.all_inner_texts()
    row.evaluate("(row) => { row.dataset.same = ''; }")
    row.get_by_role("button", name=f"Not for me: {before[1]}").focus()
    page.keyboard.press("Enter")
    expect(titles.nth(1)).not_to_have_text(before[1])
    page.keyboard.press("Enter")
    expect(titles).to_have_text(before)
    page.wait_for_timeout(REFRESH_MS)
    assert row.evaluate("(row) => row.isConnected && 'same' in row.dataset")
    expect(row.locator(".i-heart").nth(1)).to_be_focused()
    row.locator(".i-heart").nth(1).press("Enter")
    expect(page.locator("[data-home-count]")).to_have_text("2")
    expect(page.locator("[data-row=because]")).to_have_count(2)
    assert page.evaluate("document.activeElement !== document.body")


def test_without_javascript_not_for_me_is_undone_by_its_notice(
    browser: Any, live_server: LiveServer
) -> None:
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    for number in range(3):
        page.locator("[data-starters] .i-heart").nth(number).click()
    for address, place in (
        ("/", "[data-row=because] .tile"),
        ("/tracks/p000000017", ".similar .song-list > li"),
    ):
        page.goto(address)
        songs = page.locator(place)
        count = songs.count()
        title = songs.first.locator(".title").inner_text()
        named = page.get_by_role("button", name=f"Not for me: {title}", exact=True)
        songs.first.get_by_role("button", name=f"Not for me: {title}").click()
        expect(page.locator(".notice")).to_contain_text(f"Removed “{title}”.")
        expect(named).to_have_count(0)
        expect(songs).to_have_count(count)
        page.get_by_role("button", name=f"Undo: {title}").click()
        expect(named).to_have_count(1)
    context.close()


def test_hearts_and_rows_work_without_javascript(browser: Any, live_server: LiveServer) -> None:
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/")
    for number in range(3):
        page.locator("[data-starters] .i-heart").nth(number).click()
    expect(page.locator("[data-row=because]")).to_have_count(3)
    context.close()
