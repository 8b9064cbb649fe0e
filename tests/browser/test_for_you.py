"""A person tunes the list for them, and takes a song out of it and back."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import LiveServer
from tests.browser.sizes import SIZES, both_sizes

pytestmark = pytest.mark.browser


def like(page: Any, *numbers: int) -> None:
    page.goto("/tracks")
    for number in numbers:
        button = page.locator(".songs-table button[value=like]").nth(number)
        with page.expect_response(re.compile("/reaction$")):
            button.click()


def until(page: Any, condition: Callable[[], bool]) -> None:
    """Wait for it. Playwright's own waiting evaluates text, which the pages' policy forbids."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        page.wait_for_timeout(50)


def titles(page: Any) -> list[str]:
    return page.locator("[data-answer] .title").all_inner_texts()


@both_sizes
def test_not_for_me_takes_one_song_out_and_undo_brings_it_back(
    page: Any, viewport: str, live_server: LiveServer
) -> None:
    like(page, 0, 1)
    page.goto("/recommendations")
    songs = page.locator("[data-answer] .song-list > li")
    expect(songs).to_have_count(20)
    place = songs.first.bounding_box()
    assert place["y"] + place["height"] < SIZES[viewport]["viewport"]["height"], "above the fold"
    before = titles(page)

    gone = songs.nth(2)
    gone.get_by_role("button", name=re.compile("^Not for me")).focus()
    page.keyboard.press("Enter")
    line = songs.nth(2)
    expect(line).to_have_text(re.compile(f"Removed “{re.escape(before[2])}”"))
    undo = line.get_by_role("button", name=f"Undo: {before[2]}")
    expect(undo).to_be_focused()
    expect(page.locator("[data-announce]")).to_contain_text(f"Removed “{before[2]}”")
    # One new song comes at the end, and no other song moves.
    expect(songs).to_have_count(21)
    assert titles(page)[:-1] == [*before[:2], *before[3:]]

    page.keyboard.press("Enter")
    expect(songs.nth(2).locator(".title")).to_have_text(before[2])
    expect(songs.nth(2).get_by_role("button", name=re.compile("^Like"))).to_be_focused()
    expect(songs).to_have_count(20)
    assert titles(page) == before

    # A like moves nothing either.
    songs.first.get_by_role("button", name=re.compile("^Like")).click()
    expect(songs).to_have_count(21)
    assert titles(page)[:-1] == before


def test_a_song_that_is_not_for_me_leaves_the_similar_ones_and_another_comes(page: Any) -> None:
    page.goto("/tracks/p000000017")
    songs = page.locator(".similar .song-list > li")
    shown = page.locator(".similar .song-list .title")
    before = shown.all_inner_texts()
    songs.first.get_by_role("button", name=re.compile("^Not for me")).click()
    expect(songs.first).to_contain_text(f"Removed “{before[0]}”")
    expect(songs).to_have_count(len(before) + 1)
    assert shown.all_inner_texts()[:-1] == before[1:]
    page.get_by_role("button", name=f"Undo: {before[0]}").click()
    expect(shown).to_have_text(before)
    # A reload shows what the page showed.
    songs.first.get_by_role("button", name=re.compile("^Not for me")).click()
    expect(songs).to_have_count(len(before) + 1)
    after = shown.all_inner_texts()
    page.reload()
    assert sorted(shown.all_inner_texts()) == sorted(after)
    # A like moves nothing here: with the next dislike one song comes, not two.
    after = shown.all_inner_texts()
    songs.first.get_by_role("button", name=re.compile("^Like")).click()
    expect(page.locator("[data-like-count]").first).to_have_text("1")
    songs.nth(1).get_by_role("button", name=re.compile("^Not for me")).click()
    expect(page.locator("[data-announce]")).to_contain_text("New at the end")
    assert shown.all_inner_texts()[:-1] == [after[0], *after[2:]]


@both_sizes
def test_a_slider_acts_at_once(page: Any, viewport: str) -> None:
    like(page, 3, 4)
    page.goto("/recommendations")
    before = titles(page)
    page.get_by_text("Tune", exact=True).click()
    expect(page.get_by_role("button", name="Show", exact=True)).to_have_count(0)
    slider = page.get_by_label(re.compile("^Rarities"))
    slider.focus()
    page.keyboard.press("End")
    page.wait_for_url(re.compile("novelty=1"))
    expect(page.locator("output[for=novelty]")).to_have_text("100%")
    until(page, lambda: titles(page) != before)
    expect(slider).to_be_focused()
    # What the address says is what a reload shows.
    shown = titles(page)
    page.reload()
    assert titles(page) == shown


def test_without_javascript_the_page_comes_back_with_undo(
    browser: Any, live_server: LiveServer
) -> None:
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/tracks")
    page.locator(".songs-table button[value=like]").first.click()
    page.goto("/recommendations")
    title = page.locator("[data-answer] .title").first.inner_text()
    page.get_by_role("button", name=f"Not for me: {title}").click()
    expect(page.locator(".notice")).to_contain_text(f"Removed “{title}” and updated your list.")
    page.get_by_text("Tune", exact=True).click()
    expect(page.get_by_role("button", name="Show", exact=True)).to_be_visible()
    page.get_by_role("button", name=f"Undo: {title}").click()
    expect(page.locator("[data-answer] .title").first).to_have_text(title)
    context.close()
