"""Playlists are put in order by hand and by keys, and shared; songs are suggested."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from songrec.store.db import db
from songrec.store.tables import Track
from tests.browser.conftest import LiveServer
from tests.browser.sizes import both_sizes
from tests.browser.test_accessibility import fits, serious

pytestmark = pytest.mark.browser


@pytest.fixture
def songs(live_server: LiveServer) -> list[str]:
    """Public ids of four songs."""
    with live_server.app.app_context():
        ids = live_server.planted.track_ids[:4].tolist()
        found = [db.session.get_one(Track, track_id).public_id for track_id in ids]
        db.session.remove()
    return found


def make_playlist(page: Any, songs: list[str]) -> None:
    """Make a playlist as its form does and look at it."""
    page.goto("/playlists")
    page.evaluate(
        """songs => {
          const form = document.querySelector("main form[method=post]");
          form.elements.name.value = "For the road";
          const field = document.createElement("input");
          form.append(Object.assign(field, { name: "tracks", value: songs }));
          form.requestSubmit();
        }""",
        ",".join(songs),
    )
    expect(page.get_by_role("heading", name="For the road", level=1)).to_be_visible()


def titles(page: Any) -> list[str]:
    return page.locator(".songs-table .title").all_inner_texts()


@both_sizes
def test_songs_are_dragged_and_moved_by_keys(page: Any, songs: list[str], viewport: str) -> None:
    make_playlist(page, songs)
    expect(page.locator("[data-drag]").first).to_be_visible()
    one, two, three, four = titles(page)

    # By hand: the first song is dropped on the third.
    with page.expect_response(re.compile("/tracks/")) as moved:
        handle = page.locator("[data-drag]").nth(0).bounding_box()
        target = page.locator(".songs-table tbody tr").nth(2).bounding_box()
        page.mouse.move(handle["x"] + 8, handle["y"] + 8)
        page.mouse.down()
        page.mouse.move(handle["x"] + 8, target["y"] + target["height"] * 0.8, steps=8)
        page.mouse.up()
    assert moved.value.ok
    assert titles(page) == [two, three, one, four]
    numbers = page.locator(".songs-table tbody .cell-number > span").all_text_contents()
    assert numbers == ["1", "2", "3", "4"]

    # By keys: the focus stays with the song.
    page.locator("[data-drag]").nth(2).focus()
    with page.expect_response(re.compile("/tracks/")) as moved:
        page.keyboard.press("ArrowUp")
        page.keyboard.press("ArrowUp")
    assert moved.value.ok
    assert titles(page) == [one, two, three, four]
    expect(page.get_by_role("button", name=f"Move {one}", exact=True)).to_be_focused()
    expect(page.locator("[data-announce]")).to_have_text(f"{one} is number 1 now.")
    page.reload()
    assert titles(page) == [one, two, three, four]

    # The menu beside a song does it, too; Escape closes it and gives the focus back.
    row = page.locator(".songs-table tbody tr").nth(3)
    menu = row.locator("details.menu > summary")
    menu.focus()
    page.keyboard.press("Enter")
    expect(row.get_by_role("button", name="Move to the top")).to_be_visible()
    page.keyboard.press("Escape")
    expect(row.get_by_role("button", name="Move to the top")).to_be_hidden()
    expect(menu).to_be_focused()
    page.keyboard.press("Enter")
    row.get_by_role("button", name="Move to the top").click()
    expect(page.locator(".songs-table .title").first).to_have_text(four)
    # Titles have room, and nothing is wider than the window.
    assert page.locator(".songs-table .song").first.bounding_box()["width"] >= 180
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")


def test_a_link_shows_a_playlist_to_somebody_else_until_it_is_revoked(
    page: Any, browser: Any, live_server: LiveServer, songs: list[str]
) -> None:
    make_playlist(page, songs)
    page.get_by_role("button", name="Create a link").click()
    link = page.get_by_label("Link to this playlist").input_value()
    visitor = browser.new_context(base_url=live_server.url).new_page()
    assert visitor.goto(link).ok
    assert titles(visitor) == titles(page)
    assert visitor.locator("[data-drag], [name=do]").count() == 0
    visitor.get_by_role("button", name="Save to my playlists").click()
    expect(visitor.locator("[data-drag]").first).to_be_visible()
    page.get_by_role("button", name="Revoke the link").click()
    expect(page.get_by_role("button", name="Create a link")).to_be_visible()
    assert visitor.goto(link).status == 404
    visitor.context.close()


@both_sizes
def test_a_path_is_chosen_by_keyboard_from_suggestions(page: Any, viewport: str) -> None:
    page.goto("/path")
    for label, title in (("From", "Song 17"), ("To", "Song 23")):
        field = page.get_by_role("combobox", name=label, exact=True)
        field.focus()
        page.keyboard.type(title)
        option = page.get_by_role("option", name=re.compile(f"^{title} "))
        expect(option).to_be_visible()
        expect(field).to_have_attribute("aria-expanded", "true")
        page.keyboard.press("ArrowDown")
        expect(option).to_have_attribute("aria-selected", "true")
        page.keyboard.press("Enter")
        expect(field).to_have_value(title)
        expect(field).to_have_attribute("aria-expanded", "false")
    page.get_by_role("button", name="Build path").press("Enter")
    expect(page.get_by_role("heading", name="8 songs along the path")).to_be_visible()
    found = page.locator(".song-list .title").all_inner_texts()
    assert (found[0], found[-1]) == ("Song 17", "Song 23")


def test_an_unsure_song_of_a_list_is_decided_and_undone(page: Any, songs: list[str]) -> None:
    """From the import's report to the page of decisions, which axe finds nothing serious on."""
    page.goto(f"/tracks/{songs[0]}")
    title = page.locator("h1").inner_text()
    artist = page.locator("main a[href*='/artists/']").first.inner_text()
    page.goto("/me")
    page.set_input_files(
        "#file",
        {
            "name": "evening.csv",
            "mimeType": "text/csv",
            "buffer": f"title,artist\n{title} (Live),{artist}\n".encode(),
        },
    )
    page.get_by_role("button", name="Import").click()
    expect(page.get_by_role("heading", name="1 unsure match")).to_be_visible()
    page.get_by_role("link", name="Decide").click()
    yes = page.get_by_role("button", name=re.compile("^Yes:"))
    expect(yes).to_be_visible()
    assert serious(page) == []
    assert fits(page)
    yes.click()
    expect(page.get_by_role("heading", name="Nothing to decide")).to_be_visible()
    page.goto("/likes")
    expect(page.locator("main .title").first).to_have_text(title)
    page.goto("/me/matches")
    page.get_by_role("button", name=re.compile("^Undo")).click()
    expect(page.get_by_role("button", name=re.compile("^Yes:"))).to_be_visible()
