"""The map as a person uses it: look, point, search, filter, select, like, keep, open."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import numpy as np
import pytest
from playwright.sync_api import expect

from songrec.store.db import db
from songrec.store.tables import Track
from tests.browser.conftest import LiveServer
from tests.browser.sizes import both_sizes
from tests.sounding import add_sound, write_wav

pytestmark = pytest.mark.browser


def open_map(page: Any, query: str = "") -> None:
    page.goto(f"/map{query}")
    page.wait_for_selector("[data-map][data-ready=true]")


def drawn_pixels(page: Any) -> int:
    """How many pixels of the drawing are not see-through."""
    return page.evaluate(
        """() => {
          let drawn = 0;
          const drawing = document.querySelector("[data-map-plot] iframe").contentDocument;
          for (const canvas of drawing.querySelectorAll("canvas")) {
            const copy = document.createElement("canvas");
            [copy.width, copy.height] = [canvas.width, canvas.height];
            if (!copy.width || !copy.height) continue;
            const pen = copy.getContext("2d");
            pen.drawImage(canvas, 0, 0);
            const { data } = pen.getImageData(0, 0, copy.width, copy.height);
            for (let i = 3; i < data.length; i += 4) if (data[i]) drawn += 1;
          }
          return drawn;
        }"""
    )


def middle(page: Any) -> tuple[float, float]:
    """The middle of the map in the window: where the song is that the address named."""
    box = page.locator("[data-map-frame]").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] / 2


def settled(page: Any) -> None:
    page.wait_for_timeout(500)


@both_sizes
def test_the_map_is_drawn_and_fits_the_window(page: Any, viewport: str) -> None:
    open_map(page)
    assert drawn_pixels(page) > 1000
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
    frame = page.locator("[data-map-frame]").bounding_box()
    if viewport == "phone":
        assert frame["width"] >= 388
        assert 0.6 * 844 < frame["height"] < 0.8 * 844


def test_where_the_drawing_cannot_be_loaded_the_page_says_so_and_opens_the_list(page: Any) -> None:
    page.route(re.compile("/map/drawing$"), lambda route: route.abort())
    page.goto("/map")
    page.wait_for_selector("[data-map][data-ready=failed]")
    expect(page.locator("[data-map-status]")).to_contain_text("could not be loaded")
    expect(page.locator("[data-map-list]")).to_have_attribute("open", "")


@both_sizes
def test_a_song_found_is_in_the_middle_and_its_panel_shows_it(page: Any, viewport: str) -> None:
    open_map(page)
    page.fill("#map-q", "Song 42")
    page.wait_for_selector("#map-matches [role=option] .map-match-title")
    page.press("#map-q", "Enter")
    page.wait_for_selector("[data-map-song] .title:text-is('Song 42')")
    settled(page)
    box = page.locator("[data-map-over]").bounding_box()
    ring = page.locator(".map-found").bounding_box()
    assert ring["x"] + ring["width"] / 2 == pytest.approx(box["x"] + box["width"] / 2, abs=2)
    assert ring["y"] + ring["height"] / 2 == pytest.approx(box["y"] + box["height"] / 2, abs=2)


def test_the_address_can_name_the_song_to_show(page: Any) -> None:
    open_map(page, "?track=p000000017")
    expect(page.locator("[data-map-song] .title")).to_have_text("Song 17")


def test_pointing_tells_the_song_and_a_click_keeps_it_in_the_panel(page: Any) -> None:
    open_map(page, "?track=p000000017")
    settled(page)
    page.click("[data-map-song] .map-close")
    x, y = middle(page)
    page.mouse.move(x + 1, y + 1)
    page.wait_for_selector("[data-map-tip]:not([hidden]) strong:text-is('Song 17')")
    page.mouse.click(x + 1, y + 1)
    expect(page.locator(".map-found")).not_to_have_class(re.compile("is-hidden"))
    page.mouse.move(x + 300, y + 150, steps=4)
    expect(page.locator("[data-map-song] .title")).to_have_text("Song 17")
    page.click("[data-map-song] >> text=Open song")
    page.wait_for_url("**/tracks/p000000017")


@pytest.mark.parametrize("viewport", ["phone"], indirect=True)
def test_a_finger_shows_the_song_and_the_link_opens_it(page: Any) -> None:
    open_map(page, "?track=p000000017")
    settled(page)
    page.click("[data-map-song] .map-close")
    expect(page.locator("[data-map-song] .title")).to_have_count(0)
    page.touchscreen.tap(*middle(page))
    page.wait_for_selector("[data-map-song] .title:text-is('Song 17')")
    assert "/map" in page.url
    page.click("[data-map-song] >> text=Open song")
    page.wait_for_url("**/tracks/p000000017")


def test_the_legend_shows_and_hides_a_cluster_with_mouse_and_keyboard(
    page: Any, live_server: LiveServer
) -> None:
    open_map(page)
    toggles = page.locator(".legend-toggle")
    sizes = sorted(np.bincount(live_server.planted.labels).tolist(), reverse=True)
    counts = [int(text) for text in page.locator(".legend-count").all_text_contents()]
    assert counts == sizes
    toggles.first.click()
    expect(toggles.first).to_have_attribute("aria-pressed", "false")
    toggles.first.focus()
    page.keyboard.press("Space")
    expect(toggles.first).to_have_attribute("aria-pressed", "true")
    toggles.nth(1).dblclick()
    pressed = [toggle.get_attribute("aria-pressed") for toggle in toggles.all()]
    assert pressed == ["false", "true", "false", "false"]
    page.click("[data-legend-all]")
    assert all(toggle.get_attribute("aria-pressed") == "true" for toggle in toggles.all())


def test_the_address_can_name_the_cluster_to_show(page: Any) -> None:
    open_map(page, "?cluster=2")
    pressed = page.locator(".legend-toggle[aria-pressed=true] .legend-name")
    assert pressed.all_text_contents() == ["bright dance pop"]


@both_sizes
def test_an_artists_songs_are_ringed_selected_and_in_view(page: Any, viewport: str) -> None:
    page.goto("/artists/Artist 7")
    page.click("text=Show on map")
    page.wait_for_selector("[data-map][data-ready=true]")
    settled(page)
    rings = page.locator(".map-picked circle:not(.is-hidden)")
    count = rings.count()
    expect(page.locator("[data-selection-count]")).to_have_text(f"{count} songs by Artist 7")
    assert count > 2
    frame = page.locator("[data-map-frame]").bounding_box()
    for ring in rings.all():
        box = ring.bounding_box()
        assert frame["x"] < box["x"] < frame["x"] + frame["width"] - box["width"]
        assert frame["y"] < box["y"] < frame["y"] + frame["height"] - box["height"]
    page.click("[data-selection-clear]")
    expect(page.locator(".map-picked circle")).to_have_count(0)
    page.wait_for_selector("[data-map-selection]", state="hidden")


def test_colours_follow_a_genre_and_an_attribute(page: Any) -> None:
    open_map(page)
    page.select_option("#map-colour", "genre")
    page.wait_for_selector(".legend-name:text-is('folk')")
    page.select_option("#map-colour", "tempo")
    page.wait_for_selector(".legend-ramp")
    assert "BPM" in page.text_content(".legend-range")
    page.locator("[aria-label='Show from']").focus()
    page.keyboard.press("End")
    page.wait_for_selector("[data-legend-all]:not([hidden])")


def drag(page: Any, points: list[tuple[float, float]]) -> None:
    box = page.locator("[data-map-frame]").bounding_box()
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=5)
    page.mouse.up()


def test_of_a_large_selection_the_songs_in_its_middle_are_liked(
    page: Any, live_server: LiveServer
) -> None:
    open_map(page)
    page.click("label[title='Select with a lasso']")
    drag(page, [(0.3, 0.01), (0.99, 0.01), (0.99, 0.99), (0.01, 0.99), (0.01, 0.01)])
    page.wait_for_selector("[data-map-selection]:not([hidden])")
    expect(page.locator("[data-selection-like]")).to_have_text("Like the 200 in the middle")
    with page.expect_request("**/map/likes") as sent:
        page.click("[data-selection-like]")
    rows = [int(row) for row in parse_qs(sent.value.post_data)["rows"][0].split(",")]
    where = live_server.planted.coordinates
    apart = np.hypot(*((where - np.median(where, axis=0)) / np.ptp(where, axis=0)).T)
    left_out = np.setdiff1d(np.arange(len(where)), rows)
    assert len(rows) == 200
    assert np.median(apart[left_out]) > np.quantile(apart[rows], 0.9)


def test_a_box_around_everything_selects_all_songs_in_view_and_likes_them(page: Any) -> None:
    open_map(page)
    page.click("label[title='Select in a box']")
    drag(page, [(0.3, 0.02), (0.6, 0.45)])
    page.wait_for_selector("[data-map-selection]:not([hidden])")
    count = int(re.match(r"\d+", page.text_content("[data-selection-count]"))[0])
    assert 5 < count < 240
    page.click("[data-selection-like]")
    page.wait_for_selector("[data-map-selection]", state="hidden")
    expected = min(count, 200)
    expect(page.locator("[data-like-count]")).to_have_text(str(expected))
    expect(page.locator(".map-hearts use")).to_have_count(expected)
    page.reload()
    page.wait_for_selector("[data-map][data-ready=true]")
    expect(page.locator(".map-hearts use")).to_have_count(expected)


def test_a_lasso_is_kept_as_a_playlist(page: Any) -> None:
    open_map(page)
    page.click("label[title='Select with a lasso']")
    drag(page, [(0.35, 0.05), (0.62, 0.05), (0.6, 0.4), (0.36, 0.38)])
    page.wait_for_selector("[data-map-selection]:not([hidden])")
    count = int(re.match(r"\d+", page.text_content("[data-selection-count]"))[0])
    page.click("[data-selection-keep]")
    page.fill("#map-playlist", "From the map")
    page.keyboard.press("Enter")
    page.wait_for_url("**/playlists/*")
    assert "From the map" in page.text_content("h1")
    assert f"{count} songs" in page.text_content("main")


def test_a_like_from_the_panel_leaves_a_heart_and_a_dislike_takes_it_away(page: Any) -> None:
    open_map(page, "?track=p000000017")
    page.click("[data-map-song] button[title='Like']")
    page.wait_for_selector("[data-map-song] button[title='Like'][aria-pressed=true]")
    expect(page.locator(".map-hearts use")).to_have_count(1)
    page.click("[data-map-song] button[title^='Not for me']")
    page.wait_for_selector("[data-map-song] button[title^='Not for me'][aria-pressed=true]")
    expect(page.locator(".map-hearts use")).to_have_count(0)
    expect(page.locator("[data-like-count]")).to_have_text("0")


def test_the_keyboard_goes_from_song_to_song_and_shows_one(page: Any) -> None:
    open_map(page)
    page.focus("[data-map-frame]")
    announced = page.locator("[data-announce]")
    page.keyboard.press("ArrowRight")
    expect(announced).to_contain_text("Enter shows it")
    first = announced.text_content()
    page.keyboard.press("+")
    page.keyboard.press("ArrowRight")
    expect(announced).not_to_have_text(first)
    title = announced.text_content().split(",")[0]
    page.keyboard.press("Enter")
    expect(page.locator("[data-map-song] .title")).to_have_text(title)
    expect(page.locator("[data-map-song] .title")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url("**/tracks/p*")


def test_switching_the_theme_redraws_without_a_reload(page: Any) -> None:
    open_map(page)
    page.evaluate("window.kept = true")
    ink = "getComputedStyle(document.querySelector('.map-box')).backgroundColor"
    before = page.evaluate(ink)
    page.click("[data-theme-toggle]")
    settled(page)
    assert page.evaluate(ink) != before
    assert page.evaluate("window.kept")
    assert drawn_pixels(page) > 1000


def test_a_line_from_song_to_song_is_a_path_that_can_be_kept(page: Any) -> None:
    open_map(page)
    settled(page)
    page.click("label[title='Draw a path from song to song']")
    page.evaluate("window.scrollTo(0, 0)")
    drag(page, song_places(page, 2))
    stops = page.locator(".map-stop:not(.is-hidden)")
    expect(stops).to_have_count(8)
    expect(page.locator("[data-selection-count]")).to_contain_text("8 songs from “Song")
    expect(page.locator("[data-selection-like]")).to_be_hidden()
    page.click("[data-selection-keep]")
    page.fill("#map-playlist", "On the way")
    page.keyboard.press("Enter")
    page.wait_for_url("**/playlists/*")
    assert "8 songs" in page.text_content("main")


def song_places(page: Any, n: int) -> list[tuple[float, float]]:
    """Places of drawn names of songs, far from each other, as shares of the frame."""
    places = page.evaluate(
        """() => {
          const frame = document.querySelector("[data-map-frame]").getBoundingClientRect();
          return [...document.querySelectorAll(".name-title:not(.is-hidden)")].map((name) => {
            const box = name.getBoundingClientRect();
            const y = box.y + box.height / 2 - frame.y;
            return [(box.x + box.width / 2 - frame.x) / frame.width, y / frame.height];
          }).sort((a, b) => a[0] - b[0]);
        }"""
    )
    return [tuple(places[i * (len(places) - 1) // (n - 1)]) for i in range(n)]


def test_the_list_says_the_same_without_javascript(browser: Any, live_server: LiveServer) -> None:
    context = browser.new_context(base_url=live_server.url, java_script_enabled=False)
    page = context.new_page()
    page.goto("/map")
    expect(page.locator(".map-entries > li")).to_have_count(4)
    expect(page.locator(".map-entries a[href^='/tracks/']").first).to_be_visible()
    expect(page.locator(".map-picture a")).to_have_count(4)
    expect(page.locator(".map-picture")).to_be_visible()
    assert "240 songs" in page.inner_text("main")
    context.close()


def test_a_large_map_shows_density_and_from_near_the_songs(
    page: Any, live_server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("songrec.web.map.views.MOST_POINTS", 100)
    monkeypatch.setattr("songrec.web.map.density.MOST_SONGS", 150)
    open_map(page)
    density = page.frame_locator("[data-map-plot] iframe").locator("image")
    expect(density).to_have_attribute("href", re.compile("^data:image/png;base64,.{500,}"))
    expect(page.locator(".legend-count").first).to_have_text(
        str(np.bincount(live_server.planted.labels).max())
    )
    page.fill("#map-q", "Song 42")
    page.wait_for_selector("#map-matches [role=option] .map-match-title")
    page.press("#map-q", "Enter")
    settled(page)
    with page.expect_response("**/map/cells?*"):
        for _ in range(3):
            page.click("[data-map-nearer]")
    settled(page)
    expect(density).to_have_count(0)
    assert drawn_pixels(page) > 100
    page.click("[data-map-song] .map-close")
    page.mouse.click(*middle(page))
    expect(page.locator("[data-map-song] .title")).to_have_text("Song 42")
    page.click("label[title='Select with a lasso']")
    drag(page, [(0.3, 0.1), (0.9, 0.1), (0.9, 0.9), (0.1, 0.9), (0.1, 0.5)])
    expect(page.locator("[data-selection-count]")).to_contain_text("songs selected")


SECONDS = 30
# What plays a part of a song is no element of the page.
SOUNDS = """window.sounds = [];
window.Audio = class extends window.Audio {
  constructor(...about) { super(...about); window.sounds.push(this); }
};"""


@pytest.fixture(scope="module")
def audible(live_server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The public id of a song with sound, in the middle of its group."""
    folder = tmp_path_factory.mktemp("sounds")
    planted = live_server.planted
    with live_server.app.app_context():
        track = db.session.get_one(Track, int(planted.track_ids[16]))
        path = write_wav(folder / "one.wav", SECONDS, 220, 8000)
        add_sound(db.session, track, path, duration_s=float(SECONDS))
        public_id = track.public_id
        db.session.commit()
        db.session.remove()
    return public_id


