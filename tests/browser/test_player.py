"""A person plays a song, goes on browsing, and it goes on playing."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from songrec.jobs import tasks
from songrec.store import jobs
from songrec.store.db import db
from songrec.store.tables import Track
from tests.browser.conftest import LiveServer
from tests.browser.sizes import both_sizes
from tests.sounding import add_sound, write_wav

pytestmark = pytest.mark.browser

SECONDS = 30


@pytest.fixture(scope="module")
def songs(live_server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Three songs of cluster 0 with thirty seconds of sound each, their waveforms made."""
    folder = tmp_path_factory.mktemp("sounds")
    planted = live_server.planted
    ids = planted.track_ids[planted.labels == 0][-3:].tolist()[::-1]
    with live_server.app.app_context():
        titles = []
        for number, track_id in enumerate(ids):
            track = db.session.get_one(Track, track_id)
            path = write_wav(folder / f"{number}.wav", SECONDS, 220 * (number + 1), 8000)
            file = add_sound(db.session, track, path, duration_s=float(SECONDS))
            job = jobs.create(db.session, "sleeve", {"file_id": file.public_id})
            tasks.sleeve(db.session, job, lambda *_: None)
            db.session.delete(job)
            titles.append(track.title)
        db.session.commit()
        db.session.remove()
    return titles


def time_of(page: Any) -> float:
    return page.evaluate("document.querySelector('[data-player-audio]').currentTime")


def playing(page: Any) -> bool:
    return page.evaluate("!document.querySelector('[data-player-audio]').paused")


def until(page: Any, condition: Callable[[], bool]) -> None:
    """Wait for it. Playwright's own waiting evaluates text, which the pages' policy forbids."""
    end = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        page.wait_for_timeout(50)


def start(page: Any, title: str) -> None:
    page.goto("/clusters/0")
    page.get_by_role("link", name=f"Play {title}", exact=True).click()
    until(page, lambda: time_of(page) > 0.3)


@both_sizes
def test_a_song_plays_on_while_one_browses(page: Any, songs: list[str]) -> None:
    page.goto("/clusters/0")
    expect(page.locator("[data-player]")).to_be_hidden()
    page.get_by_role("button", name="Play all").click()
    until(page, lambda: time_of(page) > 0.3)
    bar = page.get_by_role("region", name="Player")
    assert bar.locator("[data-player-title]").inner_text() in songs
    # A mark that only this document has: it is still there when nothing was loaded anew.
    page.evaluate("document.documentElement.dataset.mark = 'same'")
    before = time_of(page)
    page.get_by_role("link", name="Browse", exact=True).click()
    page.wait_for_url("**/tracks")
    page.get_by_role("heading", name="Songs", level=1).wait_for()
    assert page.title().startswith("Songs")
    assert page.evaluate("document.documentElement.dataset.mark") == "same"
    assert page.get_by_role("link", name="Browse", exact=True).get_attribute("aria-current")
    page.get_by_label("Search songs").fill("240")
    page.get_by_label("Search songs").press("Enter")
    page.wait_for_url("**/tracks?*q=240*")
    page.get_by_role("link", name="Song 240", exact=True).click()
    page.get_by_role("heading", name="Song 240").wait_for()
    page.go_back()
    page.wait_for_url("**/tracks?*q=240*")
    assert page.evaluate("document.documentElement.dataset.mark") == "same"
    assert playing(page)
    assert time_of(page) > before


@both_sizes
def test_a_song_plays_on_while_forms_are_sent(page: Any, songs: list[str], long_song: str) -> None:
    page.goto(f"/tracks/{long_song}")
    page.locator("main [data-play]").first.click()
    until(page, lambda: time_of(page) > 0.3)
    keep_sound(page)
    page.evaluate("document.documentElement.dataset.mark = 'same'")
    likes = page.locator("header a[title='Your likes']")
    likes.click()
    expect(likes).to_have_attribute("aria-current", "page")
    page.get_by_role("link", name="Playlists", exact=True).first.click()
    expect(likes).not_to_have_attribute("aria-current", "page")
    page.wait_for_url("**/playlists")
    page.get_by_label("Name of the new playlist").fill("Evening")
    page.get_by_role("button", name="New playlist").click()
    page.wait_for_url("**/playlists/*")
    page.get_by_role("heading", name="Evening", level=1).wait_for()
    address = page.url
    details = page.get_by_role("region", name="Name and description")
    details.get_by_label("Name").fill("Quiet evening")
    details.get_by_role("button", name="Save").click()
    page.get_by_role("heading", name="Quiet evening", level=1).wait_for()
    assert page.url == address
    # Without a network the form stays as it is, and it is said.
    page.context.set_offline(True)
    details.get_by_label("Name").fill("Another")
    details.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_have_text("songrec did not answer. Try again.")
    page.context.set_offline(False)
    details.get_by_role("button", name="Save").click()
    page.get_by_role("heading", name="Another", level=1).wait_for()
    page.go_back()
    page.wait_for_url("**/playlists")
    page.get_by_role("link", name="Another").wait_for()
    assert page.evaluate("document.documentElement.dataset.mark") == "same"
    assert is_same_sound(page)


