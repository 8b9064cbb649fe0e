"""The frame of every page: search while typing, the links on a phone, the menu, notices, covers."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import LiveServer
from tests.browser.sizes import both_sizes
from tests.browser.test_accessibility import serious

pytestmark = pytest.mark.browser


@both_sizes
def test_a_search_is_answered_while_typing_and_followed_by_keyboard(
    page: Any, live_server: LiveServer, viewport: str
) -> None:
    page.goto("/mood")
    page.keyboard.press("/")
    field = page.get_by_role("combobox", name="Search everything")
    expect(field).to_be_focused()
    page.keyboard.type("song 12")
    options = page.get_by_role("option")
    expect(options.first).to_be_visible()
    expect(field).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    chosen = page.locator("[role=option][aria-selected=true]")
    assert field.get_attribute("aria-activedescendant") == chosen.get_attribute("id")
    title = chosen.locator(".title").inner_text()
    page.keyboard.press("Escape")
    expect(field).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_have_text(title)
    # A wrong letter is put right; Enter alone leads to the list of songs.
    expect(field).to_be_visible()  # as what the script makes of it
    page.keyboard.press("Control+k")
    expect(field).to_be_focused()
    page.keyboard.type("sonng")
    expect(page.locator(".suggestions-note")).to_contain_text("Showing song")
    page.keyboard.press("Enter")
    page.wait_for_url("**/tracks?q=sonng")


@both_sizes
def test_the_main_links_and_the_menu_are_within_reach(
    page: Any, live_server: LiveServer, viewport: str
) -> None:
    page.goto("/")
    links = page.get_by_role("navigation", name="Main").get_by_role("link")
    expect(links).to_have_text(["Home", "Browse", "Map", "Radio", "Playlists", "Upload"])
    boxes = [links.nth(n).bounding_box() for n in range(6)]
    height = page.viewport_size["height"]
    if viewport == "phone":
        assert all(box["y"] > height - 64 and box["height"] >= 44 for box in boxes)
        # The end of the page is not hidden behind the bar.
        page.evaluate("window.scrollTo(0, document.documentElement.scrollHeight)")
        foot = page.locator(".site-footer").bounding_box()
        assert foot["y"] + foot["height"] <= height - 55
    else:
        assert len({round(box["y"]) for box in boxes}) == 1
        assert boxes[0]["y"] < 64
    menu = page.locator("[data-menu]")
    menu.locator("summary").click()
    expect(menu.get_by_role("link", name="Your taste")).to_be_visible()
    page.keyboard.press("Escape")
    expect(menu.get_by_role("link", name="Your taste")).to_be_hidden()
    expect(menu.locator("summary")).to_be_focused()


def test_a_cover_stands_beside_every_song_of_a_list(page: Any, live_server: LiveServer) -> None:
    page.goto("/tracks")
    covers = page.locator(".songs-table .cover")
    assert covers.count() == page.locator(".songs-table .title").count()
    first = covers.first
    page.wait_for_function(
        "image => image.complete && image.naturalWidth > 0", arg=first.element_handle()
    )
    assert first.bounding_box()["width"] == 48


def test_a_notice_stays_in_view_until_it_is_closed(page: Any, live_server: LiveServer) -> None:
    page.goto("/tracks")
    page.locator(".songs-table button[value=like]").first.click()
    expect(page.locator("[data-like-count]")).to_have_text("1")
    page.set_viewport_size({"width": 1000, "height": 400})
    page.goto("/likes")
    page.get_by_role("button", name="Save as playlist").click()
    notice = page.locator(".flashes .notice")
    expect(notice).to_contain_text("is saved")
    page.evaluate("window.scrollTo(0, 300)")
    expect(notice).to_be_in_viewport()
    notice.get_by_role("button", name="Close this notice").click()
    expect(notice).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_suggestions_and_the_menu_are_accessible_while_they_are_open(
    browser: Any, live_server: LiveServer, theme: str
) -> None:
    context = browser.new_context(base_url=live_server.url, color_scheme=theme, bypass_csp=True)
    page = context.new_page()
    page.goto("/words")
    page.get_by_label("Search everything").fill("song 1")
    expect(page.get_by_role("option").first).to_be_visible()
    page.keyboard.press("ArrowDown")
    assert serious(page) == []
    page.keyboard.press("Escape")
    page.locator("[data-menu] > summary").click()
    assert serious(page) == []
    context.close()
