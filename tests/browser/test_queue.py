"""A person's queue: it goes on without a gap, can be changed, and survives a reload."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from songrec.services.features import conversion_slots, transcoded_files
from songrec.store.db import db
from songrec.store.listeners import listens
from songrec.store.tables import AudioFile, Listen, Track
from tests.audio_files.sounds import tone, write
from tests.browser.conftest import LiveServer
from tests.browser.sizes import both_sizes
from tests.browser.test_accessibility import fits, serious
from tests.browser.test_player import SECONDS, playing, songs, start, time_of, until
from tests.sounding import add_sound

__all__ = ["songs"]  # a fixture

pytestmark = pytest.mark.browser

LONGEST_GAP_MS = 500
"""As a machine with much other work allows; ``python -m benchmarks.gap`` measures it."""


def seek(page: Any, seconds: float) -> None:
    page.evaluate(
        "(to) => { document.querySelector('[data-player-audio]').currentTime = to; }", seconds
    )


def title(page: Any) -> Any:
    return page.locator("[data-player-title]")


def queued(page: Any) -> list[str]:
    return page.locator(".queue-song .title").all_inner_texts()


def sounding(page: Any) -> int:
    """How many of the player's elements play."""
    return page.evaluate(
        "[...document.querySelectorAll('[data-player] audio')].filter((a) => !a.paused).length"
    )


def test_the_next_song_begins_as_the_first_one_ends(page: Any, songs: list[str]) -> None:
    start(page, songs[0])
    first = title(page).inner_text()
    page.evaluate(
        """() => {
          for (const audio of document.querySelectorAll("[data-player] audio")) {
            for (const kind of ["ended", "playing"]) {
              audio.addEventListener(kind, () => {
                document.body.dataset[kind] = performance.now();
              }, true);
            }
          }
        }"""
    )
    seek(page, SECONDS - 4)
    until(page, lambda: title(page).inner_text() != first)
    until(page, lambda: time_of(page) > 0.2)
    # The first one is heard to its end, whichever comes first.
    until(page, lambda: page.evaluate("'ended' in document.body.dataset"))
    gap = page.evaluate("Number(document.body.dataset.playing) - document.body.dataset.ended")
    assert abs(gap) < LONGEST_GAP_MS
    until(page, lambda: sounding(page) == 1)


def test_a_song_begins_at_its_beginning_where_another_one_in_its_middle_had_not_loaded_yet(
    page: Any, songs: list[str]
) -> None:
    start(page, songs[0])
    page.evaluate(
        """() => {
          const { deck, queue } = window.songrecPlayer;
          const [first, second] = queue.songs;
          deck.open(first, 20);
          deck.open(second);
        }"""
    )
    until(page, lambda: page.evaluate("window.songrecPlayer.deck.audio.readyState") >= 3)
    page.wait_for_timeout(200)
    assert time_of(page) < 5


def test_what_is_paused_near_its_end_stays_and_goes_on_from_there(
    page: Any, songs: list[str]
) -> None:
    start(page, songs[0])
    # In the page, as a test would come too late on a busy machine.
    page.evaluate(
        """(end) => document.addEventListener("timeupdate", ({ target }) => {
          if (target.currentTime < end || window.wasPaused) return;
          window.wasPaused = true;
          document.querySelector("[data-player-toggle]").click();
        }, { capture: true })""",
        SECONDS - 0.9,
    )
    seek(page, SECONDS - 4)
    until(page, lambda: page.evaluate("Boolean(window.wasPaused)"))
    toggle = page.locator("[data-player-toggle]")
    page.wait_for_timeout(1500)
    expect(title(page)).to_have_text(songs[0])
    assert sounding(page) == 0
    toggle.click()
    expect(title(page)).to_have_text(songs[1])
    until(page, lambda: sounding(page) == 1)


def test_the_last_song_ends_and_a_repeated_one_begins_again(page: Any, songs: list[str]) -> None:
    start(page, songs[-1])
    seek(page, SECONDS - 1.5)
    until(page, lambda: not playing(page))
    expect(title(page)).to_have_text(songs[-1])
    assert sounding(page) == 0
    repeat = page.locator("[data-player-repeat]")
    repeat.click()
    repeat.click()
    expect(repeat).to_have_attribute("data-state", "one")
    page.locator("[data-player-toggle]").click()
    until(page, lambda: playing(page))
    seek(page, SECONDS - 1.5)
    until(page, lambda: 0.2 < time_of(page) < 10)
    expect(title(page)).to_have_text(songs[-1])
    until(page, lambda: sounding(page) == 1)


