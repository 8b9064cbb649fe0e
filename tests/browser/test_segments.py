"""A person listens to a recommendation from the moment that it rests on."""

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
from songrec.store.sound import segment_index
from songrec.store.sound.segment_index import SongSegments
from songrec.store.tables import Track
from tests.browser.conftest import LiveServer
from tests.sounding import add_sound, write_wav

pytestmark = pytest.mark.browser

SECONDS = 30


@pytest.fixture(scope="module")
def cut(live_server: LiveServer, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, str]:
    """Two songs with windows every second; the other's are nearest to the liked one's at 12 s."""
    folder = tmp_path_factory.mktemp("sounds")
    with live_server.app.app_context():
        tracks = [
            db.session.get_one(Track, int(one)) for one in sorted(live_server.planted.track_ids[:2])
        ]
        for number, track in enumerate(tracks):
            path = write_wav(folder / f"{number}.wav", SECONDS, 220 * (number + 1), 8000)
            file = add_sound(db.session, track, path, duration_s=float(SECONDS))
            job = jobs.create(db.session, "sleeve", {"file_id": file.public_id})
            tasks.sleeve(db.session, job, lambda *_: None)
            db.session.delete(job)
        starts = np.arange(26, dtype=np.float32)
        liked, other = np.zeros((26, 4), np.float32), np.full((26, 4), 9, np.float32)
        other[12] = 0.5
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
        titles = tracks[0].title, tracks[1].title
        addresses = tracks[0].public_id
        db.session.commit()
        db.session.remove()
    return addresses, titles[1]


def until(page: Any, condition: Callable[[], bool]) -> None:
    """Wait for it. Playwright's own waiting evaluates text, which the pages' policy forbids."""
    end = time.monotonic() + 15
    while not condition():
        assert time.monotonic() < end, "it did not come to that"
        page.wait_for_timeout(50)


def test_a_recommendation_plays_from_its_moment_which_the_waveform_marks(
    page: Any, cut: tuple[str, str]
) -> None:
    liked, title = cut
    page.goto(f"/tracks/{liked}")
    with page.expect_response(re.compile("/reaction$")):
        page.locator("main [data-reaction] button[value=like]").first.click()
    page.goto("/recommendations")
    page.get_by_label("A moment like those").check()
    page.get_by_role("button", name="Show", exact=True).click()
    page.wait_for_url(re.compile("method=fragments"))
    small = page.get_by_role("img", name=f"Waveform of {title}, marked from 0:12")
    expect(small.locator("rect")).to_have_attribute("x", "40.00")
    bars = small.locator("path").get_attribute("d")
    assert bars.count("M") == 100
    link = page.get_by_role("link", name=f"Play {title} from 0:12")
    assert link.get_attribute("href").endswith("#t=12.0")
    link.click()

    def now() -> float:
        return page.evaluate("document.querySelector('[data-player-audio]').currentTime")

    until(page, lambda: 12 <= now() < 20)
    wave = page.locator("[data-player-wave]")
    until(page, lambda: wave.get_attribute("data-marked") == "0.400 0.567")
    # Further on in the same song it goes back to the moment.
    page.evaluate("document.querySelector('[data-player-audio]').currentTime = 25")
    until(page, lambda: now() > 24)
    link.click()
    until(page, lambda: 12 <= now() < 20)
    # Another way to play the song has no moment to mark.
    page.get_by_role("button", name="Close the player").click()
    page.get_by_role("link", name=f"Play {title}", exact=True).click()
    until(page, lambda: 0 < now() < 10)
    assert wave.get_attribute("data-marked") is None