@pytest.fixture(scope="module")
def long_song(live_server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> str:
    """The public id of a song of ten minutes, which no slow machine plays to its end."""
    planted = live_server.planted
    with live_server.app.app_context():
        track = db.session.get_one(Track, int(planted.track_ids[planted.labels == 1][0]))
        path = write_wav(tmp_path_factory.mktemp("long") / "long.wav", 600.0, 220, 8000)
        add_sound(db.session, track, path, duration_s=600.0)
        public_id = track.public_id
        db.session.commit()
        db.session.remove()
    return public_id


def is_same_sound(page: Any) -> bool:
    """Whether the element that ``keep_sound`` marked plays and nothing stopped it since."""
    return page.evaluate("window.sound?.isConnected && !window.sound.paused && !window.stops")


def keep_sound(page: Any) -> None:
    page.evaluate(
        """() => {
          window.sound = document.querySelector("[data-player-audio]");
          window.stops = 0;
          for (const kind of ["pause", "emptied", "seeking"]) {
            window.sound.addEventListener(kind, () => { window.stops += 1; });
          }
        }"""
    )


@pytest.mark.parametrize(
    ("address", "link", "ready", "drawn"),
    [
        ("/map", "Map", "[data-map][data-ready=true]", "[data-map-plot] iframe"),
        ("/api/v1/docs", "API", "[data-api-docs][data-ready=true]", ".opblock"),
    ],
    ids=["map", "api"],
)
def test_to_pages_that_draw_and_back_the_same_element_plays_on(
    page: Any, long_song: str, address: str, link: str, ready: str, drawn: str
) -> None:
    page.goto(f"/tracks/{long_song}")
    page.locator(f".song-tools [data-play={long_song}]").click()
    until(page, lambda: time_of(page) > 0.3)
    keep_sound(page)
    for _ in range(2):
        before = time_of(page)
        page.get_by_role("link", name=link, exact=True).click()
        page.wait_for_url(f"**{address}")
        page.wait_for_selector(ready)
        expect(page.locator(drawn).first).to_be_visible()
        page.get_by_role("link", name="Browse", exact=True).click()
        page.wait_for_url("**/tracks")
        page.get_by_role("heading", name="Songs", level=1).wait_for()
        assert is_same_sound(page)
        assert time_of(page) > before
    page.go_back()
    page.wait_for_selector(ready)
    assert is_same_sound(page)
    # From a page that was loaded with it, too.
    page.reload()
    page.wait_for_selector(ready)
    expect(page.locator("[data-player]")).to_be_visible()
    if not playing(page):
        page.locator("[data-player-toggle]").click()
    until(page, lambda: playing(page))
    keep_sound(page)
    page.get_by_role("link", name="Home", exact=True).click()
    page.wait_for_selector("[data-home]")
    page.go_back()
    page.wait_for_selector(ready)
    assert is_same_sound(page)


def test_after_an_update_the_next_page_is_loaded_and_the_song_goes_on_where_it_was(
    page: Any, songs: list[str]
) -> None:
    """Other versions of scripts that run already would act on every press a second time."""
    start(page, songs[0])
    page.evaluate("document.querySelector('[data-player-audio]').currentTime = 12")
    page.evaluate("window.isOld = true")

    def update(route: Any) -> None:
        response = route.fetch()
        text = re.sub(r"(js/reactions\.js\?v=)\w+", r"\1new", response.text())
        route.fulfill(response=response, body=text)

    page.route("**/tracks", update)
    page.get_by_role("link", name="Browse", exact=True).click()
    page.get_by_role("heading", name="Songs", level=1).wait_for()
    assert page.evaluate("window.isOld") is None
    until(page, lambda: time_of(page) > 11)
    expect(page.locator("[data-player-title]")).to_have_text(songs[0])


def test_a_reaction_on_one_page_adds_nothing_to_the_list_of_the_next_one(
    page: Any, songs: list[str]
) -> None:
    page.goto("/tracks")
    for number in range(2):
        with page.expect_response(re.compile("/reaction$")):
            page.locator(".songs-table button[value=like]").nth(number).click()
    page.goto("/clusters/0")
    song = page.get_by_role("link", name=songs[1], exact=True).get_attribute("href")
    start(page, songs[0])
    page.evaluate("window.songrecBrowse.open('/recommendations')")
    page.get_by_role("heading", name="For you", level=1).wait_for()
    page.evaluate(
        """(address) => {
          const leave = () => window.songrecBrowse.open(address);
          document.addEventListener("reaction", leave, { once: true });
          document.querySelector("[data-answer] .i-no").click();
        }""",
        song,
    )
    page.get_by_role("heading", name=songs[1], level=1).wait_for()
    shown = page.locator(".similar .song-list .title")
    before = shown.all_inner_texts()
    page.locator(".similar .i-no").first.click()
    expect(page.locator("[data-announce]")).to_contain_text("New at the end")
    assert shown.all_inner_texts()[:-1] == before[1:]
    # The song that came belongs to this dislike: it goes with it.
    page.get_by_role("button", name=f"Undo: {before[0]}").click()
    expect(shown).to_have_text(before)


def test_the_queue_is_the_list_and_the_buttons_step_through_it(page: Any, songs: list[str]) -> None:
    start(page, songs[0])
    title = page.locator("[data-player-title]")
    expect(title).to_have_text(songs[0])
    order = page.locator("[data-play]").evaluate_all("all => all.map((one) => one.dataset.play)")
    assert len(order) == 3
    page.get_by_role("button", name="Next song").click()
    until(page, lambda: title.inner_text() != songs[0])
    page.get_by_role("button", name="Previous song").click()
    until(page, lambda: title.inner_text() == songs[0])
    # The song's own button in the list pauses it.
    page.get_by_role("link", name=f"Pause {songs[0]}", exact=True).click()
    until(page, lambda: not playing(page))


def test_another_song_plays_from_the_page_that_plays_one(page: Any, songs: list[str]) -> None:
    start(page, songs[0])
    page.evaluate("document.documentElement.dataset.mark = 'same'")
    address = page.url
    page.get_by_role("link", name=f"Play {songs[1]}", exact=True).click()
    expect(page.locator("[data-player-title]")).to_have_text(songs[1])
    until(page, lambda: playing(page))
    page.wait_for_timeout(500)  # in which the page would be left
    assert page.url == address
    assert page.evaluate("document.documentElement.dataset.mark") == "same"


def test_seeking_by_waveform_and_by_keyboard(page: Any, songs: list[str]) -> None:
    start(page, songs[0])
    page.locator("[data-player-wave][data-peaks='600']").wait_for()
    box = page.locator(".player-wave").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    assert abs(time_of(page) - SECONDS / 2) < 1.5
    slider = page.get_by_role("slider", name="Position in the song")
    slider.focus()
    before = time_of(page)
    page.keyboard.press("ArrowRight")
    assert 4 < time_of(page) - before < 7
    page.keyboard.press("Space")
    until(page, lambda: not playing(page))
    assert "of 0:30" in slider.get_attribute("aria-valuetext")
    page.get_by_role("button", name="Close the player").click()
    expect(page.locator("[data-player]")).to_be_hidden()
    page.reload()
    expect(page.locator("[data-player]")).to_be_hidden()


def test_a_file_that_is_gone_is_told_and_passed_over(
    page: Any, songs: list[str], live_server: LiveServer
) -> None:
    from sqlalchemy import select

    from songrec.store.tables import AudioFile

    with live_server.app.app_context():
        query = (
            select(AudioFile)
            .join(Track, Track.id == AudioFile.track_id)
            .where(Track.title == songs[0])
        )
        path = Path(db.session.scalars(query).one().path)
        db.session.remove()
    hidden = path.with_suffix(".gone")
    path.rename(hidden)
    try:
        page.goto("/clusters/0")
        first = page.locator("[data-play]").first.get_attribute("aria-label")
        page.get_by_role("link", name=f"Play {songs[0]}", exact=True).click()
        if first == f"Play {songs[0]}":
            until(page, lambda: time_of(page) > 0.2)
            assert page.locator("[data-player-title]").inner_text() != songs[0]
        assert songs[0] in page.locator("[data-announce]").text_content()
    finally:
        hidden.rename(path)