@both_sizes
def test_the_queue_is_changed_by_keyboard_and_saved(page: Any, songs: list[str]) -> None:
    start(page, songs[0])
    page.get_by_role("button", name="Now playing and queue").click()
    expect(page.locator("[data-player-view]")).to_be_visible()
    expect(page.locator("[data-player-song-view] h3")).to_have_text(songs[0])
    assert serious(page) == []
    assert fits(page)
    before = queued(page)
    assert len(before) == 3
    last = before[-1]
    up = page.get_by_role("button", name=f"Up: {last}")
    up.focus()
    page.keyboard.press("Enter")
    until(page, lambda: queued(page).index(last) == 1)
    # The button keeps the focus where its song went.
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == f"Up: {last}"
    other = next(one for one in queued(page) if one not in (last, title(page).inner_text()))
    page.get_by_role("button", name=f"Remove: {other}").click()
    until(page, lambda: len(queued(page)) == 2)
    page.get_by_label("Playlist name").fill("Two of three")
    page.get_by_role("button", name="Save as playlist").click()
    expect(page.get_by_role("link", name="Two of three")).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    until(page, lambda: queued(page) == [title(page).inner_text()])
    page.keyboard.press("Escape")
    expect(page.locator("[data-player-view]")).to_be_hidden()
    assert playing(page)


def test_songs_of_the_queue_are_dragged_to_their_place(page: Any, songs: list[str]) -> None:
    start(page, songs[0])
    page.keyboard.press("q")
    before = queued(page)
    assert len(before) == 3
    rows = page.locator(".queue-song")
    # To the upper edge of the first row, then below the last.
    rows.nth(2).drag_to(rows.nth(0), target_position={"x": 120, "y": 3})
    until(page, lambda: queued(page) == [before[2], before[0], before[1]])
    rows.nth(0).drag_to(rows.nth(2), target_position={"x": 120, "y": 40})
    until(page, lambda: queued(page) == before)
    assert playing(page)


def test_queue_place_and_settings_survive_a_reload_and_a_new_tab(
    page: Any, songs: list[str]
) -> None:
    start(page, songs[0])
    seek(page, 14)
    page.get_by_role("button", name="Repeat: off").click()
    page.get_by_role("slider", name="Volume").fill("0.4")
    page.reload()
    expect(title(page)).to_have_text(songs[0])
    until(page, lambda: time_of(page) > 13)
    expect(page.get_by_role("button", name="Repeat: all songs")).to_be_visible()
    assert page.get_by_role("slider", name="Volume").input_value() == "0.4"
    tab = page.context.new_page()
    tab.goto("/tracks")
    expect(title(tab)).to_have_text(songs[0])
    assert not playing(tab)
    tab.get_by_role("region", name="Player").get_by_role("button", name="Play", exact=True).click()
    until(tab, lambda: time_of(tab) > 13)
    # What plays in one tab stops in the other.
    until(page, lambda: not playing(page))
    tab.close()


def test_keys_work_on_the_whole_page_but_not_in_fields(page: Any, songs: list[str]) -> None:
    start(page, songs[0])
    page.locator("main").focus()
    page.keyboard.press("Space")
    until(page, lambda: not playing(page))
    before = time_of(page)
    page.keyboard.press("ArrowRight")
    until(page, lambda: 4 < time_of(page) - before < 6)
    with page.expect_response(re.compile("/reaction$")):
        page.keyboard.press("l")
    like = page.locator("[data-player-reaction] [data-name=like]")
    expect(like).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("n")
    until(page, lambda: title(page).inner_text() != songs[0])
    page.keyboard.press("q")
    expect(page.locator("[data-player-view]")).to_be_visible()
    page.keyboard.press("q")
    page.keyboard.press("?")
    shortcuts = page.get_by_role("dialog", name="Keyboard shortcuts")
    shortcuts.get_by_label("On the whole page").uncheck()
    shortcuts.get_by_role("button", name="Close").click()
    page.locator("main").focus()
    was = playing(page)
    page.keyboard.press("m")
    expect(page.locator("[data-player-mute]")).to_have_attribute("aria-pressed", "false")
    assert playing(page) == was


def test_hear_both_plays_the_two_parts_in_turn(
    page: Any, songs: list[str], live_server: LiveServer
) -> None:
    with live_server.app.app_context():
        ids = [db.session.query(Track.public_id).filter_by(title=one).scalar() for one in songs[:2]]
        db.session.remove()
    page.goto("/tracks")
    marked = page.locator("[data-hearing].is-playing")
    add_hear_both(page, ids, 10)
    page.get_by_role("button", name="Hear both").click()
    expect(marked).to_have_text("Part 0")
    expect(marked).to_have_text("Part 1")
    expect(marked).to_have_count(0)
    # A place that the sound does not have is said, and what played goes on.
    start(page, songs[0])
    add_hear_both(page, ids, SECONDS + 10)
    page.get_by_role("button", name="Hear both").click()
    expect(page.locator("[data-player-note]")).to_have_text("This cannot be played right now.")
    expect(page.get_by_role("button", name="Hear both")).to_have_attribute("aria-pressed", "false")
    until(page, lambda: playing(page))


