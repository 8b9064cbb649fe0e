"""The system's media controls show the song that plays and steer the player."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import expect

from tests.browser.test_player import SECONDS, playing, songs, start, time_of, until

__all__ = ["songs"]  # a fixture

pytestmark = pytest.mark.browser

# A browser hands the buttons of the lock screen to these functions only.
HANDLERS = """
const session = navigator.mediaSession;
const setHandler = session.setActionHandler.bind(session);
const setPosition = session.setPositionState.bind(session);
window.handlers = {};
session.setActionHandler = (name, act) => { window.handlers[name] = act; setHandler(name, act); };
session.setPositionState = (state) => { window.position = state; setPosition(state); };
"""


def press(page: Any, action: str, **details: float) -> None:
    page.evaluate(
        "([action, details]) => { window.handlers[action]({ action, ...details }); }",
        [action, details],
    )


def shown(page: Any) -> dict[str, Any]:
    """What the system shows, and what its first picture is."""
    return page.evaluate(
        """async () => {
          const { title, artist, album, artwork } = navigator.mediaSession.metadata;
          const answer = await fetch(artwork[0].src);
          return { title, artist, album, picture: answer.ok && answer.headers.get("Content-Type") };
        }"""
    )


def test_the_system_shows_the_song_and_its_buttons_act(page: Any, songs: list[str]) -> None:
    page.add_init_script(HANDLERS)
    start(page, songs[0])
    title = page.locator("[data-player-title]")
    expect(title).to_have_text(songs[0])
    expected = {
        "title": songs[0],
        "artist": page.locator("[data-player-artists]").inner_text(),
    }
    metadata = shown(page)
    assert {name: metadata[name] for name in expected} == expected
    assert metadata["picture"] in ("image/jpeg", "image/png")

    press(page, "pause")
    until(page, lambda: not playing(page))
    press(page, "seekto", seekTime=12.0)
    until(page, lambda: time_of(page) == 12.0)
    press(page, "seekforward", seekOffset=5.0)
    until(page, lambda: time_of(page) == 17.0)
    press(page, "seekbackward", seekOffset=2.0)
    until(page, lambda: time_of(page) == 15.0)
    press(page, "seekbackward")
    until(page, lambda: time_of(page) == 5.0)
    until(page, lambda: page.evaluate("window.position.position") == 5.0)
    assert page.evaluate("window.position.duration") == pytest.approx(SECONDS)
    press(page, "play")
    until(page, lambda: playing(page) and time_of(page) > 5.0)

    press(page, "nexttrack")
    expect(title).to_have_text(songs[1])
    until(page, lambda: shown(page)["title"] == songs[1])
    # From the beginning of a song, which a busy machine may have left.
    press(page, "pause")
    press(page, "seekto", seekTime=0.0)
    press(page, "previoustrack")
    expect(title).to_have_text(songs[0])
    press(page, "stop")
    expect(page.locator("[data-player]")).to_be_hidden()
