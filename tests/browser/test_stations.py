"""A like changes the list and says how; a station plays on and on; paths and blends are found."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.sync_api import expect

from songrec.store.db import db
from songrec.store.tables import Skip, Track
from tests.browser.conftest import LiveServer
from tests.browser.sizes import both_sizes
from tests.sounding import add_sound, write_wav

pytestmark = pytest.mark.browser

SONGS = 24


@pytest.fixture(scope="module")
def audible(live_server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """More songs with a little sound each than one part of a station's queue holds: their ids."""
    folder = tmp_path_factory.mktemp("sounds")
    ids = live_server.planted.track_ids[:SONGS].tolist()
    with live_server.app.app_context():
        tracks = [db.session.get_one(Track, track_id) for track_id in ids]
        for number, track in enumerate(tracks):
            path = write_wav(folder / f"{number}.wav", 60, 200 + 10 * number, 8000)
            add_sound(db.session, track, path, duration_s=60.0)
        found = [track.public_id for track in tracks]
        db.session.commit()
        db.session.remove()
    return found


def like_some(page: Any) -> None:
    page.goto("/clusters/0")
    for number in range(2):
        page.locator(".songs-table tbody tr").nth(number).get_by_role(
            "button", name=re.compile("^Like")
        ).click()
        expect(page.locator("[data-like-count]")).to_have_text(str(number + 1))


@both_sizes
def test_a_like_changes_the_list_at_once_and_says_what_changed(page: Any, viewport: str) -> None:
    like_some(page)
    page.goto("/recommendations?n=10")
    songs = page.locator(".song-list > li")
    expect(songs).to_have_count(10)
    first = songs.first
    title = first.locator(".title").inner_text()
    first.get_by_role("button", name=re.compile("^Like")).click()
    # It stays where it is, and one new song comes at the end.
    expect(page.locator("[data-announce]")).to_contain_text(f"You like “{title}”")
    expect(page.locator("[data-announce]")).to_contain_text("New at the end")
    expect(first.locator(".title")).to_have_text(title)
    like = first.get_by_role("button", name=re.compile("^Like"))
    expect(like).to_have_attribute("aria-pressed", "true")
    expect(songs).to_have_count(11)
    # What to do with a song stands beside it: more like this one.
    other = songs.nth(1).locator(".title").inner_text()
    page.get_by_role("link", name=f"More like {other}", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("More like this")
    # On its own page each taste is told with its songs, and a like can count for more.
    page.goto("/likes")
    page.get_by_role("button", name=f"{title} counts twice").click()
    expect(page.get_by_role("button", name=f"{title} counts twice")).to_have_attribute(
        "aria-pressed", "true"
    )
    page.goto("/me")
    expect(page.get_by_role("heading", name="2 tastes")).to_be_visible()
    taste = page.get_by_role("region", name=re.compile("^Taste ")).filter(
        has=page.get_by_role("link", name=title, exact=True)
    )
    expect(taste.get_by_role("heading")).to_contain_text("2 songs")


def queue(page: Any) -> list[str]:
    kept = page.evaluate("JSON.parse(sessionStorage.getItem('songrec-player'))")
    return [song["id"] for song in kept["songs"]]


def test_a_station_plays_on_past_its_first_part_and_repeats_nothing(
    page: Any, audible: list[str], live_server: LiveServer
) -> None:
    page.goto(f"/stations/song?of={audible[0]}")
    page.locator("main").get_by_role("button", name="Play", exact=True).click()
    title = page.locator("[data-player-title]")
    expect(title).to_have_attribute("href", f"/tracks/{audible[0]}")
    expect(page.locator("[data-player-why]")).to_have_text("The song this radio starts from")
    begun = len(queue(page))
    assert 0 < begun < SONGS
    audio = page.locator("[data-player-audio]")
    heard = [audible[0]]
    for number in range(SONGS - 1):
        # Ended as if it had been played to the end; every tenth one is left at once.
        if number == 10:
            expect(audio).to_have_js_property("paused", False)
            page.evaluate("document.querySelector('[data-player-audio]').play()")
            with page.expect_response(re.compile("/skip$")) as skipped:
                page.get_by_role("button", name="Next song").click()
            assert skipped.value.ok
        else:
            audio.evaluate("audio => { audio.dispatchEvent(new Event('ended')); }")
        expect(title).not_to_have_attribute("href", f"/tracks/{heard[-1]}")
        heard.append(title.get_attribute("href").rsplit("/", 1)[1])
    assert sorted(heard) == sorted(audible)
    assert len(queue(page)) == SONGS > begun
    expect(page.get_by_role("button", name="Next song")).to_be_disabled()
    with live_server.app.app_context():
        assert db.session.query(Skip).count() == 1
        db.session.remove()


ANSWERED = re.compile("Which song do you|songs along the path")


@both_sizes
def test_a_path_and_a_blend_are_found_by_title(page: Any, viewport: str) -> None:
    page.goto("/path")
    page.get_by_label("From", exact=True).fill("Song 17")
    page.get_by_label("To", exact=True).fill("Song 23")
    page.keyboard.press("Enter")
    path = page.get_by_role("heading", name="8 songs along the path")
    # More than one song may answer to the words: the person says which.
    for heading, name in (("start from", "Song 17"), ("end with", "Song 23")):
        choose = page.get_by_role("heading", name=f"Which song do you {heading}?")
        expect(page.get_by_role("heading", name=ANSWERED).first).to_be_visible()
        if choose.count():
            page.locator(".choose").first.get_by_role("link", name=name, exact=True).click()
            expect(choose).to_be_hidden()
    expect(path).to_be_visible()
    titles = page.locator(".song-list .title").all_inner_texts()
    assert (titles[0], titles[-1], len(titles)) == ("Song 17", "Song 23", 10)
    expect(page.locator(".steps li")).to_have_count(9)

    page.get_by_role("link", name="Song 17", exact=True).first.click()
    page.locator(".song-names .menu > summary").click()
    page.get_by_role("link", name="Blend", exact=True).last.click()
    page.get_by_label("Less like this").fill("Song 201")
    page.keyboard.press("Enter")
    expect(page.locator(".terms li")).to_have_count(2)
    expect(page.locator(".song-list > li")).to_have_count(20)
    first = page.locator(".song-list > li").first
    first.get_by_text("How this was scored").click()
    figures = [
        float(text.replace("−", "-").replace("+", ""))
        for text in first.locator(".sum").first.locator("td").all_inner_texts()
    ]
    # Each is rounded to three places.
    assert sum(figures[:-1]) == pytest.approx(figures[-1], abs=0.0005 * len(figures) + 1e-9)