def sounding(page: Any) -> list[float]:
    """Where the sounds are that play."""
    return page.evaluate(
        "[...document.querySelectorAll('audio'), ...window.sounds]"
        ".filter((a) => !a.paused).map((a) => a.currentTime)"
    )


def until(page: Any, condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        page.wait_for_timeout(50)


def test_a_song_is_heard_for_five_seconds_and_a_selection_plays(page: Any, audible: str) -> None:
    page.add_init_script(SOUNDS)
    open_map(page, f"?track={audible}")
    settled(page)
    switch = page.locator("[data-map-preview]")
    expect(switch).to_have_attribute("aria-pressed", "true")
    page.mouse.click(*middle(page))
    until(page, lambda: any(9 < at < 15 for at in sounding(page)))
    expect(page.locator(".map-sounding")).not_to_have_class(re.compile("is-hidden"))
    switch.click()
    until(page, lambda: not sounding(page))
    page.reload()
    page.wait_for_selector("[data-map][data-ready=true]")
    expect(switch).to_have_attribute("aria-pressed", "false")
    page.click("label[title='Select in a box']")
    drag(page, [(0.45, 0.45), (0.55, 0.55)])
    page.click("[data-selection-play]")
    until(page, lambda: bool(sounding(page)))
    expect(page.locator("[data-player-title]").first).to_have_text("Song 17")


@pytest.mark.parametrize("viewport", ["phone"], indirect=True)
def test_on_a_phone_previews_are_off_until_they_are_switched_on(page: Any, audible: str) -> None:
    open_map(page)
    switch = page.locator("[data-map-preview]")
    expect(switch).to_have_attribute("aria-pressed", "false")
    switch.tap()
    expect(switch).to_have_attribute("aria-pressed", "true")


def test_where_the_browser_keeps_nothing_the_map_is_drawn_and_previews_are_switched(
    page: Any, audible: str
) -> None:
    page.add_init_script(
        """for (const name of ["localStorage", "sessionStorage"]) {
          const get = () => { throw new DOMException("refused", "SecurityError"); };
          Object.defineProperty(window, name, { get });
        }"""
    )
    open_map(page)
    switch = page.locator("[data-map-preview]")
    expect(switch).to_have_attribute("aria-pressed", "true")
    switch.click()
    expect(switch).to_have_attribute("aria-pressed", "false")


@pytest.mark.parametrize(
    ("viewport", "theme"), [("desktop", "light"), ("phone", "dark")], indirect=["viewport"]
)
def test_axe_finds_nothing_serious(page: Any, viewport: str, theme: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    page.emulate_media(color_scheme=theme)
    open_map(page, "?track=p000000017")
    settled(page)
    found = Axe().run(page).response["violations"]
    assert [
        (v["id"], v["nodes"][0]["target"]) for v in found if v["impact"] in ("serious", "critical")
    ] == []