def add_hear_both(page: Any, ids: list[str], begin: float) -> None:
    """Add a button to the page that plays a part of each song."""
    parts = [
        {"track": one, "from": begin + 5 * number, "for": 1.5, "label": f"Part {number + 1}"}
        for number, one in enumerate(ids)
    ]
    page.evaluate(
        """(parts) => {
          const group = document.createElement("div");
          group.dataset.hearBothGroup = "";
          const button = document.createElement("button");
          button.textContent = "Hear both";
          button.dataset.hearBoth = JSON.stringify(parts);
          group.append(button);
          for (const index of [0, 1]) {
            const place = document.createElement("p");
            place.dataset.hearing = index;
            place.textContent = `Part ${index}`;
            group.append(place);
          }
          document.querySelector("main").prepend(group);
        }""",
        parts,
    )


def test_a_play_is_history_after_half_of_a_short_song(
    page: Any, songs: list[str], live_server: LiveServer
) -> None:
    start(page, songs[1])

    def plays() -> int:
        with live_server.app.app_context():
            count = db.session.query(Listen).filter_by(title=songs[1], source=listens.SOURCE)
            number = count.count()
            db.session.remove()
        return number

    before = plays()
    page.evaluate("document.querySelector('[data-player-audio]').playbackRate = 8")
    until(page, lambda: plays() == before + 1)


def test_a_format_that_browsers_lack_plays_and_can_be_searched(
    page: Any, live_server: LiveServer, tmp_path: Path
) -> None:
    path = write(tmp_path / "old.wma", tone(20.0, 44_100), 44_100, "wmav2")
    with live_server.app.app_context():
        track = db.session.get_one(Track, int(live_server.planted.track_ids[-1]))
        file = add_sound(
            db.session, track, path, codec="wmav2", info={"container": "asf"}, duration_s=20.0
        )
        db.session.commit()
        name, public_id, file_id = track.title, track.public_id, file.id
        db.session.remove()
    page.goto(f"/tracks/{public_id}")
    page.get_by_role("link", name=f"Play {name}", exact=True).first.click()
    until(page, lambda: time_of(page) > 0.3)
    address = page.evaluate("document.querySelector('[data-player-audio]').currentSrc")
    assert "/transcoded?format=" in address
    slider = page.get_by_role("slider", name="Position in the song")
    slider.focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")
    until(page, lambda: time_of(page) > 10)
    with live_server.app.app_context():
        db.session.delete(db.session.get_one(AudioFile, file_id))
        db.session.commit()
        db.session.remove()


def test_a_moment_of_a_song_that_is_not_converted_yet_plays(
    page: Any, live_server: LiveServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def never(*_: object, **__: object) -> None:
        raise conversion_slots.Busy("Other songs are being converted.")

    monkeypatch.setattr(transcoded_files, "start", never)
    path = write(tmp_path / "long.wma", tone(40.0, 44_100), 44_100, "wmav2")
    with live_server.app.app_context():
        track = db.session.get_one(Track, int(live_server.planted.track_ids[-1]))
        file = add_sound(
            db.session, track, path, codec="wmav2", info={"container": "asf"}, duration_s=40.0
        )
        db.session.commit()
        public_id, file_id = track.public_id, file.id
        db.session.remove()
    page.goto(f"/tracks/{public_id}")
    detail = {"tracks": [public_id], "from": 10}
    page.evaluate(
        "detail => document.dispatchEvent(new CustomEvent('songrec:play', { detail }))", detail
    )
    slider = page.get_by_role("slider", name="Position in the song")

    def plays_from(start: float) -> None:
        until(page, lambda: start < 40 * float(slider.input_value()) < start + 8)
        until(page, lambda: time_of(page) > 0.3)

    plays_from(10)
    assert page.evaluate("document.querySelector('[data-player-audio]').currentSrc").endswith(
        "&from=10"
    )
    page.evaluate("window.songrecPlayer.seekTo(0.75)")
    plays_from(30)
    page.evaluate("window.songrecPlayer.seekTo(0.5)")  # before what has arrived
    plays_from(20)
    with live_server.app.app_context():
        db.session.delete(db.session.get_one(AudioFile, file_id))
        db.session.commit()
        db.session.remove()
