"""A person hears a liked song and the recommended one, each from the moment that they share."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

from songrec.jobs import tasks
from songrec.store import jobs
from songrec.store.db import db
from songrec.store.sound import audio_files, segment_index
from songrec.store.sound.segment_index import SongSegments
from songrec.store.tables import Track
from tests.browser.conftest import LiveServer
from tests.browser.sizes import both_sizes
from tests.sounding import add_sound, write_wav

pytestmark = pytest.mark.browser

SECONDS = 30
PLAYED = """
window.played = [];
const play = HTMLMediaElement.prototype.play;
HTMLMediaElement.prototype.play = function () {
  window.played.push([this.src, this.currentTime, this]);
  return play.call(this);
};
"""
"""Notes what every media element is asked to play, and from where."""


@pytest.fixture(scope="module")
def cut(live_server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, str]]:
    """Two songs with windows every second; the nearest ones are at 3 s and 12 s."""
    folder = tmp_path_factory.mktemp("sounds")
    planted = live_server.planted
    apart = ((planted.values - planted.values[0]) / planted.values.std(axis=0)) ** 2
    nearest = int(apart.sum(axis=1)[1:].argmin()) + 1
    with live_server.app.app_context():
        tracks = [db.session.get_one(Track, int(planted.track_ids[row])) for row in (0, nearest)]
        for number, track in enumerate(tracks):
            path = write_wav(folder / f"{number}.wav", SECONDS, 220 * (number + 1), 8000)
            file = add_sound(db.session, track, path, duration_s=float(SECONDS))
            job = jobs.create(db.session, "sleeve", {"file_id": file.public_id})
            tasks.sleeve(db.session, job, lambda *_: None)
            db.session.delete(job)
        starts = np.arange(26, dtype=np.float32)
        liked, other = np.zeros((26, 4), np.float32), np.full((26, 4), 9, np.float32)
        liked[3], other[12] = 0.4, 0.5
        segment_index.write(
            live_server.instance,
            [
                SongSegments(tracks[0].id, starts, liked, np.tile([0.9], (26, 1))),
                SongSegments(tracks[1].id, starts, other, np.tile([0.9], (26, 1))),
            ],
            seconds=5,
            made_by="tagger",
            tag_names=("slow waltz",),
        )
        files = audio_files.for_tracks(db.session, [track.id for track in tracks])
        songs = [
            {"id": t.public_id, "title": t.title, "file": files[t.id].public_id} for t in tracks
        ]
        db.session.commit()
        db.session.remove()
    return songs


def until(page: Any, condition: Callable[[], bool]) -> None:
    """Wait for it. Playwright's own waiting evaluates text, which the pages' policy forbids."""
    end = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        page.wait_for_timeout(50)


def like(page: Any, song: dict[str, str]) -> None:
    page.goto(f"/tracks/{song['id']}")
    with page.expect_response(re.compile("/reaction$")):
        page.locator("main [data-reaction] button[value=like]").first.click()


@both_sizes
def test_both_songs_are_heard_one_after_the_other(
    page: Any, cut: list[dict[str, str]], viewport: str
) -> None:
    page.add_init_script(PLAYED)
    liked, other = cut
    like(page, liked)
    # Whole songs are compared here: of the two the nearest moments are heard.
    page.goto("/recommendations?method=distance")
    group = page.locator("[data-hear-both-group]")
    expect(group).to_have_count(1)
    for song, clock, left in ((liked, "0:03", "10.00"), (other, "0:12", "40.00")):
        name = f"Waveform of {song['title']}, marked from {clock}"
        wave = group.get_by_label(name)
        expect(wave.locator("rect")).to_have_attribute("x", left)
        assert wave.locator("path").get_attribute("d").count("M") == 50
    button = group.get_by_role("button", name=re.compile("^Hear both: "))
    button.focus()
    page.keyboard.press("Enter")
    parts = group.locator("[data-hearing]")
    expect(parts.nth(0)).to_have_class(re.compile("is-playing"))
    until(page, lambda: page.evaluate("window.played.length") == 2)
    expect(parts.nth(1)).to_have_class(re.compile("is-playing"))
    expect(parts.nth(0)).not_to_have_class(re.compile("is-playing"))
    played = page.evaluate("window.played.map(([src, at]) => [src.split('/').pop(), at])")
    assert [source for source, _ in played] == [liked["file"], other["file"]]
    assert [at for _, at in played] == pytest.approx([3, 12], abs=0.3)
    until(page, lambda: page.evaluate("window.played[1][2].currentTime") > 12.5)
    # What was pressed once more is quiet.
    button.press("Enter")
    until(page, lambda: page.evaluate("window.played[1][2].paused"))
    expect(group.locator(".is-playing")).to_have_count(0)


def test_a_moment_plays_on_from_where_the_waveform_marks_it(
    page: Any, cut: list[dict[str, str]]
) -> None:
    liked, other = cut
    like(page, liked)
    page.goto("/recommendations")
    page.get_by_text("Tune", exact=True).click()
    page.get_by_label("A moment like those").check()
    page.wait_for_url(re.compile("method=fragments"))
    expect(page.locator(".reason").first).to_have_text(
        f"Slow waltz, like “{liked['title']}” at 0:03"
    )
    link = page.get_by_role("link", name=f"Play {other['title']} from 0:12")
    assert link.get_attribute("href").endswith("#t=12,17")
    link.click()

    def now() -> float:
        return page.evaluate("document.querySelector('[data-player-audio]').currentTime")

    until(page, lambda: 12 <= now() < 20)
    wave = page.locator("[data-player-wave]")
    until(page, lambda: wave.get_attribute("data-marked") == "0.400 0.567")
    # Another way to play the song has no moment to mark.
    page.get_by_role("button", name="Close the player").click()
    page.get_by_role("link", name=f"Play {other['title']}", exact=True).click()
    until(page, lambda: 0 < now() < 10)
    assert wave.get_attribute("data-marked") is None
